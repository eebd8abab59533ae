"""The embedded teacher: questions by a seeded grammar over any tools, and conversations in which the tools really ran.

Comes in: tools and a seed. Goes out: `Question`s, each with its plan, and `Conversation`s: what was called, what the
tools returned, and an answer made of what they returned. The same seed gives the same rows. No model, no network.
"""

import asyncio
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from agent.errors import UserError
from agent.messages import Message, ToolCall, new_call_id, tool_call, tool_message
from agent.toolbox import all_tools
from agent.toolbox.world import new_world
from agent.tools import Tool, ToolResult
from dataset_builder.embedded_teacher.answering import answer
from dataset_builder.embedded_teacher.composing import CannotSayError, Composer
from dataset_builder.embedded_teacher.further import Further
from dataset_builder.embedded_teacher.offering import Offering
from dataset_builder.embedded_teacher.phrases import chat_topics
from dataset_builder.embedded_teacher.question import (
    DEFAULT_MIX,
    ON_REQUEST,
    Conversation,
    Plan,
    PlannedCall,
    Question,
    Scenario,
    Turn,
)
from dataset_builder.embedded_teacher.scenarios import Parts, Scenarios
from dataset_builder.embedded_teacher.split import SIDES, HoldOut, Side, family_sides, held_out_key
from dataset_builder.embedded_teacher.values import LANGUAGES
from dataset_builder.embedded_teacher.variants import ShownTool

SYSTEM_SHARE = 0.15  # of the conversations open with a system message
FEW_TOOLS = 12  # fewer tools than this get companions
MIN_FAMILIES = 4  # with fewer families of tools than this, every tool is a family of its own
TRIES = 40
# Held-out rows mostly hold one request, so that each shows one thing and costs one reading; training rows hold several.
HELD_OUT_MULTI_TURN = 0.25
MOST_FURTHER = 3  # requests after the first
# What a conversation of several requests may begin with.
FIRST: tuple[Scenario, ...] = (
    "single_call",
    "single_call",
    "parallel_calls",
    "missing_parameter",
    "no_suitable_tool",
    "chat",
)


