"""The LLM teacher: a model thinks up questions, judges them, and solves them as the agent, with tools that really run.

Comes in: any model that `agent.models.load_model` names, tools, languages, and prompts (YAML files, one a language).
Goes out: questions, verdicts with their reasons, and conversations. The model and the tools it is given write the
journal; here nothing is remembered but where in the grid of scenario × language × tool it stands.

What the teacher was told in order to solve does not enter the row: the row is to teach it.
"""

import random
import zlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from agent.errors import UserError
from agent.events import Done, Failed
from agent.loop import Agent, Limits
from agent.messages import Message
from agent.models import ChatModel, Sampling, complete
from agent.toolbox.world import new_world
from agent.tools import Tool
from dataset_builder.embedded_teacher.question import Plan
from dataset_builder.failing import FailingOnce
from dataset_builder.grid import SCENARIOS, Cell, Grid
from dataset_builder.journal import scope
from dataset_builder.pipeline import in_order
from dataset_builder.prompting import PROMPTS, REPLYING, filled, listed, prompts, required
from dataset_builder.questions import Conversation, Question, Solution
from dataset_builder.replies import read_list, read_verdict

AT_ONCE = 4  # questions asked for in one request
THINKING_UP = Sampling(max_new_tokens=1024, temperature=0.9)
JUDGING = Sampling(max_new_tokens=256)
SOLVING = Sampling(max_new_tokens=1024)
ANSWERING = Sampling(max_new_tokens=256, temperature=0.9)
LONGEST = 2000  # characters of a question


