"""What a teacher is: somebody who thinks up questions, checks them and solves them.

The values that pass are those of the embedded teacher: `Question` and `Conversation`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from dataset_builder.embedded_teacher.question import Conversation, Question

__all__ = ["Conversation", "Question", "Solution", "Teacher"]


@dataclass(frozen=True)
class Solution:
    """A conversation, and why the teacher itself holds it for no good ("" where it does not)."""

    conversation: Conversation
    why_not: str = ""


class Teacher(Protocol):
    """Asked for more questions, it goes on where it stopped."""

    name: str

    def questions(self, count: int) -> AsyncIterator[Question]:
        """Up to `count` more questions; none where it has no more."""
        ...

    async def check(self, question: Question) -> tuple[bool, str]:
        """Whether the question is a good one, and why."""
        ...

    async def solve(self, question: Question) -> Solution:
        """Solve it; the tools really run."""
        ...
