"""Calls written as bare or fenced JSON in the middle of text, told apart from prose that mentions JSON.

Comes in: text. Goes out: the text without its calls; the calls are in the `Reading`. A block counts as a call if it
stands on lines of its own, has the shape of a call, names one of the tools and is not introduced as an illustration.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from agent.formats.calls import NAME_KEYS, Reading, calls_held, one_edit
from agent.formats.mending import OPENING, UnreadableError, read_json_at
from agent.formats.mentions import is_announced
from agent.formats.pythonic import read_pythonic_code, read_pythonic_whole
from agent.tools.validation import fold

MAX_BLOCKS = 64  # looked at in one reply
_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w\-]*)[ \t\r]*\n(.*?)(?:\n[ \t]*```[ \t\r]*$|\Z)", re.DOTALL | re.MULTILINE)
_BARE = re.compile(rf"^[ \t]*(?=[{re.escape(OPENING)}])", re.MULTILINE)
_CALL_LANGUAGES = {"", "json", "json5", "tool_call", "tool_calls", "tool", "tool_code", "python", "action"}
_DEFINES = re.compile(r"[\"'“]properties[\"'”]")  # a tool is described there, not called
_SEPARATOR = re.compile(r"\s*[;；,，]\s*(?=[{｛])")
# A sentence that ends in a call on its own line: "Calling the tool: {...}".
_INLINE = re.compile(
    r"^[^\n{｛`]{0,80}?(?:\bcall(?:ing)?\b|\buse|\busing|\binvok|\btool|\baction\b|调用|使用|工具|执行|查询)"
    r"[^\n{｛`]{0,40}[:：][ \t]*(?=[{｛])",
    re.IGNORECASE | re.MULTILINE,
)
_NO_BRACE = re.compile(r"[\"'“‘](?:name|arguments|parameters)[\"'”’]\s*[:：]")
_PERHAPS = re.compile(
    r"would|could|can|may|might|should|if|how|json|可以|能|如果|可能|应该|假如|如何|怎么", re.IGNORECASE
)
_NAMED = re.compile(r"[\"'“”‘’]?(?:name|tool|action|function)[\"'“”‘’]?\s*[:：]\s*[\"'“”‘’]?([\w.\-]+)")
_WEAK = {"input", "inputs"}  # keys of arguments in calls, and of much else
_BESIDE = {fold(key) for key in (*NAME_KEYS, "id", "type", "thought", "thoughts", "reasoning", "content", "role")}
_KEYS = tuple(re.compile(rf"[\"'“”‘’](?:{words})[\"'“”‘’]") for words in ("name", "arguments|parameters|args"))


@dataclass(frozen=True)
class Block:
    """A piece of the text that may be a call: all of it from `start` to `end`, its inside from `inner` to `limit`."""

    start: int
    end: int
    inner: int
    limit: int
    fenced: bool
    language: str = ""


def read_json_blocks(text: str, reading: Reading) -> str:
    """Take the calls in blocks of JSON out of `text`; the text that is left, unchanged if there were none."""
    calls, repairs = len(reading.calls), list(reading.repairs)
    left = _read_blocks(_with_calls_on_lines(_unwrapped(text, reading)), reading)
    if len(reading.calls) == calls:
        reading.repairs[:] = repairs
        return text
    return left.strip()


def _read_blocks(text: str, reading: Reading) -> str:
    content: list[str] = []
    position = 0
    for _ in range(MAX_BLOCKS):
        if (block := _next_block(text, position)) is None:
            break
        content.append(text[position : block.start])
        position = _read_block(text, block, reading)
        if position == block.start:
            content.append(text[block.start : block.end])
            position = block.end
    return "".join([*content, text[position:]])


def _unwrapped(text: str, reading: Reading) -> str:
    """The text in a reply that is one JSON string and holds JSON, and a reply whose first brace is missing with it."""
    bare = text.strip()
    if bare.startswith(('"{', '"[')) and bare.endswith(('}"', ']"')):
        try:
            inner = json.loads(bare)
        except ValueError:
            return text
        reading.repaired("JSON in a string")
        return str(inner)
    if _NO_BRACE.match(bare) and _has_keys(bare):
        reading.repaired("missing opening brace")
        return "{" + bare
    return text


def _with_calls_on_lines(text: str) -> str:
    """The text with a line broken before a call that ends a sentence saying that it is made."""

    def broken(match: re.Match[str]) -> str:
        return match.group() if _PERHAPS.search(match.group()) else match.group() + "\n"

    return _INLINE.sub(broken, text)


def _next_block(text: str, position: int) -> Block | None:
    """The next fence, or line that begins with a bracket, whose words do not make it an illustration."""
    while True:
        fence, bare = _FENCE.search(text, position), _BARE.search(text, position)
        if fence and (bare is None or fence.start() <= bare.start()):
            if _is_call_language(fence.group(1).lower()) and not is_announced(text, fence.start()):
                return Block(fence.start(), fence.end(), fence.start(2), fence.end(2), True, fence.group(1).lower())
            position = fence.end()
        elif bare is None:
            return None
        else:
            line_end = text.find("\n", bare.end())
            line_end = len(text) if line_end < 0 else line_end
            if not is_announced(text, bare.start()):
                return Block(bare.start(), line_end, bare.end(), len(text), False)
            position = _after_value(text, bare.end(), line_end)


def _is_call_language(language: str) -> bool:
    return language in _CALL_LANGUAGES or any(one_edit(language, known) for known in ("json", "python", "tool_code"))


def _after_value(text: str, start: int, otherwise: int) -> int:
    try:
        return read_json_at(text, start)[1]
    except UnreadableError:
        return otherwise


def _read_block(text: str, block: Block, reading: Reading) -> int:
    """Take the calls of one block; the position after it, or its start where it holds no call."""
    inside = text[block.inner : block.limit]
    start = block.inner + len(inside) - len(inside.lstrip())
    if start >= block.limit:
        return block.start
    if text[start] not in OPENING:
        read = read_pythonic_code if block.language == "tool_code" else read_pythonic_whole
        return block.end if read(inside.rstrip("` \r\n"), reading) else block.start  # a closing fence may break off
    try:
        value, after, kinds = read_json_at(text[: block.limit], start)
    except UnreadableError as error:
        # What is no JSON is prose, unless it has the marks of a call to one of the tools.
        inner = text[start : block.limit]
        named = _NAMED.search(inner)
        if (named and reading.known_name(named.group(1)) is not None) or _has_keys(inner):
            reading.problem(f"what looks like a call cannot be read: {error}")
        return block.start
    value, after, more = _with_following(value, text[: block.limit], after, reading)
    kinds += more
    tail = text[after : block.limit] if block.fenced else text[after : block.limit].split("\n", 1)[0]
    names = _names_in(value, reading)
    if not names or tail.strip("}]｝］ \t\r\n,;`"):
        if not names and _has_keys(text[start:after]) and not _DEFINES.search(text[start:after]):
            reading.problem("what looks like a call names no tool")
        return block.start
    if unknown := [name for name in names if reading.known_name(name) is None]:
        reading.problem(f"JSON that looks like a call names no tool: {', '.join(map(repr, unknown))}")
        return block.start
    reading.repaired("fenced JSON" if block.fenced else "bare JSON", *kinds, *(["extra brace"] if tail.strip() else []))
    reading.add_value(value)
    if isinstance(value, dict) and isinstance(said := value.get("content"), str) and calls_held(value):
        reading.said.append(said)
    return block.end if block.fenced else after + len(tail)


def _with_following(value: Any, text: str, after: int, reading: Reading) -> tuple[Any, int, list[str]]:
    """The value with those that follow it behind a semicolon or comma, as Llama separates calls."""
    values, kinds = [value], list[str]()
    while _names_in(value, reading) and (between := _SEPARATOR.match(text, after)):
        try:
            another, end, mended = read_json_at(text, between.end())
        except UnreadableError:
            break
        if not _names_in(another, reading):
            break
        values.append(another)
        after = end
        kinds += mended
    return (values, after, kinds) if len(values) > 1 else (value, after, kinds)


def _has_keys(text: str) -> bool:
    """Whether both keys of a call are in the text."""
    return all(key.search(text) for key in _KEYS)


def _is_record(item: dict[str, Any]) -> bool:
    """Whether an object with a name and an input has other fields too, as a configuration has."""
    keys = {fold(key) for key in item}
    return bool(keys & _WEAK) and not keys <= _WEAK | _BESIDE


def _names_in(value: object, reading: Reading) -> list[str]:
    """The tool names in a value that has the shape of calls and of nothing else; [] for any other JSON."""
    names: list[str] = []
    held = calls_held(value)
    for item in held or (value if isinstance(value, list) else [value]):
        probe = Reading(reading.tools)
        found = probe.call_in(item)
        if found is None or "arguments beside the name" in probe.repairs or _is_record(item):
            return []
        name, arguments = found
        if "name as key" in probe.repairs and not set(arguments or ()) <= set(probe.parameters(name)):
            return []  # a result under the name of what it came from
        if not arguments and probe.known_name(name) is None:
            return []
        if not isinstance(arguments, dict | list | str | None):
            return []
        names.append(name)
    return names
