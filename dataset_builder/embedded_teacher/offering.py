"""Which tools a conversation offers beside the right one, and under which names and words each is shown.

Comes in: the tools of one side of the split, a random generator. Goes out: `ShownTool`s. Held-out tools are shown as
they are; on the training side most are shown as variants, so that a model learns to read them.
"""

import json
import math
import random
from collections.abc import Callable, Collection

from agent.tools import Tool
from dataset_builder.embedded_teacher.composing import declares_words
from dataset_builder.embedded_teacher.split import Side
from dataset_builder.embedded_teacher.variants import ShownTool, as_it_is, variant

MAX_TOOL_TOKENS = 320  # for the schemas of one conversation, estimated; so that it stays within about 700 with the rest
RESERVE = 90  # tokens kept free for each call after the first
DISTRACTORS = (0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6)
OTHER_LANGUAGE_SHARE = 0.12  # of the variants are described in the language the user does not speak
# Families of the embedded tools that could do one another's work: where no tool is to suit, they are not offered.
STAND_INS: tuple[frozenset[str], ...] = (
    frozenset({"notes", "todo", "store", "calendar", "messages", "glossary", "timers", "expenses", "fitness"}),
    frozenset({"calculator", "finance", "geometry", "units", "statistics", "divisors", "number_bases", "currency"}),
    frozenset({"calculator", "cooking", "health", "taxis"}),
    frozenset({"cart", "orders"}),
    frozenset({"restaurants", "rooms", "hotels", "clinic", "cinema", "pets", "calendar"}),
)


class Offering:
    """The tools of one side, to be shown in one language.

    Args:
        tools: The tools that are asked for.
        companions: Tools that are only offered beside them.
        families: Each tool's family, by tool name.
        lang: The user's language.
        side: Of the split.
        variants: Share of the training side's tools that are shown under other names and words.
    """

    def __init__(
        self,
        tools: list[Tool],
        companions: list[Tool],
        families: dict[str, str],
        lang: str,
        side: Side,
        variants: float,
    ):
        self.tools, self.companions, self.families = tools, companions, families
        self.lang, self.variants = lang, variants if side == "train" else 0.0

    def show(
        self, tool: Tool, rng: random.Random, *, used: Collection[str] = (), taken: Collection[str] = ()
    ) -> ShownTool:
        """One tool as it is or as a variant.

        Args:
            tool: The original.
            rng: Decides.
            used: Its parameters that a call will give.
            taken: Function names in use already.
        """
        lang = self.lang
        if rng.random() >= self.variants:
            return as_it_is(tool, lang)
        if rng.random() < OTHER_LANGUAGE_SHARE and not declares_words(tool, lang, used):
            lang = "en" if lang == "zh" else "zh"
        return variant(tool, lang, rng, used=used, taken=taken)

    def among_others(self, shown: list[ShownTool], rng: random.Random, *, reserve: int = 0) -> list[Tool]:
        """`shown` among other tools, in any order, as many as fit with `reserve` tokens kept free."""
        used = {one.original.name for one in shown}
        others = self._drawn(rng, lambda tool: tool.name not in used)
        return self._offered(shown, others[: rng.choice(DISTRACTORS)], rng, reserve)

    def crowd_around(self, shown: ShownTool, rng: random.Random) -> list[Tool]:
        """`shown` among as many others as fit: first its family, then those that could not do its work."""
        family = self.families[shown.original.name]
        near = near_to(family) - {family}
        others = self._drawn(
            rng, lambda tool: tool.name != shown.original.name and self.families[tool.name] not in near
        )
        siblings = [tool for tool in self.tools if self.families[tool.name] == family and tool is not shown.original]
        strangers = [tool for tool in others if self.families[tool.name] != family]
        return self._offered([shown], [*rng.sample(siblings, len(siblings)), *strangers], rng, 0)

    def unsuitable_for(self, family: str, rng: random.Random) -> list[Tool]:
        """Tools that cannot do the work of `family`: at least one, where there is any."""
        near = near_to(family)
        others = self._drawn(rng, lambda tool: self.families[tool.name] not in near)
        return self._offered([], others[: max(rng.choice(DISTRACTORS), 1)], rng, 0)

    def _drawn(self, rng: random.Random, allowed: Callable[[Tool], bool]) -> list[Tool]:
        """Allowed tools in random order; as many companions as own ones."""
        drawn: list[Tool] = []
        for tools in (self.tools, self.companions):
            others = [tool for tool in tools if allowed(tool)]
            drawn.extend(rng.sample(others, min(max(DISTRACTORS), len(others))))
        rng.shuffle(drawn)
        return drawn

    def _offered(self, shown: list[ShownTool], others: list[Tool], rng: random.Random, reserve: int) -> list[Tool]:
        offered: list[Tool] = list(shown)
        room = MAX_TOOL_TOKENS - reserve - sum(estimated_tokens(tool) for tool in offered)
        for tool in others:
            taken = {one.name for one in offered}
            other = self.show(tool, rng, taken=taken)
            room -= estimated_tokens(other)
            if room < 0:
                break
            if other.name not in taken:
                offered.append(other)
        rng.shuffle(offered)
        return offered


def near_to(family: str) -> set[str]:
    """The family itself, and those that could do its work."""
    return {family}.union(*(families for families in STAND_INS if family in families))


def estimated_tokens(tool: Tool) -> int:
    """About how many tokens of a vocabulary of a few thousand the schema takes."""
    text = json.dumps(tool.schema, ensure_ascii=False)
    wide = (len(text.encode()) - len(text)) / 2  # a Chinese character is three bytes
    return math.ceil(0.25 * (len(text) - wide) + 0.7 * wide)
