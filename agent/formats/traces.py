"""Traces of a call in what was read as content: too bent to be read, too much like one to be passed over in silence.

Comes in: content in which no call was found, and the tools. Goes out: at most one problem in the `Reading`. A trace
has a tool's name, or its parameters, where only calls have them: behind a marker or keyword at the start of a line, at
the head of an object, in a Python call on its own line. Sentences that mention a tool leave none.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice

from agent.formats.calls import Reading
from agent.formats.mentions import is_announced, is_quoted

MAX_PLACES = 64  # looked at in one reply, of each kind
# Something short with a colon, an equals sign or a bracket, then a name; on the next line the same and an object.
_NAMED = re.compile(
    r"^[ \t]*(?![>\-*])(?:[^\s:：]{1,24}[ \t]?){0,3}[:：=>][ \t]*[\"'`]?(?P<name>[^\s:：{}()<>\"'`]{2,64})[\"'`>]*"
    r"[ \t\r]*\n\s*(?:[^\s{}]{1,24}[ \t]?){0,3}\s*[:：>]?\s*(?=[{｛])",
    re.MULTILINE,
)
_OBJECT = re.compile(
    r"(?:^|[>＞\]}｝])[ \t`]*[\"“]?[\[［]?\s*(?:[{｛]|[\"“'‘]?\w{1,12}[\"”'’]?\s*[:：]?\s*[\"“'‘])", re.MULTILINE
)
_KEYS = ("arguments", "parameters")
_WORDS = re.compile(r"[^\W\d][\w.\-]*")
_CALL = re.compile(r"^[ \t]*\[?\s*(?P<name>[^\W\d][\w.\-]*)\s*[(（](?P<inside>[^\n]*)[)）]?", re.MULTILINE)
_KEYWORD = re.compile(r"([^\W\d]\w*)\s*[=＝]")
_MARKUP = re.compile(r"(?:^|[>＞\]\n])[ \t]*[<＜\[]?/?([\w▁\n]{6,30})[=＝>＞{:：]")
_MARKERS = ("function", "functioncall", "functioncalls", "startfunctioncall", "endfunctioncall", "invoke")
_CHANNEL = re.compile(r"<\|\w{3,12}\|?>?|✿")


def report_traces(text: str, reading: Reading) -> None:
    """Report the first trace, if any."""
    if reading.calls or reading.problems or not reading.names:
        return
    found = next(_traces(text, reading), None)
    if found is not None:
        reading.problem(f"what may be a call cannot be read: {' '.join(found.split())[:60]!r}")


def _traces(text: str, reading: Reading) -> Iterator[str]:
    for find in (_in_markup, _behind_keywords, _in_objects, _in_python):
        for start, piece in find(text, reading):
            begun = start + len(piece) - len(piece.lstrip())
            if not is_announced(text, begun) and not is_quoted(text, begun):
                yield piece


def _in_markup(text: str, reading: Reading) -> Iterator[tuple[int, str]]:
    """Nearly a marker, with a tool's name or an object behind it."""
    for match in islice(_MARKUP.finditer(text), MAX_PLACES):
        word = re.sub(r"[^a-z]", "", match.group(1).lower())
        if get_close_matches(word, _MARKERS, 1, 0.8) and re.search(r"[{<(]|=", text[match.start(1) :]):
            yield match.start(), match.group()
    marker = _CHANNEL.search(text)
    if marker and re.search(r"[{｛]", text[marker.end() :]):
        yield marker.start(), marker.group()


def _behind_keywords(text: str, reading: Reading) -> Iterator[tuple[int, str]]:
    """A tool's name behind a short keyword, and an object."""
    for match in islice(_NAMED.finditer(text), MAX_PLACES):
        known = reading.known_name(match.group("name"))
        if known is not None and _has_parameter(text[match.end() :], known, reading):
            yield match.start(), match.group()


def _in_objects(text: str, reading: Reading) -> Iterator[tuple[int, str]]:
    """An object at the start of a line whose first words have a tool's name or the key of one, and behind them what is
    nearly the key of arguments, or one of the tool's parameters.
    """
    for match in islice(_OBJECT.finditer(text), MAX_PLACES):
        block = text[match.start() :].split("\n\n\n", 1)[0]
        if '"properties"' in block or not re.search(r"[{｛}｝]", block):
            continue
        words = _WORDS.findall(block)
        keyed = any(word in ("args", "参数") or get_close_matches(word.lower(), _KEYS, 1, 0.8) for word in words)
        named = _mentioned(block, reading)
        has_parameter = any(_has_parameter(block.replace(name, "", 1), name, reading) for name in named)
        if has_parameter or (keyed and (named or get_close_matches("name", words[:2], 1, 0.75))):
            yield match.start(), block


def _in_python(text: str, reading: Reading) -> Iterator[tuple[int, str]]:
    """A call on its own line whose keywords are those of one of the tools."""
    for match in islice(_CALL.finditer(text), MAX_PLACES):
        given = set(_KEYWORD.findall(match.group("inside")))
        for name in reading.names:
            required = set(reading.required(name))
            if given and required <= given <= set(reading.parameters(name)):
                yield match.start(), match.group()


def _mentioned(text: str, reading: Reading) -> list[str]:
    """The tools whose names stand in the text."""
    words = set(_WORDS.findall(text))
    return [name for name in reading.names if name in words or (not name.isidentifier() and name in text)]


def _has_parameter(text: str, name: str, reading: Reading) -> bool:
    """Whether one of the tool's parameters stands in the text, or an empty object if it has none."""
    if not reading.parameters(name):
        return bool(re.search(r"[{｛]\s*[}｝]", text))
    return not set(reading.parameters(name)).isdisjoint(_WORDS.findall(text))
