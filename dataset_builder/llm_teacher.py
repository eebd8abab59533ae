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
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from agent.confirming import allow
from agent.errors import UserError
from agent.events import Done, Failed
from agent.loop import Agent, Limits
from agent.messages import Message
from agent.models import ChatModel, Sampling, complete
from agent.toolbox.world import new_world
from agent.tools import Tool
from dataset_builder.embedded_teacher.question import Plan, PlannedCall
from dataset_builder.embedded_teacher.split import HoldOut, held_out_key
from dataset_builder.failing import FailingOnce
from dataset_builder.grid import SCENARIOS, Cell, Grid
from dataset_builder.journal import scope
from dataset_builder.journalled import refusal
from dataset_builder.pipeline import in_order
from dataset_builder.prompting import PROMPTS, REPLYING, filled, listed, prompts
from dataset_builder.questions import Cell as Key
from dataset_builder.questions import Conversation, Question, Solution
from dataset_builder.replies import read_list, read_verdict
from dataset_builder.requests import AT_ONCE, drawn, judgement_asked, questions_asked, target_of, verdict_asked
from dataset_builder.standing_in import Recordings, StandIn

THINKING_UP = Sampling(max_new_tokens=1024, temperature=0.9)
JUDGING = Sampling(max_new_tokens=2048)  # most verdicts are short; some judges think first
SOLVING = Sampling(max_new_tokens=1024)
ANOTHER_WAY = 0.8  # temperature of further solutions of one question
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
        folder: Of prompts, `zh.yaml` and `en.yaml`.
        judge: The model that judges, where it is another one.
        recordings: Results of tools that are only described; what is not among them is simulated by `model`.
        shard: Of every N questions, which ones are asked: (which, N).
        hold_out: What the test is made of; see `Grid`.
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
        judge: ChatModel | None = None,
        recordings: Recordings | None = None,
        shard: tuple[int, int] = (0, 1),
        hold_out: HoldOut = "families",
    ):
        self.name = model.name
        self._model, self._seed, self._concurrency = model, seed, concurrency
        self._judge, self._shard, self._recordings = judge or model, shard, recordings or {}
        self._prompts = {lang: prompts(folder, lang, SCENARIOS) for lang in languages}
        self._grid = Grid(tools, languages, seed, mix, hold_out)
        self.shares: Mapping[Key, float] = self._grid.declared
        self.tool_sides: Mapping[str, str] = self._grid.tool_sides
        self.key_sides: Mapping[str, str] = self._grid.key_sides
        self._asked = 0

    async def questions(self, count: int, needs: Mapping[Key, int] | None = None) -> AsyncIterator[Question]:
        """`count` more questions, a few to a request; fewer where replies held too few."""
        cells = self._cells(count) if needs is None else self._needed(needs)
        async with aclosing(in_order(cells, self._think_up, self._concurrency)) as batches:
            async for batch in batches:
                for question in batch:
                    yield question

    async def _cells(self, count: int) -> AsyncIterator[tuple[Cell, int]]:
        for left in range(count, 0, -AT_ONCE):
            yield self._grid.cell(self._next()), left

    async def _needed(self, needs: Mapping[Key, int]) -> AsyncIterator[tuple[Cell, int]]:
        for key, count in needs.items():
            for left in range(count, 0, -AT_ONCE):
                yield self._grid.cell(self._next(), key), left

    def _next(self) -> int:
        """The number of the next cell of this shard."""
        self._asked += 1
        which, shards = self._shard
        return (self._asked - 1) * shards + which

    async def _think_up(self, wanted: tuple[Cell, int]) -> list[Question]:
        cell, most = wanted
        offered = self._grid.offered(cell)
        request = questions_asked(self._prompts[cell.lang], cell, offered)
        sampling = Sampling(THINKING_UP.max_new_tokens, THINKING_UP.temperature, seed=self._seed + cell.number)
        with scope(f"questions {cell.number}"):
            reply = await complete(self._model, [{"role": "user", "content": request}], [], sampling)
        # A reply without a list is one question without words: `check` drops it, and says so.
        texts = read_list(reply.message["content"])[:AT_ONCE] or [""]
        return [self._question(cell, offered, place, text) for place, text in enumerate(texts[:most])]

    def _question(self, cell: Cell, offered: list[Tool], place: int, text: str) -> Question:
        family = self._grid.families[cell.target.name]
        name = f"{self._seed}-{'' if self.tool_sides else 'q'}{cell.number:06d}-{place}"
        # The target, which a question about what no tool can do does not offer.
        plan = Plan(calls=(PlannedCall(cell.target.name, {}),))
        key = held_out_key(family) if cell.side == "test" and not self.tool_sides else family
        asked_as = drawn(self._prompts[cell.lang], cell)
        return Question(name, cell.scenario, cell.lang, offered, text, plan, key, cell.side, drawn=asked_as)

    async def check(self, question: Question) -> tuple[bool, str]:
        """Rules first, because they cost nothing; then the judge."""
        if reason := _against(question):
            return False, reason
        return await self._verdict(verdict_asked(self._prompts[question.lang], question))

    async def judge(self, question: Question, conversation: Conversation) -> tuple[bool, str]:
        """Whether the assistant did what was asked, by the judge, who sees the calls and their results."""
        return await self._verdict(judgement_asked(self._prompts[question.lang], question, conversation.messages))

    async def _verdict(self, request: str) -> tuple[bool, str]:
        reply = await complete(self._judge, [{"role": "user", "content": request}], [], JUDGING)
        good, why = read_verdict(reply.message["content"])
        if good is None and (refused := refusal()):
            return False, refused
        if good is None and reply.finish == "length":
            return False, f"judge cut after {JUDGING.max_new_tokens} tokens, before its verdict"
        if good is None:
            return False, f"judge neither yes nor no: {why}"
        return good, why if good else f"judge: {why}"

    async def solve(self, question: Question, attempt: int = 0) -> Solution:
        """Let the agent answer; raises UserError where the model cannot be reached, so that the run can go on later."""
        said, target = self._prompts[question.lang], target_of(question)
        sampling = replace(SOLVING, temperature=ANOTHER_WAY, seed=self._seed + attempt) if attempt else SOLVING
        told: Message = {"role": "system", "content": said["solve"]}
        fails = question.scenario == "tool_recovery"
        tools = [
            tool if tool.runnable else StandIn(tool, self._recordings, self._model, said, question.lang)
            for tool in question.tools
        ]
        agent = Agent(
            self._model,
            [FailingOnce(tool, said["failure"]) if fails and tool.name == target else tool for tool in tools],
            sampling=sampling,
            limits=Limits(steps=6),
            seed=random.Random(f"{self._seed} {question.id}").randrange(2**31),
            lang=question.lang,
            # Whoever started the build gave it these tools to be really executed; nobody sits there to be asked.
            confirm=allow,
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
        if done.reason == "empty" and (refused := refusal()):
            return Solution(conversation, refused)
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


def _distracted(conversation: Conversation, target: str) -> str:
    """Which tool was called where only the target is right; "" in other scenarios."""
    if conversation.scenario != "distractors":
        return ""
    called = [call["function"]["name"] for turn in conversation.messages for call in turn.get("tool_calls", [])]
    strange = [name for name in called if name != target]
    return f"distracted: {strange[0]} was called, and only {target} is right" if strange else ""


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
