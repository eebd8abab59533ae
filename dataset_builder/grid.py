"""The grid of scenario × language × tool: what each request for questions is to be about.

Comes in: tools, languages and a seed. Goes out: cell number N, always the same, and the tools its questions come with.
Knows nothing of prompts and models.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from agent.errors import UserError
from agent.tools import Tool
from dataset_builder.embedded_teacher.question import Scenario
from dataset_builder.embedded_teacher.split import SIDES, HoldOut, Side, family_sides, held_out_key
from dataset_builder.embedded_teacher.teacher import MIN_FAMILIES
from dataset_builder.prompting import required
from dataset_builder.questions import Cell as Key

SCENARIOS: tuple[Scenario, ...] = (
    "single_call",
    "parallel_calls",
    "sequential_calls",
    "multi_turn",
    "no_suitable_tool",
    "missing_parameter",
    "tool_recovery",
    "distractors",
    "chat",
)
IN_COMPANY = ("sequential_calls", "distractors")  # need other tools beside the target
_KNOWN = ", ".join(SCENARIOS)
HELD_OUT_EVERY = 7  # every seventh request for questions is for the test
OFFERED = 5  # tools a question comes with, at most;
CROWD = 12  # where they are to distract


@dataclass(frozen=True)
class Cell:
    """One request for questions: what they are to be about. `number` tells its place in the run; `persona` and
    `difficulty`, in [0, 1), which of the personas asks, and how hard it makes it.
    """

    number: int
    scenario: Scenario
    lang: str
    target: Tool
    persona: float
    difficulty: float
    side: Side = "train"


class Grid:
    """Every scenario × language × tool, in an order that the seed decides.

    Args:
        mix: How often each scenario comes, as whole numbers; by default all as often.
        hold_out: For the test, families of tools or only questions: then every tool is on both sides.

    Raises:
        UserError: a scenario is not known, or none can be asked about with these tools.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        languages: Collection[str],
        seed: int,
        mix: Mapping[str, int] | None = None,
        hold_out: HoldOut = "families",
    ):
        self._tools, self._seed = list(tools), seed
        self._mix = mix or dict.fromkeys(SCENARIOS, 1)
        if unknown := [name for name in self._mix if name not in SCENARIOS]:
            raise UserError(f"a model is not asked for the scenario {unknown[0]!r}", mend=f"known: {_KNOWN}")
        by_family = len({tool.family for tool in tools}) >= MIN_FAMILIES
        self.families = {tool.name: tool.family if by_family else tool.name for tool in tools}
        # The side of every tool; of none where each is on both.
        self.tool_sides: dict[str, Side] = {}
        self.key_sides: dict[str, Side] = {}
        if hold_out == "families":
            sides = family_sides(self.families.values())
            self.tool_sides = {name: sides[family] for name, family in self.families.items()}
            self.key_sides = sides
        else:
            for family in self.families.values():
                self.key_sides |= {family: "train", held_out_key(family): "test"}
        self._cells = {side: self._of_side(side, languages) for side in SIDES}
        self._narrowed: dict[Key, dict[Side, list[tuple[Scenario, str, Tool]]]] = {}
        if not self._cells["train"]:
            raise UserError("these tools allow none of the scenarios of the mix", mend="offer more tools, or others")
        asked = {scenario for scenario, _, _ in self._cells["train"]}
        shares = {scenario: self._mix[scenario] for scenario in SCENARIOS if scenario in asked}
        whole = sum(shares.values()) * len(languages)
        self.declared: dict[Key, float] = {
            (scenario, lang): share / whole for scenario, share in shares.items() for lang in languages
        }

    def _of_side(self, side: Side, languages: Collection[str]) -> list[tuple[Scenario, str, Tool]]:
        tools = self._on(side)
        by_scenario = {
            scenario: [
                (scenario, lang, tool)
                for lang, tool in product(languages, tools)
                if (scenario != "missing_parameter" or required(tool))
                and (scenario not in IN_COMPANY or len(tools) > 1)
            ]
            for scenario in SCENARIOS
            if self._mix.get(scenario, 0)
        }
        possible = {scenario: cells for scenario, cells in by_scenario.items() if cells}
        # Each scenario as often as its share says, however many tools it is possible with.
        most = max(map(len, possible.values()), default=0)
        cells: list[tuple[Scenario, str, Tool]] = []
        for scenario, own in possible.items():
            random.Random(f"{self._seed} {side} {scenario}").shuffle(own)
            cells += [own[number % len(own)] for number in range(most * self._mix[scenario])]
        random.Random(f"{self._seed} {side}").shuffle(cells)
        return cells

    def _on(self, side: Side) -> list[Tool]:
        return [tool for tool in self._tools if self.tool_sides.get(tool.name, side) == side]

    def cell(self, number: int, key: Key | None = None) -> Cell:
        """Cell `number` of the declared mix; with `key`, of that scenario and language only."""
        rng = random.Random(f"{self._seed} cell {number}")
        before, place = divmod(number, HELD_OUT_EVERY)
        cells = self._cells if key is None else self._of_key(key)
        held_out = place == HELD_OUT_EVERY - 1 and cells["test"]
        side: Side = "test" if held_out else "train"
        chosen = cells[side]
        scenario, lang, target = chosen[(before if held_out else number - before) % len(chosen)]
        return Cell(number, scenario, lang, target, rng.random(), rng.random(), side)

    def _of_key(self, key: Key) -> dict[Side, list[tuple[Scenario, str, Tool]]]:
        if key not in self._narrowed:  # asked for once a request, of all cells
            self._narrowed[key] = {
                side: [cell for cell in cells if cell[:2] == key] for side, cells in self._cells.items()
            }
        return self._narrowed[key]

    def offered(self, cell: Cell) -> list[Tool]:
        """The tools a question comes with, all from the target's side of the split. Where nothing is to serve, the
        target and its family stay away, if there are others.
        """
        rng = random.Random(f"{self._seed} offered {cell.number}")
        family = self.families[cell.target.name]
        others = [tool for tool in self._on(cell.side) if tool is not cell.target]
        strangers = [tool for tool in others if self.families[tool.name] != family]
        if cell.scenario == "no_suitable_tool" and strangers:
            return rng.sample(strangers, min(len(strangers), rng.randint(1, OFFERED)))
        if cell.scenario == "distractors":  # those of the target's family first: they are the likest
            others = sorted(rng.sample(others, len(others)), key=lambda tool: self.families[tool.name] != family)
            chosen = [cell.target, *others[: CROWD - 1]]
        else:
            fewest = 1 if cell.scenario in IN_COMPANY else 0
            chosen = [cell.target, *rng.sample(others, min(len(others), rng.randint(fewest, OFFERED - 1)))]
        rng.shuffle(chosen)
        return chosen
