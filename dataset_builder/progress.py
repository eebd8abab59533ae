"""Shows a build while it runs: a bar on a terminal, a plain line now and then elsewhere; always on standard error.

Comes in: outcomes, as they come. Goes out: what a person sees. Knows nothing of how rows are made.
"""

import sys
import time
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from dataset_builder.pipeline import Outcome

EVERY = 10.0  # seconds between plain lines


class Display:
    """A context manager; `tell` takes each outcome."""

    def __init__(self, wanted: int):
        self._wanted = wanted
        self._good = 0
        self._dropped: Counter[str] = Counter()
        self._started = self._last = time.monotonic()
        self._bar = Progress(
            TextColumn("rows"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[dropped]}"),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("rows", total=wanted, dropped="")

    def __enter__(self) -> "Display":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if not sys.stderr.isatty():
            self._line()

    def tell(self, outcome: Outcome) -> None:
        if outcome.stage:
            self._dropped[outcome.stage] += 1
        else:
            self._good += 1
        if sys.stderr.isatty():
            self._bar.update(self._task, completed=min(self._good, self._wanted), dropped=self._losses())
        elif time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            self._line()

    def _losses(self) -> str:
        total = self._dropped.total()
        return f"dropped {total}: {', '.join(f'{stage} {n}' for stage, n in self._dropped.items())}" if total else ""

    def _line(self) -> None:
        seconds = time.monotonic() - self._started
        done = f"{min(self._good, self._wanted)}/{self._wanted} rows in {seconds:.0f} s"
        print("; ".join(part for part in (done, self._losses()) if part), file=sys.stderr, flush=True)
