"""Runs the agent on a row from where its conversation ends, saving each message as soon as it is whole.

Comes in: a seat before a row, and how far to run. Goes out: the seat after each saved message, and what is being
written. The row's own tool schemas are what the model sees; the tools of the page are what runs.
Knows nothing of Gradio.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from agent.confirming import allow
from agent.events import Delta, Done, Event, Failed, Replied, Result, Thought
from agent.loop import Agent
from agent.messages import Message
from agent.models import ChatModel
from agent.toolbox.world import World, enter_world, in_world
from agent.tools import Tool
from dataset_builder.annotate.desk import Desk, Seat
from dataset_builder.embedded_teacher.variants import ShownTool
from dataset_builder.rows import Row

Item = TypeVar("Item")

# Seconds between two pictures of a text that is being written: a busy page must not fall behind what it is sent.
FRAME = 0.05


@dataclass(frozen=True)
class Job:
    """Run the row of `seat` for `steps` replies (None: to the end); all that it saves is undone as one `act`."""

    seat: Seat
    steps: int | None
    act: str


@dataclass(frozen=True)
class Progress:
    """A run at one moment: the seat, the messages made so far, and the message being written.

    `ended` is why the run ended (see `agent.events.Done`), empty while it goes on; `failure` is its last failure.
    """

    seat: Seat
    made: list[Message] = field(default_factory=list)
    thought: str = ""
    text: str = ""
    failure: str = ""
    ended: str = ""


def tools_of_row(row: Row, known: Mapping[str, Tool]) -> list[Tool]:
    """The row's tools with its own schemas; those that nothing here can run answer that they cannot.

    A tool that the row shows under other names runs as the one that its provenance says it stands for.
    """
    tools: list[Tool] = []
    renamed = row["provenance"].get("stands_for", {})
    for schema in row["tools"]:
        name = schema["function"]["name"]
        if name in renamed and renamed[name]["tool"] in known:
            tools.append(ShownTool(known[renamed[name]["tool"]], schema, renamed[name]["arguments"]))
            continue
        found = known.get(name)
        if found is None:
            tools.append(Tool(schema=schema))
        else:
            tools.append(Tool(found.function, name=found.name, schema=schema, **found.traits))
    return tools


async def run(desk: Desk, model: ChatModel, known: Mapping[str, Tool], job: Job) -> AsyncGenerator[Progress, None]:
    """The run, moment by moment. Raises ConflictError where somebody else changes the row meanwhile."""
    row = desk.sheet(job.seat).row
    tools = tools_of_row(row, known)
    # Whoever pressed the button saw the calls that wait, or let the model go on with the tools of this page.
    agent = Agent(model, tools, lang=row["lang"], confirm=allow)
    start = desk.messages(job.seat.key)
    now = Progress(job.seat)
    yield now
    world = await _as_left(start, {tool.name: tool for tool in tools})
    drawn = 0.0
    async with aclosing(agent.stream(start, steps=job.steps)) as events:
        async for event in in_world(world, events):
            now = _after(now, event)
            if isinstance(event, Replied | Result):
                now = _at(now, desk.save(now.seat, [*start, *now.made], job.act, saved={}))  # drafts stay
            elif isinstance(event, Done):
                now = _at(now, desk.save(now.seat, event.messages, job.act, saved={}), ended=event.reason)
            writing = isinstance(event, Delta | Thought)
            if not writing or time.monotonic() - drawn >= FRAME:
                drawn = time.monotonic() if writing else 0.0
                yield now


async def until(stopped: asyncio.Event, moments: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
    """The same moments until `stopped` is set, which ends even a wait for the next one."""
    stop = asyncio.ensure_future(stopped.wait())
    try:
        async with aclosing(moments):
            while not stopped.is_set():
                step = asyncio.ensure_future(anext(moments))
                try:
                    await asyncio.wait({step, stop}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not step.done():
                        step.cancel()
                        with suppress(asyncio.CancelledError):
                            await step
                if step.cancelled():
                    return
                try:
                    yield step.result()
                except StopAsyncIteration:
                    return
    finally:
        stop.cancel()


async def _as_left(messages: Sequence[Message], known: Mapping[str, Tool]) -> World:
    """The world as the calls so far have left it: what was noted down before can be looked up.

    Only calls that have results are made again, and only of tools that change nothing but that world.
    """
    world = World()
    answered = {message["tool_call_id"] for message in messages if message["role"] == "tool"}
    with enter_world(world):
        for call in (call for message in messages for call in message.get("tool_calls", [])):
            made_again = known.get(call["function"]["name"])
            if call["id"] in answered and made_again is not None and made_again.in_world:
                await made_again.call(call["function"]["arguments"])
    return world


def _after(now: Progress, event: Event) -> Progress:
    match event:
        case Thought(text=text):
            return Progress(now.seat, now.made, now.thought + text, now.text, now.failure)
        case Delta(text=text):
            return Progress(now.seat, now.made, now.thought, now.text + text, now.failure)
        case Replied(message=message) | Result(message=message):
            return Progress(now.seat, [*now.made, message], failure=now.failure)
        case Failed(reason=reason):
            return Progress(now.seat, now.made, now.thought, now.text, reason)
    return now


def _at(now: Progress, seat: Seat, ended: str = "") -> Progress:
    return Progress(seat, now.made, now.thought, now.text, now.failure, ended)
