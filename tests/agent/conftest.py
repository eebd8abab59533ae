"""A model that plays a script: what the loop is tested with, since it does what the test says and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from agent.messages import Message, ToolSchema
from agent.models import Reply, Sampling, TextDelta, Usage
from agent.parse import parse_reply


class ScriptedModel:
    """Writes the given texts one after the other, letter by letter, and keeps what it was shown."""

    name = "scripted"

    def __init__(self, *texts: str, pause: float = 0.0):
        self.texts = list(texts)
        self.pause = pause
        self.seen: list[list[Message]] = []
        self.writing = 0

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> AsyncIterator[TextDelta | Reply]:
        self.seen.append(list(messages))
        text = self.texts[min(len(self.seen), len(self.texts)) - 1]
        parsed = parse_reply(text, list(tools))
        self.writing += 1
        try:
            for letter in parsed.content:
                await asyncio.sleep(self.pause)
                yield TextDelta(letter)
        finally:
            self.writing -= 1
        yield Reply(parsed.message(), Usage(10, len(text)), "stop", text, parsed.repairs, parsed.problems)


@pytest.fixture
def scripted() -> type[ScriptedModel]:
    return ScriptedModel
