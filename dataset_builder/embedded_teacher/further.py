"""Further requests in a conversation whose tools are on the table: reading a list once serves several decisions.

Comes in: the scenarios of a side and language, and the tools that the conversation offers. Goes out: `Turn`s. Only
tools that are offered are asked for, as they are shown there; only what none of them can do is refused.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.tools import Tool
from dataset_builder.embedded_teacher.composing import CannotSayError
from dataset_builder.embedded_teacher.offering import near_to
from dataset_builder.embedded_teacher.question import Plan, Turn
from dataset_builder.embedded_teacher.reading import parameters_of
from dataset_builder.embedded_teacher.scenarios import Asked, Scenarios
from dataset_builder.embedded_teacher.variants import ShownTool

TRIES = 40
WEIGHTS = (50, 18, 12, 12, 8)  # of the kinds of turns, in the order below


class Further:
    """Makes turns about the tools that one conversation offers."""

    def __init__(self, scenarios: Scenarios, offered: Sequence[Tool]):
        self._scenarios = scenarios
        own = {tool.name for tool in scenarios.tools}
        shown = [tool for tool in offered if isinstance(tool, ShownTool)]
        self._callable = [tool for tool in shown if tool.original.name in own]
        self._lackable = [tool for tool in self._callable if any(one.required for one in parameters_of(tool.schema))]
        families = {scenarios.families[tool.original.name] for tool in shown}
        strangers = [*scenarios.tools, *scenarios.offering.companions]
        self._strangers = [tool for tool in strangers if not near_to(scenarios.families[tool.name]) & families]

    def turn(self, rng: random.Random) -> Turn:
        """One more request. Raises CannotSayError where the offered tools take no value that could be said."""
        kinds: list[tuple[Callable[[random.Random], Turn], Sequence[object]]] = [
            (self._one_call, self._callable),
            (self._many_calls, self._callable),
            (self._unsuited, self._strangers),
            (self._forgotten, self._lackable),
            (self._small_talk, self._scenarios.topics),
        ]
        able = [(kind, weight) for (kind, needed), weight in zip(kinds, WEIGHTS, strict=True) if needed]
        for _ in range(TRIES):
            try:
                return rng.choices([kind for kind, _ in able], [weight for _, weight in able])[0](rng)
            except CannotSayError as error:
                problem = error
        raise problem

    def _one_call(self, rng: random.Random) -> Turn:
        asked = self._ask(rng)
        return self._turn(asked.text, Plan(calls=(asked.call,), before=self._scenarios.before(asked, rng)), rng, asked)

    def _many_calls(self, rng: random.Random) -> Turn:
        first, second = self._ask(rng), self._ask(rng)
        if first.call == second.call:
            raise CannotSayError(f"{first.shown.name}: drew the same values twice")
        text = self._scenarios.joined(first.text, second, rng, only_two=True)
        before = tuple(step for one in (first, second) for step in self._scenarios.before(one, rng))
        return self._turn(text, Plan(calls=(first.call, second.call), before=before), rng, first)

    def _unsuited(self, rng: random.Random) -> Turn:
        asked = self._scenarios.ask(rng.choice(self._strangers), rng)
        return self._turn(asked.text, Plan(reply=self._scenarios.composer.pick("refuse", rng)), rng, asked)

    def _forgotten(self, rng: random.Random) -> Turn:
        shown = rng.choice(self._lackable)
        asked, plan = self._scenarios.forgotten(shown.original, rng, shown)
        return self._turn(asked.text, plan, rng, asked)

    def _small_talk(self, rng: random.Random) -> Turn:
        text, plan, _ = self._scenarios.small_talk(rng)
        return Turn(text, replace(plan, seed=rng.getrandbits(32)))

    def _ask(self, rng: random.Random) -> Asked:
        shown = rng.choice(self._callable)
        return self._scenarios.ask(shown.original, rng, shown=shown)

    def _turn(self, text: str, plan: Plan, rng: random.Random, asked: Asked) -> Turn:
        framed = self._scenarios.composer.framed(text, rng, asked.movable, share=0.15)
        return Turn(framed, replace(plan, seed=rng.getrandbits(32)))
