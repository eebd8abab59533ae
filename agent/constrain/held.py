"""Reads a reply that was held to a grammar: a call is what the grammar held, and nothing that only looks like one.

Comes in: the text, the tools and the layout of calls. Goes out: a `ParsedReply`. `agent.parse` finds calls however they
are written, and so in a text, too, where nothing has held them to a tool's schema.
"""

import re
from collections.abc import Sequence

from agent.constrain.layout import Layout
from agent.messages import ToolSchema
from agent.parse import ParsedReply, parse_reply

_THOUGHT = re.compile(r"\A\s*<think>(.*?)(?:</think>\s*|\Z)", re.DOTALL)


def read_held(text: str, tools: Sequence[ToolSchema], layout: Layout | None) -> ParsedReply:
    """Understand one reply; a layout of None says that it may hold no call."""
    whole = parse_reply(text, tools)
    thought = _THOUGHT.match(text)
    said = text[thought.end() :] if thought else text
    at = layout.find(said) if layout else -1
    names = {tool["function"]["name"] for tool in tools}
    found = parse_reply(said[at:], tools).tool_calls if at >= 0 else []
    calls = [call for call in found if call["name"] in names]
    if whole.tool_calls == calls and (at >= 0 or not whole.problems):
        return whole
    content = said[:at] if at >= 0 else said
    return ParsedReply(content.strip(), thought.group(1).strip() if thought else "", calls)
