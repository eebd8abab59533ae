"""Builds one question of each scenario for one side of the split.

Comes in: the tools of a side, a language, a random generator. Goes out: the parts of a `Question`. What is offered,
asked and answered is drawn from that side only.
"""

import random
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from agent.tools import Tool
from dataset_builder.embedded_teacher.composing import (
    CannotSayError,
    Composer,
    Request,
    capitalized,
    decapitalized,
    declares_words,
)
from dataset_builder.embedded_teacher.offering import RESERVE, Offering
from dataset_builder.embedded_teacher.phrases import ToolPhrases, chat_topics, phrases_for
from dataset_builder.embedded_teacher.question import NextCall, Plan, PlannedCall, Scenario
from dataset_builder.embedded_teacher.reading import be, has_chinese, parameters_of
from dataset_builder.embedded_teacher.sequences import pairs_among
from dataset_builder.embedded_teacher.templates import choose, fill
from dataset_builder.embedded_teacher.variants import ShownTool

FEWEST_DISTRACTORS = 3


@dataclass(frozen=True)
class Parts:
    """A question without its id and split."""

    scenario: Scenario
    user: str
    tools: list[Tool]
    plan: Plan
    family: str
    movable: bool = True  # whether the first letter of `user` may become a small one


@dataclass(frozen=True)
class Asked:
    """A tool as shown, what the user says for it, and the call that follows."""

    shown: ShownTool
    text: str
    arguments: dict[str, Any]
    movable: bool = True

    @property
    def call(self) -> PlannedCall:
        back = {old: new for new, old in self.shown.names.items()}
        return PlannedCall(self.shown.name, {back[name]: value for name, value in self.arguments.items()})


