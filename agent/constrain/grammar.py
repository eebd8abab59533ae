"""What a reply may be, as a grammar for llguidance: a thought, text, and calls to the given tools.

Comes in: tools, a layout, and how calls may be made. Goes out: Lark text, and the shortest call that each tool takes.
Arguments are written as `json.dumps` writes them: blanks are bounded, or weak models would pad for ever. Knows nothing
of tokens, but for the names of special ones.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agent.constrain.layout import Layout
from agent.errors import UserError
from agent.messages import ToolSchema
from agent.tools.validation import standard_schema

MAX_NESTING = 8  # of arguments, in the estimate of the shortest call


def reply_grammar(
    tools: Sequence[ToolSchema],
    layout: Layout,
    *,
    choice: str,
    parallel: bool,
    text_tokens: int,
    thinks: bool,
    opened_thought: bool,
    literal: Callable[[str], str],
) -> str:
    """The grammar of one reply.

    Args:
        tools: What may be called.
        layout: How calls are written.
        choice: "auto", "none", "required", or a tool's name.
        parallel: Whether several calls may follow each other.
        text_tokens: Bounds the text before a call that must come, and the thought before it.
        thinks: Whether a reply may begin with a thought in `<think>` tags.
        opened_thought: Whether the prompt ends within a thought, which must be closed first.
        literal: Writes a text as Lark, with special tokens as such.

    Raises:
        UserError: `choice` names no tool, or a call is required and there are no tools.
    """
    chosen = _chosen(tools, choice)
    text = _text_rule(layout.start if chosen else "<tool_call>")
    lines = [f"text: {text}", f"bounded[max_tokens={text_tokens}]: {text}"]
    thought = ""
    if opened_thought:
        thought = "thought_end "
    elif thinks:
        thought = '("<think>\\n" thought_end)? '
    if thought:
        lines.append(f"inner[max_tokens={text_tokens}]: {_text_rule('</think>')}")
        lines.append('thought_end: inner "\\n</think>\\n\\n"')
    if not chosen:
        return "\n".join([f"start: {thought}text", *lines]) + "\n"
    must = choice not in ("auto", "none")
    calls = f"(bounded {literal(layout.content_end)})? calls"
    more = f" ({literal(layout.separator)} call)*" if parallel and layout.separator else ""
    lines += [
        f"calls: {_joined(literal, layout.opening)}call{more}{_ending(literal, layout.closing)}",
        "call: " + " | ".join(f"call_{number}" for number in range(len(chosen))),
    ]
    for number, tool in enumerate(chosen):
        lines += _tool_rules(number, tool, layout, literal)
    return "\n".join([f"start: {thought}({calls if must else f'text | {calls}'})", *lines]) + "\n"


def shortest_call(tools: Sequence[ToolSchema], layout: Layout) -> str:
    """The longest of the tools' shortest calls: what room must be left for one that is begun."""
    calls = [
        f"{layout.before}{tool['function']['name']}{layout.between}"
        f"{json.dumps(_least(tool['function']['parameters'], 0))}{layout.after}"
        for tool in tools
    ]
    return layout.opening + max(calls, key=len, default="") + layout.closing


def longest_option(tools: Sequence[ToolSchema]) -> str:
    """The longest of what calls may leave out, at about its least length: a property, or one more item of a list."""
    return max(
        (option for tool in tools for option in _options(tool["function"]["parameters"], 0)), key=len, default=""
    )


def _options(schema: Any, depth: int) -> Iterator[str]:
    if not isinstance(schema, dict) or depth > MAX_NESTING:
        return
    for name, inner in schema.get("properties", {}).items():
        if name not in schema.get("required", []):
            yield f", {json.dumps({name: _least(inner, depth + 1)})[1:-1]}"
        yield from _options(inner, depth + 1)
    if "items" in schema:
        yield f", {json.dumps(_least(schema['items'], depth + 1))}"
        yield from _options(schema["items"], depth + 1)


def _chosen(tools: Sequence[ToolSchema], choice: str) -> list[ToolSchema]:
    if choice == "none":
        return []
    if choice in ("auto", "required"):
        if choice == "required" and not tools:
            raise UserError("a call is required, and there are no tools", mend='offer tools, or tool_choice="auto"')
        return list(tools)
    chosen = [tool for tool in tools if tool["function"]["name"] == choice]
    if not chosen:
        names = ", ".join(tool["function"]["name"] for tool in tools) or "none"
        raise UserError(f"tool_choice names no tool: {choice!r}", mend=f"auto, required, none, or one of: {names}")
    return chosen


def _tool_rules(number: int, tool: ToolSchema, layout: Layout, literal: Callable[[str], str]) -> list[str]:
    name = tool["function"]["name"]
    written = json.dumps(name, ensure_ascii=False)[1:-1] if layout.before.endswith('"') else name
    schema = {"type": "object", **standard_schema(tool["function"]["parameters"])}
    # What a schema leaves open, a weak model fills for ever.
    schema = {"additionalProperties": False, **_closed(schema)} if "properties" in schema else _closed(schema)
    schema["x-guidance"] = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": layout.colon}
    if not schema.get("properties"):
        schema |= {"properties": {}, "additionalProperties": schema.get("additionalProperties", False)}
    head = literal(layout.before + written + layout.between)
    return [
        f"call_{number}: {head} arguments_{number}{_ending(literal, layout.after)}",
        f"arguments_{number}: %json {json.dumps(schema, ensure_ascii=False)}",
    ]


def _closed(schema: Any) -> Any:
    """The schema with its inner objects closed to properties that it does not name."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: {name: _closed(item) for name, item in value.items()}
        if key in ("properties", "$defs", "definitions") and isinstance(value, dict)
        else _closed(value)
        if key in ("items", "anyOf", "oneOf", "allOf", "prefixItems")
        else value
        for key, value in schema.items()
    }
    combined = any(key in made for key in ("anyOf", "oneOf", "allOf", "$ref"))
    if isinstance(made.get("properties"), dict) and not combined:
        made.setdefault("additionalProperties", False)
    return made


def _least(schema: Any, depth: int) -> Any:
    """A value of about the least length that the schema takes."""
    if not isinstance(schema, dict) or depth > MAX_NESTING:
        return ""
    if "const" in schema or schema.get("enum"):
        return max([schema["const"]] if "const" in schema else schema["enum"], key=lambda value: len(json.dumps(value)))
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        return {name: _least(properties.get(name), depth + 1) for name in schema.get("required", [])}
    if kind == "array":
        return [_least(schema.get("items"), depth + 1)] * int(schema.get("minItems", 0))
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 0), schema.get("exclusiveMinimum", 0), 1000)
    return "x" * int(schema.get("minLength", 4))


def _text_rule(start: str) -> str:
    """Any text in which `start` does not begin: its first character is not followed by its second, or by itself."""
    if len(start) < 2 or start[0] in "\n\r":
        return "/[^{}]*/"
    first, second = _in_class(start[0]), _in_class(start[1])
    return f"/([^{first}]|{first if first.startswith(chr(92)) else '[' + first + ']'}[^{first}{second}])*/"


def _in_class(letter: str) -> str:
    return "\\" + letter if not letter.isalnum() and letter.isascii() and letter not in '<>" ' else letter


def _joined(literal: Callable[[str], str], text: str) -> str:
    return f"{literal(text)} " if text else ""


def _ending(literal: Callable[[str], str], text: str) -> str:
    return f" {literal(text)}" if text else ""
