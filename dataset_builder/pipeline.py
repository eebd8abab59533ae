"""The way from questions to rows: check, solve, verify, drop duplicates, until there are enough.

Comes in: a teacher and how many rows are wanted. Goes out: rows, and what was dropped with the stage and the reason,
both in the order of the questions, however many were worked on at once. Every reply and result passes through the
journal below (dataset_builder.journalled), so a run that was killed is run again and comes out the same.
Knows nothing of files, cards and command lines.
"""

import asyncio
import math
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from agent.errors import UserError
from dataset_builder.calls import ON_PURPOSE, Calls
from dataset_builder.candidates import best, pairs
from dataset_builder.outcomes import PUBLISH, Outcome, asked_as_row, outcome_of
from dataset_builder.questions import Cell, Question, Teacher
from dataset_builder.rows import Preference, Rejected, Row
from dataset_builder.sieve import Sieve
from dataset_builder.spool import Many, Spool
from dataset_builder.stopping import Stop, StoppedError

WINDOW = 4  # times the concurrency: how far work may run ahead of the first result that is waited for
LAST_REPLIES = 60.0  # seconds
HOPELESS = 12  # questions of which not one became a row, after which a scenario is given up
FRUITLESS_ROUNDS = 3  # rounds without one new row after which a teacher has no more to give
FRUITLESS_QUESTIONS = 100  # of which not one became a row
EXHAUSTED = 0.05  # of the questions of a round that became rows, below which what was asked for is used up
LEAST_YIELD = 0.25  # of the questions asked for, that rows are hoped to come of

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass
class Harvest:
    """What a build has come to.

    Args:
        rows: What may be published.
        rejected: What was dropped, with the stage and the reason.
        pairs: Kept rows beside candidates that failed.
        candidates: Every candidate of every kept row, where there were several.
        sides: The side of the split of each split key.
        counts: Rows of each side; `mix`: of each scenario and language.
        asked: How many questions went in; `tried`: of each scenario and language.
        calls: Of tools, but for those that were to fail.
    """

    rows: Many[Row] = field(default_factory=list)
    rejected: Many[Rejected] = field(default_factory=list)
    pairs: Many[Preference] = field(default_factory=list)
    candidates: Many[dict[str, Any]] = field(default_factory=list)
    sides: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    mix: Counter[Cell] = field(default_factory=Counter)
    tried: Counter[Cell] = field(default_factory=Counter)
    asked: int = 0
    calls: Calls = field(default_factory=Calls)


def spooled(folder: Path) -> Harvest:
    """An empty harvest whose rows go to files in `folder` and take no memory."""
    names = ("rows", "rejected", "pairs", "candidates")
    return Harvest(**{name: Spool(folder / f"{name}.jsonl") for name in names})  # type: ignore[arg-type]


def remove(made: Harvest) -> None:
    """Delete the files of a spooled harvest."""
    for each in (made.rows, made.rejected, made.pairs, made.candidates):
        if isinstance(each, Spool):
            each.remove()


async def harvest(
    teacher: Teacher,
    wanted: int,
    *,
    provenance: dict[str, Any],
    concurrency: int = 1,
    accept: int = 1,
    until: str = PUBLISH,
    sieve: Sieve | None = None,
    made: Harvest | None = None,
    tell: Callable[[Outcome], None] = lambda outcome: None,
    settle: Callable[[Outcome], None] = lambda outcome: None,
    stop: Stop | None = None,
) -> Harvest:
    """Rows from `teacher` until there are `wanted`, or it gives no more.

    What the checks thin out is topped up, of each scenario and language as much as it lacks.

    Args:
        provenance: What every row says about where it comes from.
        concurrency: How many questions are worked on at once.
        accept: How many solutions there are to be of each question, to choose from.
        until: The last stage; where it is not `PUBLISH`, nothing is topped up: it is one pass over `wanted` questions.
        sieve: Keeps out what repeats a row or a benchmark; by default exact duplicates.
        made: Where the rows go; by default, into memory.
        tell: Called with each outcome as it comes, for a progress display.
        settle: Called with each outcome in the order of the questions, once the sieve has had its say.
        stop: Ends the harvest before it is done.

    Raises:
        StoppedError: `stop` says so; what was under way has come to its end.
    """
    made = made or Harvest()
    sieve, stop = sieve or Sieve(), stop or Stop()
    fruitless, exhausted = 0, True  # at first nothing is lacking yet

    async def work(question: Question) -> Outcome:
        stop.check()
        try:
            outcome = await outcome_of(teacher, question, provenance, accept, until)
        except UserError as error:
            stop.reason = stop.reason or str(error)  # nothing new is begun, while what is under way comes to its end
            raise
        tell(outcome)
        return outcome

    while len(made.rows) < wanted and fruitless < FRUITLESS_ROUNDS:
        asked, got = made.asked, len(made.rows)
        share = got / asked if asked else 1.0
        count = math.ceil((wanted - got) / max(share, LEAST_YIELD))
        # What is lacking is asked for; where there is hardly any more of it, the mix, so that there are enough in all.
        questions = teacher.questions(count, None if exhausted else _needs(teacher.shares, made, wanted))
        async with aclosing(in_order(questions, work, concurrency)) as outcomes:
            async for outcome in outcomes:
                made.asked += 1
                made.tried[outcome.question.scenario, outcome.question.lang] += 1
                settle(_take(outcome, made, wanted, sieve, until))
                if made.asked >= FRUITLESS_QUESTIONS and not made.rows and until == PUBLISH:
                    return made  # nothing comes of it, and more of it may have to be paid for
        if made.asked == asked or until != PUBLISH:
            break
        fruitless = fruitless + 1 if len(made.rows) == got else 0
        exhausted = len(made.rows) - got < EXHAUSTED * (made.asked - asked)
    return made


