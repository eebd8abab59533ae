"""One question's way through check, solve, verify and the gates before storage.

Comes in: a teacher and one of its questions. Goes out: an `Outcome`: a row, or the stage that dropped it and why. What
depends on other rows comes later, in dataset_builder.pipeline.
"""

from dataclasses import dataclass, field
from typing import Any

from dataset_builder.calls import Calls
from dataset_builder.candidates import Candidate, best
from dataset_builder.journal import scope
from dataset_builder.questions import Question, Teacher
from dataset_builder.rendering import not_rendered
from dataset_builder.rows import SCHEMA_VERSION, Row, check_row, shown
from dataset_builder.verify import CHECKS, why_not

STAGES = ("check", "solve", "verify", "storage", "render")  # then the sieve's, then PUBLISH
QUESTIONS, PUBLISH = "questions", "publish"


@dataclass(frozen=True)
class Outcome:
    """What became of one question: a row, or the stage that dropped it and why; `verdict` is what `check` said, `calls`
    counts those of all candidates.
    """

    question: Question
    row: Row | None
    stage: str = ""
    reason: str = ""
    verdict: str = ""
    candidates: tuple[Candidate, ...] = ()
    calls: Calls = field(default_factory=Calls)

    def story(self) -> dict[str, Any]:
        """What is known of it, as JSON."""
        asked = self.question
        known = {"scenario": asked.scenario, "lang": asked.lang, "tools": [tool.name for tool in asked.tools]}
        return {**known, "question": asked.user, "verdict": self.verdict, "messages": self.row and self.row["messages"]}


async def outcome_of(
    teacher: Teacher, question: Question, provenance: dict[str, Any], accept: int, until: str
) -> Outcome:
    """One question through check, solve, verify and the gates before storage."""
    if until == QUESTIONS:
        return Outcome(question, None)
    with scope(f"check {question.id}"):
        good, why = await teacher.check(question)
    if not good:
        return Outcome(question, None, "check", why, why)
    if until == "check":
        return Outcome(question, None, verdict=why)
    calls = Calls()
    candidates = tuple(
        [await _candidate(teacher, question, provenance, why, number, until, calls) for number in range(accept)]
    )
    kept = best(candidates)
    row = kept.row
    if accept > 1 and not kept.stage:
        good_ones = sum(not each.stage for each in candidates)
        row = {**row, "quality": {**row["quality"], "candidates": {"solved": accept, "good": good_ones}}}
    return Outcome(question, row, kept.stage, kept.reason, why, candidates, calls)


async def _candidate(
    teacher: Teacher, question: Question, provenance: dict[str, Any], why: str, attempt: int, until: str, calls: Calls
) -> Candidate:
    """One solution, and what speaks against it. What it called is added to `calls`."""
    number = f" {attempt}" if attempt else ""
    with scope(f"solve {question.id}{number}") as here:
        solution = await teacher.solve(question, attempt)
    calls.add(here.calls)
    made = solution.conversation
    results = {"results": dict(sorted(here.not_executed.items()))} if here.not_executed else {}
    renamed = {tool.name: there for tool in question.tools if (there := getattr(tool, "stands_for", None))}
    row: Row = {
        "id": made.id,
        "messages": made.messages,
        "tools": made.tools,
        "scenario": made.scenario,
        "lang": made.lang,
        "split_key": made.split_key,
        "quality": {"checks": list(CHECKS), **({"judge": why} if why else {})},
        "provenance": {**provenance, **question.drawn, **results, **({"stands_for": renamed} if renamed else {})},
        "schema_version": SCHEMA_VERSION,
    }
    if solution.why_not:
        return Candidate(row, "solve", solution.why_not)
    if until == "solve":
        return Candidate(row)
    if reason := why_not(row["messages"], row["tools"], row["scenario"], here.failures):
        return Candidate(row, "verify", reason)
    with scope(f"verify {question.id}{number}"):
        good, praise = await teacher.judge(question, made)
    if not good:
        return Candidate(row, "verify", praise)
    if praise:
        row["quality"]["judge_of_answer"] = praise
    if problems := check_row(row):
        return Candidate(row, "storage", f"comes back changed: {shown(problems[0])}")
    if reason := not_rendered(row["messages"], row["tools"]):
        return Candidate(row, "render", reason)
    return Candidate(row)


def asked_as_row(question: Question) -> dict[str, Any]:
    """What there is of a row that was never solved."""
    names = [tool.name for tool in question.tools]
    asked = {"id": question.id, "scenario": question.scenario, "lang": question.lang, "tools": names}
    return {**asked, "text": question.user}
