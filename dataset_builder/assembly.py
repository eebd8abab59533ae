"""Makes the dataset folder of what a build harvested, alone or together with datasets that are there already.

Comes in: a harvest, the folders it is added to, and what the card is to say. Goes out: a folder in Hub layout, and the
`Report`. Knows nothing of teachers.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from agent.errors import UserError
from dataset_builder.card import Report, Stage, card_text, counted, funnel
from dataset_builder.embedded_teacher.split import SIDES, family_of
from dataset_builder.existing import Chained, Existing
from dataset_builder.pipeline import Harvest
from dataset_builder.rows import CANDIDATES, Row, write_dataset
from dataset_builder.shape import measured
from dataset_builder.spool import Many
from dataset_builder.verify import FAILED


@dataclass(frozen=True)
class Told:
    """What the card and the manifest say beside the rows themselves; see `Report`.

    Args:
        seeds: Of the runs that made the rows; the next one takes another.
    """

    place: str
    license: str
    origin: str
    settings: dict[str, Any]
    stages: Sequence[str]
    seeds: Sequence[int]
    declared: Mapping[str, float] = field(default_factory=dict)
    cost: Mapping[str, int] = field(default_factory=dict)


def assemble(output: Path, made: Harvest, before: Sequence[Existing], told: Told, *, overwrite: bool) -> Report:
    """Write the folder `output`: the rows of the datasets in `before`, then those of `made`.

    Raises:
        UserError: there is not one row, or the disk refuses.
    """
    others = [split for each in before for split in each.counts if split not in SIDES]  # a person's own are kept
    splits: dict[str, Many[Row]] = {side: _side(side, made, before) for side in [*SIDES, *others]}
    example = next(chain(*splits.values()), None)
    if example is None:
        raise nothing_left(made)
    rejected = Chained(0, *(each.rejected for each in before), partial(iter, made.rejected))
    count = len(made.pairs) + sum(each.manifest.get("pairs", 0) for each in before)
    pairs = Chained(count, *(each.pairs for each in before), partial(iter, made.pairs))
    mix = counted(splits)
    tested = sorted({row["split_key"] for row in splits["test"]})
    stages = funnel(told.stages, made.asked, made.rejected)
    report = Report(
        origin=told.origin,
        settings=told.settings,
        license=told.license,
        rows={side: len(rows) for side, rows in splits.items()},
        mix=mix,
        funnel=summed([*(_stages(each) for each in before), stages]),
        split_text=_split_text(tested),
        cost=dict(sum((Counter(each.manifest.get("cost", {})) for each in before), Counter(told.cost))),
        declared=dict(told.declared),
        shape=measured(chain(*splits.values())),
        pairs=len(pairs),
        unanswered=_unanswered(_suspected(made, before), chain(*splits.values())),
    )
    extra = Chained(0, *(each.candidates for each in before), partial(iter, made.candidates))
    write_dataset(
        output,
        splits,
        card=card_text(report, example, title=told.place.rpartition("/")[2], place=told.place),
        rejected=rejected,
        pairs=pairs,
        extra={CANDIDATES: extra} if next(iter(extra), None) is not None else {},
        manifest={**report.as_json(), "seeds": list(told.seeds)},
        overwrite=overwrite,
    )
    return report


def _suspected(made: Harvest, before: Sequence[Existing]) -> dict[str, int]:
    """The tools of which every call failed in this run, or in one that made the rows in `before`."""
    whole = Counter(made.calls.unanswered())
    for each in before:
        whole.update(each.manifest.get("unanswered", {}))
    return dict(sorted(whole.items()))


def _unanswered(suspected: Mapping[str, int], rows: Iterable[Row]) -> dict[str, int]:
    """Of the `suspected` tools those that answer in none of the `rows`, which other runs may have made."""
    left = dict(suspected)
    for row in rows if left else ():
        renamed = row["provenance"].get("stands_for", {})
        for message in row["messages"]:
            if message["role"] == "tool" and not message["content"].startswith(FAILED):
                shown = message["name"]
                left.pop(renamed.get(shown, {}).get("tool", shown), None)
    return left


def summed(funnels: Iterable[Sequence[Stage]]) -> list[Stage]:
    """Several funnels as one."""
    whole: dict[str, Stage] = {}
    for stages in funnels:
        for stage in stages:
            known = whole.get(stage.stage, Stage(stage.stage, 0, 0))
            dropped = Counter(known.dropped)
            dropped.update(stage.dropped)
            whole[stage.stage] = Stage(
                stage.stage,
                known.came_in + stage.came_in,
                known.went_on + stage.went_on,
                dict(dropped.most_common()),
            )
    return list(whole.values())


def nothing_left(made: Harvest) -> UserError:
    """Why there is no row at all."""
    reasons = Counter(f"{entry['stage']}: {entry['reason']}" for entry in made.rejected).most_common(1)
    if not reasons:
        return UserError("the teacher had no question to ask about these tools", mend="check --tools and --languages")
    reason, count = reasons[0]
    return UserError(f"not one of {made.asked} questions became a row; {count} of them by: {reason}")


def _side(side: str, made: Harvest, before: Sequence[Existing]) -> Chained[Row]:
    """All rows of one side of the split, old ones first."""
    count = made.counts.get(side, 0) + sum(each.counts.get(side, 0) for each in before)

    def new() -> Iterable[Row]:
        return (row for row in made.rows if made.sides[row["split_key"]] == side)

    return Chained(count, *(partial(each.rows, side) for each in before), new)


def _stages(existing: Existing) -> list[Stage]:
    return [Stage(**stage) for stage in existing.manifest["funnel"]]


def _split_text(tested: Sequence[str]) -> str:
    """How train and test were told apart, from the split keys of the test."""
    if not tested:
        return (
            "There is no test split: of so few rows none was held out, or there is one family of tools only, and "
            "families are held out."
        )
    trained = [family_of(key) for key in tested if family_of(key) != key]
    apart = [key for key in tested if family_of(key) == key]
    if not trained:
        return (
            f"`test` holds the rows of the tool families {_listed(apart)}. "
            "No tool of theirs appears in `train`, not even as one that is offered and not called."
        )
    about = (
        f"`test` holds other questions about the tools of `train`, of the families {_listed(trained)}: it tells "
        "how well these tools are called, and nothing of tools that an adapter has not seen."
    )
    others = [key for key in apart if not key.startswith("chat_")]
    return about + (
        f" Its requests for tools that are not among these, which are to be declined, are of the families "
        f"{_listed(others)}, which are not in `train`."
        if others
        else ""
    )


def _listed(families: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in families)
