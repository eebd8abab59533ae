"""Runs the calls of an assistant message side by side and answers each of them.

Comes in: calls, the tools there are, and who is asked before something is changed. Goes out: `Result` events in the
order of the calls, each with its tool message. Whatever goes wrong is a result too. Knows nothing of models.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence

from agent.confirming import Confirm, as_it_will_run
from agent.events import Called, Event, Repaired, Result
from agent.messages import ToolCall, tool_message
from agent.notices import notice
from agent.safety import secrets
from agent.safety.marking import inert
from agent.tools import Tool, ToolResult
from agent.tools.running import in_thread


class Caller:
    """Answers the calls of one run, message by message.

    Args:
        tools: What may be called, by name.
        confirm: Asked before a tool that acts outside runs.
        lang: The language of what is said to the model.
    """

    def __init__(self, tools: Mapping[str, Tool], confirm: Confirm, lang: str):
        self._tools = tools
        self._confirm = confirm
        self._lang = lang
        self._asking = asyncio.Lock()  # a person answers one question at a time
        self._secrets = secrets.secrets()
        self.out_of_time = False

    async def answers(
        self,
        calls: Sequence[ToolCall],
        repeated: Collection[str],
        repeats: int,
        seconds_left: Callable[[], float | None],
    ) -> AsyncGenerator[Event, None]:
        """Run `calls` at once; those whose ids are in `repeated` are refused, having been made `repeats` times.

        Afterwards `out_of_time` tells whether one of them was given up because the run's time was over. Leaving the
        iterator cancels what still runs.
        """
        for call in calls:
            yield Called(call)
        if len(calls) == 1 and seconds_left() is None:  # nothing runs beside it and nothing cuts it short: no task
            result, seconds = await self._timed(calls[0], repeats if repeated else 0)
            for event in self._told(calls[0], result, seconds):
                yield event
            return
        tasks = [asyncio.create_task(self._timed(call, repeats if call["id"] in repeated else 0)) for call in calls]
        try:
            for call, task in zip(calls, tasks, strict=True):
                if not task.done():
                    await asyncio.wait([task], timeout=seconds_left())
                if task.done():
                    result, seconds = task.result()
                else:
                    self.out_of_time = True
                    task.cancel()
                    result, seconds = ToolResult(notice("out of time", self._lang), is_error=True), 0.0
                for event in self._told(call, result, seconds):
                    yield event
        finally:
            for task in (running := [task for task in tasks if not task.done()]):
                task.cancel()
            if running:
                await asyncio.wait(running)

    def _told(self, call: ToolCall, result: ToolResult, seconds: float) -> list[Event]:
        """A call's events: what was mended in its arguments, and its result, without keys and forged marks."""
        content, changed = inert(secrets.without(self._secrets, result.content))
        events: list[Event] = [Repaired(coercion) for coercion in result.coercions]
        if changed:
            events.append(Repaired(f"the result of {call['function']['name']} held marks of a chat template"))
        return [*events, Result(tool_message(call, content), result.is_error, seconds)]

    async def _timed(self, call: ToolCall, made: int) -> tuple[ToolResult, float]:
        started = time.perf_counter()
        result = await self._answer(call, made)
        return result, time.perf_counter() - started

    async def _answer(self, call: ToolCall, made: int) -> ToolResult:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        tool = self._tools.get(name)
        if tool is None:
            names = ", ".join(self._tools) or notice("none", self._lang)
            return ToolResult(notice("unknown tool", self._lang, name=name, names=names), is_error=True)
        if made:
            return ToolResult(notice("repeated", self._lang, count=made), is_error=True)
        asked = as_it_will_run(call, tool)
        if asked is not None and (reason := await self._reason_against(asked, tool)):
            return ToolResult(notice("refused", self._lang, name=name, reason=reason), is_error=True)
        return await tool.call(arguments)

    async def _reason_against(self, call: ToolCall, tool: Tool) -> str:
        """Why the call may not run; `""` where it may."""
        async with self._asking:
            try:
                answer = await _asked(self._confirm, call, tool)
            except Exception as error:  # who cannot be asked has not allowed it
                return f"{type(error).__name__}: {error}"
        return "" if answer is True else str(answer or notice("not allowed", self._lang))


async def _asked(confirm: Confirm, call: ToolCall, tool: Tool) -> bool | str:
    if inspect.iscoroutinefunction(confirm):
        return await confirm(call, tool)
    answer = await in_thread(confirm, {"call": call, "tool": tool})
    return await answer if inspect.isawaitable(answer) else answer
