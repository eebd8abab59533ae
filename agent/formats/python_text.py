"""Reads the text of Python calls as models write them into text that Python parses.

Comes in: text that begins with a name or a bracket. Goes out: the calls in Python's own punctuation, where they end,
and what was mended: full-width brackets and commas outside strings, curly quotes, raw newlines, brackets left open.
Nothing is executed here or anywhere. Knows nothing of tools.
"""

import re
from dataclasses import dataclass, field

_WIDE = str.maketrans("（），：＝［］｛｝、", "(),:=[]{},")
_CLOSING = {'"': '"', "'": "'", "“": "”", "‘": "’", "＂": "＂"}
_PARTNER = {"(": ")", "[": "]", "{": "}"}
_START = re.compile(r"\[?\s*[^\W\d][\w.\-]*\s*[(（]")


@dataclass
class PythonText:
    """Text in Python's punctuation. It ended at `end` in the source; `cut` tells that it broke off in a string."""

    text: str
    end: int
    cut: bool = False
    kinds: list[str] = field(default_factory=list)


def looks_pythonic(text: str, start: int = 0) -> bool:
    """Whether a call, or a list of calls, may begin at `start`."""
    return bool(_START.match(text, start))


def scan_python(text: str, start: int) -> PythonText:
    """Walk from `start` to the bracket that closes the first one; what is left open at the end is closed."""
    out: list[str] = []
    kinds: list[str] = []
    waiting: list[str] = []
    position = start
    while position < len(text):
        character = text[position]
        if character in _CLOSING and waiting:
            string, position, closed = _string(text, position, kinds)
            out.append(string)
            if not closed:
                return PythonText("".join(out), position, True, kinds)
            continue
        plain = character.translate(_WIDE)
        if plain != character:
            kinds.append("full-width punctuation")
        out.append(plain)
        position += 1
        if plain in _PARTNER:
            waiting.append(_PARTNER[plain])
        elif plain in ")]}":
            if not waiting or waiting.pop() != plain:
                break
            if not waiting:
                return PythonText("".join(out), position, False, kinds)
    if waiting and position >= len(text):
        kinds.append("missing bracket")
        out.extend(reversed(waiting))
    return PythonText("".join(out), position, False, kinds)


def _string(text: str, start: int, kinds: list[str]) -> tuple[str, int, bool]:
    """The string that opens at `start`, as Python writes it; the position after it; whether it was closed."""
    quote = text[start]
    if text.startswith(quote * 3, start) and quote in "\"'":
        end = text.find(quote * 3, start + 3)
        return (text[start:], len(text), False) if end < 0 else (text[start : end + 3], end + 3, True)
    if quote not in "\"'":
        kinds.append("curly quotes")
    plain = quote if quote in "\"'" else '"'
    out = [plain]
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == "\\" and position + 1 < len(text):
            out.append(text[position : position + 2])
            position += 2
            continue
        if character == _CLOSING[quote]:
            return "".join([*out, plain]), position + 1, True
        if character in "\n\r":
            kinds.append("raw newline")
            out.append("\\n" if character == "\n" else "\\r")
        else:
            out.append("\\" + character if character == plain else character)
        position += 1
    return "".join(out), position, False
