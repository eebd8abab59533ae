"""What a chat template can say: tools, calls and their results, a system message.

Comes in: a tokenizer with a chat template. Goes out: `Abilities`, found by rendering a small conversation and looking
for what was in it: templates drop what they do not know as often as they refuse it. Knows nothing of models.
"""

from dataclasses import dataclass
from typing import Any

from agent.messages import Message, ToolSchema, tool_call, tool_message

_CALL = tool_call("probe_tool_zq", {"probe_key_zq": "probe_value_zq"}, "probe1234")
_TOOL: ToolSchema = {
    "type": "function",
    "function": {
        "name": "probe_tool_zq",
        "description": "probe_description_zq",
        "parameters": {"type": "object", "properties": {"probe_key_zq": {"type": "string", "description": "A key."}}},
    },
}
_ASK: list[Message] = [{"role": "user", "content": "probe_question_zq"}]
_SYSTEM: list[Message] = [{"role": "system", "content": "probe_system_zq"}, *_ASK]
_CALLED: list[Message] = [
    *_ASK,
    {"role": "assistant", "content": "", "tool_calls": [_CALL]},
    tool_message(_CALL, "probe_result_zq"),
]


@dataclass(frozen=True)
class Abilities:
    """What a template renders: `tools` means the list, calls and results alike; `system` a system message."""

    tools: bool
    system: bool


def abilities(tokenizer: Any) -> Abilities:
    """What the tokenizer's chat template can say."""
    listed = _rendered(tokenizer, _ASK, [_TOOL])
    called = _rendered(tokenizer, _CALLED, [_TOOL])
    tools = "probe_tool_zq" in listed and all(
        word in called.replace(listed, "") for word in ("probe_value_zq", "probe_result_zq")
    )
    return Abilities(tools, "probe_system_zq" in _rendered(tokenizer, _SYSTEM, None))


def _rendered(tokenizer: Any, messages: list[Message], tools: list[ToolSchema] | None) -> str:
    try:
        return str(tokenizer.apply_chat_template(messages, tools=tools, tokenize=False))
    except Exception:  # a template may raise anything; here it only tells that it cannot
        return ""
