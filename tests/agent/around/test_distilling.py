"""Distilling: the model is shown facts with their places in the raw result, which stays whole in the conversation."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.around.distilling import Fact, facts_in
from agent.events import Distilled
from agent.loop import Agent
from agent.tools import tool
from tests.agent.test_loop import call_text, collect

BROKEN_CALL = '<tool_call>\n{"name": "read", "arguments": {"page": "lo\n'

RAW = (
    "Cookies are used here.\n" * 40 + "The museum opens at 9:30\n  and closes at 17:00 on Mondays.\n" + "Footer. " * 40
)
ASK = {"role": "user", "content": "When does the museum open?"}
QUOTE = "The museum opens at 9:30 and closes at 17:00"
ANSWER = json.dumps([{"fact": "opens 9:30, closes 17:00", "quote": QUOTE}])


@tool
def read(page: str) -> str:
    """Read a page.

    Args:
        page: Its name.
    """
    return RAW if page == "long" else "short"


def reading(scripted, answer, page="long", **options):
    model = scripted(call_text("read", page=page), answer, "At 9:30.")
    return model, Agent(model, [read], **{"distill": 200, **options})


def test_a_long_result_is_shown_as_facts_and_kept_whole(scripted):
    model, agent = reading(scripted, ANSWER)
    events = collect(agent, [ASK])
    messages = events[-1].messages
    assert messages[2]["content"] == RAW
    (distilled,) = [event for event in events if isinstance(event, Distilled)]
    (fact,) = distilled.facts
    assert " ".join(RAW[fact.start : fact.end].split()) == QUOTE
    shown = model.seen[2][2]["content"]
    assert f"opens 9:30, closes 17:00 “{QUOTE}”" in shown
    assert "Cookies" not in shown
    assert ASK["content"] in model.seen[1][0]["content"]


def test_where_nothing_is_found_the_raw_text_is_shown_cut(scripted):
    for answer in ("[]", "I do not know", '[{"fact": "opens at 8", "quote": "The museum opens at 8"}]'):
        model, agent = reading(scripted, answer)
        agent.run([ASK])
        note, shown = model.seen[2][2]["content"].split("\n", 1)
        assert shown == RAW[:200]
        assert str(len(RAW)) in note


def test_short_results_and_other_agents_are_left_alone(scripted):
    model, agent = reading(scripted, "At 9:30.", page="short")
    agent.run([ASK])
    assert len(model.seen) == 2
    model, agent = reading(scripted, "At 9:30.", distill=None)
    agent.run([ASK])
    assert model.seen[1][2]["content"] == RAW


def test_each_result_is_distilled_once_however_often_the_run_is_continued(scripted):
    model, agent = reading(scripted, ANSWER)
    run = agent.run([ASK], steps=2)
    agent.run([*run.messages, {"role": "user", "content": "And on Sundays?"}])
    assert sum("JSON list" in shown[-1]["content"] for shown in model.seen) == 1


def test_distilled_results_can_be_fenced_too(scripted):
    model, agent = reading(scripted, ANSWER, mark=True)
    agent.run([ASK])
    assert model.seen[2][-1]["content"].startswith("⟦")
    assert QUOTE in model.seen[2][-1]["content"]


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        ('[{"fact": "九点开门", "quote": "早上九点开门"}]', ["九点开门"]),
        ("```json\n[{'fact': '开门', 'quote': '早上九点开门',}]\n```", ["开门"]),
        ('["早上九点开门", "周一闭馆"]', ["早上九点开门", "周一闭馆"]),
        ('[{"fact": "票价 50 元", "quote": "票价 40 元"}]', ["票价 40 元"]),
        ('[{"fact": "x", "quote": ""}, {"fact": "y"}, 3, null, {"quote": 5}]', []),
        ("没有", []),
        ("[" * 500, []),
    ],
)
def test_only_what_is_quoted_counts(answer, texts):
    assert [fact.text for fact in facts_in(answer, "博物馆早上九点开门，票价 40 元，周一闭馆。")] == texts


@pytest.mark.parametrize(
    ("raw", "passage"),
    [
        ("注意：博物馆早上\n九点开门。", "博物馆早上\n九点开门"),
        ("注意：博物馆 早上九点\u3000开门。", "博物馆 早上九点\u3000开门"),
        ("注意：博物馆早上九点开门。", "博物馆早上九点开门"),
    ],
)
def test_a_quote_is_found_across_the_line_breaks_of_a_text_without_blanks(raw, passage):
    for quote in ("博物馆早上九点开门", "博物馆 早上九点开门 "):
        (fact,) = facts_in(json.dumps([{"fact": "开门", "quote": quote}]), raw)
        assert raw[fact.start : fact.end] == passage


def test_what_the_loop_said_in_the_users_place_is_no_question(scripted):
    model = scripted(BROKEN_CALL, call_text("read", page="long"), ANSWER, "At 9:30.", "Not.")
    agent = Agent(model, [read], distill=200)
    run = agent.run([ASK])
    assert ASK["content"] in model.seen[2][0]["content"]
    assert "could not be read" not in model.seen[2][0]["content"]
    assert "could not be read" in model.seen[3][2]["content"], "the model itself is told"
    agent.run([*run.messages, {"role": "user", "content": "And on Sundays?"}])
    assert len(model.seen) == 5, "a run that is taken up again knows it too, and does not ask anew"


@given(answer=st.text(max_size=60), raw=st.text(max_size=60))
def test_a_fact_always_has_its_place_in_the_raw_text(answer, raw):
    for text in (answer, json.dumps([{"fact": answer, "quote": raw[3:20]}])):
        for fact in facts_in(text, raw):
            assert isinstance(fact, Fact)
            assert 0 <= fact.start < fact.end <= len(raw)
