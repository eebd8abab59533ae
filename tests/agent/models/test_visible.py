"""What the reader sees of a stream: no tag of a thought, no thought as an answer, no call, however it is cut."""

import pytest

from agent.formats.calls import Reading
from agent.formats.thoughts import split_thoughts
from agent.models.visible import visible_in

SIZES = [1, 2, 3, 7, 500]


def sorted_out(text, size, form="native", **end):
    visible = visible_in(form)
    deltas = [delta for start in range(0, len(text), size) for delta in visible.feed(text[start : start + size])]
    deltas += visible.finish(**end)
    said, thought = ("".join(one.text for one in deltas if one.thought == is_one) for is_one in (False, True))
    return said, thought


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "text",
    [
        "<think>\n想\n</think>\n\n晴。",
        "<thinking>look</thinking>Sunny.",
        "<Thought> look </Thought>\nSunny.",
        "<reasoning>look</reasoning>Sunny.",
        "<思考>想一想</思考>晴。",
        "＜思考＞想一想＜／思考＞晴。",
        "< think >look< / thinking >Sunny.",
        "Wait.\n<think>look</think>\nSunny.",
        "<think>a</think><thinking>b</thinking>Sunny.",
        "<think>never closed",
        "The tag <think> opens a thought and </think> closes it.",
        "a < b, and <b>this</b> is no tag; nor is <thin",
        '<tool_call>\n{"name": "note", "arguments": {"text": "<think>x</think>"}}\n</tool_call>',
    ],
)
def test_a_thought_is_what_the_parser_takes_for_one(size, text):
    split = split_thoughts(text, Reading([]))
    said, thought = sorted_out(text, size)
    expected = "" if "<tool_call>" in text else split.said
    assert "".join(said.split()) == "".join(expected.split())
    assert "".join(thought.split()) == "".join((split.thought + split.unclosed).split())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["native", "hermes", "react"])
def test_the_closing_tag_of_a_thought_that_the_template_opened_is_not_shown(size, form):
    said, _ = sorted_out("I look it up first, and then I say it.\n</think>\n\nSunny.", size, form)
    assert "think" not in said
    assert said.endswith("Sunny.")
    assert sorted_out('{"is": "a thought"}</think>Sunny.', size, form) == ("Sunny.", '{"is": "a thought"}')


@pytest.mark.parametrize("size", SIZES)
def test_a_react_stream_has_thoughts_in_tags_too(size):
    text = "<think>\nfirst\n</think>\n\nThought: then\nFinal Answer: It is\n12:00."
    assert sorted_out(text, size, "react") == ("It is\n12:00.", "firstthen")
    text = "<think>\n先想\n</think>\n思考：再想\n行动：now\n行动输入：{}"
    assert sorted_out(text, size, "react_zh") == ("", "先想再想")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["native", "react"])
@pytest.mark.parametrize(
    "text", ['{"name": "now"}', ' \n[{"name": "now"}]', '```json\n{"name": "now"}\n```', "``", "{"]
)
def test_what_may_be_a_call_without_tags_waits_for_the_end(size, form, text):
    visible = visible_in(form)
    assert [one for start in range(0, len(text), size) for one in visible.feed(text[start : start + size])] == []
    assert visible.finish(calls=True) == []
    assert sorted_out(text, size, form)[0].strip() == text.strip()
    assert sorted_out(f"<think>x</think>\n{text}", size, form, calls=True) == ("", "x")


def test_other_text_is_shown_as_it_comes():
    visible = visible_in("native")
    assert [delta.text for piece in ("It", " is `1", "` {now}") for delta in visible.feed(piece)] == [
        *("It", " is `1", "` {now}")
    ]
