"""The one noun: a conversation in the Hugging Face chat format, and the check that says what is wrong with one.

Comes in: `messages` and `tools` from anywhere. Goes out: the same value, or a list of problems that name the field.
Knows nothing of prompts, models or files.
"""

import json
import math
import random
import string
from typing import Any, Literal, NotRequired, TypedDict

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")

CALL_ID_LENGTH = 9  # Mistral's chat templates raise on any other length.
_CALL_ID_ALPHABET = string.ascii_letters + string.digits


class FunctionCall(TypedDict):
    name: str
    arguments: dict[str, Any]


class ToolCall(TypedDict):
    id: str
    type: Literal["function"]
    function: FunctionCall


class Message(TypedDict):
    """One message. `content` is always a string; keys that say nothing are left out, never null."""

    role: Role
    content: str
    reasoning_content: NotRequired[str]
    tool_calls: NotRequired[list[ToolCall]]
    name: NotRequired[str]
    tool_call_id: NotRequired[str]
    train: NotRequired[bool]
    weight: NotRequired[float]


class FunctionSchema(TypedDict):
    name: str
    description: str
    parameters: dict[str, Any]


class ToolSchema(TypedDict):
    type: Literal["function"]
    function: FunctionSchema


class Problem(TypedDict):
    """`field` is a path such as `messages[2].tool_calls[0].id`; `what` says what was seen and what is allowed."""

    field: str
    what: str


_KEYS_BY_ROLE: dict[str, frozenset[str]] = {
    "system": frozenset({"role", "content"}),
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "reasoning_content", "tool_calls", "train", "weight"}),
    "tool": frozenset({"role", "content", "name", "tool_call_id"}),
}


def new_call_id(rng: random.Random) -> str:
    """A call id of nine alphanumeric characters, repeatable through `rng`."""
    return "".join(rng.choices(_CALL_ID_ALPHABET, k=CALL_ID_LENGTH))


def tool_call(name: str, arguments: dict[str, Any], call_id: str) -> ToolCall:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool_message(call: ToolCall, content: str) -> Message:
    """The tool turn that answers `call`."""
    return {"role": "tool", "content": content, "name": call["function"]["name"], "tool_call_id": call["id"]}


def check_conversation(messages: Any, tools: Any) -> list[Problem]:
    """Everything that keeps `messages` and `tools` from being a conversation in the one format; `[]` if nothing does.

    Calls and results are paired: every tool turn answers a call of the assistant turn before it, by id and name, and
    every call is answered before anybody else speaks, except at the very end, where a conversation may stop. A call
    names one of `tools`, unless its message is not learned from (`"train": false`).
    """
    problems: list[Problem] = []
    names = _check_tools(tools, problems)
    if not isinstance(messages, list) or not messages:
        problems.append({"field": "messages", "what": f"must be a non-empty list, got {_shown(messages)}"})
        return problems
    open_calls: dict[str, str] = {}
    seen_ids: set[str] = set()
    for index, message in enumerate(messages):
        field = f"messages[{index}]"
        if not _check_message(message, field, problems):
            continue
        role = message["role"]
        if role == "system" and index != 0:
            problems.append({"field": f"{field}.role", "what": "a system message is only allowed first"})
        if role == "tool":
            _check_answer(message, field, open_calls, problems)
            continue
        if open_calls:
            waiting = ", ".join(sorted(open_calls))
            problems.append({"field": field, "what": f"{role} speaks while calls wait for their results: {waiting}"})
            open_calls = {}
        for call in message.get("tool_calls", []):
            if not isinstance(call, dict) or not isinstance(call.get("id"), str):
                continue
            if call["id"] in seen_ids:
                problems.append({"field": f"{field}.tool_calls", "what": f"call id {call['id']!r} is used twice"})
            seen_ids.add(call["id"])
            name = _called_name(call)
            open_calls[call["id"]] = name
            # A call to a tool that is not there may be shown, as a mistake that was answered, but never learned.
            if name not in names and message.get("train", True):
                problems.append({"field": f"{field}.tool_calls", "what": f"calls {name!r}, which is not in tools"})
    return problems


