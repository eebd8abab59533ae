"""The `<tool_call>` tags of Hermes and Qwen, to the letter: rendering an assistant message, and reading one back.

Comes in: an assistant message, or its text. Goes out: the other. Here nothing is mended (`tags` does that), and
`read_exact(render(message))` gives the message back, or `render` refuses.
"""

import json
import re
from dataclasses import dataclass

from agent.formats.calls import ReadCall, Reading
from agent.formats.mending import UnreadableError, finite
from agent.messages import Message

_THOUGHT = re.compile(r"<think>\n(.*?)\n</think>\n\n", re.DOTALL)
_OPEN, _CLOSE = "<tool_call>\n", "\n</tool_call>"
_MARKUP = ("<think>", "</think>", "<tool_call>", "</tool_call>")


class HermesError(ValueError):
    """The message cannot be told from markup in this format, so that reading it back would give another one."""


@dataclass(frozen=True)
class Parts:
    """What a text held beside its calls."""

    content: str
    thought: str


def render(message: Message) -> str:
    """The text of an assistant message; raises `HermesError` where its content contains the format's own markup."""
    blocks = [
        _OPEN + json.dumps(dict(call["function"]), ensure_ascii=False) + _CLOSE
        for call in message.get("tool_calls", [])
    ]
    content, thought = message["content"], message.get("reasoning_content", "")
    text = "\n".join(([content] if content else []) + blocks)
    if thought:
        text = f"<think>\n{thought}\n</think>\n\n{text}"
    reading = Reading([])
    parts = read_exact(text, reading)
    calls = [dict(call["function"]) for call in message.get("tool_calls", [])]
    if parts is None or (parts.content, parts.thought) != (content, thought) or reading.calls != calls:
        raise HermesError("the message contains <think> or <tool_call> markup of its own")
    return text


def read_exact(text: str, reading: Reading) -> Parts | None:
    """Read well-formed text to the letter; None (and nothing in `reading`) where anything would need mending."""
    thought = ""
    if match := _THOUGHT.match(text):
        thought, text = match.group(1), text[match.end() :]
    head, opener, rest = text.partition(_OPEN)
    if any(tag in head for tag in _MARKUP) or (opener and head and not head.endswith("\n")):
        return None
    if not opener:
        return Parts(text, thought)
    calls = _calls(rest)
    if calls is None or (reading.tools and any(call["name"] not in reading.names for call in calls)):
        return None
    reading.calls.extend(calls)
    return Parts(head[:-1], thought)


def _calls(text: str) -> list[ReadCall] | None:
    """The calls of blocks that follow each other, the first one's opening tag taken off; None for anything else."""
    calls: list[ReadCall] = []
    while True:
        try:
            value, end = json.JSONDecoder().raw_decode(text)
            finite(value)
        except (ValueError, RecursionError, UnreadableError):
            return None
        if not _is_call(value) or not text.startswith(_CLOSE, end):
            return None
        calls.append(value)
        text = text[end + len(_CLOSE) :]
        if not text.strip():
            return calls
        if not text.startswith("\n" + _OPEN):
            return None
        text = text[1 + len(_OPEN) :]


def _is_call(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"name", "arguments"}
        and isinstance(value["name"], str)
        and isinstance(value["arguments"], dict)
    )