class Scenarios:
    """The scenarios over the tools of one side, in one language.

    Args:
        offering: The tools of this side, and those beside them.
        composer: Sentences and values of this side and language.
        topics: Topics of small talk of this side.
    """

    def __init__(self, offering: Offering, composer: Composer, topics: list[str]):
        self.offering, self.composer, self.topics = offering, composer, topics
        self.lang, self.tools, self.families = composer.lang, offering.tools, offering.families
        self._failing = [tool for tool in self.tools if (phrases := phrases_for(tool)) and phrases.failures]
        self._lackable = [tool for tool in self.tools if any(one.required for one in parameters_of(tool.schema))]
        self._pairs = pairs_among(self.tools)
        self._make: dict[Scenario, Callable[[random.Random], Parts]] = {
            "single_call": self.single_call,
            "parallel_calls": self.parallel_calls,
            "no_suitable_tool": self.no_suitable_tool,
            "missing_parameter": self.missing_parameter,
            "chat": self.chat,
            "tool_error": self.tool_error,
            "tool_recovery": self.tool_recovery,
            "distractors": self.distractors,
            "sequential_calls": self.sequential_calls,
        }

    def possible(self) -> set[Scenario]:
        """What can be asked with the tools of this side."""
        scenarios: set[Scenario] = set()
        if self.tools:
            scenarios |= {"single_call", "parallel_calls", "no_suitable_tool", "tool_recovery"}
        if len(self.tools) + len(self.offering.companions) > FEWEST_DISTRACTORS:
            scenarios.add("distractors")
        if self._lackable:
            scenarios.add("missing_parameter")
        if self._failing:
            scenarios.add("tool_error")
        if self._pairs:
            scenarios.add("sequential_calls")
        if self.topics:
            scenarios.add("chat")
        return scenarios

    def build(self, scenario: Scenario, rng: random.Random) -> Parts:
        """One question. Raises CannotSayError where a drawn tool takes no value that could be said."""
        parts = self._make[scenario](rng)
        return (
            parts if scenario == "chat" else replace(parts, user=self.composer.framed(parts.user, rng, parts.movable))
        )

    def single_call(self, rng: random.Random) -> Parts:
        asked = self.ask(rng.choice(self.tools), rng)
        plan = Plan(calls=(asked.call,), before=self.before(asked, rng))
        return self._parts("single_call", asked.text, [asked], plan, rng)

    def tool_error(self, rng: random.Random) -> Parts:
        """A call that goes wrong: a value the tool refuses, or a thing that was never prepared."""
        tool = rng.choice(self._failing)
        phrases = phrases_for(tool)
        assert phrases is not None
        asked = self.ask(tool, rng, wrong=phrases.wrong_values)
        return self._parts("tool_error", asked.text, [asked], Plan(calls=(asked.call,)), rng)

    def tool_recovery(self, rng: random.Random) -> Parts:
        """A call whose first try fails through no fault of its own, and which is made again."""
        asked = self.ask(rng.choice(self.tools), rng)
        plan = Plan(
            calls=(asked.call,), before=self.before(asked, rng), failure=self.composer.pick("passing_failure", rng)
        )
        return self._parts("tool_recovery", asked.text, [asked], plan, rng)

    def distractors(self, rng: random.Random) -> Parts:
        """A call of one tool among as many as there is room for, those of its own family first."""
        asked = self.ask(rng.choice(self.tools), rng)
        plan = Plan(calls=(asked.call,), before=self.before(asked, rng))
        offered = self.offering.crowd_around(asked.shown, rng)
        if len(offered) <= FEWEST_DISTRACTORS:
            raise CannotSayError(f"{asked.shown.name}: there is no room for other tools beside it")
        family = self.families[asked.shown.original.name]
        return Parts("distractors", asked.text, offered, plan, family, asked.movable)

    def parallel_calls(self, rng: random.Random) -> Parts:
        tool = rng.choice(self.tools)
        phrases = phrases_for(tool)
        both = self.composer.own(phrases.both.get(self.lang, [])) if phrases else []
        if both and rng.random() < 0.4:
            return self._two_in_one(tool, rng.choice(both), rng)
        count = 2 if rng.random() < 0.85 else 3
        others = [other for other in self.tools if other is not tool]
        wanted = [tool, *rng.sample(others, min(count - 1, len(others)))]
        if not others or rng.random() < 0.35:
            wanted = [tool] * count
        asked: list[Asked] = []
        for one in wanted:
            again = next((before.shown for before in asked if before.shown.original is one), None)
            new = self.ask(one, rng, shown=again, taken={before.shown.name for before in asked})
            if all(new.call != before.call for before in asked):
                asked.append(new)
        text = asked[0].text
        for new in asked[1:]:
            text = self.joined(text, new, rng, only_two=len(asked) == 2)
        before = tuple(step for one in asked for step in self.before(one, rng))
        plan = Plan(calls=tuple(one.call for one in asked), before=before)
        return self._parts("parallel_calls" if len(asked) > 1 else "single_call", text, asked, plan, rng)

    def joined(self, first: str, asked: Asked, rng: random.Random, only_two: bool) -> str:
        patterns = self.composer.sentences["both"]
        # "Two things. ..." is said of two things only.
        fitting = [one for one in patterns if only_two or one.startswith("{first}")] or patterns
        how = choose(rng.choice(fitting), rng)
        goes_on = how.partition("{second}")[0].endswith((", ", "And "))
        second = decapitalized(asked.text) if goes_on and asked.movable else asked.text
        first = (
            first
            if first.endswith(("。", "？", "！", ".", "?", "!"))
            else f"{first}{'。' if self.lang == 'zh' else '.'}"
        )
        return fill(how, {"first": first, "second": second}.__getitem__)

    def _two_in_one(self, tool: Tool, pattern: str, rng: random.Random) -> Parts:
        chosen = choose(pattern, rng)
        shown = self.offering.show(tool, rng, used=parameters_in(chosen))
        requests = []
        for number in ("", ".2"):
            own = "".join(
                f"{{{name}}}"
                for name in parameters_in(chosen)
                if f"{{{name}{number}}}" in chosen or f"{{{name}}}" in chosen
            )
            requests.append(self.composer.request(tool, shown.schema, shown.names, own, rng))
        first, second = requests
        shared = [name for name in second.arguments if f"{{{name}.2}}" not in chosen]
        arguments = {**second.arguments, **{name: first.arguments[name] for name in shared}}
        said = {**first.said, **{f"{name}.2": text for name, text in second.said.items()}}
        text = self.composer.finished(fill(self.composer.fitted(chosen, said), said.__getitem__), chosen)
        movable = not chosen.startswith("{")
        asked = [Asked(shown, text, first.arguments, movable), Asked(shown, text, arguments)]
        if asked[0].call == asked[1].call:
            raise CannotSayError(f"{tool.name}: drew the same values twice")
        before = tuple(step for one in asked for step in self.before(one, rng))
        return self._parts(
            "parallel_calls", text, asked, Plan(calls=tuple(one.call for one in asked), before=before), rng
        )

    def sequential_calls(self, rng: random.Random) -> Parts:
        """One request for two tools, of which the second is called with what the first returns."""
        pair = rng.choice(self._pairs)
        pattern = choose(rng.choice(self.composer.own(pair.requests[self.lang])), rng)
        names = re.findall(r"\{([^{}]+)\}", pattern)
        own = [name for name in names if not name.endswith(".2")]
        others = [name.removesuffix(".2") for name in names if name.endswith(".2")]
        first, second = (next(tool for tool in self.tools if tool.name == name) for name in (pair.first, pair.second))
        shown = self.offering.show(first, rng, used=own)
        then = self.offering.show(second, rng, used=[*others, *pair.shared, pair.takes], taken={shown.name})
        asked = self._said_of(first, shown, own, pair.kinds(""), rng)
        more = self._said_of(second, then, others, pair.kinds(".2"), rng)
        text = fill(pattern, {**asked.said, **{f"{name}.2": said for name, said in more.said.items()}}.__getitem__)
        known = {**more.arguments, pair.takes: None}
        known |= {name: asked.arguments[same] for name, same in pair.shared.items()}
        movable = not pattern.startswith("{")
        begun = Asked(shown, self.composer.finished(text, pattern), asked.arguments, movable)
        waiting = Asked(then, "", {name: known[name] for name in then.names.values() if name in known})
        takes = next(name for name, original in then.names.items() if original == pair.takes)
        onward = NextCall(then.name, waiting.call.arguments, takes, pair.gives, pair.last_only)
        plan = Plan(calls=(begun.call,), before=self.before(begun, rng), onward=onward)
        return self._parts("sequential_calls", begun.text, [begun, waiting], plan, rng)

    def _said_of(
        self, tool: Tool, shown: ShownTool, names: Collection[str], kinds: dict[str, str], rng: random.Random
    ) -> Request:
        """Values for the parameters `names` of a tool, and the words for them."""
        pattern = "".join(f"{{{name}}}" for name in names)
        return self.composer.request(tool, shown.schema, shown.names, pattern, rng, kinds)

    def no_suitable_tool(self, rng: random.Random) -> Parts:
        company = self.offering.companions
        tool = rng.choice(company if company and rng.random() < 0.5 else self.tools)
        asked, family = self.ask(tool, rng), self.families[tool.name]
        plan = Plan(reply=self.composer.pick("refuse", rng))
        offered = self.offering.unsuitable_for(family, rng)
        return Parts("no_suitable_tool", asked.text, offered, plan, family, asked.movable)

    def missing_parameter(self, rng: random.Random) -> Parts:
        tool = rng.choice(self._lackable)
        asked, plan = self.forgotten(tool, rng)
        return self._parts("missing_parameter", asked.text, [asked], plan, rng)

    def forgotten(self, tool: Tool, rng: random.Random, shown: ShownTool | None = None) -> tuple[Asked, Plan]:
        """A request without a required value, and the question for it; often the value and the call after that."""
        kinds = phrases.values if (phrases := phrases_for(tool)) else {}
        required = [one.name for one in parameters_of(tool.schema) if one.required]
        # What is a part of another value cannot be told by itself afterwards.
        free = [name for name in required if not kinds.get(name, "").startswith("word_of")]
        if not free:
            raise CannotSayError(f"{tool.name}: no value can be told by itself")
        lacking = rng.choice(free)
        pattern = self.composer.pattern(tool, rng, lacking)
        used = {*parameters_in(pattern), lacking}
        self._must_fit(shown, used)
        shown = shown or self.offering.show(tool, rng, used=used)
        request = self.composer.request(tool, shown.schema, shown.names, pattern, rng)
        back = {old: new for new, old in shown.names.items()}
        parameter = next(one for one in parameters_of(shown.schema) if one.name == back[lacking])
        label = shown.label(parameter.name, self.lang)
        plan = Plan(reply=self.composer.pick("ask", rng, label=label, be=be(label)), missing=parameter.name)
        asked = Asked(shown, request.text, request.arguments, request.movable)
        if rng.random() < 0.5:
            given = self.composer.request(tool, shown.schema, shown.names, f"{{{lacking}}}", rng)
            follow_up = self.composer.told(parameter, label, given.said[lacking], rng)
            every = {**request.arguments, **given.arguments}
            full = Asked(shown, request.text, {old: every[old] for old in shown.names.values() if old in every})
            plan = replace(plan, calls=(full.call,), follow_up=follow_up, before=self.before(full, rng))
        return asked, plan

    def chat(self, rng: random.Random) -> Parts:
        text, plan, topic = self.small_talk(rng)
        return Parts("chat", text, self.offering.among_others([], rng), plan, topic)

    def small_talk(self, rng: random.Random) -> tuple[str, Plan, str]:
        """What a user says, what there is to say to it, and the topic."""
        topic = rng.choice(self.topics)
        user, reply = rng.choice(chat_topics(self.lang)[topic])
        drawn: dict[str, str] = {}

        def value(kind: str) -> str:
            if kind not in drawn:
                drawn[kind] = self.composer.values.draw(kind, rng).text
            return drawn[kind]

        text = fill(choose(user, rng), value)
        return text, Plan(reply=capitalized(fill(choose(reply, rng), value))), topic

    def ask(
        self,
        tool: Tool,
        rng: random.Random,
        shown: ShownTool | None = None,
        wrong: dict[str, str] | None = None,
        taken: set[str] | None = None,
    ) -> Asked:
        pattern = self.composer.pattern(tool, rng)
        for name in wrong or {}:
            if f"{{{name}}}" not in pattern:
                raise CannotSayError(f"{tool.name}: the request does not say {name}")
        self._must_fit(shown, parameters_in(pattern))
        shown = shown or self.offering.show(tool, rng, used=parameters_in(pattern), taken=taken or ())
        request = self.composer.request(tool, shown.schema, shown.names, pattern, rng, wrong)
        return Asked(shown, request.text, request.arguments, request.movable)

    def _must_fit(self, shown: ShownTool | None, used: Collection[str]) -> None:
        """Whether a tool that is shown already can be asked for so: with all parameters, and in words it declares."""
        if shown is None:
            return
        name = shown.original.name
        if not set(used) <= set(shown.names.values()):
            raise CannotSayError(f"{name}: the tool is shown without a parameter of the request")
        foreign = has_chinese(shown.schema["function"]["description"]) != (self.lang == "zh")
        if foreign and declares_words(shown.original, self.lang, used):
            raise CannotSayError(f"{name}: the tool declares its words in the other language")

    def before(self, asked: Asked, rng: random.Random) -> tuple[tuple[str, dict[str, Any]], ...]:
        """The calls that put into the world what the request speaks of."""
        phrases: ToolPhrases | None = phrases_for(asked.shown.original)
        steps = []
        for step in phrases.before if phrases else ():
            for _ in range(asked.arguments.get(step.times, 1)):
                drawn = {name: self._prepared(kind, asked.arguments, rng) for name, kind in step.values.items()}
                steps.append((step.tool, {name: value for name, value in drawn.items() if value is not None}))
        return tuple(steps)

    def _prepared(self, kind: str, asked: dict[str, Any], rng: random.Random) -> Any:
        return asked.get(kind.strip("{}")) if kind.startswith("{") else self.composer.values.draw(kind, rng).value

    def _parts(self, scenario: Scenario, text: str, asked: list[Asked], plan: Plan, rng: random.Random) -> Parts:
        family = self.families[asked[0].shown.original.name]
        shown = list({id(one.shown): one.shown for one in asked}.values())
        offered = self.offering.among_others(shown, rng, reserve=RESERVE * (len(asked) - 1))
        return Parts(scenario, text, offered, plan, family, asked[0].movable)


def parameters_in(pattern: str) -> list[str]:
    return list(dict.fromkeys(name.removesuffix(".2") for name in re.findall(r"\{([^{}]+)\}", pattern)))
