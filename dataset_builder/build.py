"""One build: tools and a teacher in, a dataset folder out. It can be killed anywhere and started again.

Comes in: `Settings`. Goes out: the folder (or a `UserError`, and then no folder), and the run's `Report`. The journal
lies beside the folder, in OUTPUT.work; it is kept, so that the same rows are never paid for twice.
Knows nothing of command lines.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from agent.errors import UserError
from agent.tools import Tool, load_tools
from dataset_builder.assembly import Told, assemble
from dataset_builder.card import Report, funnel
from dataset_builder.embedded_teacher.split import SIDES
from dataset_builder.existing import HELD_OUT, Existing
from dataset_builder.journal import ASKED_FOR, Journal
from dataset_builder.journalled import JournalledModel, JournalledTool
from dataset_builder.outcomes import PUBLISH, QUESTIONS, STAGES, Outcome, asked_as_row
from dataset_builder.pipeline import Harvest, harvest, remove, spooled
from dataset_builder.progress import Display
from dataset_builder.questions import Teacher
from dataset_builder.rows import SCHEMA_VERSION, Row, may_replace
from dataset_builder.settings import UNKNOWN, Settings, work_folder
from dataset_builder.sieve import Sieve
from dataset_builder.spool import Spool
from dataset_builder.standing_in import Recordings, read_recordings
from dataset_builder.stopping import Stop
from dataset_builder.teachers import load_teacher, public_name

__all__ = ["Settings", "build", "build_stage", "work_folder"]


def build(settings: Settings, stop: Stop | None = None) -> Report:
    """Make the dataset of `settings`, unless `stop` ends it before.

    Raises:
        StoppedError: the budget of `stop` is spent; no folder is written.
        KeyboardInterrupt: Ctrl-C; no folder is written.
        UserError: bad input, an endpoint that is down, no row at all, a disk that is full. What was answered until then
            is in the journal, and the same settings go on from there.
    """
    before: list[Existing] = []
    seeds = [settings.seed]
    if settings.append:
        before = [Existing(settings.folder)]
        _must_hold_out_alike(before[0], settings)
        earlier = before[0].manifest.get("seeds", [settings.seed])
        # Other questions than those that were asked for the rows that are there.
        seeds = [*earlier, max(earlier) + 1]
        settings = replace(settings, seed=seeds[-1])
    else:
        may_replace(settings.folder, settings.overwrite)
    license_ = _license(settings.license, before)  # before anything is asked
    with _Run(settings, stop or Stop(), before) as run:
        made = run.harvested()
        _must_have_answered(made)
        told = Told(
            place=settings.place,
            license=license_,
            origin=_origin(_names("teacher", public_name(settings.teacher), before)),
            settings={**_facts(settings, seeds, before), **_of_the_new_rows(run.facts, before)},
            stages=run.stages,
            seeds=seeds,
            declared=_shares(run.teacher),
            cost=run.cost(),
        )
        return assemble(settings.folder, made, before, told, overwrite=settings.overwrite or settings.append)


def build_stage(settings: Settings, stop: Stop | None = None) -> dict[str, Any]:
    """Go as far as the stage of `settings`, over as many questions as rows are wanted; no dataset is written.

    Returns the funnel, and the file in which what passed lies: one question or row a line.
    """
    file = work_folder(settings.folder) / f"{settings.stage}.jsonl"
    with _Run(settings, stop or Stop(), []) as run:
        passed: Spool[Mapping[str, Any]] = Spool(file)

        def keep(outcome: Outcome) -> None:
            if not outcome.stage:
                row = asked_as_row(outcome.question)
                passed.append(outcome.row or {**row, **({"verdict": outcome.verdict} if outcome.verdict else {})})

        made = run.harvested(keep)
        passed.close()
        stages = funnel(run.stages, made.asked, made.rejected)
        at = [stage.stage for stage in stages].index(settings.stage) if settings.stage != QUESTIONS else -1
        return {
            "stage": settings.stage,
            "file": str(file),
            "passed": len(passed),
            "funnel": [asdict(stage) for stage in stages[: at + 1]],
        }


class _Run:
    """What a run needs, opened: journal, teacher, sieve and the spools that its rows go to. A context manager."""

    def __init__(self, settings: Settings, stop: Stop, before: Sequence[Existing]):
        self._settings, self._stop = settings, stop
        tools = load_tools(settings.tools)
        recordings = read_recordings(settings.recordings) if settings.recordings else {}
        _must_run(tools, settings, recordings)
        benchmarks = settings.decontaminate if settings.stage != "duplicates" else ()
        self._sieve = Sieve(settings.near_from, benchmarks, across=settings.hold_out == "questions")
        self.stages = (*STAGES, *self._sieve.stages, PUBLISH)
        self.facts = self._sieve.facts
        if settings.stage not in (QUESTIONS, *self.stages):
            raise UserError(
                f"there is no stage {settings.stage!r}", mend=f"known: {', '.join((QUESTIONS, *self.stages))}"
            )
        work = work_folder(settings.folder)
        self._journal = Journal(work)
        # Whatever is wrong with the teacher is known before anything is written.
        self.teacher, self._models = self._teacher(tools, recordings)
        self._journal.open()
        try:
            stop.count(*self._journal.spent())
            self._made = spooled(work)
            for each in before:
                for side in SIDES:
                    for row in each.rows(side):
                        _must_stay(row, side, self.teacher, settings)
                        self._sieve.remember(row)
                        self._made.sides[row["split_key"]] = side
            asked_for = {ASKED_FOR: settings.wanted, "teacher": public_name(settings.teacher)}
            self._journal.start({**asked_for, "stages": self.stages})
        except BaseException:
            self._journal.close()
            raise

    def _teacher(self, tools: Sequence[Tool], recordings: Recordings) -> tuple[Teacher, list[JournalledModel]]:
        settings = self._settings
        return load_teacher(
            settings.teacher,
            [JournalledTool(tool, self._journal) if tool.runnable else tool for tool in tools],
            languages=settings.languages,
            seed=settings.seed,
            concurrency=settings.concurrency,
            journal=self._journal,
            stop=self._stop,
            mix=settings.mix,
            judge=settings.judge,
            prompts=settings.prompts,
            recordings=recordings,
            shard=settings.shard,
            hold_out=settings.hold_out,
        )

    def __enter__(self) -> "_Run":
        return self

    def __exit__(self, *_: object) -> None:
        remove(self._made)
        self._journal.close()

    def harvested(self, keep: Callable[[Outcome], None] = lambda outcome: None) -> Harvest:
        """Every question through the stages; `keep` is called with each outcome in the order of the questions."""
        settings = self._settings
        provenance = {
            **_makers(settings),
            "seed": settings.seed,
            "versions": {"callsmith": version("callsmith"), "rows": SCHEMA_VERSION},
        }

        def settle(outcome: Outcome) -> None:
            self._journal.settle(outcome.question.id, outcome.stage, outcome.reason, outcome.story())
            keep(outcome)

        with Display(settings.wanted, self._stop, settings.prices) as display:
            work = harvest(
                self.teacher,
                settings.wanted,
                provenance=provenance,
                concurrency=settings.concurrency,
                accept=settings.accept,
                until=settings.stage,
                sieve=self._sieve,
                made=self._made,
                tell=display.tell,
                settle=settle,
                stop=self._stop,
            )
            return self._stop.run(work)

    def cost(self) -> dict[str, int]:
        """What was asked of models."""
        if not self._models:
            return {}
        return {
            "replies": sum(model.replies for model in self._models),
            "prompt tokens": sum(model.usage.prompt_tokens for model in self._models),
            "completion tokens": sum(model.usage.completion_tokens for model in self._models),
        }


def _must_hold_out_alike(there: Existing, settings: Settings) -> None:
    """Rows of one dataset are told apart in one way."""
    known = there.holds_out
    if known not in (None, settings.hold_out):
        raise UserError(
            f"holds out {known}, and this build {settings.hold_out}",
            where=str(settings.folder),
            mend=f"append with --hold-out {known}, or build these into a folder of their own",
        )


def _must_stay(row: Row, side: str, teacher: Teacher, settings: Settings) -> None:
    """A tool that a row there already has on one side of the split is not asked about on the other: more tools, or
    fewer, draw other families apart, and what was only company before may be asked for now.
    """
    mend = "append with the same tools, or build these into a folder of their own"
    renamed = row["provenance"].get("stands_for", {})
    for schema in row["tools"]:
        shown = schema["function"]["name"]
        name = renamed.get(shown, {}).get("tool", shown)
        if (now := teacher.tool_sides.get(name, side)) != side:
            raise UserError(
                f"the tool {name} is in {side} there, and among these tools it would be in {now}",
                where=str(settings.folder),
                mend=mend,
            )
    if (now := teacher.key_sides.get(row["split_key"], side)) != side:
        raise UserError(
            f"rows of {row['split_key']} are in {side} there, and among these tools they would be in {now}",
            where=str(settings.folder),
            mend=mend,
        )


def _must_run(tools: Sequence[Tool], settings: Settings, recordings: Recordings) -> None:
    """Described tools need a model that simulates them; the embedded teacher has none."""
    idle = [tool.name for tool in tools if not tool.runnable]
    if idle and settings.teacher == "embedded":
        mend = "give a Python file with the functions, or a model as --teacher, which simulates them"
        what = f"these tools are only described and cannot be run: {', '.join(idle)}"
        raise UserError(what, where=settings.tools, mend=mend)
    if unknown := sorted({name for name, _ in recordings} - {tool.name for tool in tools}):
        raise UserError(f"holds results of {unknown[0]!r}, which is none of the tools", where=str(settings.recordings))


def _must_have_answered(made: Harvest) -> None:
    """Raise UserError where tools were called and none of them ever answered: the dataset would teach errors only."""
    if made.calls.none_answered():
        calls, names = made.calls.made.total(), ", ".join(sorted(made.calls.made))
        what = f"no tool ever answered: {calls} {'call' if calls == 1 else 'calls'}, and each failed ({names})"
        raise UserError(what, mend="call one by hand and see what it says; nothing is published")


def _source_name(settings: Settings) -> str:
    """The tools' name without the way to it: rows say nothing of the machine they were made on."""
    if settings.tools.startswith("mcp:"):
        return "an MCP server"
    return Path(settings.tools).name if settings.tools.endswith((".py", ".json")) else settings.tools


