"""Duplicates: has a row been made before, to the word or nearly so?

Comes in: rows, one after the other. Goes out: for each the row it repeats and how, or nothing; what is new is
remembered once it is added. Knows nothing of stages and files.

Exact are rows whose users say the same words and in which the same calls are made. Near are rows of the same scenario
and the same tools called whose questions have most of their character 5-grams in common: characters, because Chinese
has no spaces between words; by scenario and tools, so that the few rows of a rare tool are not lost to the many of
another. MinHash (Broder 1997, by `datasketch`) finds candidates without comparing all pairs; what is reported is the
exact Jaccard index of the two sets of 5-grams.
"""

import hashlib
import json
import unicodedata
from functools import cache, lru_cache
from typing import Any

from dataset_builder.embedded_teacher.split import family_of
from dataset_builder.rows import Row

NEAR = 0.6  # Jaccard index from which two questions are near; real questions of different meaning stay below 0.4
GRAM = 5  # characters
PERMUTATIONS = 128
RECALL = (0.1, 0.9)  # weights of false positives, which are compared again, and of false negatives, which are lost


def folded(text: str) -> str:
    """Text without the differences that do not count: width, case, spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def fingerprint(row: Row) -> str:
    """Equal for rows in which users say the same words and the same calls are made, whatever tools are offered."""
    said = [folded(turn["content"]) for turn in row["messages"] if turn["role"] == "user"]
    calls = [call["function"] for turn in row["messages"] for call in turn.get("tool_calls", [])]
    return hashlib.sha256(json.dumps([said, calls], ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def grams(text: str) -> set[str]:
    """The character 5-grams of a folded text; of a shorter one, the text itself."""
    return {text[at : at + GRAM] for at in range(max(1, len(text) - GRAM + 1))}


class NearTexts:
    """Finds, among the texts that were added, the one nearest to another.

    Args:
        threshold: The Jaccard index of 5-grams, above 0 and at most 1, from which texts are near.
    """

    def __init__(self, threshold: float):
        from datasketch import MinHashLSH  # brings scipy with it: only for those who look for near duplicates

        self._threshold = threshold
        self._index = MinHashLSH(num_perm=PERMUTATIONS, params=_bands(threshold))
        self._texts: list[tuple[str, str]] = []  # name, folded text

    def add(self, name: str, text: str) -> None:
        text = folded(text)
        self._index.insert(len(self._texts), _signature(text))
        self._texts.append((name, text))

    def nearest(self, text: str) -> tuple[str, float] | None:
        """The name of the nearest text and how near it is; the first of several; None where none is near."""
        text = folded(text)
        ours = grams(text)
        found: tuple[str, float] | None = None
        for number in sorted(self._index.query(_signature(text))):
            name, other = self._texts[number]
            theirs = grams(other)
            alike = len(ours & theirs) / len(ours | theirs)
            if alike >= self._threshold and (found is None or alike > found[1]):
                found = name, alike
        return found


class Duplicates:
    """The rows there are already.

    Args:
        near: From which Jaccard index a row is a near duplicate; 0 looks for exact ones only.
        across: Where questions are held out, the first of a row is near to none about the same family on the other
            side of the split, whatever the scenario and the tools.
    """

    def __init__(self, near: float = 0.0, across: bool = False):
        self._near, self._across = near, across and near > 0
        self._asked: dict[tuple[str, bool], NearTexts] = {}  # first questions by family, and whether held out
        self._exact: dict[str, str] = {}  # fingerprint: the row's name
        self._cells: dict[tuple[str, ...], NearTexts] = {}

    def against(self, row: Row) -> str:
        """`exact: …` or `near: …`, naming the row that is repeated; "" for a row that is new."""
        if (same := self._exact.get(fingerprint(row))) is not None:
            return f"exact: the same words and the same calls as in {same}"
        cell = self._cells.get(_cell(row)) if self._near else None
        found = cell.nearest(_question(row)) if cell else None
        if found:
            return f"near: {found[1]:.2f} alike with {found[0]}"
        family, held_out = _side(row)
        beyond = self._asked.get((family, not held_out)) if self._across else None
        found = beyond.nearest(_first_question(row)) if beyond else None
        return f"near: {found[1]:.2f} alike with {found[0]}, on the other side of the split" if found else ""

    def add(self, row: Row) -> None:
        self._exact.setdefault(fingerprint(row), row["id"])
        if self._near:
            cell = _cell(row)
            if cell not in self._cells:
                self._cells[cell] = NearTexts(self._near)
            self._cells[cell].add(row["id"], _question(row))
        if self._across:
            self._asked.setdefault(_side(row), NearTexts(self._near)).add(row["id"], _first_question(row))


def _question(row: Row) -> str:
    return "\n".join(turn["content"] for turn in row["messages"] if turn["role"] == "user")


def _first_question(row: Row) -> str:
    return next((turn["content"] for turn in row["messages"] if turn["role"] == "user"), "")


def _side(row: Row) -> tuple[str, bool]:
    """The family that a row is about, and whether it holds a held-out question about one that is trained on."""
    family = family_of(row["split_key"])
    return family, family != row["split_key"]


def _cell(row: Row) -> tuple[str, ...]:
    """Scenario and tools: those called; where something is missing, those that would have been."""
    called = {call["function"]["name"] for turn in row["messages"] for call in turn.get("tool_calls", [])}
    if not called and row["scenario"] == "missing_parameter":
        return row["scenario"], family_of(row["split_key"])
    return row["scenario"], *sorted(called)


@cache
def _bands(threshold: float) -> tuple[int, int]:
    """How many bands of how many values find likenesses from `threshold`; a tenth of a second to work out."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, weights=RECALL)
    return index.b, index.r


@lru_cache(maxsize=4)  # what is looked for is added next
def _signature(text: str) -> Any:
    signature = _blank().copy()
    signature.update_batch([gram.encode() for gram in grams(text)])
    return signature


@cache
def _blank() -> Any:
    """Of nothing; a copy is far cheaper than another one, with the same permutations drawn again."""
    from datasketch import MinHash

    return MinHash(num_perm=PERMUTATIONS)
