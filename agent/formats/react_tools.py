"""The instruction of a ReAct conversation: what the format is, and the tools, each in one paragraph.

Comes in: a system text and tool schemas, or such an instruction. Goes out: the other. A flat schema's parameters are
listed as `[{"name", "type", "description", "required"}]`, any other stands as the JSON schema it is.
"""

import json
from collections.abc import Sequence
from typing import Any

from agent.formats.react_words import WORDS, Words
from agent.messages import Message, ToolSchema


class ReactError(ValueError):
    """The conversation is no ReAct text, or cannot be written as such; the message says where and why."""


def instruction(system: str, tools: Sequence[ToolSchema], words: Words) -> str:
    """The text before the first question; `system` stands before it all."""
    listed = "\n\n".join(
        words.tool.format(
            name=tool["function"]["name"],
            description=tool["function"]["description"],
            parameters=json.dumps(_listed(tool["function"]["parameters"]), ensure_ascii=False),
        )
        for tool in tools
    )
    before = f"{system}\n\n" if system else ""
    return before + words.before_tools + listed + _after_tools(tools, words) + words.begin


def read_instruction(message: Message) -> tuple[str, str, list[ToolSchema], str]:
    """The language, the system text, the tools, and the rest (the question) of the first message.

    Raises `ReactError` where the text is no such instruction.
    """
    text = message.get("content")
    if message.get("role") not in ("system", "user") or not isinstance(text, str):
        raise ReactError("messages[0]: a system (or user) text with the instruction was expected")
    for lang, words in WORDS.items():
        system, found, rest = text.partition(words.before_tools)
        if not found:
            continue
        if system and not system.endswith("\n\n"):
            raise ReactError("messages[0]: two newlines must stand before the instruction")
        tools, rest = _read_tools(rest, words)
        after = _after_tools(tools, words) + words.begin
        if not rest.startswith(after):
            raise ReactError("messages[0]: after the tools the format's description was expected, in its own words")
        return lang, system.removesuffix("\n\n"), tools, rest.removeprefix(after)
    raise ReactError(f"messages[0]: no list of tools ({WORDS['en'].before_tools.strip()!r} is not in it)")


def _after_tools(tools: Sequence[ToolSchema], words: Words) -> str:
    return words.after_tools.replace("{names}", ",".join(tool["function"]["name"] for tool in tools))


def _read_tools(text: str, words: Words) -> tuple[list[ToolSchema], str]:
    """The tools listed at the start of `text`, and what follows them."""
    after_name = words.tool.removeprefix("{name}").split("{description}")[0]
    after_description, end = words.tool.split("{description}")[1].split("{parameters}")
    heading = words.after_tools.split("{names}")[0]
    tools: list[ToolSchema] = []
    while not text.startswith(heading):
        if tools:
            if not text.startswith("\n\n"):
                raise ReactError(f"messages[0]: an empty line was expected after tool {len(tools)}")
            text = text[2:]
        name, found, rest = text.partition(after_name)
        if not found or "\n" in name:
            raise ReactError(f"messages[0]: tool {len(tools) + 1} has no name: {text[:60]!r}")
        description, parameters, text = _read_parameters(rest, after_description, end, name)
        schema = _unlisted(parameters, name)
        tools.append({"type": "function", "function": {"name": name, "description": description, "parameters": schema}})
    return tools, text


def _read_parameters(text: str, before: str, after: str, name: str) -> tuple[str, Any, str]:
    """The description, the value after it, and the rest; `before` may also occur within the description."""
    position = text.find(before)
    while position >= 0:
        try:
            value, end = json.JSONDecoder().raw_decode(text, position + len(before))
        except ValueError:
            pass
        else:
            if text.startswith(after, end):
                return text[:position], value, text[end + len(after) :]
        position = text.find(before, position + 1)
    raise ReactError(f"messages[0]: the parameters of {name!r} cannot be read")


def _listed(schema: dict[str, Any]) -> Any:
    """A flat schema as the list of its parameters, any other unchanged."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    required = schema.get("required", [])
    rows = [
        {"name": name, **({} if not isinstance(item, dict) else item), "required": name in required}
        for name, item in properties.items()
    ]
    flat = all(list(row) == ["name", "type", "description", "required"] for row in rows)
    return rows if flat and _from_rows(rows) == schema and list(_from_rows(rows)) == list(schema) else schema


def _unlisted(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    keys = {"name", "type", "description", "required"}
    if not isinstance(value, list) or not all(isinstance(row, dict) and set(row) == keys for row in value):
        raise ReactError(f"messages[0]: each parameter of {name!r} needs {', '.join(sorted(keys))}")
    return _from_rows(value)


def _from_rows(rows: list[dict[str, Any]]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {row["name"]: {"type": row["type"], "description": row["description"]} for row in rows},
    }
    if required := [row["name"] for row in rows if row["required"]]:
        schema["required"] = required
    return schema
