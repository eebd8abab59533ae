"""Sentence patterns: `(Add|Save) a note[ tagged {tag}]: {text}` and how one is filled.

`(a|b)` is a choice, `[...]` a part that may be left out, `{name}` a value. Comes in: one line of a phrase file. Goes
out: a choice of its variants, and the text. Knows nothing of tools and values.
"""

import functools
import random
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

_TOKEN = re.compile(r"\{[^{}]+\}|[()\[\]|]|[^()\[\]|{}]+")


@dataclass(frozen=True)
class Slot:
    name: str


@dataclass(frozen=True)
class Choice:
    """One of `options`; an optional part is a choice between itself and nothing."""

    options: tuple["Sequence", ...]
    optional: bool = False
    names: tuple[frozenset[str], ...] = ()  # of the values in each option


Sequence = tuple["str | Slot | Choice", ...]


@functools.cache
def parse(pattern: str) -> Sequence:
    """The pattern as a tree. Raises ValueError where brackets do not match."""
    tokens = _TOKEN.findall(pattern)
    sequence, rest = _sequence(tokens, 0, pattern)
    if rest != len(tokens) or "".join(tokens) != pattern:
        raise ValueError(f"brackets do not match in {pattern!r}")
    return sequence


def _sequence(tokens: list[str], at: int, pattern: str) -> tuple[Sequence, int]:
    parts: list[str | Slot | Choice] = []
    while at < len(tokens) and tokens[at] not in (")", "]", "|"):
        token = tokens[at]
        if token in ("(", "["):
            choice, at = _choice(tokens, at + 1, ")" if token == "(" else "]", pattern)
            parts.append(choice)
        else:
            parts.append(Slot(token[1:-1]) if token.startswith("{") else token)
            at += 1
    return tuple(parts), at


def _choice(tokens: list[str], at: int, closing: str, pattern: str) -> tuple[Choice, int]:
    options = []
    while True:
        option, at = _sequence(tokens, at, pattern)
        options.append(option)
        if at >= len(tokens) or tokens[at] not in ("|", closing):
            raise ValueError(f"brackets do not match in {pattern!r}")
        if tokens[at] == closing:
            names = tuple(frozenset(_slots(option)) for option in options)
            return Choice(tuple(options), closing == "]", names), at + 1
        at += 1


@functools.cache
def slots(pattern: str) -> frozenset[str]:
    """The names of every value that some variant of the pattern holds."""
    return frozenset(_slots(parse(pattern)))


def _slots(sequence: Sequence) -> set[str]:
    names: set[str] = set()
    for part in sequence:
        if isinstance(part, Slot):
            names.add(part.name)
        elif isinstance(part, Choice):
            names.update(*part.names)
    return names


def choose(pattern: str, rng: random.Random, needed: Collection[str] = (), without: Collection[str] = ()) -> str:
    """One variant, with its `{slots}` still open: optional parts that hold a needed value stay, those that hold a value
    of `without` go, and the others stay or go by chance.
    """
    return _chosen(parse(pattern), rng, frozenset(needed), frozenset(without))


def _chosen(sequence: Sequence, rng: random.Random, needed: frozenset[str], without: frozenset[str]) -> str:
    text = ""
    for part in sequence:
        if isinstance(part, str):
            text += part
        elif isinstance(part, Slot):
            text += f"{{{part.name}}}"
        else:
            allowed = [at for at, names in enumerate(part.names) if not names & without]
            if part.optional:
                must = any(part.names[at] & needed for at in allowed)
                if not allowed or not (must or rng.random() < 0.5):
                    continue
            at = rng.choice(allowed) if allowed else rng.randrange(len(part.options))
            text += _chosen(part.options[at], rng, needed, without)
    return text


def fill(text: str, value: Callable[[str], str]) -> str:
    """The chosen variant with each `{name}` replaced by `value(name)`."""
    return re.sub(r"\{([^{}]+)\}", lambda match: value(match[1]), text)


def may_lack(pattern: str, name: str) -> bool:
    """Whether some variant does without `name`, all others being asked for: it stands in optional parts only."""
    return name in slots(pattern) and name not in _always(parse(pattern))


def _always(sequence: Sequence) -> set[str]:
    names: set[str] = set()
    for part in sequence:
        if isinstance(part, Slot):
            names.add(part.name)
        elif isinstance(part, Choice) and not part.optional:
            names |= set.intersection(*(_always(option) for option in part.options))
    return names