class EmbeddedTeacher:
    """Makes and solves questions about `tools`.

    Args:
        tools: Any tools, ours or a person's own.
        seed: The same seed gives the same questions.
        languages: Of "zh" and "en"; they take turns.
        mix: Share of each scenario; what the tools do not allow is spread over the others.
        held_out_share: Share of the questions that are held out.
        hold_out: Families of tools, or questions about any of them: then sentences, words and values are divided, and
            every tool is on both sides.
        variants: Share of the training side's tools that are shown under other names and words.
        split_seed: Decides which families, sentences and words are held out; the same for all datasets by default.
        companions: Other tools, offered beside these and asked for where none suits, but never called. By default the
            embedded ones, where there are so few tools that a model could learn them by heart.

    Raises:
        UserError: There are no tools, or a language or scenario is not known.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        *,
        seed: int,
        languages: Sequence[str] = LANGUAGES,
        mix: Mapping[Scenario, float] | None = None,
        held_out_share: float = 0.15,
        variants: float = 0.85,
        split_seed: int = 0,
        companions: Sequence[Tool] | None = None,
        hold_out: HoldOut = "families",
    ):
        _check(tools, languages, mix or {})
        self.tools = {tool.name: tool for tool in tools}
        self.seed, self.languages, self.mix = seed, tuple(languages), dict(mix or DEFAULT_MIX)
        self.held_out_share = held_out_share
        by_family = len({tool.family for tool in tools}) >= MIN_FAMILIES
        self.families = {tool.name: tool.family if by_family else tool.name for tool in tools}
        own = {*self.families.values()}
        self._on_both = own if hold_out == "questions" else set[str]()
        self.sides: dict[str, Side] = dict.fromkeys(own, "train") if self._on_both else family_sides(own, split_seed)
        company = self._company(companions)
        company_sides = family_sides([tool.family for tool in company], split_seed)
        self.families |= {tool.name: tool.family for tool in company}
        topics = family_sides(chat_topics("en"), split_seed)
        self.sides |= company_sides | topics | {held_out_key(family): "test" for family in self._on_both}
        self._scenarios: dict[tuple[str, Side], Scenarios] = {}
        for lang in self.languages:
            for side in SIDES:
                offering = Offering(
                    [tool for tool in tools if self._on_both or self.sides[self.families[tool.name]] == side],
                    [tool for tool in company if company_sides[tool.family] == side],
                    self.families,
                    lang,
                    side,
                    variants,
                )
                said = [topic for topic in topics if topics[topic] == side]
                composer = Composer(lang, side, split_seed, divided=hold_out == "questions")
                self._scenarios[lang, side] = Scenarios(offering, composer, said)
        self._check_mix()

    def _company(self, companions: Sequence[Tool] | None) -> list[Tool]:
        if companions is None:
            companions = all_tools() if len(self.tools) < FEW_TOOLS else []
        own = {*self.tools, *self.families.values()}
        return [tool for tool in companions if tool.name not in own and tool.family not in own]

    def _check_mix(self) -> None:
        """Raise UserError where the mix names what these tools do not allow, and no others could take its place."""
        possible = set().union(*(each.possible() for each in self._scenarios.values()))
        if self.mix.get("sequential_calls") and "sequential_calls" not in possible:
            raise UserError(
                "sequential_calls needs a tool that is known to take what another gives, and none of these does",
                mend="name a model with --teacher, or leave it out of the mix",
            )
        if not any(self._weights(side) for side in SIDES):
            raise UserError(
                f"these tools allow none of the scenarios of the mix ({', '.join(self.mix)})",
                mend=f"possible are {', '.join(name for name in (*DEFAULT_MIX, *ON_REQUEST) if name in possible)}",
            )

    def side_of(self, split_key: str) -> Side:
        """Whether rows with this split key are for training or held out."""
        return self.sides[split_key]

    def questions(self, count: int) -> Iterator[Question]:
        """`count` questions, no two with the same words where the tools allow as many.

        Raises:
            UserError: No request can be made for any of the tools.
        """
        seen: set[int] = set()
        for index in range(count):
            yield self.question(index, seen)

    def question(self, index: int, seen: set[int], cell: tuple[Scenario, str] | None = None) -> Question:
        """Question number `index`.

        Args:
            index: From 0.
            seen: What was asked already; the question is added.
            cell: Its scenario and language, where they are not to follow from the number; a scenario that the tools do
                not allow is left to the mix.

        Raises:
            UserError: No request can be made for any of the tools.
        """
        rng = random.Random(f"{self.seed}/{index}")
        scenario, lang = cell or ("", self.languages[index % len(self.languages)])
        side: Side = "test" if rng.random() < self.held_out_share else "train"
        weights = {each: self._weights(each) for each in SIDES}
        only = [each for each in (side, *SIDES) if scenario in weights[each]]
        if only:
            side = only[0]
            weights[side] = {scenario: 1.0}  # type: ignore[dict-item]
        elif not weights[side]:
            side = "train" if side == "test" else "test"
        scenarios = self._scenarios[lang, side]
        wanted = rng.choices(list(weights[side]), list(weights[side].values()))[0]
        # Its results are in a journal by its name, and with other things held out it is another question.
        name = f"{self.seed}-{'q' if self._on_both else ''}{index:06d}"
        return self._question(name, wanted, scenarios, side, rng, seen)

    def _question(
        self, name: str, wanted: Scenario, scenarios: Scenarios, side: Side, rng: random.Random, seen: set[int]
    ) -> Question:
        parts: Parts | None = None
        problem = ""
        for _ in range(TRIES):
            try:
                parts, then = self._drawn(wanted, scenarios, rng)
            except CannotSayError as error:
                problem = str(error)
                continue
            if hash(parts.user) not in seen:
                break
        if parts is None:
            raise UserError(
                f"no {wanted} question can be made: {problem}", mend="give the parameter an enum or a format"
            )
        seen.add(hash(parts.user))
        plan = parts.plan
        system = scenarios.composer.pick("system", rng) if rng.random() < SYSTEM_SHARE else ""
        plan = type(plan)(**{**vars(plan), "system": system, "seed": rng.getrandbits(32)})
        scenario: Scenario = "multi_turn" if then else parts.scenario
        key = held_out_key(parts.family) if side == "test" and parts.family in self._on_both else parts.family
        return Question(name, scenario, scenarios.lang, parts.tools, parts.user, plan, key, side, then)

    def _weights(self, side: Side) -> dict[Scenario, float]:
        """How often each scenario comes on one side; none where there are no tools, or none of those asked for."""
        scenarios = self._scenarios[self.languages[0], side]  # the same in every language
        possible = scenarios.possible() if scenarios.tools else set()
        weights = {scenario: share for scenario, share in self.mix.items() if scenario in possible and share > 0}
        if "multi_turn" in self.mix and set(FIRST) & possible:
            weights["multi_turn"] = self.mix["multi_turn"] * (HELD_OUT_MULTI_TURN if side == "test" else 1.0)
        return weights

    def _drawn(self, wanted: Scenario, scenarios: Scenarios, rng: random.Random) -> tuple[Parts, tuple[Turn, ...]]:
        """One question, and the further ones where several are wanted."""
        if wanted != "multi_turn":
            return scenarios.build(wanted, rng), ()
        kinds = [kind for kind in FIRST if kind in scenarios.possible()]
        parts = scenarios.build(rng.choice(kinds), rng)
        further = Further(scenarios, parts.tools)
        return parts, tuple(further.turn(rng) for _ in range(rng.randint(1, MOST_FURTHER)))

    def solve(self, question: Question) -> Conversation:
        """`question` answered, its tools executed. For use where no event loop runs; else `solve_async`."""
        return asyncio.run(self.solve_async(question))

    async def solve_async(self, question: Question) -> Conversation:
        """`question` answered, its tools executed in a world of its own."""
        plan = question.plan
        rng = random.Random(plan.seed)
        messages: list[Message] = [{"role": "system", "content": plan.system}] if plan.system else []
        failed = False
        with new_world(plan.seed, date(2024, 1, 1) + timedelta(days=rng.randrange(1000))):
            for turn in question.turns:
                failed = await self._take(turn, question, rng, messages) or failed
        return Conversation(
            id=question.id,
            scenario="tool_error" if failed else question.scenario,
            lang=question.lang,
            messages=messages,
            tools=[tool.schema for tool in question.tools],
            split_key=question.family,
            split=question.split,
        )

    async def _take(self, turn: Turn, question: Question, rng: random.Random, messages: list[Message]) -> bool:
        """Append one request and all that follows from it; whether a call failed."""
        plan = turn.plan
        messages.append({"role": "user", "content": turn.user})
        if plan.reply:
            messages.append({"role": "assistant", "content": plan.reply})
        if plan.follow_up:
            messages.append({"role": "user", "content": plan.follow_up})
        if plan.calls and (plan.follow_up or not plan.reply):
            return await self._call(plan, question, rng, messages)
        return False

    async def _call(self, plan: Plan, question: Question, rng: random.Random, messages: list[Message]) -> bool:
        """Append the calls, their results and the answer; whether any call failed."""
        if plan.failure:
            tried = _called(plan.calls, rng, messages)
            messages += [tool_message(call, plan.failure) for call in tried]
        calls = _called(plan.calls, rng, messages)
        for name, arguments in plan.before:
            await self.tools[name].call(arguments)
        results, answers = await self._results(calls, question, rng, messages)
        if plan.onward and not results[0].is_error:
            after = plan.onward.after(json.loads(results[0].content))
            more, told = await self._results(_called([after], rng, messages), question, rng, messages)
            results, answers = results + more, told if plan.onward.last_only else answers + told
        separator = "" if question.lang == "zh" else " "
        messages.append({"role": "assistant", "content": separator.join(dict.fromkeys(answers))})
        return any(result.is_error for result in results)

    async def _results(
        self, calls: Sequence[ToolCall], question: Question, rng: random.Random, messages: list[Message]
    ) -> tuple[list[ToolResult], list[str]]:
        """Run the calls and append their results; the results, and a sentence about each."""
        offered = {tool.name: tool for tool in question.tools}
        composer = self._scenarios[question.lang, question.split].composer
        results: list[ToolResult] = []
        answers: list[str] = []
        for call in calls:
            shown = offered[call["function"]["name"]]
            assert isinstance(shown, ShownTool)
            result = await shown.call(call["function"]["arguments"])
            messages.append(tool_message(call, result.content))
            given = {shown.names[name]: value for name, value in call["function"]["arguments"].items()}
            results.append(result)
            answers.append(answer(shown.original, given, result, composer, rng))
        return results, answers


def _called(calls: Iterable[PlannedCall], rng: random.Random, messages: list[Message]) -> list[ToolCall]:
    """Append one turn that makes the calls."""
    made = [tool_call(call.name, call.arguments, new_call_id(rng)) for call in calls]
    messages.append({"role": "assistant", "content": "", "tool_calls": made})
    return made


def _check(tools: Sequence[Tool], languages: Sequence[str], mix: Mapping[Scenario, float]) -> None:
    if not tools:
        raise UserError("there are no tools to ask about", mend="name a file with @tool functions")
    for lang in languages:
        if lang not in LANGUAGES:
            raise UserError(f"unknown language {lang!r}", mend=f"the embedded teacher speaks {' and '.join(LANGUAGES)}")
    if not languages:
        raise UserError("no language is given", mend="name zh, en or both")
    for scenario in mix:
        if scenario not in (*DEFAULT_MIX, *ON_REQUEST):
            raise UserError(
                f"unknown scenario {scenario!r}", mend=f"known are {', '.join((*DEFAULT_MIX, *ON_REQUEST))}"
            )
