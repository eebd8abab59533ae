"""The loop: a model writes, its calls are executed, the results go back, until it answers or a limit is reached.

Comes in: a conversation ending anywhere. Goes out: events, the last of them with the whole conversation. An `Agent`
holds no conversation, so one may serve many. Knows nothing of engines, text formats and pages.
"""

import asyncio
import contextlib
import contextvars
import functools
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.around import planning
from agent.around.view import View
from agent.calling import Caller
from agent.confirming import Confirm, ask_in_terminal
from agent.errors import UserError
from agent.events import Delta, Done, Event, Failed, Planned, Repaired, Replied, Result, Thought, Used
from agent.formats.calls import UNKNOWN_TOOL
from agent.messages import Message, ToolSchema
from agent.models.protocol import ChatModel, Reply, Sampling
from agent.notices import notice
from agent.progress import Limits, OutOfTimeError, Progress, open_calls
from agent.run import Run
from agent.tools import Tool

if TYPE_CHECKING:
    from agent.selection import Selector

__all__ = ["Agent", "Limits", "Run", "open_calls"]


class Agent:
    """A model with tools.

    Args:
        model: What writes.
        tools: What it may call.
        system: A system message for conversations that bring none.
        sampling: How replies are drawn.
        limits: Where a run ends at the latest.
        seed: Makes the call ids repeatable.
        lang: "en" or "zh": the language of the tools' descriptions and of what the loop itself says to the model.
        confirm: Asked before a tool that acts outside (see `Tool.acts_outside`) runs. The default asks in the terminal,
            and where there is none the model is told that nobody is there to ask. Others are `allow` (for a program
            that runs by itself and has chosen its tools), `refuse`, `allow_only("name", …)` or a function of your own.
        select: How many tools the model is shown, those nearest to what is asked (see `agent.selection`), besides those
            called already; None shows all of them.
        mark: Whether results are fenced in what the model is shown, and the fence explained (see `agent.safety`). A
            result never can forge the marks of a chat template, with or without this.
        plan: Whether the model writes a plan before it acts, and revises it after a call has failed. The plan becomes
            the content before the calls.
        distill: Results longer than so many characters are shown to the model as the facts that matter, each with the
            passage it stands in; the conversation keeps them whole. None shows everything.
        rewrite: Whether the user's last message is shown to the model restated, so that it can be understood by itself;
            the conversation keeps it as it was.
    """

    def __init__(
        self,
        model: ChatModel,
        tools: Sequence[Tool],
        *,
        system: str = "",
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        seed: int = 0,
        lang: str = "en",
        confirm: Confirm = ask_in_terminal,
        select: int | None = None,
        mark: bool = False,
        plan: bool = False,
        distill: int | None = None,
        rewrite: bool = False,
    ):
        self.model = model
        self.tools = list(tools)
        self.system = system
        self.sampling = sampling or Sampling()
        self.limits = limits or Limits()
        self.seed = seed
        self.lang = lang
        self.confirm = confirm
        if select is not None and select < 1:
            raise ValueError(f"select must be at least 1, got {select}")
        if distill is not None and distill < 1:
            raise ValueError(f"distill must be at least 1 character, got {distill}")
        self.select = select
        self.plan = plan
        self._view = View(model, self.sampling, lang, seed, mark=mark, distill=distill, rewrite=rewrite)

    @property
    def schemas(self) -> list[ToolSchema]:
        """All the tools, as a model sees them."""
        return [tool.localized(self.lang) for tool in self.tools]

    def offered(self, messages: Sequence[Message]) -> list[Tool]:
        """The tools that the model is shown in this conversation, and may call."""
        if self.select is None or len(self.tools) <= self.select:
            return self.tools
        return self._selector.for_conversation(messages, self.select)

    @functools.cached_property
    def _selector(self) -> "Selector":
        from agent.selection import Selector  # brings numpy and the ranking: only where it is asked for

        return Selector(self.tools)

    def run(self, messages: Sequence[Message], *, steps: int | None = None) -> Run:
        """`stream` to its end; raises `UserError` where the model cannot be reached. Blocks, in a notebook too."""

        async def to_the_end() -> Run:
            failure = ""
            async for event in self.stream(messages, steps=steps):
                if isinstance(event, Failed):
                    failure = event.reason
                if isinstance(event, Done):
                    if event.reason == "failed":
                        raise UserError(failure)
                    tools = [tool.localized(self.lang) for tool in self.offered(messages)]
                    return Run(event.messages, tools, event.reason)
            raise AssertionError("a run ends with Done")

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(to_the_end())
        # A notebook has an event loop already, which cannot run another one in itself: a thread can.
        with ThreadPoolExecutor(1) as beside:
            return beside.submit(contextvars.copy_context().run, asyncio.run, to_the_end()).result()

    async def stream(self, messages: Sequence[Message], *, steps: int | None = None) -> AsyncGenerator[Event, None]:
        """Continue `messages`, whatever they end with, and tell what happens; the last event is `Done`.

        Calls without a result are executed first, which is no step: `steps=0` does only that. Then the model writes.
        A conversation that ends with an assistant message without calls is done already. The given list is left alone.
        Leaving the iterator (or cancelling the task) stops the model and the tools.

        Args:
            messages: The conversation so far.
            steps: How many replies the model may write this time; by default the limit.
        """
        start = list(messages)
        if self.system and not (start and start[0]["role"] == "system"):
            start.insert(0, {"role": "system", "content": self.system})
        seconds = self.limits.seconds
        offered = self.offered(start)
        progress = Progress(
            self.limits,
            start,
            None if seconds is None else time.monotonic() + seconds,
            {tool.name: tool for tool in offered},
            [tool.localized(self.lang) for tool in offered],
        )
        caller = Caller(progress.tools, self.confirm, self.lang)
        allowed = self.limits.steps if steps is None else min(steps, self.limits.steps)
        reason = ""
        while not reason:
            turn = self._execute(progress, caller) if open_calls(progress.messages) else self._write(progress, allowed)
            async with contextlib.aclosing(turn) as events:
                async for event in events:
                    if isinstance(event, Done):
                        reason = event.reason
                    else:
                        yield event
        yield Done(reason, progress.messages)

    async def _write(self, progress: Progress, allowed: int) -> AsyncGenerator[Event, None]:
        """One reply of the model, appended to the conversation; `Done` where there is none to write."""
        messages = progress.messages
        if reason := progress.reason_to_stop(allowed):
            yield Done(reason, messages)
            return
        if progress.unread and not progress.fed_back:
            progress.fed_back = True
            progress.add({"role": "user", "content": notice("unreadable", self.lang, problem=progress.unread)})
        progress.unread = ""
        reply: Reply | None = None
        told: list[Event] = []
        try:
            shown = await self._view.of(progress, told)
            plan = await self._planned(shown, progress, told) if self.plan else ""
            for event in told:
                yield event
            shown = planning.to_carry_out(shown, plan, self.lang) if plan else shown
            stream = self.model.stream(shown, progress.schemas, self.sampling)
            async with contextlib.aclosing(stream) as items:
                while reply is None:
                    item = await progress.in_time(anext(items))
                    if isinstance(item, Reply):
                        reply = item
                    else:
                        yield Thought(item.text) if item.thought else Delta(item.text)
        except UserError as error:
            yield Failed(str(error))
            yield Done("failed", messages)
            return
        except OutOfTimeError:
            yield Done("seconds", messages)
            return
        for event in self._take(reply, progress, plan):
            yield event

    async def _planned(self, shown: Sequence[Message], progress: Progress, told: list[Event]) -> str:
        """A plan where one is due: before the first step, and after a failure."""
        if not (progress.schemas and (progress.unplanned or progress.failed)):
            return ""
        made = await planning.plan(self.model, shown, progress.schemas, self.sampling, progress, self.lang, told)
        progress.unplanned = progress.failed = False
        told += [Planned(made)] if made else []
        return made

    def _take(self, reply: Reply, progress: Progress, plan: str) -> list[Event]:
        """Make the reply part of the conversation; what could not be read is kept to be said back to the model."""
        reply = _without_half_calls(reply)
        progress.replies += 1
        progress.tokens += reply.usage.prompt_tokens + reply.usage.completion_tokens
        progress.cut = reply.finish == "length"
        # A call to a tool that is not there is answered by a result; everything else that went wrong is said here.
        progress.unread = "; ".join(text for text in reply.problems if not text.startswith(UNKNOWN_TOOL))
        events: list[Event] = [*(Repaired(repair) for repair in reply.repairs), Used(reply.usage)]
        events += [Failed(problem) for problem in reply.problems]
        message = progress.owned(reply.message, self.seed)
        if reply.problems and not message.get("tool_calls"):
            message["content"] = message["content"] or reply.raw
            message["train"] = False  # shown to the model, which is to do better; not to be learned
        if not message["content"] and not message.get("tool_calls"):
            return [*events, Failed("the model wrote nothing"), Done("empty", progress.messages)]
        if plan and message.get("tool_calls"):
            message["content"] = "\n\n".join(filter(None, [plan, message["content"]]))
        progress.add(message)
        return [*events, Replied(message)]

    async def _execute(self, progress: Progress, caller: Caller) -> AsyncGenerator[Event, None]:
        """Run the open calls side by side and append their results in the order of the calls."""
        messages = progress.messages
        calls = open_calls(messages)
        repeated = progress.beyond(self.limits.repeats, calls)
        answers = caller.answers(calls, repeated, self.limits.repeats, progress.seconds_left)
        async with contextlib.aclosing(answers) as events:
            async for event in events:
                if isinstance(event, Result):
                    progress.add(event.message)
                    progress.failed |= event.is_error
                yield event
        if caller.out_of_time:
            yield Done("seconds", messages)
        elif repeated:
            yield Done("repeated calls", messages)


def _without_half_calls(reply: Reply) -> Reply:
    """A call that the longest reply cut off is none, however well its braces can be closed: what was still to come
    could have been any argument.
    """
    if reply.finish != "length" or "missing brace" not in reply.repairs or not reply.message.get("tool_calls"):
        return reply
    message = reply.message.copy()
    del message["tool_calls"]
    return replace(reply, message=message, problems=[*reply.problems, "the reply was cut off within a call"])
