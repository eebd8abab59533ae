"""Walks JSON as models write it, bringing punctuation, quotes and literals into JSON's form.

Comes in: text and the place of a bracket in it. Goes out: a `Scan`: the value's text up to the bracket's partner, or as
far as it goes, and what was mended. Only such a walk tells a Chinese comma between values from one inside a string.
Whether the outcome is JSON is for `mending` to find out.
"""

import json
import re
from dataclasses import dataclass, field

MAX_DEPTH = 64  # arguments are not nested deeper; mending what is takes for ever
_WIDE = str.maketrans("｛｝［］：，（）\u3000、", "{}[]:,() ,")
_CLOSING_QUOTES = {
    '"': '"', "＂": '＂"', "“": '”"＂', "”": '”"', "„": '”“"', "「": "」", "『": "』", "«": "»",
    "'": "'", "‘": "’'", "’": "’'", "＇": "＇'", "`": "`",
}  # fmt: skip
_DOUBLE = '"'
_CURLY = "“”„「『«‘’＂＇"
_STRUCTURAL = "{}[]:,｛｝［］：，、"
_LITERALS = {"True": "true", "False": "false", "None": "null"}
_LITERALS |= {"TRUE": "true", "FALSE": "false", "NULL": "null", "Null": "null", "undefined": "null"}
_WORD = re.compile(r"[^\W\d]\w*")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*(?=\n)", re.DOTALL)


class UnreadableError(Exception):
    """The text is no JSON and cannot be made one without guessing; the message says why."""


@dataclass
class Scan:
    """A value's text in JSON's own punctuation. `end` is where it ended in the source; `depth` counts what is open, and
    `missing` would close it.
    """

    text: str
    end: int
    depth: int
    cut_in_string: bool
    kinds: list[str] = field(default_factory=list)
    missing: str = ""


def scan_value(text: str, start: int) -> Scan:
    """Walk from the bracket at `start` to its partner, writing what is between in JSON's punctuation and quotes."""
    walk = _Walk(text, start)
    while walk.position < len(text):
        if text[walk.position] in _CLOSING_QUOTES:
            if not walk.take_string():
                return walk.scan(cut_in_string=True)
        elif not walk.skip_comment():
            walk.take_other()
            if not walk.open:
                return walk.scan()
    if walk.open and walk.out[-1][-1:].isdigit():
        raise UnreadableError("it breaks off inside a number")
    return walk.scan()


class _Walk:
    """Where the walk is, what it has written, and the brackets that are open."""

    def __init__(self, text: str, start: int):
        self.text = text
        self.position = start
        self.out: list[str] = []
        self.kinds: list[str] = []
        self.open: list[str] = []

    def scan(self, *, cut_in_string: bool = False) -> Scan:
        missing = "".join("}" if bracket == "{" else "]" for bracket in reversed(self.open))
        return Scan("".join(self.out), self.position, len(self.open), cut_in_string, self.kinds, missing)

    def take_string(self) -> bool:
        """Write the string that opens here; False where the text ends before it does."""
        string, self.position, closed = _scan_string(self.text, self.position, self.kinds)
        self.out.append(string)
        return closed

    def skip_comment(self) -> bool:
        comment = _COMMENT.match(self.text, self.position)
        if comment is not None:
            self.kinds.append("comment")
            self.position = comment.end()
        return comment is not None

    def take_other(self) -> None:
        """Write a bracket, a separator, a literal's word, or whatever else stands here."""
        character = self.text[self.position]
        if character == "…" or self.text.startswith("...", self.position):
            raise UnreadableError("a part of it is left out")
        plain = character.translate(_WIDE)
        if plain != character:
            self.kinds.append("full-width punctuation")
        if plain in "}]":
            if self._last() == ",":
                self.kinds.append("trailing comma")
            del self.open[-1:]
        elif plain in "{[":
            self._open(plain)
        word = _WORD.match(self.text, self.position)
        if word:
            plain = _LITERALS.get(word.group(), word.group())
            if plain != word.group():
                self.kinds.append("Python literals")
            self.position += len(word.group()) - 1
        self.out.append(plain)
        self.position += 1

    def _open(self, bracket: str) -> None:
        if self.open[-1:] == ["{"] and self._last()[-1:] == _DOUBLE:
            self.kinds.append("missing colon")
            self.out.append(":")
        self.open.append(bracket)
        if len(self.open) > MAX_DEPTH:
            raise UnreadableError("it is nested too deep")

    def _last(self) -> str:
        return next((piece for piece in reversed(self.out) if not piece.isspace()), "")


def _scan_string(text: str, start: int, kinds: list[str]) -> tuple[str, int, bool]:
    """The string that opens at `start`, as JSON writes it; the position after it; whether it was closed."""
    quote = text[start]
    closing = _CLOSING_QUOTES[quote]
    if quote in _CURLY:
        kinds.append("curly quotes")
    elif quote != _DOUBLE:
        kinds.append("single quotes")
    out = ['"']
    position, opened = start + 1, 0  # curly quotes open within the string
    while position < len(text):
        character = text[position]
        if character == "\\" and position + 1 < len(text):
            escaped = text[position + 1]
            out.append(_escape(escaped))
            position += 2
        elif _closes(character, closing, quote, opened) and _ends_string(text, position):
            if character not in closing:
                kinds.append("curly quotes")
            out.append('"')
            return "".join(out), position + 1, True
        else:
            if character == '"' and quote == _DOUBLE:
                kinds.append("unescaped quotes")
            if character in "\n\r\t":
                kinds.append("raw newline")
            opened += (character == "“") - (character == "”")
            out.append(json.dumps(character, ensure_ascii=False)[1:-1])
            position += 1
    return "".join(out), position, False


def _closes(character: str, closing: str, quote: str, opened: int) -> bool:
    """Whether this character can close the string: its partner, or for a plain quote a curly one that opened none."""
    return character in closing or (character == "”" and quote == _DOUBLE and opened <= 0)


def _escape(escaped: str) -> str:
    """A backslash and this character as JSON has it: before a quote it is dropped, before `d` it is a backslash."""
    if escaped in '"\\/bfnrtu':
        return "\\" + escaped
    return escaped if escaped in _CLOSING_QUOTES else "\\\\" + json.dumps(escaped, ensure_ascii=False)[1:-1]


def _ends_string(text: str, position: int) -> bool:
    """Whether a quote here ends the string: what follows it must be the structure's, not the sentence's."""
    rest = text[position + 1 :].lstrip()
    if not rest or rest[0] in _STRUCTURAL:
        return True
    return text[position] == _DOUBLE and rest[0] in "<#/\"'"
