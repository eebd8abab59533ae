"""Reads JSON as models write it: full-width punctuation, curly and single quotes, Python literals, missing braces.

Comes in: text that starts with a brace or bracket. Goes out: the value, where it ended, and what was mended, by kind;
or `UnreadableError`. `json_scan` brings punctuation and quotes into JSON's form, `json_repair` mends the structure.
What mending would drop or make up is refused. Knows nothing of tools.
"""

import json
import math
import re
import unicodedata
from typing import Any

import json_repair

from agent.formats.json_scan import Scan, UnreadableError, scan_value

OPENING = "{[｛［"
_ESCAPED_QUOTE = re.compile(r"[{\[]\s*[{\[]?\s*\\\"")
_NEXT_CALL = re.compile(r"[}\]\"'][\s,;]*\{\s*\\?[\"']?(?:name|function)\\?[\"']")
_STRUCTURE = re.compile(r"[\"“”{}\[\]]")  # not in a key that anybody means
_BACKSLASHED = re.compile(r"\\([\\\"])")


def read_json(text: str) -> tuple[Any, list[str]]:
    """The value that `text` (all of it) spells, and the kinds of what was mended; raises `UnreadableError`."""
    text = text.strip()
    try:
        return finite(json.loads(text)), []
    except (ValueError, RecursionError):  # `UnreadableError` is neither: a number JSON cannot write stays one
        scan = scan_value(text + "\n", 0)  # where the text was cut off is for `read_json_at` to tell
    rest = text[scan.end :].strip()
    if rest.strip("}]｝］"):
        raise UnreadableError(f"there is more after the value: {_shown(rest)}")
    if rest:
        scan.kinds.append("extra brace")
    return _mended(scan)


def read_json_at(text: str, start: int) -> tuple[Any, int, list[str]]:
    """The value that begins at `text[start]`, where it ends, and what was mended; raises `UnreadableError`."""
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
        return finite(value), end, []
    except (ValueError, RecursionError):
        if _ESCAPED_QUOTE.match(text, start):
            value, end, kinds = read_json_at(_unescaped(text[start:]), 0)
            return value, _end_in_escaped(text, start, end), ["escaped quotes", *kinds]
        scan = scan_value(text, start)
        value, kinds = _mended(scan)
        return value, scan.end, kinds


def _unescaped(text: str) -> str:
    """JSON that was written as the inside of a JSON string, with one level of backslashes taken off."""
    return _BACKSLASHED.sub(r"\1", text)


def _end_in_escaped(text: str, start: int, end: int) -> int:
    """Where `end` characters of `_unescaped(text[start:])` end in `text`."""
    for match in _BACKSLASHED.finditer(text, start):
        if match.start() - start >= end:
            break
        end += 1
    return start + end


def _mended(scan: Scan) -> tuple[Any, list[str]]:
    if scan.cut_in_string:
        raise UnreadableError("it breaks off inside a string")
    kinds = list(dict.fromkeys(scan.kinds))
    if scan.depth > 0:
        kinds.append("missing brace")
    try:
        value = finite(json.loads(scan.text + scan.missing))
    except ValueError:
        pass
    else:
        if kinds:
            _refuse_wrong_quotes(value, scan.text)
        return value, kinds
    try:
        value = json_repair.loads(scan.text, skip_json_loads=True)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it cannot be mended: {error}") from error
    if not isinstance(value, dict if scan.text.startswith("{") else list):
        raise UnreadableError("it is no JSON object")
    if _letters_of_value(value) != _letters_of_text(scan.text):
        raise UnreadableError("mending it would lose or make up a part of it")
    _refuse_wrong_quotes(value, scan.text)
    if _empty_strings(value) > scan.text.count('""'):
        raise UnreadableError("a value is missing in it")
    if not kinds:
        kinds.append("JSON structure")
    return finite(value), kinds


def finite(value: Any) -> Any:
    """`value`, if every number in it is one that JSON can write and every string is text; raises `UnreadableError`."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, float) and not math.isfinite(item):
            raise UnreadableError("it holds a number that JSON cannot write (NaN or infinity)")
        if isinstance(item, dict):
            stack.extend(item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str) and any("\ud800" <= character <= "\udfff" for character in item):
            raise UnreadableError("it holds half of a surrogate pair, which is no text")
    return value


def _refuse_wrong_quotes(value: Any, text: str) -> None:
    """Raise where a quote that is missing or too many has made a string of what is structure."""
    if _swallows_a_call(value, text):
        raise UnreadableError("a call runs into the next one")
    if any(_STRUCTURE.search(key) for key in _keys(value)):
        raise UnreadableError("a quote is missing in it")


def _keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in _keys(item))]
    return [key for item in value for key in _keys(item)] if isinstance(value, list) else []


def _swallows_a_call(value: Any, text: str) -> bool:
    """Whether another call stands in a string, or in the arguments, where mending a quote or a brace has put it."""
    if not _NEXT_CALL.search(text):
        return False
    stack: list[tuple[Any, bool]] = [(value, False)]
    while stack:
        item, inside = stack.pop()
        if isinstance(item, dict):
            is_call = "name" in item and ("arguments" in item or "parameters" in item)
            if is_call and inside:
                return True
            stack.extend((part, inside or is_call) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            stack.extend((part, inside) for part in item)
        elif isinstance(item, str) and _NEXT_CALL.search(item):
            return True
    return False


def _empty_strings(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_empty_strings(key) + _empty_strings(item) for key, item in value.items())
    return sum(map(_empty_strings, value)) if isinstance(value, list) else int(value == "")


def _letters_of_value(value: Any) -> str:
    """Every letter and digit in the value, keys and values in their order, numbers by their value."""
    if isinstance(value, dict):
        return "".join(_letters_of_value(key) + _letters_of_value(item) for key, item in value.items())
    if isinstance(value, list):
        return "".join(_letters_of_value(item) for item in value)
    return _letters(value if isinstance(value, str) else json.dumps(value))


def _letters_of_text(text: str) -> str:
    """Every letter and digit of JSON-like text, escapes taken as what they stand for."""

    def plain(match: re.Match[str]) -> str:
        escape = match.group(1)
        return chr(int(escape[1:], 16)) if len(escape) == 5 else ("" if escape in "bfnrt" else escape)

    return _letters(re.sub(r"\\(u[0-9a-fA-F]{4}|.)", plain, text, flags=re.DOTALL))


def _letters(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character)[0] in "LN")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
