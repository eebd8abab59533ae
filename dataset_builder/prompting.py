"""What the LLM teacher says: prompts from YAML files, one a language, filled in; and tools as a prompt shows them.

Comes in: a folder of prompts, a language, tools. Goes out: texts. Knows nothing of models and of what they answer.
"""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import yaml

from agent.errors import UserError
from agent.messages import Message
from agent.tools import Tool

REPLYING = ("multi_turn", "missing_parameter")  # scenarios in which the user says something more
PARTS = (
    "questions",
    "expectations",
    "judge",
    "judge_answer",
    "solve",
    "simulate",
    "user",
    "failure",
    "difficulties",
    "personas",
)
LISTS = ("difficulties", "personas")
PROMPTS = Path(__file__).with_name("prompts")


def prompts(folder: Path, lang: str, scenarios: Collection[str]) -> dict[str, Any]:
    """The prompts of one language; raises UserError where the file is missing or says too little."""
    file = folder / f"{lang}.yaml"
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"cannot be read: {error}", where=str(file)) from error
    wanted = {"questions": set(scenarios), "expectations": set(scenarios), "user": set(REPLYING)}
    for part in PARTS:
        given = found.get(part) if isinstance(found, dict) else None
        texts = given.values() if isinstance(given, dict) else given if isinstance(given, list) else [given]
        shape = dict if part in wanted else list if part in LISTS else str
        if not given:
            raise UserError(f"lacks the prompt {part}", where=str(file))
        if not isinstance(given, shape) or not all(isinstance(text, str) and text for text in texts):
            raise UserError(f"{part} must be {_SHAPES[shape]}", where=str(file))
        if missing := wanted.get(part, set()) - set(given):
            raise UserError(f"lacks the prompt {part} {' '.join(sorted(missing))}", where=str(file))
    return dict(found)


_SHAPES = {dict: "texts by name", list: "a list of texts", str: "a text"}


def filled(prompt: str, **values: object) -> str:
    """`prompt` with `{name}` replaced; raises UserError for braces that hold no known name."""
    try:
        return prompt.format(**values)
    except (KeyError, IndexError, ValueError) as error:
        allowed = ", ".join(f"{{{name}}}" for name in values)
        raise UserError(f"a prompt has braces that cannot be filled: {error}", mend=f"it may hold {allowed}") from error


def listed(tools: Sequence[Tool], lang: str) -> str:
    """Tools as a prompt shows them: name, description, parameters."""
    lines = []
    for tool in tools:
        function = tool.localized(lang)["function"]
        lines.append(f"- {tool.name}: {function['description']}")
        for name, schema in function["parameters"].get("properties", {}).items():
            kind = schema.get("enum") or schema.get("type", "any")
            needed = "required" if name in required(tool) else "optional"
            lines.append(f"    {name} ({kind}, {needed}): {schema.get('description', '')}")
    return "\n".join(lines)


def as_text(messages: Sequence[Message]) -> str:
    """A conversation as a prompt shows it, calls and results included."""
    lines = []
    for message in messages:
        if message["content"]:
            lines.append(f"{message['role']}: {message['content']}")
        for call in message.get("tool_calls", []):
            arguments = json.dumps(call["function"]["arguments"], ensure_ascii=False)
            lines.append(f"assistant calls {call['function']['name']}: {arguments}")
    return "\n".join(lines)


def required(tool: Tool) -> list[str]:
    """The names of the parameters that a call must give."""
    return list(tool.schema["function"]["parameters"].get("required", []))
