"""Tools as text: a reply rendered in any format is read back as the same message, in roles that every engine takes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from agent.formats.prompting import as_text, render_reply
from agent.messages import new_call_id, tool_call, tool_message
from agent.models import resolve
from agent.models.visible_react import VisibleReact
from agent.parse import parse_reply

WORDS = st.text(st.sampled_from("abz 09_-{}[]\"'\\:：，。“”北京天气é😀\n<>/`#*"), max_size=40).map(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": name,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "天数": {"type": "integer"}}},
        },
    }
    for name in ("get_weather", "查询")
]
ARGUMENTS = st.dictionaries(st.sampled_from(["city", "天数", "note"]), JSON, max_size=3)
ASK = {"role": "user", "content": "北京天气？"}
TEXT_FORMATS = ("hermes", "react", "react_zh")


@st.composite
def replies(draw):
    """Assistant messages as agents have them: thought, calls and content in any mix."""
    calls = draw(st.lists(st.tuples(st.sampled_from(["get_weather", "查询"]), ARGUMENTS), max_size=3))
    message = {"role": "assistant", "content": draw(WORDS if calls else WORDS.filter(bool))}
    if thought := draw(WORDS):
        message["reasoning_content"] = thought
    rng = draw(st.randoms(use_true_random=False))
    if calls:
        message["tool_calls"] = [tool_call(name, arguments, new_call_id(rng)) for name, arguments in calls]
    return message


def without_ids(message):
    plain = dict(message)
    if calls := message.get("tool_calls"):
        plain["tool_calls"] = [call["function"] for call in calls]
    return plain


@pytest.fixture(scope="module")
def template():
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))

    def render(message):
        start = tokenizer.apply_chat_template([ASK], tools=TOOLS, add_generation_prompt=True, tokenize=False)
        text = tokenizer.apply_chat_template([ASK, message], tools=TOOLS, tokenize=False)
        return text.removeprefix(start).removesuffix("<|im_end|>\n")

    return render


@pytest.mark.parametrize("form", TEXT_FORMATS)
@settings(max_examples=150, deadline=None)
@given(message=replies())
def test_a_rendered_reply_is_read_back_as_the_same_message(form, message):
    reply = parse_reply(render_reply(message, form), TOOLS, form)
    assert without_ids(reply.message()) == without_ids(message)
    assert (reply.repairs, reply.problems) == ([], [])


@settings(max_examples=150, deadline=None)
@given(message=replies())
def test_the_templates_own_reply_is_read_back_as_the_same_message(template, message):
    reply = parse_reply(template(message), TOOLS, "native")
    assert without_ids(reply.message()) == without_ids(message)


@pytest.mark.parametrize("system_role", [True, False])
@pytest.mark.parametrize("form", TEXT_FORMATS)
def test_a_conversation_becomes_plain_turns_that_take_turns(form, system_role):
    calls = [
        tool_call("get_weather", {"city": city}, f"call{number}abcd") for number, city in enumerate(["北京", "上海"])
    ]
    messages = [
        {"role": "system", "content": "Be brief."},
        ASK,
        {"role": "assistant", "content": "", "tool_calls": calls},
        tool_message(calls[0], "晴"),
        tool_message(calls[1], "雨"),
        {"role": "assistant", "content": "北京晴，上海雨。"},
        {"role": "user", "content": "谢谢"},
    ]
    text = as_text(messages, TOOLS, form, system_role=system_role)
    roles = [message["role"] for message in text]
    assert roles == ["system"] * system_role + ["user", "assistant", "user", "assistant", "user"]
    assert all(set(message) == {"role", "content"} for message in text)
    assert "Be brief." in text[0]["content"]
    assert all(name in text[0]["content"] for name in ("get_weather", "查询", "天数"))
    assert "晴" in text[-3]["content"] and "雨" in text[-3]["content"]  # noqa: PT018, one turn holds both
    assert messages[2]["tool_calls"] == calls, "the conversation itself is left alone"


def test_without_tools_nothing_is_added():
    said = [ASK, {"role": "assistant", "content": "晴"}]
    assert as_text(said, [], "react") == said


@pytest.mark.parametrize("size", [1, 2, 3, 7, 200])
@pytest.mark.parametrize(
    ("text", "shown", "thought"),
    [
        ("Thought: look\nAction: now\nAction Input: {}\nObservation:", "", "look"),
        ("Thought: look\nFinal Answer: It is\n12:00.", "It is\n12:00.", "look"),
        ("思考：查\n行动：now\n行动输入：{}", "", "查"),
        ("思考：知道了\n最终答案：晴。", "晴。", "知道了"),
        ("Just a sentence that is no action.\nAnd one more.", "Just a sentence that is no action.\nAnd one more.", ""),
    ],
)
def test_a_react_stream_shows_thoughts_and_answers_only(size, text, shown, thought):
    visible = VisibleReact()
    deltas = [delta for start in range(0, len(text), size) for delta in visible.feed(text[start : start + size])]
    deltas += visible.finish()
    assert "".join(delta.text for delta in deltas if not delta.thought).strip() == shown
    assert "".join(delta.text for delta in deltas if delta.thought).strip() == thought
