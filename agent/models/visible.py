"""Sorts a stream of raw text into what the reader sees, what is thought, and tool call markup, which is held back.

Comes in: pieces of text as a model writes them. Goes out: `TextDelta`s. Knows nothing of the calls themselves:
those are read from the whole reply.
"""

import re
from typing import Protocol

from agent.models.protocol import TextDelta
from agent.models.visible_react import VisibleReact

_THINK, _END_THINK = "<think>", "</think>"
_CALLS = ("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>")
_END_CALL = "</tool_call>"


class Visible(Protocol):
    """What sorts one reply's stream."""

    def feed(self, piece: str) -> list[TextDelta]: ...

    def finish(self) -> list[TextDelta]: ...


def visible_in(form: str) -> Visible:
    """What sorts the stream of a reply in this format."""
    return VisibleReact() if form.startswith("react") else VisibleText()


class VisibleText:
    """One reply's stream, fed piece by piece."""

    def __init__(self) -> None:
        self._pending = ""
        self._mode = "text"  # or "thought", "call"
        self._started = False

    def feed(self, piece: str) -> list[TextDelta]:
        """What can be shown after this piece; the start of what may be a tag waits for the next one."""
        self._pending += piece
        shown: list[TextDelta] = []
        while True:
            tags = {"text": (_THINK, *_CALLS), "thought": (_END_THINK,), "call": (_END_CALL,)}[self._mode]
            match = re.search("|".join(map(re.escape, tags)), self._pending)
            if match is None:
                kept = _tag_start(self._pending, tags)
                self._show(self._pending[: len(self._pending) - kept], shown)
                self._pending = self._pending[len(self._pending) - kept :]
                return shown
            self._show(self._pending[: match.start()].rstrip("\n"), shown)
            self._pending = self._pending[match.end() :]
            self._mode = "thought" if match.group() == _THINK else "call" if match.group() in _CALLS else "text"
            self._started = False

    def finish(self) -> list[TextDelta]:
        """What was still waiting when the reply ended."""
        shown: list[TextDelta] = []
        self._show(self._pending, shown)
        self._pending = ""
        return shown

    def _show(self, text: str, shown: list[TextDelta]) -> None:
        if self._mode == "call":
            return
        if not self._started:  # the newlines between a tag and the text belong to the format
            text = text.lstrip("\n")
        if text:
            self._started = True
            shown.append(TextDelta(text, thought=self._mode == "thought"))


def _tag_start(text: str, tags: tuple[str, ...]) -> int:
    """How many characters at the end of `text` may be the start of a tag (newlines before one are its own)."""
    longest = 0
    for tag in tags:
        for size in range(1, min(len(tag), len(text) + 1)):
            if text.endswith(tag[:size]):
                longest = max(longest, size)
    before = text[: len(text) - longest]
    return longest + len(before) - len(before.rstrip("\n"))
