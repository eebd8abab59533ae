"""Models and tools that write every answer into the journal before they hand it out, and read it from there again.

Comes in: a tool or a model. Goes out: the same kind of thing, so nobody who uses it can tell.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict
from hashlib import sha256
from inspect import getmodule, getsource
from typing import Any

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from agent.errors import UserError
from agent.messages import Message, ToolSchema
from agent.models import ChatModel, Reply, Sampling, TextDelta, Usage
from agent.tools import Tool, ToolResult
from dataset_builder.journal import Journal, current, key_of
from dataset_builder.stopping import Stop

REFUSED = "the endpoint refuses"
_REFUSALS = {400, 413, 422}
ATTEMPTS = 5  # at an answer that breaks off


class JournalledTool(Tool):
    """A tool that runs once for each call of each row, however often the run is started.

    A changed function is another tool: its source is part of what is asked, and with it, where nothing outside is
    changed, all of its file: what it looks up may stand beside it. An error is asked for again, since what was down may
    be up by then, unless the tool acts outside. A call with side effects that was begun
    and never answered is not repeated; it comes back as an error, which drops the row. Only tools that act in the
    session's world do run again, in the row's new and empty one: what a later call finds there must be what the earlier
    ones left.
    """

    def __init__(self, tool: Tool, journal: Journal):
        super().__init__(tool.function, name=tool.name, schema=tool.schema, zh=tool.zh, **tool.traits)
        self._tool, self._journal = tool, journal
        self._version = sha256(_source(tool).encode()).hexdigest()[:16]

    async def call(self, arguments: Any) -> ToolResult:
        here = current()
        async with here.turn:
            result = await self._answer(arguments)
        here.calls.count(self.name, result.is_error)
        if result.is_error:
            here.failures.append(f"{self.name}: {result.content}")
        return result

    async def _answer(self, arguments: Any) -> ToolResult:
        key = key_of({"tool": self.name, "version": self._version, "arguments": arguments})
        begun, kept = self._journal.answer(key)
        if kept is not None and self.in_world:
            await self._tool.call(arguments)
        if kept is not None and (self.in_world or self.acts_outside or not kept["is_error"]):
            return ToolResult(**kept)
        if begun and kept is None:
            text = f"Error: the run was stopped while {self.name} was at work; it has side effects and is not repeated"
            return ToolResult(text, is_error=True)
        if self.acts_outside:
            self._journal.begin(key, "tool")
        result = await self._tool.call(arguments)
        self._journal.keep(key, "tool", asdict(result))
        return result


class _BrokenOffError(UserError):
    """An answer that had begun and did not come to its end."""


class JournalledModel:
    """A model that is asked each thing once, however often the run is started; a whole reply at a time.

    What it was asked is known by the model's name (`#MODEL` of an endpoint, where it is given), not by where it is
    served: another address of the same model is not asked again.
    `replies` and `usage` count what its replies cost, those read from the journal included, so a run that went on
    reports the same numbers as one that never stopped. An answer that broke off half-way is asked for again. One that
    was cut by its length counts as a failure of the row. `stop` says when nothing new may be asked; what the journal
    holds was paid for before and counts towards its budget.
    """

    def __init__(self, model: ChatModel, journal: Journal, stop: Stop | None = None):
        self.name = model.name
        self.replies = 0
        self.usage = Usage(0, 0)
        self._model, self._journal, self._stop = model, journal, stop or Stop()
        self._asked_of = model.name.partition("#")[2] or model.name

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> AsyncGenerator[TextDelta | Reply, None]:
        self._stop.check()
        request = {
            "model": self._asked_of,
            "messages": list(messages),
            "tools": list(tools),
            "sampling": asdict(sampling),
        }
        key = key_of(request)
        _, kept = self._journal.answer(key)
        if kept is None:
            self._stop.admit()
            retrying = AsyncRetrying(
                retry=retry_if_exception_type(_BrokenOffError),
                stop=stop_after_attempt(ATTEMPTS),
                wait=wait_exponential_jitter(0.2, 10),
                reraise=True,
            )
            try:
                reply: Reply = await retrying(self._asked, messages, tools, sampling)
            except UserError as error:
                if not (self.replies and _is_of_this_request(error)):
                    raise
                # Others were answered: this one costs its row, and not the run. It is asked again by the next start.
                current().failures.append(f"{REFUSED}: {error}")
                yield Reply({"role": "assistant", "content": ""}, Usage(0, 0))
                return
            self._journal.keep(key, "reply", asdict(reply))
            self._stop.spend(reply.usage.prompt_tokens, reply.usage.completion_tokens)
        else:
            reply = Reply(**{**kept, "usage": Usage(**kept["usage"])})
        self._count(reply)
        yield reply

    async def _asked(self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling) -> Reply:
        begun = False
        try:
            async for item in self._model.stream(messages, tools, sampling):
                if isinstance(item, Reply):
                    return item
                begun = True
        except UserError as error:
            if begun:
                raise _BrokenOffError(error.what, where=error.where, mend=error.mend) from error
            raise
        raise UserError(f"{self.name} ended its stream without a reply")

    def _count(self, reply: Reply) -> None:
        self.replies += 1
        self.usage = Usage(
            self.usage.prompt_tokens + reply.usage.prompt_tokens,
            self.usage.completion_tokens + reply.usage.completion_tokens,
        )
        if reply.finish == "length":
            current().failures.append(f"{self.name}: the reply was cut by its length")


def refusal() -> str:
    """What the endpoint said when it refused something that was asked here; "" where it did not."""
    return next((failure for failure in current().failures if failure.startswith(REFUSED)), "")


def _is_of_this_request(error: UserError) -> bool:
    """Whether an endpoint refuses what it was asked, and would answer something else: too long, or not to its taste."""
    response = getattr(error.__cause__, "response", None)
    return response is not None and response.status_code in _REFUSALS


def _source(tool: Tool) -> str:
    if tool.function is None:
        return repr(tool.schema)
    try:
        own = getsource(tool.function)
    except (OSError, TypeError):  # built in, or made in a console
        return tool.name
    module = getmodule(tool.function)
    try:
        return own if tool.acts_outside or module is None else own + getsource(module)
    except (OSError, TypeError):
        return own
