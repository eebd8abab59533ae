"""What a teacher is: somebody who thinks up questions, checks them, solves them and judges what came of it.

The values that pass are those of the embedded teacher: `Question` and `Conversation`.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from dataset_builder.embedded_teacher.question import Conversation, Question

__all__ = ["Cell", "Conversation", "Question", "Solution", "Teacher"]

Cell = tuple[str, str]  # scenario and language


@dataclass(frozen=True)
class Solution:
    """A conversation, and why the teacher itself holds it for no good ("" where it does not)."""

    conversation: Conversation
    why_not: str = ""


class Teacher(Protocol):
    """Asked for more questions, it goes on where it stopped.

    Attributes:
        shares: The share of each scenario and language among the rows wanted.
        tool_sides: On which side of the split each tool is asked about and offered, by its name; without those that
            are on both.
        key_sides: The side of each split key of its rows about these tools.
    """

    name: str
    shares: Mapping[Cell, float]
    tool_sides: Mapping[str, str]
    key_sides: Mapping[str, str]

    def questions(self, count: int, needs: Mapping[Cell, int] | None = None) -> AsyncIterator[Question]:
        """Up to `count` more questions, in the declared mix or, with `needs`, so many of each scenario and language;
        none where it has no more.
        """
        ...

    async def check(self, question: Question) -> tuple[bool, str]:
        """Whether the question is a good one, and why."""
        ...

    async def solve(self, question: Question, attempt: int = 0) -> Solution:
        """Solve it; the tools really run. Another `attempt` may take another way."""
        ...

    async def judge(self, question: Question, conversation: Conversation) -> tuple[bool, str]:
        """Whether a conversation in which the rules find no fault is a good answer to the question, and why."""
        ...
