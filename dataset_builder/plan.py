"""The plan of a build: which questions it will ask about, and what that costs, before anything is asked of anyone.

Comes in: a teacher's name, tools and how many rows are wanted. Goes out: how many questions of each scenario, language
and tool; for a model also how many requests and tokens. The prompts are the real ones, filled in and counted; what a
model will write is not known and is taken from `WRITTEN`. It is the cost of a run in which no question is dropped.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agent.tools import Tool
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.embedded_teacher.split import HoldOut, family_of
from dataset_builder.grid import SCENARIOS, Cell, Grid
from dataset_builder.prompting import PROMPTS, filled, listed, prompts
from dataset_builder.requests import AT_ONCE, questions_asked

RULE = (
    "a token for each Chinese character and for every 4 other characters of the prompts as they will be sent; for what "
    "the model writes: a question 40, a verdict 30, a call 40, an answer 60; a tool's result 60; no question dropped"
)
WRITTEN = {"question": 40, "verdict": 30, "call": 40, "answer": 60, "result": 60}
# By scenario: replies of the agent, what a simulated user says beside them, and calls.
COURSE = {
    "single_call": (2, 0, 1),
    "parallel_calls": (2, 0, 2),
    "sequential_calls": (3, 0, 2),
    "multi_turn": (4, 1, 2),
    "missing_parameter": (3, 1, 1),
    "tool_recovery": (3, 0, 2),
    "distractors": (2, 0, 1),
}
NO_CALL = (1, 0, 0)


@dataclass
class Plan:
    """What a build will do.

    Args:
        mix: Questions by scenario, language and tool (with the embedded teacher: family of tools).
        requests: By what they are for: questions, judging, solving, judging answers, simulating tools.
        cost: In the currency of the prices; None without prices.
    """

    rows: int
    mix: dict[str, dict[str, dict[str, int]]]
    requests: dict[str, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    rule: str = ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "all_requests": sum(self.requests.values())}


def plan_embedded(
    tools: Sequence[Tool],
    rows: int,
    languages: Sequence[str],
    seed: int,
    mix: Mapping[str, int] | None = None,
    *,
    hold_out: HoldOut = "families",
) -> Plan:
    """The embedded teacher's plan: its questions themselves, since they cost nothing."""
    teacher = EmbeddedTeacher(tools, seed=seed, languages=languages, mix=mix, hold_out=hold_out)  # type: ignore[arg-type]
    asked = ((each.scenario, each.lang, family_of(each.family)) for each in teacher.questions(rows))
    return Plan(rows, _mix(Counter(asked)))


def plan_llm(
    tools: Sequence[Tool],
    rows: int,
    languages: Sequence[str],
    seed: int,
    mix: Mapping[str, int] | None = None,
    prices: tuple[float, float] | None = None,
    *,
    accept: int = 1,
    folder: Path = PROMPTS,
    hold_out: HoldOut = "families",
) -> Plan:
    """An LLM teacher's plan. `prices`: of a million tokens read and of a million written; `accept`: solutions of each
    question; `folder`: of prompts.
    """
    grid = Grid(tools, languages, seed, mix, hold_out)
    said = {lang: prompts(folder, lang, SCENARIOS) for lang in languages}
    counts: Counter[tuple[str, str, str]] = Counter()
    requests: Counter[str] = Counter()
    read = written = 0
    for number in range(math.ceil(rows / AT_ONCE)):
        cell = grid.cell(number)
        questions = min(AT_ONCE, rows - number * AT_ONCE)
        counts[cell.scenario, cell.lang, cell.target.name] += questions
        replies, users, calls = COURSE.get(cell.scenario, NO_CALL)
        solutions = questions * accept
        requests.update({"questions": 1, "judging": questions, "solving": solutions * (replies + users)})
        requests.update({"judging answers": solutions})
        if not cell.target.runnable:
            requests.update({"simulating": solutions * calls})
        asked, told = _tokens_of(cell, grid.offered(cell), said[cell.lang], questions, accept)
        read, written = read + asked, written + told
    cost = None if prices is None else (read * prices[0] + written * prices[1]) / 1e6
    return Plan(rows, _mix(counts), dict(requests), read, written, cost, RULE)


def tokens(text: str) -> int:
    """About how many tokens a text has; see `RULE`."""
    chinese = sum("\u3400" <= character <= "\u9fff" for character in text)
    return chinese + math.ceil((len(text) - chinese) / 4)


def _tokens_of(
    cell: Cell, offered: Sequence[Tool], said: Mapping[str, Any], questions: int, accept: int
) -> tuple[int, int]:
    """Tokens read and written for one cell and its questions."""
    told_judge = {
        "tools": listed(offered, cell.lang),
        "expectation": filled(said["expectations"][cell.scenario], target=cell.target.name),
    }
    judge = filled(said["judge"], question="", **told_judge)
    replies, users, calls = COURSE.get(cell.scenario, NO_CALL)
    schemas = json.dumps([tool.localized(cell.lang) for tool in offered], ensure_ascii=False)
    first = tokens(said["solve"]) + tokens(schemas) + WRITTEN["question"]
    # Every further reply reads it all again; on the middle one, half of the calls and results are there.
    history = calls * (WRITTEN["call"] + WRITTEN["result"]) + users * (WRITTEN["answer"] + WRITTEN["question"])
    solve = replies * first + (replies * history) // 2
    if users:
        solve += users * (tokens(said["user"][cell.scenario]) + tokens(listed(offered, cell.lang)) + history)
    judged = tokens(filled(said["judge_answer"], conversation="", **told_judge)) + history
    judged += (1 + users) * WRITTEN["answer"] + WRITTEN["question"]
    simulated = 0
    if not cell.target.runnable:
        prompt = filled(said["simulate"], tool=listed([cell.target], cell.lang), before="", arguments="")
        simulated = calls * (tokens(prompt) + WRITTEN["call"])
    each = tokens(judge) + WRITTEN["question"] + accept * (solve + judged + simulated)
    # All AT_ONCE questions are asked for, however many of them are needed.
    asked = tokens(questions_asked(dict(said), cell, offered)) + questions * each
    told = AT_ONCE * WRITTEN["question"]
    solution = calls * WRITTEN["call"] + (1 + users) * WRITTEN["answer"] + users * WRITTEN["question"]
    solution += WRITTEN["verdict"] + (0 if cell.target.runnable else calls * WRITTEN["result"])
    told += questions * (WRITTEN["verdict"] + accept * solution)
    return asked, told


def _mix(counts: Mapping[tuple[str, str, str], int]) -> dict[str, dict[str, dict[str, int]]]:
    mix: dict[str, dict[str, dict[str, int]]] = {}
    for (scenario, lang, tool), count in sorted(counts.items()):
        mix.setdefault(scenario, {}).setdefault(lang, {})[tool] = count
    return mix
