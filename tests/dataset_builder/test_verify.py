"""Verify: one fault anywhere in a good conversation is found, and said."""

import copy

import pytest

from dataset_builder.verify import why_not

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "convert",
            "description": "Convert a length.",
            "parameters": {
                "type": "object",
                "properties": {
                    "amount": {"type": "number"},
                    "unit": {"type": "string", "enum": ["km", "mile"]},
                    "note": {"type": "string", "default": "none"},
                },
                "required": ["amount", "unit"],
            },
        },
    }
]


def call(identity="abcdef123", **arguments):
    return {"id": identity, "type": "function", "function": {"name": "convert", "arguments": arguments}}


def good():
    return [
        {"role": "user", "content": "把三十公里换成英里"},
        {"role": "assistant", "content": "", "tool_calls": [call(amount=30, unit="mile", note="none")]},
        {"role": "tool", "content": '{"miles": 18.641}', "name": "convert", "tool_call_id": "abcdef123"},
        {"role": "assistant", "content": "30 公里约合 18.6 英里。"},
    ]


def changed(*path, to):
    messages = good()
    place = messages
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return messages


def test_a_good_conversation_has_nothing_against_it():
    assert why_not(good(), TOOLS, "single_call") is None


ARGUMENTS = (1, "tool_calls", 0, "function", "arguments")


@pytest.mark.parametrize(
    ("messages", "scenario", "said"),
    [
        (changed(3, "content", to=""), "single_call", "format: messages[3]"),
        (changed(3, "content", to="%%#"), "single_call", "no answer: there is no word in '%%#'"),
        (good()[:2], "single_call", "no answer: the conversation ends with a call"),
        (good()[:3], "single_call", "no answer: the conversation ends with a tool message"),
        (good(), "no_suitable_tool", "scenario: no_suitable_tool calls for no tool"),
        (good(), "chat", "scenario: chat calls for no tool"),
        (good(), "missing_parameter", "scenario: missing_parameter calls for a question"),
        (good(), "parallel_calls", "scenario: parallel_calls calls for at least 2"),
        ([good()[0], good()[3]], "single_call", "scenario: single_call calls for at least 1"),
        (changed(*ARGUMENTS, to={"amount": 30}), "single_call", "schema: convert: missing required argument: 'unit'"),
        (changed(*ARGUMENTS, to={"amount": "30", "unit": "km"}), "single_call", 'schema: convert: amount: "30"'),
        (changed(*ARGUMENTS, "unit", to="yard"), "single_call", "schema: convert: argument 'unit' must be one of"),
        (changed(*ARGUMENTS, "amount", to=31), "single_call", "grounding: nobody said 31 (convert.amount)"),
        (changed(*ARGUMENTS, "note", to="urgent"), "single_call", "grounding: nobody said 'urgent' (convert.note)"),
        (changed(3, "content", to="约合 19.9 英里。"), "single_call", "grounding: the answer's 19.9 is in no result"),
        (changed(3, "train", to=False), "single_call", "format: the assistant wrote something"),
    ],
)
def test_one_fault_is_found_and_said(messages, scenario, said):
    assert why_not(messages, TOOLS, scenario).startswith(said)


def test_a_call_that_failed_counts_only_where_failing_is_the_subject():
    failed = ["convert: Error: no such unit"]
    assert why_not(good(), TOOLS, "single_call", failed) == "execution: convert: Error: no such unit"
    assert why_not(good(), TOOLS, "tool_error", failed) is None


def test_a_later_argument_may_come_from_an_earlier_result():
    messages = [
        *good()[:3],
        {"role": "assistant", "content": "", "tool_calls": [call("zyxwvu987", amount=18.641, unit="km")]},
        {"role": "tool", "content": '{"km": 30}', "name": "convert", "tool_call_id": "zyxwvu987"},
        {"role": "assistant", "content": "30"},
    ]
    assert why_not(messages, TOOLS, "single_call") is None
    early = copy.deepcopy(messages)
    early[1]["tool_calls"][0]["function"]["arguments"]["amount"] = 18.641
    assert "nobody said 18.641" in why_not(early, TOOLS, "single_call")


def sequence(second, said="把三十公里换成英里，再换回来", result='{"miles": 18.641}'):
    """A call, its result, and a second call of that amount."""
    return [
        {"role": "user", "content": said},
        *good()[1:2],
        {"role": "tool", "content": result, "name": "convert", "tool_call_id": "abcdef123"},
        {"role": "assistant", "content": "", "tool_calls": [call("zyxwvu987", amount=second, unit="km")]},
        {"role": "tool", "content": '{"km": 30}', "name": "convert", "tool_call_id": "zyxwvu987"},
        {"role": "assistant", "content": "30"},
    ]


def test_sequential_calls_must_take_from_a_result_what_no_user_said():
    assert why_not(sequence(18.641), TOOLS, "sequential_calls") is None
    said = "scenario: sequential_calls calls for an argument that an earlier result gave and no user said"
    assert why_not(sequence(30), TOOLS, "sequential_calls") == said
    assert why_not(sequence(18.641, said="三十公里是18.641英里吗"), TOOLS, "sequential_calls") == said
    assert why_not(good(), TOOLS, "sequential_calls") == said


@pytest.mark.parametrize("failure", ["Error: no answer in time", "错误：没有及时响应"])
def test_recovery_is_a_call_that_succeeds_after_one_that_failed(failure):
    said = "scenario: tool_recovery calls for a call that succeeds after one that failed"
    assert why_not(sequence(30, result=failure), TOOLS, "tool_recovery") is None
    assert why_not(sequence(30), TOOLS, "tool_recovery") == said
    late = sequence(30)
    late[4]["content"] = failure
    assert why_not(late, TOOLS, "tool_recovery") == said


def test_several_turns_are_several():
    assert why_not(good(), TOOLS, "multi_turn").startswith("scenario: multi_turn calls for 2 requests of the user")
