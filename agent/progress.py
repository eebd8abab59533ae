"""Where a run stands: its conversation so far, what it has used, and whether a limit is reached.

Comes in: messages, as they are added. Goes out: the reason to stop, the calls that wait for a result. Knows nothing of
models and of execution.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from agent.messages import Message, ToolCall, ToolSchema, new_call_id, tool_call
from agent.tools import Tool

Item = TypeVar("Item")


class OutOfTimeError(Exception):
    """The time of the run is over."""


@dataclass(frozen=True)
class Limits:
    """Where a run ends at the latest.

    Args:
        steps: Model replies, each with the execution of its calls.
        repeats: How often one identical call (name and arguments) may be made since the last user message.
        tokens: Tokens read and written by the model over the run; None for no limit.
        seconds: Time of the run; None for no limit.
    """

    steps: int = 8
    repeats: int = 3
    tokens: int | None = None
    seconds: float | None = None


@dataclass
class Progress:
    """What one run has come to so far; of the last reply, what could not be read and whether it was cut; of the calls
    since the last plan, whether one failed.
    """

    limits: Limits
    messages: list[Message]
    deadline: float | None
    tools: dict[str, Tool]
    schemas: list[ToolSchema]
    tokens: int = 0
    replies: int = 0
    unread: str = ""
    cut: bool = False
    fed_back: bool = False
    failed: bool = False
    unplanned: bool = False
    call_ids: set[str] = field(default_factory=set)
    made: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        given, self.messages = self.messages, []
        for message in given:
            self.add(message)
        self.unplanned = bool(given) and given[-1]["role"] == "user"

    def add(self, message: Message) -> None:
        """Append a message, and keep count: of call ids, and of identical calls since the last user message."""
        self.messages.append(message)
        if message["role"] == "user":
            self.made.clear()
        for call in message.get("tool_calls", ()):
            self.call_ids.add(call["id"])
            self.made[_identity(call)] += 1

    def owned(self, message: Message, seed: int) -> Message:
        """A copy of the message whose call ids are ours: repeatable by seed and place, and new to the conversation."""
        made: Message = {**message}
        rng = random.Random(f"{seed}:{len(self.messages)}")
        calls: list[ToolCall] = []
        for call in message.get("tool_calls", []):
            call_id = new_call_id(rng)
            while call_id in self.call_ids:
                call_id = new_call_id(rng)
            self.call_ids.add(call_id)
            calls.append(tool_call(call["function"]["name"], call["function"]["arguments"], call_id))
        made.pop("tool_calls", None)
        if calls:
            made["tool_calls"] = calls
        if any(call["function"]["name"] not in self.tools for call in calls):
            made["train"] = False  # a call to a tool that does not exist is answered, never learned
        return made

    def beyond(self, times: int, calls: Sequence[ToolCall]) -> set[str]:
        """The ids of those open `calls` that have been made more than so many `times` since the last user message.

        Those of one message count one after the other: of four at once, three may be made.
        """
        waiting = Counter(_identity(call) for call in calls)
        found = set()
        for call in calls:
            if self.made[_identity(call)] - waiting[_identity(call)] + 1 > times:
                found.add(call["id"])
            waiting[_identity(call)] -= 1
        return found

    def seconds_left(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    async def in_time(self, work: Awaitable[Item]) -> Item:
        """What `work` gives; raises `OutOfTimeError` where the run's time is over first."""
        if self.deadline is None:
            return await work
        try:
            async with asyncio.timeout(self.seconds_left()) as limit:
                return await work
        except TimeoutError as error:
            if limit.expired():
                raise OutOfTimeError from error
            raise

    def reason_to_stop(self, allowed: int) -> str:
        """Why no other reply may be written after `allowed` of them; `""` where one may."""
        messages, tokens = self.messages, self.limits.tokens
        if messages and messages[-1]["role"] == "assistant" and (self.fed_back or not self.unread):
            return "unreadable" if self.unread else "length" if self.cut else "answered"
        if self.replies >= allowed:
            return "steps"
        return "tokens" if tokens is not None and self.tokens >= tokens else ""


def open_calls(messages: Sequence[Message]) -> list[ToolCall]:
    """The calls at the end of the conversation that have no result yet, in their order."""
    answered: set[str] = set()
    for message in reversed(messages):
        if message["role"] != "tool":
            return [call for call in message.get("tool_calls", []) if call["id"] not in answered]
        answered.add(message.get("tool_call_id", ""))
    return []


def _identity(call: ToolCall) -> str:
    """Name and arguments as JSON: what Python takes for equal, such as 1 and true, is not the same call."""
    function = call["function"]
    return json.dumps([function["name"], function["arguments"]], sort_keys=True, default=str)
