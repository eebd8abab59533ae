"""The dataset card: what a person reads before they use the rows, and the front matter that the Hub reads.

Comes in: what a run reports about itself (`Report`) and one row as an example. Goes out: the text of README.md. The
words are in card.md.jinja. Knows nothing of files.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCard, DatasetCardData

from dataset_builder.rows import Rejected, Row
from dataset_builder.shape import Shape, plotted
from dataset_builder.spool import Many

TEMPLATE = Path(__file__).with_name("card.md.jinja")
PACKAGES = ("callsmith", "datasets", "transformers", "huggingface_hub")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_SHOWN = 4000  # characters of the example


@dataclass(frozen=True)
class Stage:
    """One stage of the funnel: how many rows came in and went on, and why the others did not (reason: how many)."""

    stage: str
    came_in: int
    went_on: int
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a run says about itself; the same for the same rows, wherever and whenever it ran.

    Args:
        origin: One sentence: who or what made the rows.
        settings: What the run was told (teacher, tools, seed, …), in the order in which to show it.
        license: A licence as the Hub names it.
        mix: Per split, scenario and language: how many rows.
        split_text: How train and test were told apart.
        cost: Requests and tokens, where a model was asked.
        declared: The share of each scenario that was asked for, where shares were.
        shape: See `dataset_builder.shape`.
        pairs: How many preference pairs there are.
        unanswered: Tools of which every call failed, and how many calls that were.
    """

    origin: str
    settings: dict[str, Any]
    license: str
    rows: dict[str, int]
    mix: dict[str, dict[str, dict[str, int]]]
    funnel: list[Stage]
    split_text: str
    cost: dict[str, int] = field(default_factory=dict)
    declared: dict[str, float] = field(default_factory=dict)
    shape: Shape = field(default_factory=dict)
    pairs: int = 0
    unanswered: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: {package: version(package) for package in PACKAGES})

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        if not self.unanswered:  # said where there is something to say
            del told["unanswered"]
        return told


def counted(splits: Mapping[str, Many[Row]]) -> dict[str, dict[str, dict[str, int]]]:
    """Rows per split, scenario and language."""
    mix: dict[str, dict[str, dict[str, int]]] = {}
    for split, rows in splits.items():
        for (scenario, lang), count in sorted(Counter((row["scenario"], row["lang"]) for row in rows).items()):
            mix.setdefault(split, {}).setdefault(scenario, {})[lang] = count
    return mix


def funnel(stages: Sequence[str], came_in: int, rejected: Iterable[Rejected]) -> list[Stage]:
    """What each stage dropped; a reason counts under its first words, those before the colon."""
    dropped: dict[str, Counter[str]] = {stage: Counter() for stage in stages}
    for entry in rejected:
        dropped[entry["stage"]][entry["reason"].partition(":")[0]] += 1
    made: list[Stage] = []
    for stage in stages:
        went_on = came_in - dropped[stage].total()
        made.append(Stage(stage, came_in, went_on, dict(dropped[stage].most_common())))
        came_in = went_on
    return made


def card_text(report: Report, example: Row, *, title: str, place: str) -> str:
    """The text of README.md for a dataset named `place` (a folder's or repository's name)."""
    languages = sorted({lang for split in report.mix.values() for langs in split.values() for lang in langs})
    keys = sorted({(name, lang) for split in report.mix.values() for name, langs in split.items() for lang in langs})
    splits = {split: count for split, count in report.rows.items() if count}
    data = DatasetCardData(
        language=languages,
        license=report.license,
        pretty_name=title,
        task_categories=["text-generation"],
        tags=["callsmith", "tool-calling", "function-calling", "agent", "sft", "trl"],
        size_categories=[_size(sum(splits.values()))],
        configs=_configs(report, list(splits)),
    )
    shown = json.dumps(example, ensure_ascii=False, indent=2)
    card = DatasetCard.from_template(
        data,
        template_path=str(TEMPLATE),
        title=title,
        place=place,
        origin=report.origin,
        versions=report.versions,
        splits=splits,
        split_text=report.split_text,
        shares=_shares(report),
        plots=list(plotted(report.shape)),
        pairs=report.pairs,
        unanswered=report.unanswered,
        mix=[(name, lang, [_count(report, split, name, lang) for split in splits]) for name, lang in keys],
        funnel=[
            {**asdict(stage), "reasons": ", ".join(f"{reason} ({count})" for reason, count in stage.dropped.items())}
            for stage in report.funnel
        ],
        facts=[*report.settings.items(), *report.cost.items(), ("license", report.license), *report.versions.items()],
        example=shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}\n… (shortened)",
    )
    return str(card)


def _configs(report: Report, splits: Sequence[str]) -> list[dict[str, Any]]:
    """`sft`, which opens where no name is given, and the others where there is something in them."""
    data = [{"split": split, "path": f"data/{split}-*"} for split in splits]
    configs: list[dict[str, Any]] = [{"config_name": "sft", "default": True, "data_files": data}]
    there = {"preference": report.pairs, "rejected": any(stage.dropped for stage in report.funnel)}
    return configs + [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}/train-*"}]}
        for name, some in there.items()
        if some
    ]


def _shares(report: Report) -> list[tuple[str, str, str]]:
    """Each scenario's share as it was asked for and as it came out."""
    made = Counter[str]()
    for scenarios in report.mix.values():
        for name, langs in scenarios.items():
            made[name] += sum(langs.values())
    whole = sum(report.declared.values())
    names = [*report.declared, *(name for name in made if name not in report.declared)] if whole else []
    return [
        (name, f"{report.declared.get(name, 0) / whole:.1%}", f"{made[name] / max(made.total(), 1):.1%}")
        for name in names
    ]


def _count(report: Report, split: str, scenario: str, lang: str) -> int:
    return report.mix.get(split, {}).get(scenario, {}).get(lang, 0)


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>1M")
