"""One build: tools and a teacher in, a dataset folder out. It can be killed anywhere and started again.

Comes in: `Settings`. Goes out: the folder (or a `UserError`, and then no folder), and the run's `Report`. The journal
lies beside the folder, in OUTPUT.work; it is kept, so that the same rows are never paid for twice.
Knows nothing of command lines.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from agent.errors import UserError
from agent.tools import Tool, load_tools
from dataset_builder.card import Report, card_text, counted, funnel
from dataset_builder.duplicates import NEAR
from dataset_builder.embedded_teacher.split import SIDES
from dataset_builder.journal import Journal
from dataset_builder.journalled import JournalledModel, JournalledTool
from dataset_builder.pipeline import PUBLISH, STAGES, Harvest, harvest
from dataset_builder.progress import Display
from dataset_builder.rows import SCHEMA_VERSION, Rejected, Row, may_replace, write_dataset
from dataset_builder.sieve import Sieve
from dataset_builder.stopping import Stop
from dataset_builder.teachers import load_teacher, public_name


@dataclass(frozen=True)
class Settings:
    """What a build is told.

    Args:
        tools: A source of tools, as `agent.tools.load_tools` takes it.
        teacher: `embedded`, or a model's name.
        place: What the card calls the dataset: a repository, or the folder's name.
        concurrency: How many questions are worked on at once.
        near: From which likeness rows are near duplicates (see `Duplicates`); 0 looks for exact ones only. None is 0
            for the embedded teacher, whose grammar says many different things in nearly the same words, and the usual
            likeness for all others.
        mix: How often each scenario comes, as whole numbers; None leaves it to the teacher.
        decontaminate: Files of benchmarks that no row may come from.
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

    @property
    def near_from(self) -> float:
        return self.near if self.near is not None else 0.0 if self.teacher == "embedded" else NEAR


def build(settings: Settings, stop: Stop | None = None) -> Report:
    """Make the dataset of `settings`, unless `stop` ends it before.

    Raises:
        StoppedError: the budget of `stop` is spent; no folder is written.
        KeyboardInterrupt: Ctrl-C; no folder is written.
        UserError: bad input, an endpoint that is down, no row at all, a disk that is full. What was answered until then
            is in the journal, and the same settings go on from there.
    """
    stop = stop or Stop()
    may_replace(settings.output, settings.overwrite)
    tools = load_tools(settings.tools)
    _must_run(tools, settings.tools)
    sieve = Sieve(settings.near_from, settings.decontaminate)
    with Journal(work_folder(settings.output)) as journal:
        stages = (*STAGES, *sieve.stages, PUBLISH)
        journal.start({"rows asked for": settings.rows, "teacher": public_name(settings.teacher), "stages": stages})
        journalled = [JournalledTool(tool, journal) for tool in tools]
        teacher, model = load_teacher(
            settings.teacher,
            journalled,
            languages=settings.languages,
            seed=settings.seed,
            concurrency=settings.concurrency,
            journal=journal,
            stop=stop,
            mix=settings.mix,
        )
        provenance = {
            "teacher": public_name(settings.teacher),
            "tools": _source_name(settings),
            "seed": settings.seed,
            "versions": {"callsmith": version("callsmith"), "rows": SCHEMA_VERSION},
        }
        with Display(settings.rows) as display:
            work = harvest(
                teacher,
                settings.rows,
                provenance=provenance,
                concurrency=settings.concurrency,
                sieve=sieve,
                tell=display.tell,
                settle=lambda each: journal.settle(each.question.id, each.stage, each.reason, each.story()),
                stop=stop,
            )
            made = stop.run(work)
    return _publish(settings, made, sieve, _cost(model))


def work_folder(output: Path) -> Path:
    """Where the journal of a dataset folder lies."""
    return output.with_name(f"{output.name}.work")


def _must_run(tools: Sequence[Tool], source: str) -> None:
    idle = [tool.name for tool in tools if not tool.runnable]
    if idle:
        mend = "give a Python file with the functions"
        raise UserError(f"these tools are only described and cannot be run: {', '.join(idle)}", where=source, mend=mend)


def _source_name(settings: Settings) -> str:
    """The tools' name without the way to it: rows say nothing of the machine they were made on."""
    return Path(settings.tools).name if settings.tools.endswith((".py", ".json")) else settings.tools


def _cost(model: JournalledModel | None) -> dict[str, int]:
    if model is None:
        return {}
    usage = model.usage
    return {
        "replies": model.replies,
        "prompt tokens": usage.prompt_tokens,
        "completion tokens": usage.completion_tokens,
    }


def _publish(settings: Settings, made: Harvest, sieve: Sieve, cost: dict[str, int]) -> Report:
    if not made.rows:
        raise _nothing_left(made.asked, made.rejected)
    splits: dict[str, list[Row]] = {side: [row for row in made.rows if made.sides[row["id"]] == side] for side in SIDES}
    teacher = public_name(settings.teacher)
    tested = sorted({row["split_key"] for row in splits["test"]})
    report = Report(
        origin=f"Questions and conversations by the teacher `{teacher}`; the tools were really run for their results.",
        settings={
            "teacher": teacher,
            "tools": _source_name(settings),
            "languages": ", ".join(settings.languages),
            "seed": settings.seed,
            "rows asked for": settings.rows,
            **({"mix asked for": _shares(settings.mix)} if settings.mix else {}),
            **sieve.facts,
        },
        license=settings.license,
        rows={split: len(rows) for split, rows in splits.items()},
        mix=counted(splits),
        funnel=funnel((*STAGES, *sieve.stages, PUBLISH), made.asked, made.rejected),
        split_text=_split_text(tested),
        cost=cost,
    )
    example = (splits["train"] or splits["test"])[0]
    write_dataset(
        settings.output,
        splits,
        card=card_text(report, example, title=settings.place.rpartition("/")[2], place=settings.place),
        rejected=made.rejected,
        manifest=report.as_json(),
        overwrite=settings.overwrite,
    )
    return report


def _shares(mix: Mapping[str, int]) -> str:
    return ", ".join(f"{scenario} {share / sum(mix.values()):.0%}" for scenario, share in mix.items())


def _split_text(tested: Sequence[str]) -> str:
    if not tested:
        return "There is no test split: it takes at least two families of tools to keep one of them for it."
    return (
        f"`test` holds the rows of the tool families {', '.join(f'`{name}`' for name in tested)}. "
        "No tool of theirs appears in `train`, not even as one that is offered and not called."
    )


def _nothing_left(asked: int, rejected: Sequence[Rejected]) -> UserError:
    reasons = Counter(f"{entry['stage']}: {entry['reason']}" for entry in rejected).most_common(1)
    if not reasons:
        return UserError("the teacher had no question to ask about these tools", mend="check --tools and --languages")
    reason, count = reasons[0]
    return UserError(f"not one of {asked} questions became a row; {count} of them by: {reason}")
