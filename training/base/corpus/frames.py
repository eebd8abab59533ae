"""Services of real domains, written by hand in both languages: how each is described and how people ask for it.

Comes in: the YAML files of `frames/`, one a domain, and those of `patterns/`, whose services deal with any thing, `※`.
Goes out: `Frame`s by domain; `about_thing`, a pattern's frame with a noun for its thing; and `expand`, one variant of a
line: `(a|b)` is a choice, `[...]` may be left out, `{name}` stays. Knows nothing of forms and documents.

Every line of a file is checked when it is read: what a sentence names must exist, or ValueError says where it does not.
"""

import functools
import random
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from training.base.corpus import values
from training.base.corpus.values import Make, Value

FOLDER = Path(__file__).with_name("frames")
PATTERNS = Path(__file__).with_name("patterns")
THING = "※"
LANGUAGES = ("en", "zh")
_SLOT = re.compile(r"\{([^{}]+)\}")
_ONE_BY_ONE = re.compile(r"(?<=[0-9A-Za-z])\0(?=[0-9A-Za-z])")
_PART = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_TYPES: dict[str, tuple[str, Make]] = {
    "person": ("string", values.person),
    "place": ("string", values.place),
    "date": ("string", values.day_as_said),
    "time": ("string", values.time_of_day),
    "email": ("string", values.email),
    "phone": ("string", values.phone),
    "url": ("string", values.url),
    "code": ("string", values.code),
    "address": ("string", values.address),
    "sentence": ("string", values.sentence),
    "term": ("string", values.term),
    "title": ("string", values.title),
    "language": ("string", values.language),
    "color": ("string", values.color),
    "dish": ("string", values.dish),
    "currency": ("string", values.currency),
    "path": ("string", values.path),
    "letters": ("string", lambda rng, lang: values.same(values.letters(rng, 2, 7))),
    "persons": ("array", values.several(values.person)),
    "terms": ("array", values.several(values.term)),
    "numbers": ("array", values.numbers),
}
_TEXTS = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # texts only: `no` stays `no`
_MANY = "several "  # before a kind of text or a list: an array of them
_FREE_SHARE = 0.2  # of the values of a word list is any other, so that copying is learned and not the list
_PHRASE_SHARE = 0.3  # of those is free text of several words, the others a term
_OWN_WORD_SHARE = 0.25  # of the options are said as they are stored, in a Chinese sentence too


@dataclass(frozen=True)
class FrameField:
    names: list[str]
    about: dict[str, list[str]]
    schema: dict[str, Any]
    make: Make
    required: bool
    options: dict[str, list[str]] | None = None  # of a value that is one of a few: the English and Chinese word of each


@dataclass(frozen=True)
class Frame:
    """One service. `asks` and `tells` are lines by language; `result` maps a key to a field that it repeats, or to the
    makers of a new value.
    """

    domain: str
    names: list[str]
    about: dict[str, list[str]]
    fields: dict[str, FrameField]
    asks: dict[str, list[str]]
    result: dict[str, "str | Make"]
    tells: dict[str, list[str]]
    original: str | None = None  # of a renamed frame, the name that it had, and the word by which it is asked for
    known_by: str | None = None
    thing: tuple[str, str] | None = None  # of a pattern's frame, its noun in English and in Chinese


@functools.cache
def domains(folder: Path = FOLDER) -> dict[str, list[Frame]]:
    """Every domain's frames, in order of their names. Raises ValueError where a file breaks the rules of its format."""
    return {file.stem: read_domain(file) for file in sorted(folder.glob("*.yaml"))}


def read_domain(file: Path) -> list[Frame]:
    content = yaml.load(file.read_text(encoding="utf-8"), _TEXTS)
    part, frames = "values", []
    try:
        lists = {name: _from_list(words) for name, words in (content.get("values") or {}).items()}
        for part, entry in content["forms"].items():  # noqa: B007  # told where one of them is wrong
            frames.append(_frame(file.stem, entry, lists))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{file.name}: {part}: {type(error).__name__}: {error}") from error
    return frames


def about_thing(frame: Frame, thing: tuple[str, str]) -> Frame:
    """A frame of a pattern that deals with `thing`, an English noun and a Chinese one."""
    noun = dict(zip(LANGUAGES, thing, strict=True))

    def named(texts: list[str]) -> list[str]:
        return [text.replace(THING, noun["en"]) for text in texts]

    def said(texts: dict[str, list[str]]) -> dict[str, list[str]]:
        return {lang: [text.replace(THING, noun[lang]) for text in lines] for lang, lines in texts.items()}

    fields = {
        slot: replace(field, names=named(field.names), about=said(field.about)) for slot, field in frame.fields.items()
    }
    return replace(
        frame,
        names=named(frame.names),
        about=said(frame.about),
        fields=fields,
        asks=said(frame.asks),
        tells=said(frame.tells),
        thing=thing,
    )


def siblings(frame: Frame) -> list[Frame]:
    """The frames of its domain, itself among them; of a pattern, all about its thing."""
    if frame.thing is None:
        return domains()[frame.domain]
    return [about_thing(other, frame.thing) for other in domains(PATTERNS)[frame.domain]]


