"""The way from questions to rows: check, solve, verify, drop duplicates, until there are enough.

Comes in: a teacher and how many rows are wanted. Goes out: rows, and what was dropped with the stage and the reason,
both in the order of the questions, however many were worked on at once. Every reply and result passes through the
journal below (dataset_builder.journalled), so a run that was killed is run again and comes out the same.
Knows nothing of files, cards and command lines.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from agent.errors import UserError
from dataset_builder.journal import scope
from dataset_builder.questions import Question, Teacher
from dataset_builder.rows import SCHEMA_VERSION, Rejected, Row, check_row, shown
from dataset_builder.sieve import Sieve
from dataset_builder.stopping import Stop, StoppedError
from dataset_builder.verify import CHECKS, why_not

STAGES = ("check", "solve", "verify", "storage")  # then the sieve's, then PUBLISH
PUBLISH = "publish"
WINDOW = 4  # times the concurrency: how far work may run ahead of the first result that is waited for
LAST_REPLIES = 60.0  # seconds
FRUITLESS_ROUNDS = 3  # rounds without one new row after which a teacher has no more to give

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass
class Harvest:
    """What a build has come to.

    Args:
        rows: What may be published.
        sides: Each row's side of the split, by its id.
        rejected: What was dropped, with the stage and the reason.
        asked: How many questions went in.
    """

    rows: list[Row] = field(default_factory=list)
    sides: dict[str, str] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    asked: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of one question: a row, or the stage that dropped it and why; `verdict` is what `check` said."""

    question: Question
    row: Row | None
    stage: str = ""
    reason: str = ""
    verdict: str = ""

    def story(self) -> dict[str, Any]:
        """What is known of it, as JSON."""
        asked = self.question
        known = {"scenario": asked.scenario, "lang": asked.lang, "tools": [tool.name for tool in asked.tools]}
        return {**known, "question": asked.user, "verdict": self.verdict, "messages": self.row and self.row["messages"]}


async def harvest(
    teacher: Teacher,
    wanted: int,
    *,
    provenance: dict[str, Any],
    concurrency: int = 1,
    sieve: Sieve | None = None,
    tell: Callable[[Outcome], None] = lambda outcome: None,
    settle: Callable[[Outcome], None] = lambda outcome: None,
    stop: Stop | None = None,
) -> Harvest:
    """Rows from `teacher` until there are `wanted`, or it gives no more.

    Args:
        provenance: What every row says about where it comes from.
        concurrency: How many questions are worked on at once.
        sieve: Keeps out what repeats a row or a benchmark; by default exact duplicates.
        tell: Called with each outcome as it comes, for a progress display.
        settle: Called with each outcome in the order of the questions, once the sieve has had its say.
        stop: Ends the harvest before it is done.

    Raises:
        StoppedError: `stop` says so; what was under way has come to its end.
    """
    made = Harvest()
    sieve, stop = sieve or Sieve(), stop or Stop()
    fruitless = 0

    async def work(question: Question) -> Outcome:
        stop.check()
        try:
            outcome = await _outcome(teacher, question, provenance)
        except UserError as error:
            stop.reason = stop.reason or str(error)  # nothing new is begun, while what is under way comes to its end
            raise
        tell(outcome)
        return outcome

    while len(made.rows) < wanted and fruitless < FRUITLESS_ROUNDS:
        asked, got = made.asked, len(made.rows)
        share = got / asked if asked else 1.0
        questions = teacher.questions(math.ceil((wanted - got) / max(share, 0.25)))
        async with aclosing(in_order(questions, work, concurrency)) as outcomes:
            async for outcome in outcomes:
                made.asked += 1
                settle(_take(outcome, made, wanted, sieve))
        if made.asked == asked:
            break
        fruitless = fruitless + 1 if len(made.rows) == got else 0
    return made


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


async def _outcome(teacher: Teacher, question: Question, provenance: dict[str, Any]) -> Outcome:
    """One question through check, solve, verify and the gate before storage."""
    with scope(f"check {question.id}"):
        good, why = await teacher.check(question)
    if not good:
        return Outcome(question, None, "check", why, why)
    with scope(f"solve {question.id}") as here:
        solution = await teacher.solve(question)
    made = solution.conversation
    row: Row = {
        "id": made.id,
        "messages": made.messages,
        "tools": made.tools,
        "scenario": made.scenario,
        "lang": made.lang,
        "split_key": made.split_key,
        "quality": {"checks": list(CHECKS), **({"judge": why} if why else {})},
        "provenance": provenance,
        "schema_version": SCHEMA_VERSION,
    }
    if solution.why_not:
        return Outcome(question, row, "solve", solution.why_not, why)
    if reason := why_not(row["messages"], row["tools"], row["scenario"], here.failures):
        return Outcome(question, row, "verify", reason, why)
    if problems := check_row(row):
        return Outcome(question, row, "storage", f"comes back changed: {shown(problems[0])}", why)
    return Outcome(question, row, verdict=why)


def _take(outcome: Outcome, made: Harvest, wanted: int, sieve: Sieve) -> Outcome:
    """Put one outcome where it belongs; what became of it in the end."""
    row = outcome.row
    if row is not None and not outcome.stage:
        stage, reason = sieve.against(row)
        if not stage and len(made.rows) >= wanted:
            stage, reason = PUBLISH, "surplus: there were rows enough"
        outcome = replace(outcome, stage=stage, reason=reason)
    if row is not None and not outcome.stage:
        made.rows.append(row)
        made.sides[row["id"]] = outcome.question.split
        return outcome
    left = dict(row) if row is not None else _asked(outcome.question)
    made.rejected.append({"stage": outcome.stage, "reason": outcome.reason, "row": left})
    return outcome


def _asked(question: Question) -> dict[str, Any]:
    """What there is of a row that was never solved."""
    names = [tool.name for tool in question.tools]
    asked = {"id": question.id, "scenario": question.scenario, "lang": question.lang, "tools": names}
    return {**asked, "text": question.user}
