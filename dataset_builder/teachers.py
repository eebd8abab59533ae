"""Teachers by name: `embedded`, or any model name that `agent.models.load_model` takes.

Comes in: a name and journalled tools. Goes out: a `Teacher`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from agent.models import ChatModel, load_model
from agent.models.names import is_endpoint
from agent.tools import Tool
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.embedded_teacher.split import HoldOut, family_of, held_out_key
from dataset_builder.journal import Journal
from dataset_builder.journalled import JournalledModel
from dataset_builder.pace import PacedModel
from dataset_builder.prompting import PROMPTS
from dataset_builder.questions import Cell, Conversation, Question, Solution, Teacher
from dataset_builder.standing_in import Recordings
from dataset_builder.stopping import Stop


class Embedded:
    """The embedded teacher behind the interface of all teachers. Its questions are right by the way they are made."""

    name = "embedded"

    def __init__(
        self,
        tools: Sequence[Tool],
        languages: Sequence[str],
        seed: int,
        mix: Mapping[str, int] | None,
        shard: tuple[int, int] = (0, 1),
        hold_out: HoldOut = "families",
    ):
        # What scenarios it knows, it says itself.
        self._teacher = EmbeddedTeacher(
            tools,
            seed=seed,
            languages=languages,
            mix=mix,  # type: ignore[arg-type]
            hold_out=hold_out,
        )
        whole = sum(self._teacher.mix.values()) * len(languages)
        self.shares: Mapping[Cell, float] = {
            (scenario, lang): share / whole for scenario, share in self._teacher.mix.items() for lang in languages
        }
        families, sides = self._teacher.families, self._teacher.sides
        self.tool_sides: Mapping[str, str] = {
            name: sides[family] for name, family in families.items() if held_out_key(family) not in sides
        }
        own = {families[tool.name] for tool in tools}
        self.key_sides: Mapping[str, str] = {key: side for key, side in sides.items() if family_of(key) in own}
        self._shard, self._number, self._seen = shard, 0, set[int]()

    async def questions(self, count: int, needs: Mapping[Cell, int] | None = None) -> AsyncIterator[Question]:
        if needs is None:
            for _ in range(count):
                yield self._next()
        for cell, number in (needs or {}).items():
            for _ in range(number):
                yield self._next(cell)

    def _next(self, cell: Cell | None = None) -> Question:
        """The next question of this shard; those of the others are passed over, and not asked here."""
        which, shards = self._shard
        while self._number % shards != which:
            self._teacher.question(self._number, self._seen)
            self._number += 1
        self._number += 1
        return self._teacher.question(self._number - 1, self._seen, cell)  # type: ignore[arg-type]

    async def check(self, question: Question) -> tuple[bool, str]:
        return True, ""

    async def solve(self, question: Question, attempt: int = 0) -> Solution:
        return Solution(await self._teacher.solve_async(question))

    async def judge(self, question: Question, conversation: Conversation) -> tuple[bool, str]:
        return True, ""


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
    judge: str = "",
    prompts: Path | None = None,
    recordings: Recordings | None = None,
    shard: tuple[int, int] = (0, 1),
    hold_out: HoldOut = "families",
) -> tuple[Teacher, list[JournalledModel]]:
    """The teacher of that name, and the models behind it where there are any: the one that solves, then the judge.
    The journal need not be open yet.

    Raises:
        UserError: there is no such model, or these tools do not allow the mix.
    """
    if name == "embedded":
        return Embedded(tools, languages, seed, mix, shard, hold_out), []
    from dataset_builder.llm_teacher import LLMTeacher

    stop = stop or Stop()
    names = dict.fromkeys((name, judge or name))
    models = [JournalledModel(_paced(each, concurrency), journal, stop) for each in names]
    teacher = LLMTeacher(
        models[0],
        tools,
        languages=languages,
        seed=seed,
        concurrency=concurrency,
        mix=mix,
        folder=prompts or PROMPTS,
        judge=models[-1],
        recordings=recordings,
        shard=shard,
        hold_out=hold_out,
    )
    return teacher, models


def _paced(name: str, most: int) -> ChatModel:
    """The model of that name; one behind HTTP is asked at the pace that it can bear, at most `most` at once. Several
    endpoints, by commas, share the work.
    """
    names = [part.strip() for part in name.split(",")]
    if not all(map(is_endpoint, names)):
        return load_model(name)
    from agent.models.endpoint import EndpointModel
    from dataset_builder.sharing import SharedModel

    paced = [PacedModel(EndpointModel(each, attempts=1), most) for each in names]
    return paced[0] if len(paced) == 1 else SharedModel(paced)


def public_name(name: str) -> str:
    """The teacher as rows and cards name it: an endpoint's model, never its address."""
    if name.startswith(("http://", "https://")):
        return name.partition(",")[0].partition("#")[2] or "a model behind an OpenAI-compatible endpoint"
    return Path(name).name if Path(name).is_dir() else name
