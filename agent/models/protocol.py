"""What the loop asks of a model: one method that streams text and ends with the whole reply.

Comes in: canonical messages and tool schemas. Goes out: `TextDelta`s while the model writes, then one `Reply`. Knows
nothing of engines.
"""

import math
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agent.messages import Message, ToolSchema


@dataclass(frozen=True)
class Sampling:
    """How a reply is drawn. Temperature 0 takes the likeliest token each time; `seed` makes any other repeatable.

    Args:
        max_new_tokens: Where a reply is cut.
        temperature: 0 for greedy.
        top_p: Of the likeliest tokens, those that make up this much are drawn from.
        seed: Repeats a draw.
        tool_choice: "auto" (the model decides), "none", "required" (at least one call), or the name of the tool to
            call. Here anything but "auto" is enforced while decoding; an endpoint is asked for it.
        parallel: Whether several calls may stand in one reply; False is enforced, or asked for, likewise.
        constrained: Whether calls are held to the tools' names and schemas while decoding, so that each is valid. Holds
            for models that run here; an endpoint holds what must be a call (`tool_choice`), by its own means. Where it
            may choose ("auto") it is asked for nothing, as its protocol has no word for it that every engine takes: its
            calls are as valid as that engine makes them.
        call_threshold: A greedy reply of a model that runs here calls a tool only where a call has at least this
            chance against every text it could write instead; 0 takes the likeliest token here, too. A call begins with
            the same token always, while a text's chance is divided among its many first words.
    """

    max_new_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    tool_choice: str = "auto"
    parallel: bool = True
    constrained: bool = False
    call_threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, got {self.max_new_tokens}")
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be a number of at least 0, got {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must lie in (0, 1], got {self.top_p}")
        if not 0 <= self.call_threshold <= 1:
            raise ValueError(f"call_threshold must lie in [0, 1], got {self.call_threshold}")

    @property
    def enforces(self) -> bool:
        """Whether decoding here must be held to a grammar."""
        return self.constrained or self.tool_choice != "auto" or not self.parallel

    @property
    def decides(self) -> bool:
        """Whether decoding here weighs a call against a text."""
        return self.temperature == 0 and self.tool_choice == "auto" and self.call_threshold > 0


@dataclass(frozen=True)
class Usage:
    """Tokens read and written; 0 where an endpoint does not tell."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class TextDelta:
    """A piece of what the reader sees; `thought` marks reasoning. Tool calls are not in it: they come in the reply."""

    text: str
    thought: bool = False


@dataclass(frozen=True)
class Reply:
    """A whole reply.

    Args:
        message: The assistant message. Its call ids are the engine's; the loop gives its own.
        usage: Tokens of this reply.
        finish: "stop", or "length" where `max_new_tokens` cut it.
        raw: The text as the model wrote it, special tokens left out.
        repairs: What the parser mended, by kind.
        problems: What looked like a call and could not be understood, with the reason.
    """

    message: Message
    usage: Usage
    finish: Literal["stop", "length"] = "stop"
    raw: str = ""
    repairs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class ChatModel(Protocol):
    """Anything that writes the next assistant message."""

    name: str

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> AsyncGenerator[TextDelta | Reply, None]:
        """Write the next message; the last item is the `Reply`. Closing the iterator stops the generation."""
        ...


async def complete(
    model: ChatModel, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
) -> Reply:
    """The whole reply, for whoever does not want the stream."""
    async for item in model.stream(messages, tools, sampling):
        if isinstance(item, Reply):
            return item
    raise RuntimeError(f"{model.name} ended its stream without a reply")
