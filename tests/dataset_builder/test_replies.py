"""What an LLM wrote: yes and no are told apart and lists are found in every shape LLMs write them."""

import pytest

from dataset_builder.replies import read_list, read_verdict

YES = [
    "Yes. It is clear.",
    "yes",
    "**Yes** – it is clear",
    "Answer: Yes, it is clear.",
    "是。\n\n这是因为这个问题需要查询。",
    "是的，它很清楚",
    "答案：是。它很清楚",
    "符合要求，取值齐全。",
    '{"verdict": "yes", "reason": "clear"}',
    '```json\n{"valid": true, "reason": "clear"}\n```',
    "<think>No, wait…</think>\nYes, it is clear",
    "The user names a city.\n\nYes.",
    "用户给出了城市。\n结论：是",
    'Yes. The tool returned {"valid": false} and the assistant said so.',
    '是。工具返回{"result": "错误"}，助手如实说明。',
    'My verdict: {"valid": true, "reason": "clear"}',
]
NO = [
    "No. The city is missing.",
    "NO",
    "**No**, vague",
    "Verdict: No - vague",
    "否。\n\n这个问题没有明确提出需要使用工具。",
    "不是。缺少城市",
    "不符合，缺少城市。",
    "答案：否",
    "{'verdict': 'no', 'reason': 'vague'}",
    '{"判断": "否", "原因": "缺少城市"}',
    "The request is vague.\nNo",
    "Not suitable: vague",
    "不",
    "不能，缺少城市",
    '否。工具返回 {"ok": true}，但助手说失败了。',
    'No. The tool returned {"ok": true}, but the answer says it failed.',
]


@pytest.mark.parametrize("text", YES)
def test_yes_is_yes(text):
    assert read_verdict(text)[0] is True


@pytest.mark.parametrize("text", NO)
def test_no_is_no(text):
    assert read_verdict(text)[0] is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nobody knows",
        "Perhaps.",
        "I like trains",
        "这个问题很有意思",
        "{}",
        "Yesterday",
        "是否合适还不清楚",
        "对于这个问题",
        "对话中助手没有调用正确的工具，因此不符合要求。",
        "可以看出，助手编造了城市，否。",
        "正确的做法应是调用 get_weather，而助手没有。",
    ],
)
def test_neither_is_neither(text):
    assert read_verdict(text)[0] is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Yes. It is clear.", "It is clear"),
        ("否。\n\n缺少城市。", "缺少城市"),
        ('{"verdict": "no", "reason": "the city is missing"}', "the city is missing"),
        ("不符合要求，缺少城市。", "缺少城市"),
        ("The city is missing.\nNo", "The city is missing"),
    ],
)
def test_the_reason_is_kept(text, reason):
    assert read_verdict(text)[1] == reason


@pytest.mark.parametrize(
    "text",
    [
        '["北京天气怎么样？", "Book a table"]',
        'Here you are:\n```json\n["北京天气怎么样？", "Book a table"]\n```',
        "1. 北京天气怎么样？\n2. Book a table",
        "1、北京天气怎么样？\n2) “Book a table”",
        "- 北京天气怎么样？\n- Book a table",
        "['北京天气怎么样？', 'Book a table',]",
        '["北京天气怎么样？", "Book a table"',
        '<think>1. no</think>["北京天气怎么样？", "Book a table"]',
    ],
)
def test_a_list_is_found(text):
    assert read_list(text) == ["北京天气怎么样？", "Book a table"]


@pytest.mark.parametrize("text", ["", "I cannot do that.", "[]", "{}", "[1, 2]", "no [x] list"])
def test_no_list_is_no_list(text):
    assert read_list(text) == []
