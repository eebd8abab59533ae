"""Which side of the train/test split something belongs to, by a stable hash: tool families, sentences and words alike.

A family's side decides everything: the questions about it are made only of sentences and words of that side, and the
other tools offered beside it come from that side too. Nothing is drawn from both.

Or every tool is trained on, and only questions are held out (`HoldOut`): then sentences and words are divided as
before, and a family's rows have two split keys, its name and `held_out_key` of it.
"""

import hashlib
from collections.abc import Collection, Iterable
from typing import Literal

Side = Literal["train", "test"]
HoldOut = Literal["families", "questions"]
SIDES: tuple[Side, ...] = ("train", "test")

FAMILY_SHARE = 0.22  # of the families is held out
WORD_SHARE = 0.25  # of each word list and of each list of sentences is held out
_MARK = ":held-out"  # of a split key: questions about a family that is trained on, too


def held_out_key(family: str) -> str:
    """The split key of held-out questions about a family whose other questions are trained on."""
    return f"{family}{_MARK}"


def family_of(split_key: str) -> str:
    """The family that a split key is about."""
    return split_key.removesuffix(_MARK)


def fraction(kind: str, text: str, seed: int) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{seed}\x1f{kind}\x1f{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def family_sides(families: Collection[str], seed: int = 0) -> dict[str, Side]:
    """The side of each family: about FAMILY_SHARE of them are held out, by a stable hash of the name. Chance is not let
    go far: at least one, and never more than a third of them (of two families, one).

    Args:
        families: Names of tool families.
        seed: Another seed holds out other families.
    """
    ranked = sorted(set(families), key=lambda family: fraction("family", family, seed))
    held_out = sum(fraction("family", family, seed) < FAMILY_SHARE for family in ranked)
    held_out = min(max(held_out, 1), max(len(ranked) // 3, 1)) if len(ranked) > 1 else 0
    return {family: "test" if place < held_out else "train" for place, family in enumerate(ranked)}


def side_of_text(text: str, seed: int = 0) -> Side:
    """The side of one sentence or word, the same in whichever list it stands."""
    return "test" if fraction("text", text.casefold().strip(), seed) < WORD_SHARE else "train"


def keep(entries: Iterable[str], side: Side, seed: int = 0) -> list[str]:
    """The entries that belong to `side`. Where chance would leave one side without any, the entry nearest to that side
    goes there; a list of one entry has no held-out side, and raises ValueError for it.
    """
    entries = sorted(set(entries), key=lambda entry: fraction("text", entry.casefold().strip(), seed))
    kept = [entry for entry in entries if side_of_text(entry, seed) == side]
    if kept and len(kept) < len(entries):
        return kept
    if len(entries) < 2:
        raise ValueError(f"a list of {len(entries)} entries cannot be divided: {entries}")
    return entries[:1] if side == "test" else entries[1:]
