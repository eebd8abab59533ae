"""What a visitor is asked before a tool acts outside: the calls of one message, one question after the other.

Comes in: calls as they will run, and the visitor's word on each. Goes out: the question that is open, and a `Confirm`
for the agent that goes on. Nothing runs and nothing is held while a visitor thinks: the turn has ended, and the last
answer begins another. Knows nothing of Gradio.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from agent.confirming import as_it_will_run, readable
from agent.messages import ToolCall, ToolSchema
from agent.tools import Tool
from space.words import Words


@dataclass(frozen=True)
class Asked:
    """One question; `ticket` is what its answer must name, so that a second press of a button answers no other one."""

    call: ToolCall
    ticket: str = field(default_factory=lambda: uuid.uuid4().hex)


class Consent:
    """Calls that wait for a visitor's word. Changes in place: of two answers that come at once, one counts."""

    def __init__(self, calls: Sequence[ToolCall]):
        self._waiting = [Asked(call) for call in calls]
        self._said: list[tuple[ToolCall, bool | str]] = []
        self._taken = False
        self._since = time.monotonic()

    @property
    def question(self) -> Asked | None:
        """What the visitor is asked now; None where everything is answered."""
        return self._waiting[0] if self._waiting else None

    @property
    def seconds(self) -> float:
        """How long that question has been open."""
        return time.monotonic() - self._since

    def say(self, ticket: str, word: bool | str) -> None:
        """Answer the open question: True allows the call, a text says why not. Another ticket is too late."""
        if self._waiting and self._waiting[0].ticket == ticket:
            self._said.append((self._waiting.pop(0).call, word))
            self._since = time.monotonic()

    def take(self) -> bool:
        """Whether the calls may be gone on with, everything being answered: True once, so that none runs twice."""
        ready = not self._waiting and not self._taken
        self._taken = self._taken or ready
        return ready

    def confirm(self, call: ToolCall, tool: Tool) -> bool | str:
        """The visitor's word on this very call: another name, other arguments or another id were never asked about."""
        return next((word for asked, word in self._said if asked == call), False)


def to_ask(calls: Sequence[ToolCall], tools: Sequence[Tool]) -> list[ToolCall]:
    """Those of `calls` that somebody must allow before they run, as they will run."""
    known = {tool.name: tool for tool in tools}
    found = ((call, known.get(call["function"]["name"])) for call in calls)
    asked = (as_it_will_run(call, tool) for call, tool in found if tool is not None)
    return [call for call in asked if call is not None]


def as_html(call: ToolCall, schema: ToolSchema, words: Words) -> str:
    """The question as a visitor reads it: the tool, what it does, and all of its arguments; every text is escaped."""
    function = call["function"]
    description = schema["function"]["description"].strip().split("\n")[0]
    arguments = readable(function["arguments"], indent=2) if function["arguments"] else words.no_parameters
    return (
        f"<p>{escape(words.ask)}</p><p><code>{escape(function['name'])}</code> {escape(description)}</p>"
        f'<pre tabindex="0">{escape(arguments)}</pre>'
    )
