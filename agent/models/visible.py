"""Sorts a stream of raw text into what the reader sees, what is thought, and tool call markup, which is held back.

Comes in: pieces of text as a model writes them. Goes out: `TextDelta`s. Knows nothing of the calls themselves:
those are read from the whole reply.
"""

import re
from typing import Protocol

from agent.formats import thoughts
from agent.models.protocol import TextDelta
from agent.models.visible_react import VisibleReact

_CALLS = ("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>")
_END_CALL = "</tool_call>"
_FENCE = "```"
# What may still become a thought's tag: it is waited for, but not for ever.
_TAG_BEGUN = re.compile(r"[<＜]\s*(?:[/／]\s*)?\w{0,9}\s*\Z")
_LONGEST_TAG = 24  # characters


class Sorter(Protocol):
    """What shows what is said, once the thoughts are out of it."""

    def feed(self, piece: str) -> list[TextDelta]: ...

    def finish(self) -> list[TextDelta]: ...


def visible_in(form: str) -> "Visible":
    """What sorts the stream of a reply in this format."""
    return Visible(VisibleReact() if form.startswith("react") else VisibleText())


class Visible:
    """One reply's stream, fed piece by piece: thoughts as `agent.formats.thoughts` tells them, the rest by `sorter`.

    What begins as JSON or as a code fence may be a call without tags: it waits until the reply is known.
    """

    def __init__(self, sorter: Sorter) -> None:
        self._sorter = sorter
        self._pending = ""
        self._said = ""  # and not thought
        self._thinks = False
        self._first = True  # no tag yet: a closing one ends a thought that the template opened
        self._thought_shown = False
        self._held: str | None = ""  # None: it is no JSON, and goes on at once

    def feed(self, piece: str) -> list[TextDelta]:
        """What can be shown after this piece; the start of what may be a tag waits for the next one."""
        self._pending += piece
        shown: list[TextDelta] = []
        while (tag := self._tag()) is not None:
            before, self._pending = self._pending[: tag.start()], self._pending[tag.end() :]
            self._take(before.rstrip("\n") if self._thinks else before, shown)
            if not self._thinks and tag.re is thoughts.CLOSE:
                self._begin_anew(shown)
            self._thinks = tag.re is thoughts.OPEN
            self._first = self._thought_shown = False
        ready = len(self._pending) - self._waiting()
        self._take(self._pending[:ready], shown)
        self._pending = self._pending[ready:]
        return shown

    def finish(self, *, calls: bool = False) -> list[TextDelta]:
        """What was still waiting when the reply ended; where it makes `calls`, what may have been one is not shown."""
        shown: list[TextDelta] = []
        self._take(self._pending, shown)
        self._pending = ""
        if self._held and not calls:
            shown += self._sorter.feed(self._held)
        self._held = ""
        return shown + self._sorter.finish()

    def _tag(self) -> re.Match[str] | None:
        """The next tag that opens or closes a thought here; one in a sentence or in a call's arguments is text."""
        if self._thinks:
            return thoughts.CLOSE.search(self._pending)
        found = [*thoughts.OPEN.finditer(self._pending), *thoughts.CLOSE.finditer(self._pending)]
        for tag in sorted(found, key=lambda one: one.start()):
            before = self._said + self._pending[: tag.start()]
            if thoughts.in_call(before, len(before)):
                continue
            if thoughts.STARTS.search(before) if tag.re is thoughts.OPEN else self._closes(before):
                return tag
        return None

    def _closes(self, before: str) -> bool:
        """Whether a closing tag ends a thought that began before the reply: all that is before it."""
        return self._first and not (thoughts.OPEN.search(before) or thoughts.CLOSE.search(before))

    def _begin_anew(self, shown: list[TextDelta]) -> None:
        """What is said begins only here. What was shown cannot be taken back; what was held is known for a thought."""
        if self._held and (thought := self._held.strip()):
            shown.append(TextDelta(thought, thought=True))
        self._held = self._said = ""

    def _waiting(self) -> int:
        """How many characters at the end must wait: what may be a tag, and the newlines before a thought's end."""
        begun = _TAG_BEGUN.search(self._pending, max(0, len(self._pending) - _LONGEST_TAG))
        ready = self._pending[: begun.start()] if begun else self._pending
        return len(self._pending) - len(ready.rstrip("\n") if self._thinks else ready)

    def _take(self, text: str, shown: list[TextDelta]) -> None:
        if not self._thinks:
            self._said += text
            shown += self._say(text)
            return
        if not self._thought_shown:  # the newlines after a tag belong to the format
            text = text.lstrip("\n")
        if text:
            self._thought_shown = True
            shown.append(TextDelta(text, thought=True))

    def _say(self, text: str) -> list[TextDelta]:
        if self._held is None:
            return self._sorter.feed(text)
        self._held += text
        begins = self._held.lstrip()
        if begins.startswith(("{", "[", _FENCE)) or _FENCE.startswith(begins):
            return []
        text, self._held = self._held, None
        return self._sorter.feed(text)


class VisibleText:
    """One reply's stream without its thoughts: all but the calls in tags."""

    def __init__(self) -> None:
        self._pending = ""
        self._in_call = False
        self._started = False

    def feed(self, piece: str) -> list[TextDelta]:
        """What can be shown after this piece; the start of what may be a tag waits for the next one."""
        self._pending += piece
        shown: list[TextDelta] = []
        while True:
            tags = (_END_CALL,) if self._in_call else _CALLS
            match = re.search("|".join(map(re.escape, tags)), self._pending)
            if match is None:
                kept = _tag_start(self._pending, tags)
                self._show(self._pending[: len(self._pending) - kept], shown)
                self._pending = self._pending[len(self._pending) - kept :]
                return shown
            self._show(self._pending[: match.start()].rstrip("\n"), shown)
            self._pending = self._pending[match.end() :]
            self._in_call = not self._in_call
            self._started = False

    def finish(self) -> list[TextDelta]:
        """What was still waiting when the reply ended."""
        shown: list[TextDelta] = []
        self._show(self._pending, shown)
        self._pending = ""
        return shown

    def _show(self, text: str, shown: list[TextDelta]) -> None:
        if self._in_call:
            return
        if not self._started:  # the newlines between a tag and the text belong to the format
            text = text.lstrip("\n")
        if text:
            self._started = True
            shown.append(TextDelta(text))


def _tag_start(text: str, tags: tuple[str, ...]) -> int:
    """How many characters at the end of `text` may be the start of a tag (newlines before one are its own)."""
    longest = 0
    for tag in tags:
        for size in range(1, min(len(tag), len(text) + 1)):
            if text.endswith(tag[:size]):
                longest = max(longest, size)
    before = text[: len(text) - longest]
    return longest + len(before) - len(before.rstrip("\n"))
