"""The tools as a visitor reads them, and which of them are offered to the model at first.

Comes in: schemas or `Tool`s. Goes out: HTML whose every text is escaped, or names.
Knows nothing of how a tool runs.
"""

from collections.abc import Collection, Sequence
from html import escape
from typing import Any

from agent.messages import ToolSchema
from agent.tools import Tool
from space.words import Words

# As many as a row of the embedded teacher's offers: a small model reads a list like those it learned from best.
OFFERED_AT_FIRST = 4


def first_choice(tools: Sequence[Tool], wanted: Sequence[str]) -> list[str]:
    """The names ticked at first: first those in `wanted`, then others; `OFFERED_AT_FIRST` in all, in tool order."""
    names = [tool.name for tool in tools]
    ranked = [name for name in dict.fromkeys(wanted) if name in names] + [name for name in names if name not in wanted]
    chosen = set(ranked[:OFFERED_AT_FIRST])
    return [name for name in names if name in chosen]


def ticked_first(tools: Sequence[Tool], ticked: Collection[str]) -> list[str]:
    """All names, those in `ticked` before the others: the list may be longer than its box."""
    return sorted((tool.name for tool in tools), key=lambda name: name not in ticked)


def as_html(schemas: Sequence[ToolSchema], words: Words) -> str:
    """A list in which each tool opens to show its parameters."""
    return f'<div class="tool-list">{"".join(_tool(schema, words) for schema in schemas)}</div>'


def _tool(schema: ToolSchema, words: Words) -> str:
    function = schema["function"]
    parameters = function["parameters"].get("properties", {})
    required = function["parameters"].get("required", [])
    rows = "".join(_parameter(name, value, name in required, words) for name, value in parameters.items())
    body = f"<dl>{rows}</dl>" if rows else f"<p>{escape(words.no_parameters)}</p>"
    summary = f"<code>{escape(function['name'])}</code> <span>{escape(_first_line(function['description']))}</span>"
    return f"<details><summary>{summary}</summary>{body}</details>"


def _parameter(name: str, schema: Any, required: bool, words: Words) -> str:
    schema = schema if isinstance(schema, dict) else {}
    kind = schema.get("type", "any")
    facts = [" | ".join(kind) if isinstance(kind, list) else str(kind)]
    if required:
        facts.append(words.required)
    if "default" in schema and schema["default"] is not None:
        facts.append(f"= {schema['default']}")
    allowed = " · ".join(str(value) for value in schema.get("enum", []))
    text = " — ".join(part for part in (str(schema.get("description", "")), allowed) if part)
    return f"<dt><code>{escape(name)}</code> <em>{escape(', '.join(facts))}</em></dt><dd>{escape(text)}</dd>"


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0]
