"""The requests of the LLM teacher, filled in: for questions about a cell of the grid, and for verdicts.

Comes in: prompts, a cell or a question. Goes out: the text that a model is asked. Knows nothing of models.
"""

from collections.abc import Sequence
from typing import Any

from agent.messages import Message
from agent.tools import Tool
from dataset_builder.grid import Cell
from dataset_builder.prompting import as_text, filled, listed, required
from dataset_builder.questions import Question

AT_ONCE = 4  # questions asked for in one request


def questions_asked(said: dict[str, Any], cell: Cell, offered: Sequence[Tool]) -> str:
    """The request for the questions of one cell."""
    mark = "；" if cell.lang == "zh" else "; "
    return filled(
        said["questions"][cell.scenario],
        tools=listed(offered, cell.lang),
        target=cell.target.name,
        required=", ".join(required(cell.target)),
        count=AT_ONCE,
        persona=mark.join(drawn(said, cell).values()),
    )


def drawn(said: dict[str, Any], cell: Cell) -> dict[str, str]:
    """Who asks the questions of a cell, and how hard they are, in the words of the prompts."""
    parts = {"persona": ("personas", cell.persona), "difficulty": ("difficulties", cell.difficulty)}
    return {name: str(said[part][int(place * len(said[part]))]) for name, (part, place) in parts.items()}


def target_of(question: Question) -> str:
    """The name of the tool that a question of this teacher is about."""
    return question.plan.calls[0].name


def judgement_asked(said: dict[str, Any], question: Question, messages: Sequence[Message]) -> str:
    """The request for a verdict on what the assistant made of a question."""
    return filled(
        said["judge_answer"],
        tools=listed(question.tools, question.lang),
        conversation=as_text(messages),
        expectation=filled(said["expectations"][question.scenario], target=target_of(question)),
    )


def verdict_asked(said: dict[str, Any], question: Question) -> str:
    """The request for a verdict on one question."""
    expectation = filled(said["expectations"][question.scenario], target=target_of(question))
    tools = listed(question.tools, question.lang)
    return filled(said["judge"], tools=tools, question=question.user, expectation=expectation)
