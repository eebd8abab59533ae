"""What a person is told: the place by the cards' own numbers, the fault in the page's language."""

import json
import re
from typing import Any

import pytest
from some_rows import row

from agent.messages import Message
from dataset_builder.annotate.desk import Sheet
from dataset_builder.annotate.drawing import row_head
from dataset_builder.annotate.edit import problems_of, with_fields, without
from dataset_builder.annotate.standing import Standing
from dataset_builder.annotate.telling import place, told, what
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
        ("messages", "the conversation", "整段对话"),
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
        MESSAGES[:1],
        with_fields(MESSAGES, {"messages[1].tool_calls[0].function.name": ""})[0],
        with_fields(MESSAGES, {"messages[0].content": " "})[0],
    ],
)
def test_every_fault_that_an_edit_can_make_is_told_in_chinese(broken: list[Message]) -> None:
    problems = problems_of(broken, TOOLS)
    assert problems
    for problem in problems:
        text = told(problem, WORDS["zh"])
        assert not re.search(r"[a-z]{3,} [a-z]{3,}", text), text
        assert problem["what"] in told(problem, WORDS["en"])


@pytest.mark.parametrize("text", ['{"city": ', "[1]", '{"x": NaN}', '{"x": 1e999}', '{"x": ' + "[" * 99_999])
def test_arguments_that_cannot_be_read_are_told_in_chinese(text: str) -> None:
    (problem,) = with_fields(MESSAGES, {ARGUMENTS: text})[1]
    assert re.match(
        "第 2 条消息，参数：(不是合法的 JSON|必须是 JSON 对象|1e999 这个数太大|JSON 嵌套得太深)",
        told(problem, WORDS["zh"]),
    )


PARAMETERS = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 2},
        "part": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "code": {"type": "string", "pattern": "^[A-Z]+$", "minLength": 2, "maxLength": 3},
        "many": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": True},
        "fixed": {"const": 5},
        "either": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
        "maybe": {"type": "string"},
        "any": {},
    },
}


@pytest.mark.parametrize(
    ("arguments", "chinese"),
    [
        ({"count": 0}, "参数 count 不能小于 1，现在是 0"),
        ({"count": 10}, "参数 count 不能大于 9，现在是 10"),
        ({"count": 3}, "参数 count 要是 2 的倍数，现在是 3"),
        ({"part": 0}, "参数 part 要大于 0，现在是 0"),
        ({"part": 1}, "参数 part 要小于 1，现在是 1"),
        ({"code": "ab"}, "参数 code 要符合 '^[A-Z]+$'，现在是 'ab'"),
        ({"code": "A"}, "参数 code 太短：'A'"),
        ({"code": "ABCD"}, "参数 code 太长：'ABCD'"),
        ({"many": []}, "参数 many 太短：[]"),
        ({"many": [1, 1]}, "参数 many 里有重复的值：[1, 1]"),
        ({"many": [1, 2, 3]}, "参数 many 太长：[1, 2, 3]"),
        ({"fixed": 6}, "参数 fixed 只能是 5"),
        ({"either": "x"}, "参数 either 的值不合要求：'x'"),
        ({"maybe": None}, "参数 maybe：不要写 null，没有就不写"),
        ({"any": 1e-12}, "数据集存不下这个值：1e-12 会变成 0.0"),
        ({"count": "4"}, '参数 count："4" 应当写成 4'),
    ],
)
def test_what_a_schema_refuses_is_told_in_chinese(arguments: dict[str, Any], chinese: str) -> None:
    schema: Any = {"name": "get_weather", "description": "", "parameters": PARAMETERS}
    broken, _ = with_fields(MESSAGES, {ARGUMENTS: json.dumps(arguments)})
    problems = problems_of(broken, [{"type": "function", "function": schema}])
    assert [what(problem["what"], WORDS["zh"]) for problem in problems] == [chinese]


def test_many_faults_are_told_in_chinese() -> None:
    schema: Any = {"name": "get_weather", "description": "", "parameters": PARAMETERS}
    every = {"count": 13, "part": 2, "code": "abcd", "many": [1, 1, 1], "fixed": 6}
    broken, _ = with_fields(MESSAGES, {ARGUMENTS: json.dumps(every)})
    problems = problems_of(broken, [{"type": "function", "function": schema}])
    assert told(problems[-1], WORDS["zh"]) == "第 2 条消息，参数：还有 3 处不对"


def test_a_fault_without_words_of_its_own_is_quoted_in_a_chinese_sentence() -> None:
    assert what("is of a kind nobody thought of", WORDS["zh"]) == "没有通过检查（is of a kind nobody thought of）"
    assert what("is of a kind nobody thought of", WORDS["en"]) == "is of a kind nobody thought of"


@pytest.mark.parametrize(("lang", "chip"), [("zh", "已拒绝：off"), ("en", "rejected: off")])
def test_a_reason_stands_behind_its_languages_own_colon(lang: str, chip: str) -> None:
    sheet = Sheet("key", "train", ROW)  # type: ignore[arg-type]
    html = row_head(0, 1, sheet, Standing(1, "rejected", reason="off"), False, [], WORDS[lang])
    assert f">{chip}</span>" in html