def _needs(declared: Mapping[Cell, float], made: Harvest, wanted: int) -> dict[Cell, int]:
    """How many questions of each scenario and language would bring its rows to their share of `wanted`.

    What was often tried and never became a row is given up, and its share falls to the others.
    """
    hopeful = {cell: share for cell, share in declared.items() if made.mix[cell] or made.tried[cell] < HOPELESS}
    whole = sum(hopeful.values())
    lacking = {cell: max(0.0, wanted * share / whole - made.mix[cell]) for cell, share in hopeful.items()}
    scale = (wanted - len(made.rows)) / (sum(lacking.values()) or 1.0)
    needs: dict[Cell, int] = {}
    for cell, rows in lacking.items():
        tried = made.tried[cell]
        share = made.mix[cell] / tried if tried else 1.0
        if questions := math.ceil(rows * scale / max(share, LEAST_YIELD)):
            needs[cell] = questions
    return needs


async def in_order(
    items: AsyncIterator[Item], work: Callable[[Item], Awaitable[Made]], concurrency: int
) -> AsyncGenerator[Made, None]:
    """`work` done on every item, at most `concurrency` at once; results in the order of the items.

    While the first one is being waited for, those after it go on, up to a window of a few times `concurrency`. Where
    the run is stopped, what is under way comes to its end; where an endpoint fails it is given `LAST_REPLIES` seconds,
    since its replies are paid for. Any other failure cancels it.
    """
    gate = asyncio.Semaphore(concurrency)
    window: deque[asyncio.Task[Made]] = deque()

    async def one(item: Item) -> Made:
        async with gate:
            return await work(item)

    try:
        async for item in items:
            window.append(asyncio.create_task(one(item)))
            if len(window) >= WINDOW * concurrency:
                yield await window.popleft()
        while window:
            yield await window.popleft()
    except StoppedError as stopped:
        ended = await asyncio.gather(*window, return_exceptions=True)
        # A later item may have failed first, and stopped the run.
        raise next((error for error in ended if isinstance(error, UserError)), stopped) from None
    except UserError:
        if window:
            await asyncio.wait(window, timeout=LAST_REPLIES)
        raise
    finally:
        for task in window:
            task.cancel()
        await asyncio.gather(*window, return_exceptions=True)


def _take(outcome: Outcome, made: Harvest, wanted: int, sieve: Sieve, until: str) -> Outcome:
    """Put one outcome where it belongs; what became of it in the end."""
    row = outcome.row
    if outcome.question.scenario not in ON_PURPOSE:
        made.calls.add(outcome.calls)
    side = outcome.question.split
    if row is not None and not outcome.stage and until in (PUBLISH, *sieve.stages):
        stage, reason = sieve.against(row)
        if not stage and made.sides.get(row["split_key"], side) != side:
            stage, reason = PUBLISH, f"split: {row['split_key']} is in {made.sides[row['split_key']]} already"
        if not stage and len(made.rows) >= wanted:
            stage, reason = PUBLISH, "surplus: there were rows enough"
        outcome = replace(outcome, stage=stage, reason=reason)
    if outcome.stage:
        left = dict(row) if row is not None else asked_as_row(outcome.question)
        made.rejected.append({"stage": outcome.stage, "reason": outcome.reason, "row": left})
        return outcome
    if row is None:  # the run ends before anything is solved
        return outcome
    made.rows.append(row)
    made.sides[row["split_key"]] = side
    made.counts[side] += 1
    made.mix[row["scenario"], row["lang"]] += 1
    if len(outcome.candidates) > 1:
        kept = best(outcome.candidates)
        for pair in pairs(kept, outcome.candidates) if side == "train" else ():
            made.pairs.append(pair)
        for each in outcome.candidates:
            made.candidates.append(each.as_json(each is kept))
    return outcome
