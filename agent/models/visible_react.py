"""Sorts a stream of ReAct text: thoughts and the answer are shown as such, actions and what follows them are not.

Comes in: pieces of text as a model writes them. Goes out: `TextDelta`s. Knows nothing of the calls themselves: those
are read from the whole reply.
"""

from agent.formats.react_sections import keyword_at
from agent.models.protocol import TextDelta

_LONGEST = 24  # characters of a line within which a keyword has come, or never will


class VisibleReact:
    """One reply's stream, fed piece by piece."""

    def __init__(self) -> None:
        self._pending = ""
        self._mode = "text"  # or a kind of keyword
        self._at_start = True  # of a line
        self._said = {"text": False, "thought": False, "answer": False}

    def feed(self, piece: str) -> list[TextDelta]:
        """What can be shown after this piece; the start of what may be a keyword waits for the next one."""
        self._pending += piece
        shown: list[TextDelta] = []
        while self._pending and self._step(shown, last=False):
            pass
        return shown

    def finish(self) -> list[TextDelta]:
        """What was still waiting when the reply ended."""
        shown: list[TextDelta] = []
        while self._pending:
            self._step(shown, last=True)
        return shown

    def _step(self, shown: list[TextDelta], *, last: bool) -> bool:
        """Take a piece off what is pending; False where more must come first."""
        skipped = 0
        if self._at_start:
            found = keyword_at(self._pending)
            if found is not None:
                self._mode, end = found
                self._pending = self._pending[end:]
                self._at_start = False
                return True
            line = self._pending.lstrip("\n")
            if "\n" not in line and len(line) < _LONGEST and not last:
                return False
            skipped = len(self._pending) - len(line)
            self._at_start = False
        end = self._pending.find("\n", skipped)
        cut = end if end >= 0 else len(self._pending)
        self._show(self._pending[:cut], shown)
        self._pending = self._pending[cut:]
        self._at_start = end >= 0
        return True

    def _show(self, text: str, shown: list[TextDelta]) -> None:
        if self._mode not in self._said:
            return
        if not self._said[self._mode]:
            text = text.lstrip()
        if text:
            self._said[self._mode] = True
            shown.append(TextDelta(text, thought=self._mode == "thought"))
