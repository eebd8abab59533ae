"""Teachers by name: `embedded`, or any model name that `agent.models.load_model` takes.

Comes in: a name and journalled tools. Goes out: a `Teacher`.
"""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from agent.models import ChatModel, load_model
from agent.models.names import is_endpoint
from agent.tools import Tool
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.journal import Journal
from dataset_builder.journalled import JournalledModel
from dataset_builder.pace import PacedModel
from dataset_builder.questions import Question, Solution, Teacher
from dataset_builder.stopping import Stop


class Embedded:
    """The embedded teacher behind the interface of all teachers. Its questions are right by the way they are made."""

    name = "embedded"

    def __init__(self, tools: Sequence[Tool], languages: Sequence[str], seed: int, mix: Mapping[str, int] | None):
        # What scenarios it knows, it says itself.
        self._teacher = EmbeddedTeacher(tools, seed=seed, languages=languages, mix=mix)  # type: ignore[arg-type]
        self._stream = self._teacher.questions(sys.maxsize)

    async def questions(self, count: int) -> AsyncIterator[Question]:
        for question in islice(self._stream, count):
            yield question

    async def check(self, question: Question) -> tuple[bool, str]:
        return True, ""

    async def solve(self, question: Question) -> Solution:
        return Solution(await self._teacher.solve_async(question))


def load_teacher(
    name: str,
    tools: Sequence[Tool],
    *,
    languages: Sequence[str],
    seed: int,
    concurrency: int,
    journal: Journal,
    stop: Stop | None = None,
    mix: Mapping[str, int] | None = None,
) -> tuple[Teacher, JournalledModel | None]:
    """The teacher of that name, and the model behind it where there is one.

    Raises:
        UserError: there is no such model.
    """
    if name == "embedded":
        return Embedded(tools, languages, seed, mix), None
    from dataset_builder.llm_teacher import LLMTeacher

    model = JournalledModel(_paced(name, concurrency), journal, stop)
    teacher = LLMTeacher(model, tools, languages=languages, seed=seed, concurrency=concurrency, mix=mix)
    return teacher, model


def _paced(name: str, most: int) -> ChatModel:
    """The model of that name; one behind HTTP is asked at the pace that it can bear, at most `most` at once."""
    if not is_endpoint(name):
        return load_model(name)
    from agent.models.endpoint import EndpointModel

    return PacedModel(EndpointModel(name, attempts=1), most)


def public_name(name: str) -> str:
    """The teacher as rows and cards name it: an endpoint's model, never its address."""
    if name.startswith(("http://", "https://")):
        return name.partition("#")[2] or "a model behind an OpenAI-compatible endpoint"
    return Path(name).name if Path(name).is_dir() else name
