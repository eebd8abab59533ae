"""Keeps an endpoint as busy as it can bear: how many requests are under way follows from how it answers.

Comes in: a model that tries each request once, and how many may be under way at most. Goes out: the same model, which
asks again where that may help. Knows nothing of what is asked.

A round is as many answers as may be under way. After one that went well the number grows: it doubles until the first
trouble, then goes up by a tenth. It stays where answers take twice as long as in the best round, since more would only
queue; and those that could begin at once begin a little apart. It is halved after a round in which more than a tenth
was refused (429, 5xx, timeouts, lost connections; of a small round, clearly more than chance makes of a tenth), and
nothing new begins until the time is over that the endpoint asked for (Retry-After). A few refusals among many answers
are no sign of overload, and only those requests wait.
"""

import asyncio
import contextlib
import math
import statistics
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from httpx2 import ConnectError, ConnectTimeout, TransportError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from agent.errors import UserError
from agent.messages import Message, ToolSchema
from agent.models import ChatModel, Reply, Sampling, TextDelta, complete

START = 16  # under way at first
TOLERATED = 0.1  # share of a round that may be refused,
CHANCE = 2.0  # and how many standard deviations beyond
SLOW = 2.0  # times the best round's latency
RISE = 1.1
SPREAD = 0.5  # of the best round's latency, over which a whole limit of requests begins
ATTEMPTS = 10  # at one request
CONNECTIONS = 3  # attempts where nobody listens
LONGEST_WAIT = 60.0  # seconds, whatever the endpoint asks for
_REFUSALS = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_BACKOFF = wait_random_exponential(multiplier=0.5, max=20)


class Pace:
    """How many requests may be under way at once: `limit`, from 1 to `most`."""

    def __init__(self, most: int):
        self.limit = min(START, most)
        self._most = most
        self._under_way = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._again_at = 0.0  # nothing begins before
        self._next_at = 0.0  # and the next one not before
        self._changed_at = 0.0  # what began before says nothing about the present limit
        self._troubled = False
        self._best = float("inf")
        self._begin_round()

    @property
    def load(self) -> float:
        """Requests under way and waiting, as a share of the limit."""
        return (self._under_way + len(self._queue)) / self.limit

    def _begin_round(self) -> None:
        self._refused, self._asked_for = 0, 0.0
        self._seconds: list[float] = []

    async def begin(self) -> float:
        """Wait for a place; the time at which the request begins."""
        while self._under_way >= self.limit:
            place = asyncio.get_running_loop().create_future()
            self._queue.append(place)
            try:
                await place
            except asyncio.CancelledError:
                self._let_in()  # whoever called this one meant somebody
                raise
        self._under_way += 1
        try:
            while (left := self._again_at - time.monotonic()) > 0:
                await asyncio.sleep(left)
            await self._spread_out()
        except asyncio.CancelledError:
            self.end()
            raise
        return time.monotonic()

    async def _spread_out(self) -> None:
        """Wait a moment where many begin at once. Sent together they would come back together, over and over, and be
        worked through in turn while the endpoint has nothing to do: a quarter of the time, at 256 a second.
        """
        if not math.isfinite(self._best):
            return
        now = time.monotonic()
        mine = max(now, self._next_at)
        self._next_at = mine + SPREAD * self._best / self.limit
        if mine > now:
            await asyncio.sleep(mine - now)

    def end(self) -> None:
        """Give the place back."""
        self._under_way -= 1
        self._let_in()

    def answered(self, begun: float) -> None:
        if begun >= self._changed_at:
            self._seconds.append(time.monotonic() - begun)
            self._end_round()

    def refused(self, begun: float, asked_for: float) -> None:
        """`asked_for`: seconds that the endpoint wants to be left alone."""
        if begun >= self._changed_at:
            self._refused += 1
            self._asked_for = max(self._asked_for, asked_for)
            self._end_round()

    def _end_round(self) -> None:
        answers = self._refused + len(self._seconds)
        if answers < self.limit:
            return
        now = time.monotonic()
        if self._refused > TOLERATED * answers + CHANCE * math.sqrt(TOLERATED * (1 - TOLERATED) * answers):
            self._troubled, self._changed_at = True, now
            self._again_at = now + self._asked_for
            self.limit = max(1, self.limit // 2)
        else:
            usual = statistics.median(self._seconds)
            self._best = min(self._best, usual)
            if usual <= SLOW * self._best:
                faster = int(self.limit * RISE) + 1 if self._troubled else self.limit * 2
                self.limit = min(self._most, faster)
        self._begin_round()
        self._let_in()

    def _let_in(self) -> None:
        free = self.limit - self._under_way
        while self._queue and free > 0:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1


class PacedModel:
    """`model`, asked by at most `most` requests at once and, where that may help, asked again; whole replies only.

    Args:
        model: Tries each request once; what goes wrong is a `UserError` with the transport's error as its cause.
    """

    def __init__(self, model: ChatModel, most: int):
        self.name = model.name
        self.pace = Pace(most)
        self._model = model

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> AsyncGenerator[TextDelta | Reply, None]:
        retrying = AsyncRetrying(retry=retry_if_exception(_may_help), stop=_is_over, wait=_wait, reraise=True)
        yield await retrying(self._once, messages, tools, sampling)

    async def _once(self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling) -> Reply:
        begun = await self.pace.begin()
        try:
            reply = await complete(self._model, messages, tools, sampling)
        except UserError as error:
            if _may_help(error):
                self.pace.refused(begun, _asked_for(error))
            raise
        else:
            self.pace.answered(begun)
            return reply
        finally:
            self.pace.end()


def _may_help(error: BaseException) -> bool:
    """Whether to ask again may help."""
    cause = error.__cause__
    response = getattr(cause, "response", None)
    return response.status_code in _REFUSALS if response is not None else isinstance(cause, TransportError)


def _is_over(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    nobody = error is not None and isinstance(error.__cause__, ConnectError | ConnectTimeout)
    return state.attempt_number >= (CONNECTIONS if nobody else ATTEMPTS)


def _wait(state: RetryCallState) -> float:
    """Seconds before the next attempt: what the endpoint asks for, else longer each time, spread by chance."""
    error = state.outcome.exception() if state.outcome else None
    return (_asked_for(error) if error else 0.0) or _BACKOFF(state)


def _asked_for(error: BaseException) -> float:
    """The seconds of a Retry-After, given as seconds or as a date; 0 where there is none."""
    response = getattr(error.__cause__, "response", None)
    asked = response.headers.get("retry-after", "") if response is not None else ""
    if asked.replace(".", "", 1).isdigit():
        return min(float(asked), LONGEST_WAIT)
    with contextlib.suppress(ValueError, TypeError):
        return min(max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()), LONGEST_WAIT)
    return 0.0
