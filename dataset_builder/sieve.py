"""The sieve: what a good row must still pass that depends on other rows, those before it and those of benchmarks.

Comes in: rows, one after the other. Goes out: for each the stage and the reason against it, or nothing; what passes is
remembered, so that its like does not pass again.
"""

from collections.abc import Sequence
from pathlib import Path

from dataset_builder.contamination import Contamination
from dataset_builder.duplicates import NEAR, Duplicates
from dataset_builder.rows import Row

NEAR_FACT = "near duplicates dropped from a likeness of"


class Sieve:
    """Duplicates first, then benchmarks, where there are any to keep away from.

    Args:
        near: From which likeness rows are near duplicates (see `Duplicates`); 0 looks for exact ones only.
        benchmarks: Files of benchmarks (see `read_exams`).
        across: Questions are held out, and none may be near to one on the other side of the split.

    Attributes:
        stages: What it does, as the funnel names it.
        facts: The same for the card.
    """

    def __init__(self, near: float = 0.0, benchmarks: Sequence[Path] = (), across: bool = False):
        self.stages: tuple[str, ...] = ("duplicates",)
        self.facts: dict[str, object] = {NEAR_FACT: near} if near else {}
        self._duplicates = Duplicates(near, across)
        self._contamination: Contamination | None = None
        if benchmarks:
            self._contamination = theirs = Contamination(benchmarks, near or NEAR)
            self.stages += ("decontaminate",)
            names = ", ".join(path.name for path in benchmarks)
            self.facts["decontaminated against"] = f"{names} ({theirs.questions} questions, {theirs.tools} tools)"

    def remember(self, row: Row) -> None:
        """A row that is there already: none like it is to pass."""
        self._duplicates.add(row)

    def against(self, row: Row) -> tuple[str, str]:
        """The stage that `row` does not pass and why; ("", "") where it passes."""
        if reason := self._duplicates.against(row):
            return "duplicates", reason
        if self._contamination and (reason := self._contamination.against(row)):
            return "decontaminate", reason
        self._duplicates.add(row)
        return "", ""
