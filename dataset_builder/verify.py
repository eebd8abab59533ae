"""Verify: is a solved conversation one to learn from?

Comes in: the messages, the tools offered, the scenario, and which tool calls failed. Goes out: the first reason against
it, or None. Knows nothing of who made the conversation; every teacher's rows pass the same checks.

In this order: the format, that it ends with an answer, that it does what its scenario is about, that every call fits
its tool's schema, that every call ran, that every argument was said (by the user, by an earlier result, or by the
schema as default or choice), and that every number of an answer was said.
"""

import re
from collections.abc import Sequence
from typing import Any

from agent.messages import Message, ToolSchema, check_conversation
from agent.tools import validate_arguments
from dataset_builder.grounding import Said
from dataset_builder.rows import shown

CHECKS = ("format", "answer", "scenario", "execution", "schema", "grounding")
# Scenarios in which the assistant calls nothing; or nothing in its first turn; or so many tools in one turn at least.
NO_CALL = ("no_suitable_tool", "chat")
ASKS_FIRST = ("missing_parameter",)
CALLS_AT_ONCE = {"single_call": 1, "parallel_calls": 2, "tool_error": 1, "distractors": 1}
USERS = {"multi_turn": 2}  # what users say, at least
FAILED = ("Error", "错误")  # with which the result of a failed call begins
MAY_FAIL = ("tool_error",)


def why_not(
    messages: Sequence[Message], tools: Sequence[ToolSchema], scenario: str, failures: Sequence[str] = ()
) -> str | None:
    """The first reason not to learn from a conversation, as `check: what was seen`; None if there is none."""
    problems = check_conversation(list(messages), list(tools))
    if problems:
        return f"format: {shown(problems[0])}"
    if messages[-1]["role"] != "assistant" or messages[-1].get("tool_calls"):
        return f"no answer: the conversation ends with {_ending(messages[-1])}"
    if not re.search(r"\w", messages[-1]["content"]):
        return f"no answer: there is no word in {messages[-1]['content']!r}"
    if any(message.get("train") is False for message in messages):
        return "format: the assistant wrote something that could not be used"
    if reason := _beside_the_scenario(messages, scenario):
        return f"scenario: {reason}"
    if failures and scenario not in MAY_FAIL:
        return f"execution: {failures[0]}"
    return _schema_fault(messages, tools) or _ungrounded(messages, tools, scenario)


def _ending(message: Message) -> str:
    return "a call" if message.get("tool_calls") else f"a {message['role']} message"


def _beside_the_scenario(messages: Sequence[Message], scenario: str) -> str | None:
    turns = [len(message.get("tool_calls", [])) for message in messages if message["role"] == "assistant"]
    if scenario in NO_CALL and any(turns):
        return f"{scenario} calls for no tool, and {sum(turns)} were called"
    if scenario in ASKS_FIRST and turns[0]:
        return f"{scenario} calls for a question, and a tool was called"
    wanted = CALLS_AT_ONCE.get(scenario, 0)
    if max(turns) < wanted:
        return f"{scenario} calls for at least {wanted} calls in one turn, and there were {max(turns)}"
    said = sum(message["role"] == "user" for message in messages)
    if said < USERS.get(scenario, 1):
        return f"{scenario} calls for {USERS[scenario]} requests of the user, and there was {said}"
    if scenario == "sequential_calls" and not _leads_on(messages):
        return f"{scenario} calls for an argument that an earlier result gave and no user said"
    if scenario == "tool_recovery" and not _recovers(messages):
        return f"{scenario} calls for a call that succeeds after one that failed"
    return None


def _leads_on(messages: Sequence[Message]) -> bool:
    """Whether a call has an argument that stands in an earlier result and in nothing that a user said."""
    asked, given = Said(), Said()
    for message in messages:
        if message["role"] == "user":
            asked.add(message["content"])
        elif message["role"] == "tool":
            given.add(message["content"])
        for call in message.get("tool_calls", []):
            for value in call["function"]["arguments"].values():
                if asked.unsaid(value) is not None and given.unsaid(value) is None:
                    return True
    return False


def _recovers(messages: Sequence[Message]) -> bool:
    results = [message["content"].startswith(FAILED) for message in messages if message["role"] == "tool"]
    return True in results and False in results[results.index(True) :]


def _schema_fault(messages: Sequence[Message], tools: Sequence[ToolSchema]) -> str | None:
    schemas = {tool["function"]["name"]: tool for tool in tools}
    for message in messages:
        for call in message.get("tool_calls", []):
            function = call["function"]
            _, coercions, errors = validate_arguments(schemas[function["name"]], function["arguments"])
            if errors or coercions:
                return f"schema: {function['name']}: {(errors + coercions)[0]}"
    return None


def _ungrounded(messages: Sequence[Message], tools: Sequence[ToolSchema], scenario: str) -> str | None:
    parameters = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools}
    said = Said()
    for message in messages:
        if message["role"] != "assistant":
            said.add(message["content"])
            if message["role"] == "tool":
                said.add_counts(message["content"])
            continue
        for call in message.get("tool_calls", []):
            function = call["function"]
            schema = parameters[function["name"]].get("properties", {})
            for name, value in function["arguments"].items():
                unsaid = _unsaid(value, schema.get(name, {}), said)
                if unsaid is not None:
                    return f"grounding: nobody said {unsaid!r} ({function['name']}.{name})"
        number = said.unsaid_number(message["content"])
        if number is not None and scenario != "chat":  # what water boils at is common knowledge, and no result
            return f"grounding: the answer's {number} is in no result"
    return None


def _unsaid(value: Any, schema: Any, said: Said) -> Any | None:
    """What of an argument nobody said; the schema itself says its defaults and choices."""
    if not isinstance(schema, dict):
        return said.unsaid(value)
    choices = [*schema.get("enum", []), *(schema[key] for key in ("default", "const") if key in schema)]
    if value in choices:
        return None
    if isinstance(value, list):
        inner = schema.get("items", {})
        return next((part for part in (_unsaid(item, inner, said) for item in value) if part is not None), None)
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        parts = (_unsaid(item, fields.get(name, {}), said) for name, item in value.items())
        return next((part for part in parts if part is not None), None)
    return said.unsaid(value)
