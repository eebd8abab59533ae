"""One question to the agent's own model beside the conversation: no tools, no limit of its own.

Comes in: messages and the run's progress, to which time and tokens are counted. Goes out: the text of the reply.
"""

import contextlib
import dataclasses
from collections.abc import Sequence

from agent.events import Event, Used
from agent.messages import Message
from agent.models.protocol import ChatModel, Reply, Sampling
from agent.progress import Progress


async def ask(
    model: ChatModel, messages: Sequence[Message], sampling: Sampling, progress: Progress, told: list[Event]
) -> str:
    """The reply's text, stripped; its usage is added to `told`. Raises `UserError` and `OutOfTimeError`."""
    # Nothing is to be called here, so nothing of how calls are to be made may hold the reply.
    plain = dataclasses.replace(sampling, tool_choice="auto", parallel=True, constrained=False)
    async with contextlib.aclosing(model.stream(messages, [], plain)) as items:
        while True:
            item = await progress.in_time(anext(items))
            if isinstance(item, Reply):
                progress.tokens += item.usage.prompt_tokens + item.usage.completion_tokens
                told.append(Used(item.usage))
                return item.message["content"].strip()
