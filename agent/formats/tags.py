"""Reads tool calls in tags as models write them: tags misspelt, missing or doubled, and anything inside them.

Comes in: one reply. Goes out: the content that is left and the thought; the calls are in the `Reading`. What cannot be
understood is a problem and stays in the content. Well-formed text never comes here (`hermes.read_exact` takes it).
"""

import re
from typing import Any

from agent.formats.calls import MAX_CALLS, Reading, one_edit
from agent.formats.mending import OPENING, UnreadableError, read_json_at
from agent.formats.mentions import is_example, is_quoted
from agent.formats.pythonic import read_pythonic
from agent.formats.xml_calls import looks_like_xml, read_xml
from agent.tools.validation import fold

# A tag in backquotes is spoken about, not used.
_TAG = r"(?:tool[_\- ]?calls?|function[_\- ]?calls?|tools?_use)"
_OPENER = re.compile(
    rf"(?<!`)[<＜\[]\s*\|?\s*{_TAG}\s*\|?\s*[>＞\]］]|<\|python_tag\|>|^{_TAG}[>＞]\n|[<＜]{_TAG}\n",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSER = re.compile(rf"(?<!`)[<＜\[]\s*\|?\s*[/／\\]\s*{_TAG}\s*\|?\s*[>＞\]]", re.IGNORECASE)
_CLOSER_NEXT = re.compile(rf"\s*(?:```)?\s*(?:{_CLOSER.pattern})", re.IGNORECASE)
_UNCLOSED = ("[", "<|python_tag|>")  # markers that come without a closing tag
_PLAIN_OPENERS = ("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>")  # as one family or another writes them
_WORD = "toolcall"
_LIKE_TAG = re.compile(r"[<＜]\s*([/／]?)\s*([a-z_\- ]{5,12})\s*[>＞]", re.IGNORECASE)
_MAY_CALL = re.compile(r"\s*(?:\Z|```|[{\[｛［<＜\"“'`]|[\w.\-]+\s*(?:[\n({｛（<:：]|\Z))")
_NAME_KEY = re.compile(r"[\"'“‘]?(?:name|arguments|parameters)[\"'”’]?\s*[:：]", re.IGNORECASE)
_EMPTY_FENCE = re.compile(r"^[ \t]*```\w*\s*\n\s*```[ \t]*$", re.MULTILINE)
_LONE_TAG = re.compile(r"[}\]｝］\s]*[<＜]\s*[/／]?[\w|/ ]{1,20}[>＞]\Z")
_FENCE = re.compile(r"\A```\w*\s*\n?(.*?)\n?```\Z", re.DOTALL)
_NAME_THEN_JSON = re.compile(r"\s*([^\W\d][\w.\-]*)\s*[:：]?\s*(?=[{｛])")
_BETWEEN = re.compile(r"[\s,，;；]*")


def with_plain_tags(text: str, reading: Reading) -> str:
    """The text with tags that are off by one letter, such as `<tool_cal>`, spelled as they should be."""

    def plain(match: re.Match[str]) -> str:
        if not _is_bent(match.group(2)) or is_quoted(text, match.start()):
            return match.group()
        reading.repaired("tag spelling")
        return f"<{'/' if match.group(1) else ''}tool_call>"

    return _LIKE_TAG.sub(plain, text)


def _is_bent(name: str) -> bool:
    """Whether a tag's name is `tool_call` with a letter off, or without its beginning or end."""
    word = fold(name)
    if word == _WORD:
        return not re.fullmatch(_TAG, name, re.IGNORECASE)
    cut = (len(word) >= 5 and _WORD.startswith(word)) or (len(word) >= 6 and _WORD.endswith(word))
    return cut or one_edit(word, _WORD)


def has_tags(text: str) -> bool:
    return bool(_search(_OPENER, text, 0) or _search(_CLOSER, text, 0))


def _search(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str] | None:
    """The next tag that is used, and not spoken about in quotes."""
    return next((match for match in pattern.finditer(text, position) if _is_used(text, match)), None)


def _is_used(text: str, tag: re.Match[str]) -> bool:
    """Whether a tag is one, and not a word of a sentence: it stands first on its line, or before what may be a call."""
    if is_quoted(text, tag.start()):
        return False
    line = text[text.rfind("\n", 0, tag.start()) + 1 : tag.start()]
    return not line.strip() or tag.re is _CLOSER or bool(_MAY_CALL.match(text, tag.end()))


def read_tagged(text: str, reading: Reading) -> str:
    """Take every call in tags out of `text`; the content that is left."""
    content: list[str] = []
    position = 0
    for _ in range(MAX_CALLS):
        if (opener := _search(_OPENER, text, position)) is None:
            break
        if _is_closer(text, opener, position, bool(reading.calls)):
            reading.repaired("tag spelling")
            content.append(text[position : opener.start()])
            position = opener.end()
            continue
        content.append(_without_stray_closers(text[position : opener.start()], reading))
        if opener.group() not in _PLAIN_OPENERS:
            reading.repaired("tag spelling")
        calls, problems = len(reading.calls), len(reading.problems)
        if is_example(text, opener.start(), end := _past_block(text, opener.end())):
            reading.problem("a tool call is offered as an example and was not made")
            content.append(text[opener.start() : end])
            position = end
            continue
        position = _read_block(text, opener, reading)
        if len(reading.calls) == calls and len(reading.problems) > problems:
            content.append(text[opener.start() : position])
    else:
        reading.problem(f"{MAX_CALLS} tool call tags in one reply; the rest was not read")
    content.append(_without_stray_closers(text[position:], reading))
    return _without_made_up(_EMPTY_FENCE.sub("", "".join(content)).strip(), reading)


def _without_made_up(text: str, reading: Reading) -> str:
    """The content without a result that the model made up, and what it says on the strength of it."""
    before, tag, _ = text.partition("<tool_response>")
    if not tag or not reading.calls:
        return text
    reading.repaired("made-up observation left out")
    return before.strip()


def _read_block(text: str, opener: re.Match[str], reading: Reading) -> int:
    """Read the block that `opener` begins; the position after it, its closing tag included."""
    start = opener.end()
    end = _block_end(text, start)
    body = _unfenced(text[start:end].strip(), reading)
    if not body:
        reading.problem("a tool call tag is empty")
    elif looks_like_xml(body):
        read_xml(body, reading)
    elif read_pythonic(body, reading, known_only=False):
        pass
    elif body[0] in OPENING:
        end = _read_values(text, text.index(body[0], start), end, reading)
    elif _NAME_KEY.match(body):
        reading.repaired("missing opening brace")
        _read_values("{" + body, 0, len(body) + 1, reading)
    else:
        _read_name_then_json(body, reading)
    closer = _CLOSER_NEXT.match(text, end)
    if closer is None and not opener.group().startswith(_UNCLOSED):
        reading.repaired("missing closing tag")
    return closer.end() if closer else end


def _is_closer(text: str, opener: re.Match[str], position: int, called: bool) -> bool:
    """Whether an opening tag right after a call, with nothing in it, is a closing tag that lacks its slash."""
    if not called or text[position : opener.start()].strip() or text[opener.end() :].strip():
        return False
    return not re.search(rf"{_CLOSER.pattern}\s*\Z", text[: opener.start()], re.IGNORECASE)


def _past_block(text: str, start: int) -> int:
    """The end of the block that begins at `start`, its closing tag included."""
    end = _block_end(text, start)
    closer = _CLOSER_NEXT.match(text, end)
    return closer.end() if closer else end


def _block_end(text: str, start: int) -> int:
    """Where the block ends if no JSON in it says otherwise: at the next tag of either kind."""
    found = [match.start() for match in (_CLOSER.search(text, start), _OPENER.search(text, start)) if match]
    return min(found, default=len(text))


def _unfenced(body: str, reading: Reading) -> str:
    fence = _FENCE.match(body)
    if fence:
        reading.repaired("fenced JSON")
        return fence.group(1).strip()
    return body


def _read_values(text: str, start: int, end: int, reading: Reading) -> int:
    """Read JSON values one after the other, from `start` to the tag at `end`; where the block really ends."""
    position, read = start, 0
    while position < end and text[position] in OPENING:
        try:
            value, after, kinds = _value_at(text, position, end)
        except UnreadableError as error:
            reading.problem(f"a tool call cannot be read: {error}")
            return end
        reading.repaired(*kinds)
        reading.add_value(value)
        read += 1
        if after > end:  # the tag stood inside a string
            end = _block_end(text, after)
        between = _BETWEEN.match(text, after, end)
        position = between.end() if between else after
    if read > 1:
        reading.repaired("several calls in one block")
    rest = text[position:end].strip(" \n\t`")
    if _LONE_TAG.match(rest):
        reading.repaired("tag spelling")
    elif rest.strip("}]｝］ \n\t"):
        reading.problem(f"there is more after a tool call: {rest[:60]!r}")
    elif rest:
        reading.repaired("extra brace")
    return end


def _value_at(text: str, start: int, end: int) -> tuple[Any, int, list[str]]:
    """The value at `start`. A tag within a string of whole JSON belongs to the string; else `end` bounds the value."""
    try:
        value, after, kinds = read_json_at(text, start)
    except UnreadableError:
        return _value_before(text, start, end)
    return (value, after, kinds) if after <= end or not kinds else _value_before(text, start, end)


def _value_before(text: str, start: int, end: int) -> tuple[Any, int, list[str]]:
    """The value at `start`, which a tag at `end` bounds, or the end of the text."""
    value, after, kinds = read_json_at(text[:end] + "\n" * (end < len(text)), start)
    return value, min(after, end), kinds


def _read_name_then_json(body: str, reading: Reading) -> None:
    """A tool's name with the arguments after it, as `get_weather {"city": "北京"}`, or alone."""
    match = _NAME_THEN_JSON.match(body)
    if match:
        try:
            value, end, kinds = read_json_at(body, match.end())
        except UnreadableError as error:
            return reading.problem(f"a tool call cannot be read: {error}")
        if not body[end:].strip():
            reading.repaired("name before the arguments", *kinds)
            return reading.add(match.group(1), value)
    if reading.known_name(body) is not None:
        reading.repaired("name alone")
        return reading.add(body, {})
    return reading.problem(f"a tool call cannot be read: {body[:60]!r} is neither JSON nor a call")


def _without_stray_closers(text: str, reading: Reading) -> str:
    """Text without closing tags that have no opening one; JSON right before such a tag is a call."""
    content: list[str] = []
    position = 0
    for match in _CLOSER.finditer(text):
        if is_quoted(text, match.start()):
            continue
        before = text[position : match.start()]
        start = next((i for i, letter in enumerate(before) if letter in OPENING), None)
        if start is not None:
            content.append(before[:start])
            reading.repaired("missing opening tag")
            _read_values(before, start, len(before), reading)
        else:
            content.append(before)
            if before.strip():
                reading.problem(f"a closing tag has no call before it: {before.strip()[-60:]!r}")
            else:
                reading.repaired("stray closing tag")
        position = match.end()
    return "".join([*content, text[position:]])
