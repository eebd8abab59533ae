"""Rendering: does a real chat template show all of a conversation, or does it raise, or drop something in silence?

Comes in: messages and tools. Goes out: the first thing that a template did not do, or None. The templates are that of
the embedded base and Qwen3's, as TRL ships it.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agent.messages import Message, ToolSchema
from agent.models import resolve


def not_rendered(messages: Sequence[Message], tools: Sequence[ToolSchema]) -> str | None:
    """`TEMPLATE: what it raised or left out`; None where every template shows every message, call and tool."""
    from transformers.utils.chat_template_utils import render_jinja_template  # takes seconds to import

    for name, template in _templates().items():
        try:
            given: Any = {"conversations": [list(messages)], "tools": list(tools) or None}
            shown: Any = render_jinja_template(**given, chat_template=template)[0]
        except Exception as error:  # a template raises whatever it likes
            return f"{name}: raised {type(error).__name__}: {error}"
        for text in _needed(messages, tools):
            if text not in shown[0]:
                return f"{name}: leaves out {text[:80]!r}"
    return None


def _needed(messages: Sequence[Message], tools: Sequence[ToolSchema]) -> Iterator[str]:
    for tool in tools:
        yield json.dumps(tool["function"]["name"], ensure_ascii=False)
    for message in messages:
        yield message["content"].strip()
        for call in message.get("tool_calls", []):
            yield json.dumps(call["function"]["name"], ensure_ascii=False)
            yield from (json.dumps(name, ensure_ascii=False) for name in call["function"]["arguments"])


@cache
def _templates() -> dict[str, str]:
    found = {"embedded": Path(resolve("embedded")) / "chat_template.jinja"}
    trl = find_spec("trl")
    if trl is not None and trl.origin:
        found["qwen3"] = Path(trl.origin).parent / "chat_templates" / "qwen3.jinja"
    return {name: file.read_text(encoding="utf-8") for name, file in found.items() if file.is_file()}
