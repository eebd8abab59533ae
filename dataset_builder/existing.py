"""A dataset folder that is there already, as a source of rows for another: what is appended to, or a shard.

Comes in: a folder that a build wrote. Goes out: its rows by side of the split, what it dropped, its preference pairs
and its manifest, each read from disk when it is gone through.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from agent.errors import UserError
from dataset_builder.embedded_teacher.split import HoldOut, family_of
from dataset_builder.rows import CANDIDATES, MANIFEST, Preference, Rejected, Row, iter_rows, raw_rows, read_jsonl

Value = TypeVar("Value")


class Chained(Generic[Value]):
    """Several sources of values as one: what can be counted and gone through again, without taking memory."""

    def __init__(self, count: int, *sources: Callable[[], Iterable[Value]]):
        self._count, self._sources = count, sources

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Value]:
        for source in self._sources:
            yield from source()

    def append(self, value: Value, /) -> None:
        raise TypeError("sources are only read")


HELD_OUT = "held out"  # among the facts of a manifest: families or questions


class Existing:
    """The dataset in `folder`.

    Raises:
        UserError: there is none, or it cannot be read.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        try:
            self.manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(
                "there is no dataset of callsmith here", where=str(folder), mend="build it first"
            ) from error

    @cached_property
    def counts(self) -> dict[str, int]:
        """Rows of each split."""
        return {split: count for split, count in self.manifest["rows"].items() if count}

    @cached_property
    def holds_out(self) -> HoldOut | None:
        """What its test is made of; None where it was no build of ours that told its rows apart, but an import or an
        export. Earlier versions held out families, and do not say so.
        """
        known = self.manifest["settings"].get(HELD_OUT)
        if known is None and any(family_of(row["split_key"]) != row["split_key"] for row in self.rows("test")):
            return "questions"
        return known or ("families" if "seeds" in self.manifest else None)

    def rows(self, split: str) -> Iterator[Row]:
        yield from iter_rows(self.folder, split) if split in self.counts else ()

    def rejected(self) -> Iterator[Rejected]:
        yield from (entry for _, entry in self._lines("rejected.jsonl"))

    def candidates(self) -> Iterator[dict[str, Any]]:
        yield from (entry for _, entry in self._lines(CANDIDATES))

    def pairs(self) -> Iterator[Preference]:
        for file in sorted((self.folder / "preference").glob("*.parquet")):
            yield from (pair for _, pair in raw_rows(file))

    def _lines(self, name: str) -> Iterator[tuple[int, Any]]:
        return read_jsonl(self.folder / name) if (self.folder / name).is_file() else iter(())
