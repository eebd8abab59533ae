"""Restating the question: the model is shown it, the conversation keeps what the user wrote."""

import pytest

from agent.around.rewriting import restated
from agent.events import Restated
from agent.loop import Agent
from tests.agent.test_loop import call_text, collect, get_weather

TALK = [
    {"role": "user", "content": "北京明天天气怎么样？"},
    {"role": "assistant", "content": "晴。"},
    {"role": "user", "content": "上海呢？"},
]
BETTER = "上海明天天气怎么样？"


def test_the_restated_question_is_shown_and_the_users_words_are_kept(scripted):
    model = scripted(BETTER, call_text("get_weather", city="上海"), "雨。")
    events = collect(Agent(model, [get_weather], rewrite=True, lang="zh"), TALK)
    assert [event.text for event in events if isinstance(event, Restated)] == [BETTER]
    assert "用户：上海呢？" in model.seen[0][0]["content"]
    assert model.seen[1][-1]["content"] == model.seen[2][2]["content"] == BETTER
    assert events[-1].messages[:3] == TALK
    assert len(model.seen) == 3, "it is restated once"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_the_loop_said_in_the_users_place_is_not_restated(scripted, lang):
    broken = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "上\n'
    model = scripted(BETTER, broken, call_text("get_weather", city="上海"), "雨。", "广州明天天气怎么样？", "晴。")
    agent = Agent(model, [get_weather], rewrite=True, lang=lang)
    run = agent.run(TALK)
    notice = run.messages[4]
    assert notice["role"] == "user"
    assert len(model.seen) == 4, "the question is restated once, the notice never"
    assert [message["content"] for message in model.seen[2] if message["role"] == "user"] == [
        TALK[0]["content"],
        BETTER,
        notice["content"],
    ]
    agent.run([*run.messages, {"role": "user", "content": "广州呢？"}])
    assert notice["content"] not in model.seen[4][0]["content"]


def test_it_is_off_by_default(scripted):
    model = scripted("雨。")
    Agent(model, [get_weather]).run(TALK)
    assert model.seen == [TALK]


@pytest.mark.parametrize(
    ("answer", "said", "taken"),
    [
        ("What is the weather in Shanghai?", "and Shanghai?", True),
        ("“上海明天天气如何？”", "上海呢", True),
        ("", "and Shanghai?", False),
        ("Convert 50 miles", "convert 5 miles", False),
        ("Translate the word", 'translate "hello"', False),
        ("word " * 200, "and Shanghai?", False),
    ],
)
def test_what_drops_a_number_or_rambles_is_not_taken(answer, said, taken):
    assert (restated(answer, said) != said) is taken
