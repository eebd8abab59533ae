"""The last look at what was read as content: no call may be lost in it without a word.

Comes in: the content that is left. Goes out: the content; a whole call behind a tag too bent to be known is taken, and
what breaks off in a call, or still has a call's tag, is a problem. Knows nothing of the formats themselves.
"""

import re
from difflib import get_close_matches
from itertools import islice

from agent.formats.calls import Reading
from agent.formats.mending import UnreadableError, read_json_at, scan_value
from agent.formats.mentions import is_announced, is_quoted
from agent.formats.traces import report_traces
from agent.tools.validation import fold

MAX_PLACES = 64  # looked at in one reply, of each kind
MAX_END = 80  # characters in which a reply may break off
_KEYED = re.compile(
    r"[{｛]\s*(?=[\"'“‘＂]?\s*(?:name|arguments|parameters|args|function|tool_calls?)\s*[\"'”’＂]?\s*(?:[:：]|\Z))",
    re.IGNORECASE,
)
_TAG_BEFORE = re.compile(
    r"(?:[<＜\[]\s*[|/／]?[\w\- |]{2,14}[|]?[>＞\]]?|\b\w{0,9}call\s*\|?[>＞])\s*\Z", re.IGNORECASE
)
_TAG_AFTER = re.compile(r"\s*[<＜][|/／\\]*[\w|/ ]{0,14}[>＞]?")
_LIKE_MARKER = re.compile(r"(?:^|[>＞\]\n])[ \t]*([<＜\[]?[|｜/]?[\w▁|｜]{5,30}[>＞\]{])", re.MULTILINE)
_MARKERS = ("toolcall", "toolcalls", "pythontag", "toolcallbegin", "toolcallsbegin", "toolcallssectionbegin")
_LAST_ACTION = re.compile(r"(?:^|\n)[ \t]*(?:action|行动)[ \t]*[:：][ \t]*([\w.\-]+)\s*\Z", re.IGNORECASE)
_SPECIAL = re.compile(r"[<＜][|｜]\s*/?tool\w*|[|｜]\s*<\s*tool[▁_]\w+|tool[▁_]sep")
_LONE_INPUT = re.compile(r"(?:^|\n)[ \t]*(?:action input|行动输入)[ \t]*[:：]\s*[{｛]", re.IGNORECASE)
_YAML = re.compile(
    r"^[ \t]*(?:-[ \t]*)?(?:name|tool)[ \t]*[:：][ \t]*[\"']?([\w.\-]+)[\"']?[ \t\r]*\n"
    r"[ \t]*(?:arguments|parameters|args|input)[ \t]*[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_NEXT_CALL = re.compile(r"\s*[;；,，]\s*(?=[{｛])")
_BLOCK = re.compile(r"(?:^|[>＞\]}｝])[ \t`]*(?=[\"“]?[\[［]?\s*[{｛])", re.MULTILINE)
_QUOTED = re.compile(r"(?<=[\"'“”‘])([^\"'“”‘’{}:]{1,64})(?=[\"'”’“])")
_CUT_IN_TAG = re.compile(r"(?:^|\n)\s*[<＜]\s*\|?tool(?:_?c[a-z]{0,3})?\s*\Z", re.IGNORECASE)
_CUT_IN_KEY = re.compile(r"(?:^|\n|[>＞])\s*\[?\s*[{｛]\s*[\"'“‘]\s*(?:n|na|nam|a|ar|arg|argu\w*)?\Z", re.IGNORECASE)


def read_remnants(text: str, reading: Reading) -> str:
    """Take or report what is left of calls in `text`; the text without those that were taken."""
    content: list[str] = []
    position = 0
    for match in islice(_KEYED.finditer(text), MAX_PLACES):
        if match.start() < position or is_quoted(text, match.start()):
            continue
        tag = _TAG_BEFORE.search(text[position : match.start()])
        if is_announced(text, match.start()):
            continue
        if tag and (end := _taken(text, match.start(), reading)):
            content.append(text[position : position + tag.start()])
            position = end
        elif _breaks_off(text, match.start()):
            reading.problem("what looks like a call breaks off at the end of the reply")
    content.append(text[position:])
    left = "".join(content)
    _report_bent_markup(left, reading)
    _report_cut_action(left, reading)
    _report_yaml(left, reading)
    _report_special_tokens(left, reading)
    if not reading.problems:
        _report_named_json(left, reading)
    end = max(0, len(left) - MAX_END)
    if _CUT_IN_TAG.search(left, end) or _CUT_IN_KEY.search(left, end):
        reading.problem("the reply breaks off where a call begins")
    report_traces(left, reading)
    return left.strip() if position else text


def _report_bent_markup(text: str, reading: Reading) -> None:
    """Report what is nearly a marker of a call, at the start of a line or behind another tag."""
    for match in islice(_LIKE_MARKER.finditer(text), MAX_PLACES):
        word = fold(re.sub(r"[<>|｜▁\[\]＜＞{}/]", "", match.group(1)))
        if not is_quoted(text, match.start()) and get_close_matches(word, _MARKERS, 1, 0.8):
            return reading.problem(f"a piece of a tool call's markup is left in the text: {match.group(1)!r}")
    return None


def _report_special_tokens(text: str, reading: Reading) -> None:
    """Report a special token of calls, or the input of an action, that nothing was read from."""
    match = _SPECIAL.search(text) or (None if reading.calls else _LONE_INPUT.search(text))
    if match and not is_quoted(text, match.start()):
        reading.problem(f"a piece of a call is left in the text: {match.group().strip()!r}")


def _report_yaml(text: str, reading: Reading) -> None:
    """Report a call written as YAML, which nothing here reads."""
    match = _YAML.search(text)
    if match and reading.known_name(match.group(1)) is not None and not is_announced(text, match.start()):
        reading.problem(f"a call of {match.group(1)} is written as YAML, which is not read")


def _report_cut_action(text: str, reading: Reading) -> None:
    """Report a ReAct reply that ends in an action which names no tool: it breaks off in the name."""
    match = _LAST_ACTION.search(text)
    if match and any(name.startswith(match.group(1)) for name in reading.names):
        reading.problem(f"an action breaks off: {match.group(1)!r} is no tool")


def _report_named_json(text: str, reading: Reading) -> None:
    """Report a block of JSON that has a tool's name and something near a key of arguments, but no call's shape."""
    for match in islice(_BLOCK.finditer(text), MAX_PLACES):
        block = text[match.end() :].split("\n\n", 1)[0]
        quoted = {word.strip() for word in _QUOTED.findall(block)}
        if quoted.isdisjoint(reading.names) or '"properties"' in block:
            continue
        if is_announced(text, match.start()) or is_quoted(text, match.end()):
            continue
        words = {word.lower() for word in re.findall(r"[a-zA-Z]{6,14}", block)}
        if any(get_close_matches(word, ("arguments", "parameters"), 1, 0.75) for word in words):
            return reading.problem("what looks like a call has not the shape of one")
    return None


def _taken(text: str, start: int, reading: Reading) -> int:
    """Take the call that begins at `start`, behind what may be a tag; where it ends, or 0 where it is none."""
    try:
        value, end, kinds = read_json_at(text, start)
    except UnreadableError:
        return 0
    found = Reading(reading.tools).call_in(value)
    if found is None or reading.known_name(found[0]) is None:
        reading.problem("what looks like a call in a bent tag names no tool")
        return 0
    reading.repaired("tag spelling", *kinds)
    reading.add_value(value)
    if between := _NEXT_CALL.match(text, end):
        return _taken(text, between.end(), reading) or end
    after = _TAG_AFTER.match(text, end)
    return after.end() if after else end


def _breaks_off(text: str, start: int) -> bool:
    """Whether the value that begins at `start` is not over at the end of the text."""
    try:
        scan = scan_value(text, start)
    except UnreadableError:
        return True
    return scan.cut_in_string or scan.depth > 0
