"""The laws of editing: fields go in and out unchanged, what is broken is named, no edit leaves a dangling result."""

import json
import random

import pytest
from some_rows import row

from agent.messages import check_conversation
from dataset_builder.annotate.edit import fields_of, problems_of, with_fields, with_inserted, without
from dataset_builder.rows import sift

ROW = row(1, "北京今天天气怎么样？", "北京")
MESSAGES, TOOLS = ROW["messages"], ROW["tools"]
ARGUMENTS = "messages[1].tool_calls[0].function.arguments"
NAME = "messages[1].tool_calls[0].function.name"


def test_fields_put_back_unchanged_change_nothing() -> None:
    assert with_fields(MESSAGES, fields_of(MESSAGES)) == (MESSAGES, [])
    assert problems_of(MESSAGES, TOOLS) == []


def test_a_field_changes_what_it_names_and_nothing_else() -> None:
    edited, problems = with_fields(MESSAGES, {"messages[3].content": "晴。", ARGUMENTS: '{"city": "上海"}'})
    assert problems == []
    assert edited[3]["content"] == "晴。"
    assert edited[1]["tool_calls"][0]["function"]["arguments"] == {"city": "上海"}
    assert (edited[0], edited[2]) == (MESSAGES[0], MESSAGES[2])
    assert MESSAGES[3]["content"] != "晴。", "the given conversation was changed"


@pytest.mark.parametrize(
    "text", ['{"city": ', "[1]", '"北京"', '{"x": NaN}', "", "{'city': 1}", '{"x": 1e999}', '{"x": ' + "[" * 99_999]
)
def test_broken_arguments_are_named_and_stay_as_they_were(text: str) -> None:
    edited, problems = with_fields(MESSAGES, {ARGUMENTS: text})
    assert [problem["field"] for problem in problems] == [ARGUMENTS]
    assert edited == MESSAGES


@pytest.mark.parametrize(("text", "named"), [("{}", "city"), ('{"city": 3}', "city"), ('{"city": "a", "x": 1}', "x")])
def test_arguments_that_the_schema_refuses_are_named(text: str, named: str) -> None:
    edited, _ = with_fields(MESSAGES, {ARGUMENTS: text})
    problems = problems_of(edited, TOOLS)
    assert [problem["field"] for problem in problems] == [ARGUMENTS]
    assert named in problems[0]["what"]
    shown_only, _ = with_fields(edited, {"messages[1].train": False})
    assert problems_of(shown_only, TOOLS) == []


def test_a_thought_that_was_taken_out_can_be_put_back() -> None:
    thought = "messages[1].reasoning_content"
    without_one, _ = with_fields(MESSAGES, {thought: ""})
    assert "reasoning_content" not in without_one[1]
    assert fields_of(without_one)[thought] == ""
    assert with_fields(without_one, {thought: "要查天气。"})[0] == MESSAGES


@pytest.mark.parametrize("value", ["24.913112", "1e-12", "123456789012345678901234567890"])
def test_a_value_that_a_dataset_would_change_is_named_before_the_row_is_accepted(value: str) -> None:
    tools = [{"type": "function", "function": {"name": "get_weather", "description": "", "parameters": {}}}]
    edited, problems = with_fields(MESSAGES, {ARGUMENTS: '{"city": ' + value + "}"})
    assert problems == []
    assert [problem["field"] for problem in problems_of(edited, tools)] == ["messages[1]"]
    assert sift([{**ROW, "messages": edited, "tools": tools}])[0] == [], "the export would have taken it"


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_blank_question_is_named_while_a_tool_may_return_nothing(text: str) -> None:
    blank, _ = with_fields(MESSAGES, {"messages[0].content": text})
    assert [problem["field"] for problem in problems_of(blank, TOOLS)] == ["messages[0].content"]
    returned_nothing, _ = with_fields(MESSAGES, {"messages[2].content": text})
    assert problems_of(returned_nothing, TOOLS) == []


def test_a_conversation_with_nothing_to_learn_from_is_named() -> None:
    shown_only, _ = with_fields(MESSAGES, {"messages[1].train": False, "messages[3].train": False})
    for nothing in (shown_only, MESSAGES[:1]):
        assert [problem["field"] for problem in problems_of(nothing, TOOLS)] == ["messages"]


def test_a_renamed_call_keeps_its_result() -> None:
    edited, _ = with_fields(MESSAGES, {NAME: "add", ARGUMENTS: json.dumps({"a": 1, "b": 2})})
    assert edited[2]["name"] == "add"
    assert problems_of(edited, TOOLS) == []


def test_training_is_switched_off_and_on_again() -> None:
    off, _ = with_fields(MESSAGES, {"messages[3].train": False})
    assert off[3]["train"] is False
    assert with_fields(off, {"messages[3].train": True})[0] == MESSAGES


@pytest.mark.parametrize("index", range(4))
def test_deleting_leaves_no_call_without_result_and_no_result_without_call(index: int) -> None:
    left = without(MESSAGES, index)
    assert MESSAGES[index] not in left
    assert check_conversation(left, TOOLS) == []


def test_deleting_one_of_two_results_keeps_the_other() -> None:
    calls = [*MESSAGES[1]["tool_calls"], {**MESSAGES[1]["tool_calls"][0], "id": "other0001"}]
    both = [
        MESSAGES[0],
        {**MESSAGES[1], "tool_calls": calls},
        MESSAGES[2],
        {**MESSAGES[2], "tool_call_id": "other0001"},
    ]
    left = without(both, 3)
    assert [call["id"] for call in left[1]["tool_calls"]] == [MESSAGES[1]["tool_calls"][0]["id"]]
    assert check_conversation(left, TOOLS) == []


def test_an_inserted_call_and_its_result_fit_together() -> None:
    rng = random.Random(1)
    with_call = with_inserted(MESSAGES, 3, "call", TOOLS, rng)
    assert "no results yet" in problems_of(with_call, TOOLS)[-1]["what"]
    with_result = with_inserted(with_call, 4, "tool", TOOLS, rng)
    assert check_conversation(with_result, TOOLS) == []
    assert with_inserted(MESSAGES, 3, "tool", TOOLS, rng) == MESSAGES, "a result was inserted that answers nothing"