def _license(name: str, before: Sequence[Existing]) -> str:
    """That of the rows there already, where none is named for the new ones.

    Raises:
        UserError: There are two, and no row could say which is its own.
    """
    for each in before:
        there = each.manifest.get("license", UNKNOWN)
        if name != UNKNOWN and there not in (UNKNOWN, name):
            mend = f"leave --license out, or build these rows into a folder of their own under {name}"
            raise UserError(f"its rows are under {there}, not under {name}", where=str(each.folder), mend=mend)
        name = there if name == UNKNOWN else name
    return name


def _names(fact: str, name: str, before: Sequence[Existing]) -> str:
    """What the rows there already name for a fact of the card, and then what the new ones do."""
    told = [part for each in before for part in str(each.manifest["settings"].get(fact, "")).split(", ") if part]
    return ", ".join(dict.fromkeys([*told, name]))


def _of_the_new_rows(facts: Mapping[str, object], before: Sequence[Existing]) -> dict[str, object]:
    """What the sieve did, which the rows there already have not all come through."""
    known = [each.manifest["settings"] for each in before]
    return {
        name: fact if all(there.get(name) == fact for there in known) else f"{fact}, the rows appended last"
        for name, fact in facts.items()
    }


def _origin(teachers: str) -> str:
    named = ", ".join(f"`{name}`" for name in teachers.split(", "))
    return (
        f"Questions and conversations by the teacher {named}; the tools were really run for their "
        "results, except where a row's `provenance.results` says that they were recorded or simulated."
    )


def _makers(settings: Settings) -> dict[str, str]:
    """Who made the rows, of which tools: what rows and card both name."""
    return {
        "teacher": public_name(settings.teacher),
        **({"judge": public_name(settings.judge)} if settings.judge else {}),
        "tools": _source_name(settings),
    }


def _facts(settings: Settings, seeds: Sequence[int], before: Sequence[Existing]) -> dict[str, Any]:
    """What the card tells of the run, and of those that made the rows in `before`."""
    return {
        **{fact: _names(fact, name, before) for fact, name in _makers(settings).items()},
        "languages": ", ".join(settings.languages),
        "seed": ", ".join(map(str, seeds)),
        HELD_OUT: settings.hold_out,
        ASKED_FOR: settings.wanted + sum(each.manifest["settings"].get(ASKED_FOR, 0) for each in before),
        **({"solutions of each question": settings.accept} if settings.accept > 1 else {}),
    }


def _shares(teacher: Teacher) -> dict[str, float]:
    """The share of each scenario, over all languages."""
    shares: dict[str, float] = {}
    for (scenario, _), share in teacher.shares.items():
        shares[scenario] = shares.get(scenario, 0.0) + share
    return shares
