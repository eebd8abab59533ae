"""Merges the shards of a build, which many machines may have made, into one dataset.

Comes in: `Settings` whose output has shards beside it (OUTPUT.shards). Goes out: the dataset folder and its `Report`.
Each shard was checked by itself; what repeats a row of another shard is dropped here.
"""

import tempfile
from collections import Counter
from pathlib import Path

from agent.errors import UserError
from dataset_builder.assembly import Told, assemble
from dataset_builder.calls import Calls
from dataset_builder.card import Report
from dataset_builder.embedded_teacher.split import SIDES
from dataset_builder.existing import Existing
from dataset_builder.journal import ASKED_FOR
from dataset_builder.outcomes import PUBLISH
from dataset_builder.pipeline import Harvest, spooled
from dataset_builder.rows import NOTHING_LOST, may_replace
from dataset_builder.settings import Settings, shard_places, shards_folder
from dataset_builder.sieve import NEAR_FACT, Sieve


def merge(settings: Settings) -> Report:
    """Make the dataset `settings.output` of its shards.

    Raises:
        UserError: there are no shards, one is missing, or the disk refuses.
    """
    output = settings.output
    may_replace(output, settings.overwrite)
    shards = [Existing(folder) for folder in shard_folders(output)]
    manifest = shards[0].manifest
    near = manifest["settings"].get(NEAR_FACT, 0.0) if settings.near is None else settings.near
    sieve = Sieve(near, settings.decontaminate, across=_held_out(shards) == "questions")
    stages = [stage["stage"] for stage in manifest["funnel"] if stage["stage"] != PUBLISH]
    told = Told(
        place=settings.place,
        license=manifest["license"],
        origin=manifest["origin"],
        settings={
            **manifest["settings"],
            ASKED_FOR: sum(each.manifest["settings"][ASKED_FOR] for each in shards),
            "shards": len(shards),
            **sieve.facts,
        },
        stages=[*dict.fromkeys((*stages, *sieve.stages)), PUBLISH],
        seeds=manifest["seeds"],
        declared=manifest["declared"],
        cost=sum((Counter(each.manifest["cost"]) for each in shards), Counter()),
    )
    try:
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", suffix=".merge", dir=output.parent) as work:
            made = _merged(shards, sieve, spooled(Path(work)))
            return assemble(output, made, [], told, overwrite=settings.overwrite)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(output), mend=NOTHING_LOST) from error


def shard_folders(output: Path) -> list[Path]:
    """The folders of all shards of `output`, in order.

    Raises:
        UserError: there are none, one of them is missing, or they are of builds with another number of shards.
    """
    folders = shard_places(output)
    if not folders:
        where = str(shards_folder(output))
        raise UserError("there are no shards", where=where, mend="make them with --shard 1/N to --shard N/N")
    for which, each in enumerate(folders, start=1):
        if not each.is_dir():
            what = f"shard {which} of {len(folders)} is not there"
            raise UserError(what, where=str(each), mend=f"--shard {which}/{len(folders)}")
    return folders


def _held_out(shards: list[Existing]) -> str | None:
    """What all shards hold out. Raises UserError where they differ: what is trained on in one is a test in another."""
    first, *others = shards
    for each in others:
        if each.holds_out != first.holds_out:
            raise UserError(
                f"holds out {each.holds_out}, and {first.folder.name} {first.holds_out}",
                where=str(each.folder),
                mend="make it again, with the same --hold-out as the others",
            )
    return first.holds_out


def _merged(shards: list[Existing], sieve: Sieve, made: Harvest) -> Harvest:
    kept: set[str] = set()
    made.asked = sum(each.manifest["funnel"][0]["came_in"] for each in shards)
    unanswered = sum((Counter(each.manifest.get("unanswered", {})) for each in shards), Counter[str]())
    made.calls = Calls(unanswered, unanswered)
    for shard in shards:
        for entry in shard.rejected():
            made.rejected.append(entry)
    for side in SIDES:
        for shard in shards:
            for row in shard.rows(side):
                stage, reason = sieve.against(row)
                if stage:
                    made.rejected.append({"stage": stage, "reason": reason, "row": dict(row)})
                    continue
                kept.add(row["id"])
                made.rows.append(row)
                made.sides[row["split_key"]] = side
                made.counts[side] += 1
    for shard in shards:
        for pair in shard.pairs():
            if pair["id"].rpartition("-")[0] in kept:
                made.pairs.append(pair)
        for candidate in shard.candidates():
            if candidate["id"] in kept:
                made.candidates.append(candidate)
    return made
