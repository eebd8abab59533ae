"""Pairs of tools of which the second takes what the first returns: a parcel is sent, and its number is tracked.

`sequences.yaml` holds the pairs of the embedded tools, with what people say who want both. Comes in: that file, and the
tools that there are. Goes out: `ToolPair`s.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from agent.tools import Tool
from dataset_builder.embedded_teacher.phrases import lines, phrases_for

_FILE = Path(__file__).with_name("sequences.yaml")


@dataclass(frozen=True)
class ToolPair:
    """Two tools by name, and the sentences that ask for both.

    Args:
        gives: The key of the first tool's result that is passed on.
        takes: The parameter of the second tool that it is passed to.
        requests: Patterns by language; `{x.2}` is a value of the second tool.
        last_only: The answer tells the second result only.
        values: Kinds of values in place of the tools' own, by slot; `{x}` is the same value as the first tool's `x`.
    """

    first: str
    second: str
    gives: str
    takes: str
    requests: dict[str, list[str]]
    last_only: bool = False
    values: dict[str, str] = field(default_factory=dict)

    def kinds(self, number: str) -> dict[str, str]:
        """Of the first tool's parameters (`number` is "") or of the second's (".2"), by the parameter's name."""
        drawn = {slot: kind for slot, kind in self.values.items() if not kind.startswith("{")}
        return {slot.removesuffix(".2"): kind for slot, kind in drawn.items() if slot.endswith(".2") == bool(number)}

    @property
    def shared(self) -> dict[str, str]:
        """The second tool's parameters that take the same value as one of the first's."""
        same = {slot: kind for slot, kind in self.values.items() if kind.startswith("{")}
        return {slot.removesuffix(".2"): kind.strip("{}") for slot, kind in same.items()}


@functools.cache
def all_pairs() -> tuple[ToolPair, ...]:
    """Every pair of the file."""
    return tuple(
        ToolPair(
            first=entry["tools"][0],
            second=entry["tools"][1],
            gives=entry["gives"],
            takes=entry["takes"],
            requests={lang: lines(entry[lang]) for lang in ("en", "zh")},
            last_only=entry.get("answers") == "last",
            values=entry.get("values", {}),
        )
        for entry in yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    )


def pairs_among(tools: Sequence[Tool]) -> list[ToolPair]:
    """The pairs of which both tools are there and are really the embedded ones."""
    own = {tool.name for tool in tools if phrases_for(tool)}
    return [pair for pair in all_pairs() if {pair.first, pair.second} <= own]
