"""How often each tool was called and how often it failed: a tool that never answers makes rows that teach nothing else.

Comes in: calls, one by one. Goes out: the tools of which every call failed. Knows nothing of rows, journals and cards.
"""

from collections import Counter
from dataclasses import dataclass, field

ON_PURPOSE = ("tool_error",)  # questions that are asked so that a call fails; those count for nothing here


@dataclass
class Calls:
    """Calls that were really made, by the tool's own name."""

    made: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def count(self, tool: str, failed: bool) -> None:
        self.made[tool] += 1
        self.failed[tool] += failed

    def add(self, others: "Calls") -> None:
        self.made.update(others.made)
        self.failed.update(others.failed)

    def unanswered(self) -> dict[str, int]:
        """The tools of which every call failed, and how many calls that were."""
        return {tool: count for tool, count in sorted(self.made.items()) if self.failed[tool] == count}

    def none_answered(self) -> bool:
        """Whether tools were called and not one call came to a result."""
        return bool(self.made) and self.made == self.failed