def _frame(domain: str, entry: dict[str, Any], lists: dict[str, Make]) -> Frame:
    fields = {name: _field(field, lists) for name, field in (entry.get("fields") or {}).items()}
    result = {key: kind if kind in fields else _kind(kind, {}, lists)[1] for key, kind in entry["result"].items()}
    asks = {lang: _lines(entry[lang], fields) for lang in LANGUAGES}
    tells = {lang: _lines(entry["tells"][lang], result) for lang in LANGUAGES}
    about = {lang: _texts(entry["about"][lang]) for lang in LANGUAGES}
    return Frame(domain, _texts(entry["names"]), about, fields, asks, result, tells)


def _field(entry: dict[str, Any], lists: dict[str, Make]) -> FrameField:
    schema: dict[str, Any]
    if options := entry.get("options"):
        schema, make = {"type": "string", "enum": list(options)}, one_of(options)
    else:
        type_, make = _kind(entry["kind"], entry, lists)
        schema = {"type": type_}
        if type_ == "array":
            schema["items"] = {"type": "number" if entry["kind"] == "numbers" else "string"}
    about = {lang: _texts(entry[lang]) for lang in LANGUAGES}
    return FrameField(_texts(entry["names"]), about, schema, make, entry.get("required") == "true", options)


def _kind(kind: str, entry: dict[str, Any], lists: dict[str, Make]) -> tuple[str, Make]:
    if kind in lists:
        return "string", lists[kind]
    if kind == "switch":
        return "boolean", _switch(entry["yes"], entry["no"])
    if kind.startswith(_MANY):
        return "array", values.several(_kind(kind.removeprefix(_MANY), entry, lists)[1])
    if kind in ("integer", "number"):
        return kind, _ranged(kind, float(entry.get("low", 1)), float(entry.get("high", 500)))
    return _TYPES[kind]


def _from_list(given: dict[str, list[str]]) -> Make:
    words = {lang: _texts(given[lang]) for lang in LANGUAGES}

    def make(rng: random.Random, lang: str) -> Value:
        if rng.random() < _FREE_SHARE:
            return (values.phrase if rng.random() < _PHRASE_SHARE else values.term)(rng, lang)
        return values.same(rng.choice(words[lang]))

    return make


def one_of(given: dict[str, list[str]]) -> Make:
    """One of the options, said by its word or as it is stored."""
    options = {value: _texts(words) for value, words in given.items()}

    def make(rng: random.Random, lang: str) -> Value:
        value = rng.choice(list(options))
        return Value(value, value if rng.random() < _OWN_WORD_SHARE else options[value][lang == "zh"])

    return make


def _switch(yes: list[str], no: list[str]) -> Make:
    def make(rng: random.Random, lang: str) -> Value:
        on = rng.random() < 0.5
        return Value(on, (yes if on else no)[lang == "zh"])

    return make


def _ranged(kind: str, low: float, high: float) -> Make:
    def make(rng: random.Random, lang: str) -> Value:
        if kind == "integer":
            number = rng.randint(int(low), int(high))
            if number <= 20 and rng.random() < 0.15:
                return Value(number, values.in_words(rng, number, lang))
            return Value(number, str(number))
        amount = round(rng.uniform(low, high), rng.choice((1, 1, 2)))
        return Value(amount, repr(amount))

    return make


def _texts(given: list[Any]) -> list[str]:
    """A list of texts: an unquoted one with a colon in it is an object to YAML."""
    for text in given:
        if not isinstance(text, str) or not text:
            raise ValueError(f"{text!r} is no text; put it into quotes")
    return list(given)


def _lines(text: str, known: dict[str, Any]) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in lines:
        if unknown := set(_SLOT.findall(line)) - set(known):
            raise ValueError(f"{sorted(unknown)} in {line!r} is nowhere described")
        if re.search(r"[()\[\]|]", always_said(line)):
            raise ValueError(f"brackets within brackets, or without their partner, in {line!r}")
    if not lines:
        raise ValueError("no sentence is given")
    return lines


def expand(rng: random.Random, line: str) -> str:
    """One variant of a line, its `{slots}` still open."""

    def part(match: re.Match[str]) -> str:
        if match[1] is not None:
            return rng.choice(match[1].split("|"))
        return match[2] if rng.random() < 0.5 else ""

    return _PART.sub(part, line)


def always_said(line: str) -> str:
    """The words that every variant of a line has."""
    return _SLOT.sub("\0", _PART.sub("\0", line))


def slots(text: str) -> list[str]:
    """The names of the values that an expanded line holds."""
    return _SLOT.findall(text)


def fill(text: str, said: dict[str, str]) -> str:
    """`text` with its values in it; where two would run into one (a date and a time in Chinese), a space between."""
    filled = _SLOT.sub(lambda match: said[match[1]], text.replace("}{", "}\0{"))
    return _ONE_BY_ONE.sub(" ", filled).replace("\0", "")
