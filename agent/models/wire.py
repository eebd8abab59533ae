"""A request as OpenAI-compatible endpoints take it, natively or with the tools as text.

Comes in: messages, tools and sampling. Goes out: the keyword arguments of a chat completion. Knows nothing of HTTP.
"""

import json
from collections.abc import Sequence
from typing import Any

from agent.formats.prompting import TextFormat, as_text, stop_texts
from agent.messages import Message, ToolSchema
from agent.models.protocol import Sampling
from agent.tools.validation import standard_schema


def request_body(
    messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling, form: str, model: str | None
) -> dict[str, Any]:
    """The request for the next message.

    Args:
        messages: The conversation.
        tools: What may be called.
        sampling: How the reply is drawn, and how calls may be made.
        form: "native", or the text format that says tools, calls and results in plain roles.
        model: The model's name there, where it is known already.
    """
    native = form == "native"
    text_form: TextFormat = "hermes" if native else form  # type: ignore[assignment]
    offered = list(tools) if sampling.tool_choice != "none" else []
    return {
        "messages": [
            _on_the_wire(message) for message in (messages if native else as_text(messages, offered, text_form))
        ],
        "model": model,
        "max_tokens": sampling.max_new_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p if sampling.temperature > 0 else None,
        "seed": sampling.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
        **(_native_tools(tools, sampling) if native else _text_tools(offered, sampling, form)),
    }


def _native_tools(tools: Sequence[ToolSchema], sampling: Sampling) -> dict[str, Any]:
    asked: dict[str, Any] = {"tools": list(tools) or None}
    if not tools:
        return asked
    if sampling.tool_choice in ("none", "required"):
        asked["tool_choice"] = sampling.tool_choice
    elif sampling.tool_choice != "auto":
        asked["tool_choice"] = {"type": "function", "function": {"name": sampling.tool_choice}}
    if not sampling.parallel:
        asked["extra_body"] = {"parallel_tool_calls": False}
    return asked


def _text_tools(tools: Sequence[ToolSchema], sampling: Sampling, form: str) -> dict[str, Any]:
    """Where the tools are text, a call that must come is held to its schema by the answer's format."""
    asked: dict[str, Any] = {"stop": list(stop_texts(form)) or None}
    if tools and sampling.tool_choice not in ("auto", "none"):
        named = [tool for tool in tools if sampling.tool_choice in ("required", tool["function"]["name"])]
        schema = {"anyOf": [_call_schema(tool) for tool in named]}
        # Servers differ in the key: `schema` for llama.cpp, `value` for TGI, the others for vLLM, new and old.
        asked["response_format"] = {"type": "json_object", "schema": schema, "value": schema}
        asked["extra_body"] = {"structured_outputs": {"json": schema}, "guided_json": schema}
    return asked


def _call_schema(tool: ToolSchema) -> dict[str, Any]:
    function = tool["function"]
    parameters = {"type": "object", **standard_schema(function["parameters"])}
    return {
        "type": "object",
        "properties": {"name": {"const": function["name"]}, "arguments": parameters},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _on_the_wire(message: Message) -> dict[str, Any]:
    """The message as the protocol has it: arguments as a string, and nothing that only training knows."""
    sent: dict[str, Any] = {key: message[key] for key in ("role", "content", "tool_call_id") if key in message}
    if calls := message.get("tool_calls"):
        sent["tool_calls"] = [
            {
                **call,
                "function": {
                    "name": call["function"]["name"],
                    "arguments": json.dumps(call["function"]["arguments"], ensure_ascii=False),
                },
            }
            for call in calls
        ]
    return sent
