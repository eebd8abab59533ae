"""What the chunks of one streamed answer come to: text, thought, calls in pieces, usage, and how it ended.

Comes in: chunks as an OpenAI-compatible endpoint streams them. Goes out: `TextDelta`s on the way, and the `Reply`.
Knows nothing of requests and of what may go wrong with them.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from httpx2 import RemoteProtocolError

from agent.formats.calls import Reading
from agent.messages import ToolSchema
from agent.models.protocol import Reply, TextDelta, Usage
from agent.models.visible import Visible, visible_in
from agent.parse import ParsedReply, parse_reply


@dataclass
class Collected:
    """What the chunks of one answer come to."""

    text: str = ""
    thought: str = ""
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    _slots: dict[int, int] = field(default_factory=dict)  # by the server's index, the place in `calls`
    usage: Usage = field(default_factory=lambda: Usage(0, 0))
    finish: Literal["stop", "length"] = "stop"
    ended: bool = False
    visible: Visible = field(default_factory=lambda: visible_in("native"))

    def take(self, chunk: Any) -> list[TextDelta]:
        """Add one chunk; the deltas to show for it."""
        if chunk.usage:
            self.usage = Usage(chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
            # Some servers count along in every chunk; only the one that brings nothing else comes at the end.
            self.ended = self.ended or not chunk.choices
        shown: list[TextDelta] = []
        for choice in chunk.choices or []:
            if choice.finish_reason:
                self.ended = True
                self.finish = "length" if choice.finish_reason == "length" else "stop"
            delta = choice.delta
            if delta is None:
                continue
            thought = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None) or ""
            if thought:
                self.thought += thought
                shown.append(TextDelta(thought, thought=True))
            if delta.content:
                self.text += delta.content
                shown += self.visible.feed(delta.content)
            for piece in delta.tool_calls or []:
                self._take_call(piece)
        return shown

    def check_end(self) -> None:
        """Raise where the stream ended before the answer did: a closed connection alone looks like an end."""
        if not self.ended:
            raise RemoteProtocolError("the answer breaks off without a finish_reason")

    def _take_call(self, piece: Any) -> None:
        said = piece.function
        if said is None:
            return
        call = self._call_of(getattr(piece, "index", None), piece.id or "", bool(said.name))
        arguments = said.arguments
        call["name"] += said.name or ""
        call["arguments"] += json.dumps(arguments) if isinstance(arguments, dict) else arguments or ""

    def _call_of(self, index: int | None, name: str, begins: bool) -> dict[str, str]:
        """The call that a piece belongs to. Some servers send each call whole and without an index, some give every
        call the index 0: another id is another call.
        """
        place = index if index is not None else len(self.calls) - (not begins and bool(self.calls))
        slot = self._slots.get(place)
        if slot is None or (name and self.calls[slot]["id"] and name != self.calls[slot]["id"]):
            slot = self._slots[place] = len(self.calls)
            self.calls[slot] = {"id": name, "name": "", "arguments": ""}
        return self.calls[slot]

    def reply(self, tools: list[ToolSchema]) -> Reply:
        """The whole reply: calls as the engine returned them, else as they stand in the text."""
        if not self.calls:
            parsed = parse_reply(self.text, tools)
        else:
            reading = Reading(tools)
            for call in self.calls.values():
                reading.add(call["name"], _arguments(call["arguments"]))
            beside = parse_reply(self.text, [], "hermes") if self.text else ParsedReply()
            parsed = replace(beside, tool_calls=reading.calls, repairs=reading.repairs, problems=reading.problems)
        parsed = replace(parsed, thought=self.thought or parsed.thought)
        written = [self.text, *(f"{call['name']} {call['arguments']}" for call in self.calls.values())]
        raw = "\n".join(filter(None, written))
        return Reply(parsed.message(), self.usage, self.finish, raw, parsed.repairs, parsed.problems)


def _arguments(text: str) -> Any:
    """Arguments travel as a string that spells an object; one that does not is left for the parser to mend."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text
