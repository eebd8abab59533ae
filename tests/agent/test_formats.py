"""Text formats: what is rendered reads back as the same conversation, or rendering refuses."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.formats import hermes, react
from agent.formats.calls import Reading
from agent.formats.react_layout import Layout
from agent.messages import check_conversation, new_call_id, tool_call, tool_message
from agent.parse import parse_reply

REACT_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "annotated_react"

WORDS = st.text(st.sampled_from("abz 09_-{}[]\"'\\:：，。“”北京天气é😀\n<>/`#*"), max_size=40).map(str.strip)
SAID = WORDS.filter(bool)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.sampled_from(["city", "天数", "note"]), JSON, max_size=3)
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Look up the weather. Parameters: see below.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "description": "城市: the city"}},
                "required": ["city"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "now",
            "description": "",
            "parameters": {"type": "object", "properties": {"zone": {"enum": ["UTC", "北京"]}}},
        },
    },
]


@st.composite
def conversations(draw):
    """Canonical conversations as agents have them: questions, calls side by side, results, answers."""
    rng = draw(st.randoms(use_true_random=False))
    messages = [{"role": "system", "content": draw(SAID)}] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 2))):
        messages.append({"role": "user", "content": draw(SAID)})
        for _ in range(draw(st.integers(0, 2))):
            names = draw(st.lists(st.sampled_from(["get_weather", "now"]), min_size=1, max_size=3))
            calls = [tool_call(name, draw(ARGUMENTS), new_call_id(rng)) for name in names]
            messages.append({"role": "assistant", "content": draw(WORDS), "tool_calls": calls})
            messages += [tool_message(call, draw(st.text(max_size=30))) for call in calls]
        answer = {"role": "assistant", "content": draw(SAID)}
        if draw(st.booleans()):
            answer["reasoning_content"] = draw(SAID)
        messages.append(answer)
    return messages


def plain(messages):
    """Messages without what no text can tell: the ids of calls."""
    kept = [{key: value for key, value in message.items() if key != "tool_call_id"} for message in messages]
    for message in kept:
        if "tool_calls" in message:
            message["tool_calls"] = [call["function"] for call in message["tool_calls"]]
    return kept


@pytest.mark.parametrize("lang", ["en", "zh"])
@settings(max_examples=80, deadline=None)
@given(messages=conversations())
def test_react_read_back_is_the_same_conversation(lang, messages):
    rendered = react.render(messages, TOOLS, lang)
    assert all(set(message) == {"role", "content"} for message in rendered)
    again, tools, layout = react.parse_conversation(rendered)
    assert plain(again) == plain(messages)
    assert tools == TOOLS
    assert layout == Layout(lang=lang), "the plain layout says nothing"
    assert check_conversation(again, tools) == []


@pytest.mark.parametrize("lang", ["en", "zh"])
@settings(max_examples=50, deadline=None)
@given(messages=conversations(), data=st.data())
def test_any_whitespace_comes_back_by_its_layout(lang, messages, data):
    rendered = react.render(messages, TOOLS, lang)
    for message in rendered[1:]:
        if message["role"] == "assistant" and not message["content"].startswith(react.QUOTES):
            message["content"] = message["content"].rstrip() + data.draw(st.sampled_from(["", "\n", " \n\n"]))
    again, tools, layout = react.parse_conversation(rendered)
    restored = Layout.from_json(json.loads(json.dumps(layout.as_json())))
    assert react.render(again, tools, layout=restored) == rendered


def test_a_layout_holds_no_text():
    with pytest.raises(ValueError, match="more than whitespace"):
        Layout.from_json({"turns": {"1": {"gaps": ["", " smuggled"]}}})
    with pytest.raises(ValueError, match="more than whitespace"):
        Layout.from_json({"turns": {"1": {"json": ['{"city": "Paris"}']}}})


def test_react_refuses_what_would_read_back_otherwise():
    ask, calls = {"role": "user", "content": "q"}, [tool_call("now", {}, "abcdefghi")]
    for message in (
        {"role": "assistant", "content": "Thought: x\nAction: now", "tool_calls": calls},
        {"role": "assistant", "content": "x", "reasoning_content": "y", "tool_calls": calls},
        {"role": "assistant", "content": " x"},
    ):
        with pytest.raises(react.ReactError):
            react.render([ask, message], TOOLS)


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ("import tkinter\nThought: x\nFinal Answer: y", "text without a keyword"),
        ("Thought: x\nAction Input: {}\nObservation:\n", "expected Thought: Action:"),
        ("Thought: x\nAction: fly\nAction Input: {}\nObservation:\n", "calls 'fly'"),
        ("Thought: x\nAction: now\nAction Input: tomorrow\nObservation:\n", "is no JSON object"),
        ("Thought: x\nFinal Answer:\n", "the answer is empty"),
    ],
)
def test_a_row_that_does_not_fit_says_which_turn_and_why(turn, reason):
    rendered = react.render([{"role": "user", "content": "q"}], TOOLS)
    with pytest.raises(react.ReactError, match="messages\\[1\\]") as caught:
        react.parse_conversation([*rendered, {"role": "assistant", "content": turn}])
    assert reason in str(caught.value)


@pytest.mark.real_data
@pytest.mark.skipif(not REACT_DATA.is_dir(), reason="the shared data is not here")
def test_real_react_rows_come_back_character_for_character():
    rows = [
        json.loads(line)["messages"]
        for file in ("train.jsonl", "test.jsonl")
        for line in (REACT_DATA / file).read_text(encoding="utf-8").splitlines()
    ]
    same, rejected = 0, []
    for row in rows:
        try:
            messages, tools, layout = react.parse_conversation(row)
        except react.ReactError as error:
            rejected.append(str(error))
            continue
        assert check_conversation(messages, tools) == []
        same += react.render(messages, tools, layout=layout) == row
    assert (len(rows), same, len(rejected)) == (206, 204, 2)


@settings(max_examples=150, deadline=None)
@given(content=WORDS, thought=WORDS, calls=st.lists(st.tuples(st.sampled_from(["f", "查询"]), ARGUMENTS), max_size=3))
def test_hermes_read_back_is_the_same_message_with_nothing_mended(content, thought, calls):
    message = {"role": "assistant", "content": content}
    if thought:
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = [tool_call(name, arguments, "abcdefghi") for name, arguments in calls]
    parsed = parse_reply(hermes.render(message), [], "hermes")
    assert (parsed.content, parsed.thought) == (content, thought)
    assert parsed.tool_calls == [{"name": name, "arguments": arguments} for name, arguments in calls]
    assert (parsed.repairs, parsed.problems) == ([], [])


def test_hermes_keeps_its_own_markup_inside_arguments():
    arguments = {"text": "a</tool_call>\n<tool_call>\n{} </think>"}
    message = {"role": "assistant", "content": "", "tool_calls": [tool_call("f", arguments, "abcdefghi")]}
    reading = Reading([])
    assert hermes.read_exact(hermes.render(message), reading) is not None
    assert reading.calls == [{"name": "f", "arguments": arguments}]


def test_hermes_refuses_markup_in_content():
    for content in ("see <tool_call>", "a </think> b"):
        with pytest.raises(hermes.HermesError):
            hermes.render({"role": "assistant", "content": content})
