"""What a build is told, and what follows from that alone.

Comes in: values, checked one by one already. Goes out: `Settings`. Knows nothing of command lines and of building.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.errors import UserError
from dataset_builder.duplicates import NEAR
from dataset_builder.embedded_teacher.split import HoldOut
from dataset_builder.outcomes import PUBLISH

UNKNOWN = "unknown"  # a licence that nobody has named
SHARDS = ".shards"  # what the name of the folder of a dataset's shards ends with
_SHARD = re.compile(r"\d{5}-of-(\d{5})(?:\.work)?")  # a shard's dataset, or its work


@dataclass(frozen=True)
class Settings:
    """What a build is told.

    Args:
        tools: A source of tools, as `agent.tools.load_tools` takes it.
        teacher: `embedded`, or a model's name; several endpoints of one model by commas.
        place: What the card calls the dataset: a repository, or the folder's name.
        concurrency: How many questions are worked on at once.
        near: From which likeness rows are near duplicates (see `Duplicates`); 0 looks for exact ones only. None is 0
            for the embedded teacher, whose grammar says many different things in nearly the same words, and the usual
            likeness for all others.
        mix: How often each scenario comes, as whole numbers; None leaves it to the teacher.
        decontaminate: Files of benchmarks that no row may come from.
        judge: The model that judges; "" for the teacher itself.
        prompts: A folder of prompts in place of our own.
        recordings: A file of results of tools that cannot be run (see `dataset_builder.standing_in`).
        accept: How many solutions there are to be of each question, to choose from.
        stage: After which stage the run ends.
        append: Add the rows to those of the folder.
        shard: Which part of the questions is asked, of how many: (which, N), counted from 0.
        hold_out: What the test is made of: families of tools that are in no row of train, or questions about any tool.
        prices: Of a million tokens read and of a million written; only for telling what was spent.
    """

    tools: str
    teacher: str
    output: Path
    rows: int
    languages: tuple[str, ...]
    seed: int
    license: str
    place: str
    concurrency: int = 16
    overwrite: bool = False
    near: float | None = None
    decontaminate: tuple[Path, ...] = ()
    mix: Mapping[str, int] | None = None
    judge: str = ""
    prompts: Path | None = None
    recordings: Path | None = None
    accept: int = 1
    stage: str = PUBLISH
    append: bool = False
    shard: tuple[int, int] = (0, 1)
    hold_out: HoldOut = "families"
    prices: tuple[float, float] = (0.0, 0.0)

    @property
    def near_from(self) -> float:
        return self.near if self.near is not None else 0.0 if self.teacher == "embedded" else NEAR

    @property
    def folder(self) -> Path:
        """Where the dataset goes: for a shard, a folder of its own beside the others."""
        which, shards = self.shard
        if shards == 1:
            return self.output
        return shards_folder(self.output) / f"{which + 1:05d}-of-{shards:05d}"

    @property
    def wanted(self) -> int:
        """Rows of this shard."""
        which, shards = self.shard
        return self.rows // shards + (which < self.rows % shards)


def named(path: Path) -> Path:
    """`path` with a name, which `.` and `..` hide: what belongs to a folder lies beside it, under its name.

    Raises:
        UserError: it has none: it is the root.
    """
    whole = Path(os.path.abspath(path)) if path.name in ("", "..") else path
    if not whole.name:
        raise UserError("has nothing beside it", where=str(path), mend="name a folder in it")
    return whole


def shards_folder(output: Path) -> Path:
    """Where the shards of a dataset folder lie."""
    output = named(output)
    return output.with_name(f"{output.name}{SHARDS}")


def shard_places(output: Path) -> list[Path]:
    """The folder of every shard of a dataset folder, in order, of which some may not have begun; none where none has.

    Raises:
        UserError: there are shards of builds with another number of them.
    """
    folder = shards_folder(output)
    found = {int(match[1]) for path in folder.glob("*-of-*") if (match := _SHARD.fullmatch(path.name))}
    if len(found) > 1:
        told = " and ".join(map(str, sorted(found)))
        raise UserError(f"holds shards of {told}", where=str(folder), mend="delete those of the other build")
    return [folder / f"{which:05d}-of-{number:05d}" for number in found for which in range(1, number + 1)]


def work_folder(output: Path) -> Path:
    """Where the journal of a dataset folder lies."""
    output = named(output)
    return output.with_name(f"{output.name}.work")
