"""Ending a run before it is done, without losing anything: a budget that is spent, or Ctrl-C.

Comes in: what may be spent, and signals. Goes out: `StoppedError` for whoever is about to ask for something new; what
is under way comes to its end and is written down. Knows nothing of models and rows.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

Made = TypeVar("Made")


class StoppedError(Exception):
    """The run is to end here; says why."""


class Stop:
    """Whether the run is to end, and what it may spend.

    Args:
        requests: How many requests may be made of the model in all starts of the run together; None for no limit.
        cost: What they may cost; requests under way when it is reached still come to their end and are paid.
        prices: Of a million tokens read and of a million written.
    """

    def __init__(
        self, *, requests: int | None = None, cost: float | None = None, prices: tuple[float, float] = (0.0, 0.0)
    ):
        self.reason = ""
        self.interrupted = False
        self.requests = 0
        self.cost = 0.0
        self.tokens = 0
        self._most_requests, self._most_cost, self._prices = requests, cost, prices

    def count(self, requests: int, prompt_tokens: int, completion_tokens: int) -> None:
        """Count what earlier starts of the run have spent."""
        self.requests += requests
        self.spend(prompt_tokens, completion_tokens)

    def check(self) -> None:
        """Raise `StoppedError` where the run is to end."""
        if self.reason:
            raise StoppedError(self.reason)

    def admit(self) -> None:
        """Count a request that is about to be made; raise `StoppedError` where the budget has none left for it."""
        if self._most_requests is not None and self.requests >= self._most_requests:
            self.reason = f"{self.requests} requests are made, as many as --max-requests allows"
        elif self._most_cost is not None and self.cost >= self._most_cost:
            self.reason = f"{self.cost:.4g} is spent, and --max-cost is {self._most_cost:.4g}"
        self.check()
        self.requests += 1

    def spend(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Add what a reply cost."""
        self.tokens += prompt_tokens + completion_tokens
        self.cost += (prompt_tokens * self._prices[0] + completion_tokens * self._prices[1]) / 1e6

    def run(self, work: Coroutine[Any, Any, Made]) -> Made:
        """`asyncio.run(work)`, in which the first Ctrl-C ends the run as soon as what is under way has come to its end,
        and the second at once.

        Raises:
            KeyboardInterrupt: it was Ctrl-C.
        """

        async def watched() -> Made:
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            assert task is not None

            def interrupt() -> None:
                if self.interrupted:
                    loop.remove_signal_handler(signal.SIGINT)  # the third is Python's own
                    task.cancel()
                    return
                self.interrupted, self.reason = True, "interrupted"
                print("callsmith: finishing what is under way; Ctrl-C again stops at once", file=sys.stderr, flush=True)

            # Only the main thread has signals, and not every system has them in its loop.
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(signal.SIGINT, interrupt)
            try:
                return await work
            finally:
                with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                    loop.remove_signal_handler(signal.SIGINT)

        try:
            return asyncio.run(watched())
        except (StoppedError, asyncio.CancelledError) as error:
            if self.interrupted:
                raise KeyboardInterrupt from error
            raise
