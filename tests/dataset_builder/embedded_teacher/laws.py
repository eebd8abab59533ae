"""What every conversation of the teacher keeps, whichever tools it is about."""

import json
import re
from typing import Any

from agent.messages import ToolSchema, check_conversation
from agent.tools import validate_arguments
from dataset_builder.embedded_teacher import Conversation, Question
from dataset_builder.embedded_teacher.composing import YES_NO
from dataset_builder.embedded_teacher.reading import Parameter, parameters_of, plain_schema


def check_row(question: Question, conversation: Conversation) -> None:
    assert check_conversation(conversation.messages, conversation.tools) == [], question.id
    users = " ".join(message["content"] for message in conversation.messages if message["role"] == "user")
    schemas = {schema["function"]["name"]: schema for schema in conversation.tools}
    for message in conversation.messages:
        assert not re.search(r"\{\w+(\.2)?\}|\bNone\b", message["content"]) or message["role"] == "tool", message
        for call in message.get("tool_calls", []):
            function = call["function"]
            schema = schemas[function["name"]]
            _, coercions, errors = validate_arguments(schema, function["arguments"])
            assert not errors, (question.user, errors)
            assert not coercions, (question.user, coercions)
            unsaid = ungrounded(schema, function["arguments"], users, question.lang)
            assert unsaid in ([], passed_on(question, function["name"])), question.user
    assert conversation.messages[-1]["role"] == "assistant"
    assert not conversation.messages[-1].get("tool_calls")


def passed_on(question: Question, name: str) -> list[str]:
    """The parameter that an earlier result gives, where the tool `name` is called with one."""
    return [turn.plan.onward.takes for turn in question.turns if turn.plan.onward and turn.plan.onward.name == name]


def ungrounded(schema: ToolSchema, arguments: dict[str, Any], text: str, lang: str) -> list[str]:
    """The arguments that were not said: neither as they stand, nor in the words the shown schema declares."""
    parameters = {one.name: one for one in parameters_of(schema)}
    return [name for name, value in arguments.items() if not said(parameters[name], value, text, lang)]


def said(parameter: Parameter, value: Any, text: str, lang: str) -> bool:
    schema = plain_schema(parameter.schema)
    parameter = Parameter(parameter.name, schema, True)
    if isinstance(value, bool):
        words = parameter.words()[json.dumps(value)] or YES_NO[lang][value]
        return any(word.casefold() in text.casefold() for word in words)
    if isinstance(value, str):
        declared = parameter.words().get(json.dumps(value), []) if parameter.choices() else []
        return value in text or any(word in text for word in declared)
    if isinstance(value, int | float):
        return re.search(rf"(?<![\d.]){re.escape(json.dumps(value))}(?!\d|\.\d)", text) is not None
    if isinstance(value, list):
        return all(said(Parameter("item", schema.get("items", {}), True), item, text, lang) for item in value)
    parts = schema.get("properties", {})
    return all(said(Parameter(name, parts.get(name, {}), True), item, text, lang) for name, item in value.items())
