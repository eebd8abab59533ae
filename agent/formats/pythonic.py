"""Calls written as Python: `[get_weather(city="北京", days=2), now()]`.

Comes in: the text of such a list or call, alone or on lines of its own in other text, and the tools. Goes out: names
with keyword arguments in a `Reading`. Nothing is executed: the text is parsed as an expression and only literals are
taken.
"""

import ast
import json
import re
from itertools import islice
from typing import Any

from agent.formats.calls import Reading, unknown_tool
from agent.formats.mentions import is_announced, is_quoted
from agent.formats.python_text import looks_pythonic, scan_python

MAX_LINES = 64  # tried in one reply
_JSON_NAMES = {"true": True, "false": False, "null": None}
_LINE = re.compile(r"^[ \t]*(?=\[?\s*[^\W\d][\w.]*\s*[(（])", re.MULTILINE)
_LISTS = re.compile(r"\btools?\b|\bfunctions?\b|工具|函数|方法|\w\s*[(（]", re.IGNORECASE)  # before a list of names
_BETWEEN = re.compile(r"[\s,，;；]*")
_CODE = re.compile(r"(?:print\(\s*(?P<printed>.+)\)|[^\W\d]\w*\s*=\s*(?P<assigned>[^=].*))\Z", re.DOTALL)

PythonCall = tuple[str, list[Any], dict[str, Any]]  # name, positional and keyword arguments


def read_pythonic(text: str, reading: Reading, *, known_only: bool) -> bool:
    """Take the calls in `text`; True if it was nothing but calls.

    Args:
        text: A call, several on lines of their own, or a list of them.
        reading: Where the calls go.
        known_only: Whether a name must be near a tool's, since any text in parentheses looks like a call. Beside one
            that is, others are taken too.
    """
    text = text.strip()
    position, calls, kinds = 0, list[PythonCall](), list[str]()
    while position < len(text):
        found = _calls_at(text, position)
        if found is None:
            return False
        more, position, mended = found
        calls += more
        kinds += mended
        between = _BETWEEN.match(text, position)
        position = between.end() if between else position
    if not calls or (known_only and not _names_tools(calls, reading)):
        return False
    _take(calls, kinds, reading)
    return True


def read_pythonic_whole(text: str, reading: Reading) -> bool:
    """`read_pythonic` for a text that should be calls to known tools and nothing else."""
    return read_pythonic(text, reading, known_only=True)


def read_pythonic_code(text: str, reading: Reading) -> bool:
    """`read_pythonic_whole` for what is code to be run: a call may be printed or assigned."""
    if match := _CODE.match(text.strip()):
        text = match.group("printed") or match.group("assigned")
    return read_pythonic_whole(text, reading)


def read_pythonic_text(text: str, reading: Reading) -> str:
    """Take the calls that stand on lines of their own out of `text`; the text that is left."""
    if read_pythonic_whole(text, reading):
        return ""
    content: list[str] = []
    position = 0
    for match in islice(_LINE.finditer(text), MAX_LINES):
        start = match.end()
        if start < position or is_announced(text, match.start()) or is_quoted(text, start) or _in_fence(text, start):
            continue
        if (end := _read_line(text, start, reading)) > start:
            content.append(text[position : match.start()])
            position = end
    content.append(text[position:])
    return "".join(content).strip() if position else text


def _read_line(text: str, start: int, reading: Reading) -> int:
    """Take the calls that begin at `start`; where they end, or `start` where that is no call."""
    is_list = text[start] == "["
    found = _calls_at(text, start)
    if found is None:
        _report_cut(text, start, reading)
        return start
    calls, end, kinds = found
    if text[end:].split("\n", 1)[0].strip(" \t\r;；"):
        return start
    if not _names_tools(calls, reading):
        if is_list and all(keywords for _, _, keywords in calls) and text.strip() == text[start:end].strip():
            for name, _, _ in calls:
                reading.problem(unknown_tool(name, reading.names))
        return start
    bare = [name for name, positional, keywords in calls if not positional and not keywords]
    listed = bool(_LISTS.search(text[:start].rstrip().rsplit("\n", 1)[-1]))
    if not is_list and any(listed or reading.required(reading.known_name(name) or name) for name in bare):
        return start  # `search()` in a text is the function's name
    _take(calls, kinds, reading)
    return end


def _report_cut(text: str, start: int, reading: Reading) -> None:
    """What is no Python is reported where a tool is named in a list, or an argument begun."""
    match = re.match(r"\[\s*([^\W\d][\w.]*)\s*[(（]|([^\W\d][\w.]*)\s*[(（]\s*[^\W\d]\w*\s*[=＝]", text[start:])
    name = match and (match.group(1) or match.group(2))
    if name and reading.known_name(name) is not None:
        reading.problem(f"a call of {name} cannot be read: it is no Python call with plain values")


def _in_fence(text: str, position: int) -> bool:
    return len(re.findall(r"^[ \t]*```", text[:position], re.MULTILINE)) % 2 == 1


def _names_tools(calls: list[PythonCall], reading: Reading) -> bool:
    return any(reading.known_name(name) is not None for name, _, _ in calls)


def _take(calls: list[PythonCall], kinds: list[str], reading: Reading) -> None:
    reading.repaired("pythonic call", *kinds)
    for name, positional, keywords in calls:
        known = reading.known_name(name) or name
        parameters = list(reading.parameters(known))
        if len(positional) == 1 and isinstance(positional[0], dict) and not keywords:
            keywords = positional[0]
        elif positional:
            if len(positional) > len(parameters):
                reading.problem(f"{name} has {len(parameters)} parameters, got {len(positional)} values")
                continue
            reading.repaired("positional arguments")
            keywords = {**dict(zip(parameters, positional, strict=False)), **keywords}
        reading.add(name, keywords)


def _calls_at(text: str, start: int) -> tuple[list[PythonCall], int, list[str]] | None:
    """The calls that begin at `start`, where they end, and what was mended; None where that is something else."""
    if not looks_pythonic(text, start):
        return None
    scan = scan_python(text, start)
    calls = None if scan.cut else _parsed(scan.text)
    return None if not calls else (calls, scan.end, scan.kinds)


def _parsed(text: str) -> list[PythonCall] | None:
    """The calls of a text; None where the text is anything else."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    try:
        return [_call(node) for node in (tree.elts if isinstance(tree, ast.List) else [tree])]
    except (ValueError, TypeError, RecursionError):
        return None


def _call(node: ast.expr) -> PythonCall:
    if not isinstance(node, ast.Call):
        raise ValueError("no call")
    keywords: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            keywords.update(_literal(keyword.value))
        else:
            keywords[keyword.arg] = _literal(keyword.value)
    return ast.unparse(node.func), [_literal(argument) for argument in node.args], keywords


def _literal(node: ast.expr) -> Any:
    """A literal as a JSON value (a tuple as a list); `true`, `false` and `null` count too. Raises `ValueError`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id not in _JSON_NAMES:
            raise ValueError(f"{inner.id} is no literal")

    class Names(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            return ast.copy_location(ast.Constant(_JSON_NAMES[name.id]), name)

    value = ast.literal_eval(Names().visit(node))
    return json.loads(json.dumps(value, allow_nan=False))
