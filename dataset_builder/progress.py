"""Shows a build while it runs: a bar on a terminal, a plain line now and then elsewhere; always on standard error.

Comes in: outcomes, as they come, and what is spent. Goes out: what a person sees. Knows nothing of how rows are made.
"""

import sys
import time
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from dataset_builder.outcomes import Outcome
from dataset_builder.stopping import Stop

EVERY = 10.0  # seconds between plain lines


class Display:
    """A context manager; `tell` takes each outcome.

    Args:
        wanted: Rows.
        spent: Counts requests, tokens and cost.
        prices: Of a million tokens read and of a million written; without them no cost is shown.
    """

    def __init__(self, wanted: int, spent: Stop, prices: tuple[float, float] = (0.0, 0.0)):
        self._wanted, self._spent, self._priced = wanted, spent, any(prices)
        self._good = 0
        self._dropped: Counter[str] = Counter()
        self._started = self._last = time.monotonic()
        self._tokens_before = spent.tokens
        self._terminal = sys.stderr.isatty()
        self._bar = Progress(
            TextColumn("rows"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[told]}"),
            console=Console(stderr=True),
            disable=not self._terminal,
        )
        self._task = self._bar.add_task("rows", total=wanted, told="")

    def __enter__(self) -> "Display":
        self._tokens_before = self._spent.tokens
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if not self._terminal:
            self._line()

    def tell(self, outcome: Outcome) -> None:
        if outcome.stage:
            self._dropped[f"{outcome.stage}: {outcome.reason.partition(':')[0]}"] += 1
        else:
            self._good += 1
        if self._terminal:
            told = "; ".join(filter(None, (self._pace(), self._losses())))
            self._bar.update(self._task, completed=min(self._good, self._wanted), told=told)
        elif time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            self._line()

    def _pace(self) -> str:
        """Rows and tokens a second, and the cost so far."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        parts = [f"{self._good / seconds:.1f} rows/s"]
        if self._spent.tokens:
            parts.append(f"{(self._spent.tokens - self._tokens_before) / seconds:.0f} tokens/s")
        if self._priced:
            parts.append(f"cost {self._spent.cost:.4g}")
        return ", ".join(parts)

    def _losses(self) -> str:
        total = self._dropped.total()
        reasons = ", ".join(f"{reason} {n}" for reason, n in self._dropped.most_common(3))
        return f"dropped {total} ({reasons})" if total else ""

    def _left(self, seconds: float) -> str:
        left = self._wanted - self._good
        return f"about {seconds * left / self._good:.0f} s left" if self._good and left > 0 else ""

    def _line(self) -> None:
        seconds = time.monotonic() - self._started
        done = f"{min(self._good, self._wanted)}/{self._wanted} rows in {seconds:.0f} s"
        parts = (done, self._pace(), self._left(seconds), self._losses())
        print("; ".join(filter(None, parts)), file=sys.stderr, flush=True)
