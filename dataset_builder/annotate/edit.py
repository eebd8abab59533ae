"""Edits of a conversation, as pure functions: fields in and out, delete, insert, and what is wrong with the result.

Comes in: messages, and the texts of the page's fields. Goes out: new messages and problems that name the field.
A field is named by its path, as `messages[2].content` or `messages[2].tool_calls[0].function.arguments`.
"""

import copy
import json
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from agent.loop import open_calls
from agent.messages import Message, Problem, ToolSchema, check_conversation, new_call_id, tool_call, tool_message
from agent.tools import validate_arguments
from dataset_builder.storage import loss

Inserted = Literal["user", "assistant", "call", "tool"]


def fields_of(messages: Sequence[Message]) -> dict[str, str | bool]:
    """Every editable field of a conversation, and what stands in it; arguments as indented JSON."""
    fields: dict[str, str | bool] = {}
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if message["role"] == "assistant":
            # Even where there is none: a thought that was cleared and saved may be written anew in the same box.
            fields[f"{path}.reasoning_content"] = message.get("reasoning_content", "")
            for number, call in enumerate(message.get("tool_calls", [])):
                fields[f"{path}.tool_calls[{number}].function.name"] = call["function"]["name"]
                arguments = json.dumps(call["function"]["arguments"], ensure_ascii=False, indent=2)
                fields[f"{path}.tool_calls[{number}].function.arguments"] = arguments
            fields[f"{path}.train"] = message.get("train", True)
        fields[f"{path}.content"] = message["content"]
    return fields


def with_fields(messages: Sequence[Message], values: Mapping[str, str | bool]) -> tuple[list[Message], list[Problem]]:
    """The conversation with `values` in its fields, and the fields that could not be read (they stay as they were)."""
    edited, problems = copy.deepcopy(list(messages)), []
    before = fields_of(messages)
    for field, value in values.items():
        if field not in before or value == before[field]:
            continue
        message = edited[int(field[len("messages[") :].split("]")[0])]
        if field.endswith(".function.arguments"):
            arguments, problem = _read_arguments(field, str(value))
            problems.extend(problem)
            if not problem:
                _call_of(message, field)["function"]["arguments"] = arguments
        elif field.endswith(".function.name"):
            _rename(edited, _call_of(message, field), str(value).strip())
        elif field.endswith(".train"):
            message["train"] = bool(value)
            if value:
                del message["train"]
        elif field.endswith(".reasoning_content"):
            message["reasoning_content"] = str(value)
            if not value:
                del message["reasoning_content"]
        else:
            message["content"] = str(value)
    return edited, problems


def problems_of(messages: Sequence[Message], tools: Sequence[ToolSchema]) -> list[Problem]:
    """What keeps the conversation from being accepted: its form, calls whose arguments the schema refuses, blanks,
    nothing to learn from, and, where the rest is in order, values that the export could not store.

    A call that is not learned from (`train: false`) may be wrong: it shows the model an error to recover from.
    """
    problems = check_conversation(list(messages), list(tools))
    schemas = {tool["function"]["name"]: tool for tool in tools}
    for index, message in enumerate(messages):
        if message.get("train") is False:
            continue
        for number, call in enumerate(message.get("tool_calls", [])):
            schema = schemas.get(call["function"]["name"])
            if schema is None:
                continue
            _, coercions, errors = validate_arguments(schema, call["function"]["arguments"])
            field = f"messages[{index}].tool_calls[{number}].function.arguments"
            problems.extend({"field": field, "what": what} for what in [*errors, *coercions])
    if open_calls(messages):
        problems.append({"field": f"messages[{len(messages) - 1}]", "what": "the last calls have no results yet"})
    for index, message in enumerate(messages):
        if message["role"] == "user" and not message["content"].strip():  # a tool may well return nothing
            problems.append({"field": f"messages[{index}].content", "what": "is blank"})
    if not any(message["role"] == "assistant" and message.get("train", True) for message in messages):
        problems.append({"field": "messages", "what": "holds no reply to learn from"})
    return problems or _lost(messages)


def _lost(messages: Sequence[Message]) -> list[Problem]:
    """Messages that would not come back from a dataset as they are."""
    found = ((f"messages[{index}]", loss(message)) for index, message in enumerate(messages))
    return [{"field": field, "what": what} for field, what in found if what]


def without(messages: Sequence[Message], index: int) -> list[Message]:
    """The conversation without `messages[index]`; calls and results go together, as neither stands alone."""
    message = messages[index]
    gone = {call["id"] for call in message.get("tool_calls", [])}
    if message["role"] == "tool":
        gone = {message.get("tool_call_id", "")}
    kept: list[Message] = []
    for position, other in enumerate(messages):
        if position == index or (other["role"] == "tool" and other.get("tool_call_id") in gone):
            continue
        calls = [call for call in other.get("tool_calls", []) if call["id"] not in gone]
        if len(calls) < len(other.get("tool_calls", [])):
            other = copy.deepcopy(other)
            other["tool_calls"] = calls
            if not calls:
                del other["tool_calls"]
                if not other["content"]:
                    continue
        kept.append(other)
    return kept


def with_inserted(
    messages: Sequence[Message], after: int, what: Inserted, tools: Sequence[ToolSchema], rng: random.Random
) -> list[Message]:
    """The conversation with a blank message behind `messages[after]` (-1: first), to be filled in by the person.

    A `tool` message answers the first call before it that has no result; without one, nothing is inserted.
    """
    head, tail = list(messages[: after + 1]), list(messages[after + 1 :])
    new: Message
    if what == "tool":
        waiting = open_calls(head)
        if not waiting:
            return head + tail
        new = tool_message(waiting[0], "")
    elif what == "call":
        name = tools[0]["function"]["name"] if tools else ""
        new = {"role": "assistant", "content": "", "tool_calls": [tool_call(name, {}, new_call_id(rng))]}
    else:
        new = {"role": what, "content": ""}
    return [*head, new, *tail]


def _read_arguments(field: str, text: str) -> tuple[dict[str, Any], list[Problem]]:
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        return {}, [{"field": field, "what": "is not JSON: it is nested too deeply"}]
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return {}, [{"field": field, "what": f"is not JSON: {what}{where}"}]
    if not isinstance(value, dict):
        return {}, [{"field": field, "what": 'must be a JSON object, as {"name": value}'}]
    return value, []


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _call_of(message: Message, field: str) -> Any:
    return message["tool_calls"][int(field.split(".tool_calls[")[1].split("]")[0])]


def _rename(messages: list[Message], call: Any, name: str) -> None:
    """Name another tool, in the call and in the result that answers it."""
    call["function"]["name"] = name
    for message in messages:
        if message["role"] == "tool" and message.get("tool_call_id") == call["id"]:
            message["name"] = name