class LLMTeacher:
    """Asks `model` for everything.

    Args:
        model: Thinks up, judges and solves.
        tools: What questions are about.
        languages: Of the questions.
        seed: Decides the order of the grid, the other tools offered and the call ids.
        concurrency: Requests made at once while thinking up.
        mix: How often each scenario comes; see `Grid`.
    """

    def __init__(
        self,
        model: ChatModel,
        tools: Sequence[Tool],
        *,
        languages: Collection[str] = ("zh", "en"),
        seed: int = 0,
        concurrency: int = 8,
        mix: Mapping[str, int] | None = None,
        folder: Path = PROMPTS,
    ):
        self.name = model.name
        self._model, self._seed, self._concurrency = model, seed, concurrency
        self._prompts = {lang: prompts(folder, lang, SCENARIOS) for lang in languages}
        self._grid = Grid(tools, languages, seed, mix)
        self._targets: dict[str, Tool] = {}
        self._asked = 0

    async def questions(self, count: int) -> AsyncIterator[Question]:
        """`count` more questions, a few to a request; fewer where replies held too few."""
        left = count
        async with aclosing(in_order(self._cells(-(-count // AT_ONCE)), self._think_up, self._concurrency)) as batches:
            async for batch in batches:
                for question in batch[:left]:
                    yield question
                left -= len(batch[:left])

    async def _cells(self, count: int) -> AsyncIterator[Cell]:
        for _ in range(count):
            self._asked += 1
            yield self._grid.cell(self._asked - 1)

    async def _think_up(self, cell: Cell) -> list[Question]:
        offered = self._grid.offered(cell)
        request = questions_asked(self._prompts[cell.lang], cell, offered)
        sampling = Sampling(THINKING_UP.max_new_tokens, THINKING_UP.temperature, seed=self._seed + cell.number)
        with scope(f"questions {cell.number}"):
            reply = await complete(self._model, [{"role": "user", "content": request}], [], sampling)
        # A reply without a list is one question without words: `check` drops it, and says so.
        texts = read_list(reply.message["content"])[:AT_ONCE] or [""]
        return [self._question(cell, offered, place, text) for place, text in enumerate(texts)]

    def _question(self, cell: Cell, offered: list[Tool], place: int, text: str) -> Question:
        family = self._grid.families[cell.target.name]
        name = f"{self._seed}-{cell.number:06d}-{place}"
        self._targets[name] = cell.target
        return Question(name, cell.scenario, cell.lang, offered, text, Plan(), family, self._grid.sides[family])

    async def check(self, question: Question) -> tuple[bool, str]:
        """Rules first, because they cost nothing; then the judge."""
        if reason := _against(question):
            return False, reason
        request = verdict_asked(self._prompts[question.lang], question, self._targets[question.id])
        reply = await complete(self._model, [{"role": "user", "content": request}], [], JUDGING)
        good, why = read_verdict(reply.message["content"])
        if good is None:
            return False, f"judge neither yes nor no: {why}"
        return good, why if good else f"judge: {why}"

    async def solve(self, question: Question) -> Solution:
        """Let the agent answer; raises UserError where the model cannot be reached, so that the run can go on later."""
        said, target = self._prompts[question.lang], self._targets[question.id]
        told: Message = {"role": "system", "content": said["solve"]}
        fails = question.scenario == "tool_recovery"
        agent = Agent(
            self._model,
            [FailingOnce(tool, said["failure"]) if fails and tool is target else tool for tool in question.tools],
            sampling=SOLVING,
            limits=Limits(steps=6),
            seed=random.Random(f"{self._seed} {question.id}").randrange(2**31),
            lang=question.lang,
        )
        number = zlib.crc32(question.id.encode())
        # The embedded tools act in a world of the row's own, always on the same day.
        with new_world(number, date(2025, 1, 1) + timedelta(days=number % 730)):
            done, failure = await _to_the_end(agent, [told, {"role": "user", "content": question.user}])
            if question.scenario in REPLYING and done.reason == "answered":
                more: Message = {"role": "user", "content": await self._as_user(question, done.messages[1:])}
                done, failure = await _to_the_end(agent, [*done.messages, more])
        if done.reason == "failed":
            raise UserError(failure)
        conversation = Conversation(
            id=question.id,
            scenario=question.scenario,
            lang=question.lang,
            messages=done.messages[1:],
            tools=agent.schemas,
            split_key=question.family,
            split=question.split,
        )
        if done.reason != "answered":
            return Solution(conversation, f"{done.reason}: {failure or 'the agent stopped there'}")
        return Solution(conversation, _distracted(conversation, target))

    async def _as_user(self, question: Question, messages: Sequence[Message]) -> str:
        """What the user says next, by the model in the user's place; it sees what a user sees."""
        seen = (turn for turn in messages if turn["role"] in ("user", "assistant") and turn["content"])
        request = filled(
            self._prompts[question.lang]["user"][question.scenario],
            tools=listed(question.tools, question.lang),
            conversation="\n".join(f"{turn['role']}: {turn['content']}" for turn in seen),
        )
        reply = await complete(self._model, [{"role": "user", "content": request}], [], ANSWERING)
        return reply.message["content"].strip().strip('"“”') or "…"


def questions_asked(said: dict[str, Any], cell: Cell, offered: Sequence[Tool]) -> str:
    """The request for the questions of one cell."""
    return filled(
        said["questions"][cell.scenario],
        tools=listed(offered, cell.lang),
        target=cell.target.name,
        required=", ".join(required(cell.target)),
        count=AT_ONCE,
        persona=said["personas"][int(cell.persona * len(said["personas"]))],
    )


def verdict_asked(said: dict[str, Any], question: Question, target: Tool) -> str:
    """The request for a verdict on one question."""
    expectation = filled(said["expectations"][question.scenario], target=target.name)
    tools = listed(question.tools, question.lang)
    return filled(said["judge"], tools=tools, question=question.user, expectation=expectation)


def _distracted(conversation: Conversation, target: Tool) -> str:
    """Which tool was called where only the target is right; "" in other scenarios."""
    if conversation.scenario != "distractors":
        return ""
    called = [call["function"]["name"] for turn in conversation.messages for call in turn.get("tool_calls", [])]
    strange = [name for name in called if name != target.name]
    return f"distracted: {strange[0]} was called, and only {target.name} is right" if strange else ""


async def _to_the_end(agent: Agent, messages: list[Message]) -> tuple[Done, str]:
    """The end of the agent's run, and the last thing that failed in it."""
    failure = ""
    async for event in agent.stream(messages):
        if isinstance(event, Failed):
            failure = event.reason
        if isinstance(event, Done):
            return event, failure
    raise AssertionError("a run ends with Done")


def _against(question: Question) -> str:
    """What rules say against a question, at no cost."""
    text = question.user
    if not text:
        return "no question: the reply held no list of questions"
    if len(text) > LONGEST or len(text) < 2:
        return f"length: {len(text)} characters"
    chinese = sum("\u3400" <= character <= "\u9fff" for character in text)
    if (chinese > 0) != (question.lang == "zh"):
        return f"language: not {question.lang}"
    named = [tool.name for tool in question.tools if "_" in tool.name and tool.name in text]
    return f"names a tool: {named[0]}" if named else ""
