"""Laws of the one data type: what is a conversation, and that the check names the field that is not."""

import copy
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.messages import check_conversation, new_call_id, tool_call, tool_message

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "查询天气",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = tool_call("weather", {"city": "北京"}, "abc123XYZ")
GOOD = [
    {"role": "system", "content": "你是一个助手。"},
    {"role": "user", "content": "北京今天天气怎么样？"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    tool_message(CALL, "晴，25 度"),
    {"role": "assistant", "content": "北京今天晴，25 度。", "train": False, "weight": 0.5},
]


def damaged(path, value):
    """GOOD and TOOL with the value at `path` replaced, or removed where `value` is ...."""
    whole = copy.deepcopy({"messages": GOOD, "tools": [TOOL]})
    at = whole
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return whole


def test_a_whole_conversation_has_no_problem():
    assert check_conversation(GOOD, [TOOL]) == []


def test_a_conversation_may_stop_at_an_unanswered_call():
    assert check_conversation(GOOD[:3], [TOOL]) == []


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("messages",), [], "messages"),
        (("messages",), None, "messages"),
        (("messages", 0), "hello", "messages[0]"),
        (("messages", 1, "role"), "human", "messages[1].role"),
        (("messages", 1, "role"), "system", "messages[1].role"),
        (("messages", 1, "content"), None, "messages[1].content"),
        (("messages", 1, "content"), ["text"], "messages[1].content"),
        (("messages", 1, "content"), "\ud83d", "messages[1].content"),
        (("messages", 1, "train"), True, "messages[1].train"),
        (("messages", 2, "tool_calls"), [], "messages[2].tool_calls"),
        (("messages", 2, "tool_calls"), ..., "messages[2]"),
        (("messages", 2, "tool_calls", 0, "id"), "call_1", "messages[2].tool_calls[0].id"),
        (("messages", 2, "tool_calls", 0, "id"), "汉字汉字汉字汉字汉", "messages[2].tool_calls[0].id"),
        (("messages", 2, "tool_calls", 0, "type"), "call", "messages[2].tool_calls[0]"),
        (("messages", 2, "tool_calls", 0, "function", "name"), "wether", "messages[2].tool_calls"),
        (
            ("messages", 2, "tool_calls", 0, "function", "arguments"),
            '{"city": "北京"}',
            "messages[2].tool_calls[0].function.arguments",
        ),
        (
            ("messages", 2, "tool_calls", 0, "function", "arguments"),
            {"x": float("nan")},
            "messages[2].tool_calls[0].function.arguments",
        ),
        (("messages", 3, "tool_call_id"), "zzzzzzzzz", "messages[3].tool_call_id"),
        (("messages", 3, "name"), "other", "messages[3].name"),
        (("messages", 4, "train"), "no", "messages[4].train"),
        (("messages", 4, "weight"), -1, "messages[4].weight"),
        (("messages", 4, "weight"), float("inf"), "messages[4].weight"),
        (("messages", 4, "reasoning_content"), None, "messages[4].reasoning_content"),
        (("tools",), None, "tools"),
        (("tools", 0), {"name": "weather"}, "tools[0]"),
        (("tools", 0, "function", "name"), "", "tools[0].function.name"),
        (("tools", 0, "function", "description"), None, "tools[0].function.description"),
        (("tools", 0, "function", "parameters"), "object", "tools[0].function.parameters"),
    ],
)
def test_what_breaks_the_format_is_named_by_field(path, value, field):
    whole = damaged(path, value)
    assert field in [problem["field"] for problem in check_conversation(whole["messages"], whole["tools"])]


def test_a_call_left_open_before_the_next_speaker_is_a_problem():
    messages = [*GOOD[:3], {"role": "user", "content": "还在吗？"}]
    problems = check_conversation(messages, [TOOL])
    assert [problem["field"] for problem in problems] == ["messages[3]"]
    assert "abc123XYZ" in problems[0]["what"]


def test_a_call_id_is_used_once():
    messages = [*GOOD[:4], {"role": "assistant", "content": "", "tool_calls": [CALL]}]
    assert any("used twice" in problem["what"] for problem in check_conversation(messages, [TOOL]))


def test_a_call_to_a_tool_that_is_not_there_may_be_shown_but_not_learned():
    assert check_conversation(GOOD, []) != []
    shown = [*GOOD[:2], {**GOOD[2], "train": False}, *GOOD[3:]]
    assert check_conversation(shown, []) == []


def test_a_tool_name_is_defined_once():
    assert any("defined twice" in problem["what"] for problem in check_conversation(GOOD, [TOOL, TOOL]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
keys = st.sampled_from(["role", "content", "tool_calls", "name", "tool_call_id", "train", "weight", "id", "function"])
roles = st.sampled_from(["system", "user", "assistant", "tool"])
almost_messages = st.lists(
    json_values | st.dictionaries(keys, json_values | roles | st.just([CALL]), max_size=5), max_size=5
)


@given(almost_messages | json_values, st.lists(json_values | st.just(TOOL), max_size=2) | json_values)
def test_the_check_answers_for_any_json_and_never_raises(messages, tools):
    for problem in check_conversation(messages, tools):
        assert problem["field"]
        assert problem["what"]


def test_call_ids_are_nine_alphanumeric_characters_and_repeatable():
    one, other = random.Random(7), random.Random(7)
    ids = [new_call_id(one) for _ in range(200)]
    assert ids == [new_call_id(other) for _ in range(200)]
    assert len(set(ids)) == 200
    assert all(len(call_id) == 9 and call_id.isascii() and call_id.isalnum() for call_id in ids)
