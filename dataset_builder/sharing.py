"""Several endpoints of one model share its requests: each gets what it can bear, and one that is down gets none.

Comes in: paced models. Goes out: one model. Knows nothing of what is asked.
"""

import time
from collections.abc import AsyncGenerator, Sequence

from httpx2 import TransportError

from agent.errors import UserError
from agent.messages import Message, ToolSchema
from agent.models import Reply, Sampling, TextDelta, complete
from dataset_builder.pace import PacedModel

REST = 30.0  # seconds for which an endpoint that did not answer is left alone


class SharedModel:
    """`models`, the least busy of which is asked; where it cannot be reached, the next. It has the first one's name."""

    def __init__(self, models: Sequence[PacedModel]):
        self.name = models[0].name
        self._models = list(models)
        self._rests_until = dict.fromkeys(range(len(models)), 0.0)

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> AsyncGenerator[TextDelta | Reply, None]:
        tried: set[int] = set()
        while True:
            number = self._next(tried)
            try:
                yield await complete(self._models[number], messages, tools, sampling)
                return
            except UserError as error:
                tried.add(number)
                if len(tried) == len(self._models) or not isinstance(error.__cause__, TransportError):
                    raise
                self._rests_until[number] = time.monotonic() + REST

    def _next(self, tried: set[int]) -> int:
        """The least busy one that was not tried, those that rest last."""
        now = time.monotonic()
        left = [number for number in range(len(self._models)) if number not in tried]
        return min(left, key=lambda number: (self._rests_until[number] > now, self._models[number].pace.load))