def _check_tools(tools: Any, problems: list[Problem]) -> set[str]:
    if not isinstance(tools, list):
        problems.append({"field": "tools", "what": f"must be a list ([] for none), got {_shown(tools)}"})
        return set()
    names: set[str] = set()
    for index, tool in enumerate(tools):
        field = f"tools[{index}]"
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function":
            problems.append({"field": field, "what": 'must be {"type": "function", "function": {...}}'})
            continue
        name = function.get("name")
        if not isinstance(name, str) or not name:
            problems.append({"field": f"{field}.function.name", "what": f"must be a name, got {_shown(name)}"})
        elif name in names:
            problems.append({"field": f"{field}.function.name", "what": f"{name!r} is defined twice"})
        else:
            names.add(name)
        if not isinstance(function.get("description"), str):
            problems.append({"field": f"{field}.function.description", "what": "must be a string"})
        if not isinstance(function.get("parameters"), dict):
            problems.append({"field": f"{field}.function.parameters", "what": "must be a JSON Schema object"})
        _check_json(function, f"{field}.function", problems)
    return names


def _check_message(message: Any, field: str, problems: list[Problem]) -> bool:
    """Check one message by itself; False where it is too broken to look further."""
    if not isinstance(message, dict):
        problems.append({"field": field, "what": f"must be an object, got {_shown(message)}"})
        return False
    role = message.get("role")
    if role not in ROLES:
        problems.append({"field": f"{field}.role", "what": f"must be one of {', '.join(ROLES)}, got {_shown(role)}"})
        return False
    strangers = sorted(set(message) - _KEYS_BY_ROLE[role])
    problems.extend({"field": f"{field}.{key}", "what": f"is not a key of a {role} message"} for key in strangers)
    if not isinstance(message.get("content"), str):
        seen = _shown(message.get("content"))
        problems.append({"field": f"{field}.content", "what": f'must be a string ("" for none), got {seen}'})
    elif role == "assistant" and not (message["content"] or message.get("tool_calls")):
        problems.append({"field": field, "what": "an assistant message needs content or a tool call"})
    if not isinstance(message.get("reasoning_content", ""), str):
        problems.append({"field": f"{field}.reasoning_content", "what": "must be a string"})
    if not isinstance(message.get("train", True), bool):
        problems.append({"field": f"{field}.train", "what": "must be true or false"})
    weight = message.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight) or weight < 0:
        problems.append({"field": f"{field}.weight", "what": f"must be a number of at least 0, got {_shown(weight)}"})
    if "tool_calls" in message and role == "assistant":
        _check_calls(message["tool_calls"], f"{field}.tool_calls", problems)
    _check_text(message, field, problems)
    return True


def _check_calls(calls: Any, field: str, problems: list[Problem]) -> None:
    if not isinstance(calls, list) or not calls:
        problems.append({"field": field, "what": f"must be a non-empty list (or absent), got {_shown(calls)}"})
        return
    for index, call in enumerate(calls):
        here = f"{field}[{index}]"
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or call.get("type") != "function":
            problems.append({"field": here, "what": 'must be {"id", "type": "function", "function": {...}}'})
            continue
        call_id = call.get("id")
        if not (
            isinstance(call_id, str) and len(call_id) == CALL_ID_LENGTH and call_id.isascii() and call_id.isalnum()
        ):
            what = f"must be {CALL_ID_LENGTH} alphanumeric characters, got {_shown(call_id)}"
            problems.append({"field": f"{here}.id", "what": what})
        if not isinstance(function.get("name"), str) or not function["name"]:
            problems.append(
                {"field": f"{here}.function.name", "what": f"must be a name, got {_shown(function.get('name'))}"}
            )
        arguments = function.get("arguments")
        if not isinstance(arguments, dict):
            what = f"must be an object, never a string, got {_shown(arguments)}"
            problems.append({"field": f"{here}.function.arguments", "what": what})
        else:
            _check_json(arguments, f"{here}.function.arguments", problems)


def _check_answer(message: Any, field: str, open_calls: dict[str, str], problems: list[Problem]) -> None:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str) or call_id not in open_calls:
        problems.append({"field": f"{field}.tool_call_id", "what": f"answers no open call, got {_shown(call_id)}"})
        return
    name = open_calls.pop(call_id)
    if message.get("name") != name:
        what = f"must be the called tool {name!r}, got {_shown(message.get('name'))}"
        problems.append({"field": f"{field}.name", "what": what})


def _check_json(value: Any, field: str, problems: list[Problem]) -> None:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        problems.append({"field": field, "what": f"is no JSON value: {error}"})


def _check_text(message: dict[str, Any], field: str, problems: list[Problem]) -> None:
    for key in ("content", "reasoning_content"):
        value = message.get(key)
        if isinstance(value, str):
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                problems.append({"field": f"{field}.{key}", "what": "holds half of a surrogate pair, which is no text"})


def _called_name(call: Any) -> str:
    function = call.get("function")
    return str(function.get("name")) if isinstance(function, dict) else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
