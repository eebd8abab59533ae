"""What a person is told: the place by the cards' own numbers, the fault in the page's language."""

import re

import pytest
from some_rows import row

from agent.messages import Message
from dataset_builder.annotate.edit import problems_of, with_fields, without
from dataset_builder.annotate.telling import place, told
from dataset_builder.annotate.words import WORDS

ROW = row(1, "北京今天天气怎么样？", "北京")
MESSAGES, TOOLS = ROW["messages"], ROW["tools"]
ARGUMENTS = "messages[1].tool_calls[0].function.arguments"


@pytest.mark.parametrize(
    ("field", "english", "chinese"),
    [
        ("messages[0].content", "message 1", "第 1 条消息"),
        (ARGUMENTS, "message 2, arguments", "第 2 条消息，参数"),
        ("messages[1].tool_calls[2].function.name", "message 2, call 3, tool", "第 2 条消息，第 3 个调用，工具名"),
        ("messages[3]", "message 4", "第 4 条消息"),
        ("tools", "tools", "tools"),
    ],
)
def test_a_place_is_named_as_the_page_numbers_it(field: str, english: str, chinese: str) -> None:
    assert (place(field, WORDS["en"]), place(field, WORDS["zh"])) == (english, chinese)


def _without_results() -> list[Message]:
    return [message for message in MESSAGES if message["role"] != "tool"]


@pytest.mark.parametrize(
    "broken",
    [
        with_fields(MESSAGES, {ARGUMENTS: "{}"})[0],
        with_fields(MESSAGES, {ARGUMENTS: '{"city": 3}'})[0],
        with_fields(MESSAGES, {ARGUMENTS: '{"city": ["a"]}'})[0],
        with_fields(MESSAGES, {ARGUMENTS: '{"city": "a", "x": 1}'})[0],
        with_fields(MESSAGES, {"messages[1].tool_calls[0].function.name": "nothing"})[0],
        with_fields(MESSAGES, {"messages[3].content": ""})[0],
        [*without(MESSAGES, 2)[:1], {"role": "system", "content": "晚了"}],
        _without_results(),
        MESSAGES[:2],
    ],
)
def test_every_fault_that_an_edit_can_make_is_told_in_chinese(broken: list[Message]) -> None:
    problems = problems_of(broken, TOOLS)
    assert problems
    for problem in problems:
        text = told(problem, WORDS["zh"])
        assert not re.search(r"[a-z]{3,} [a-z]{3,}", text), text
        assert problem["what"] in told(problem, WORDS["en"])


@pytest.mark.parametrize("text", ['{"city": ', "[1]", '{"x": NaN}'])
def test_arguments_that_cannot_be_read_are_told_in_chinese(text: str) -> None:
    (problem,) = with_fields(MESSAGES, {ARGUMENTS: text})[1]
    assert re.match("第 2 条消息，参数：(不是合法的 JSON|必须是 JSON 对象)", told(problem, WORDS["zh"]))
