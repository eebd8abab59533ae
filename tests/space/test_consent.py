"""Laws of asking a visitor: nothing of a message runs before all is answered, and then exactly what was allowed."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from scripted_model import OUTBOX, TOOLS, ScriptedModel, post_letter

from agent.confirming import refuse
from agent.loop import Agent, Limits
from agent.messages import Message, check_conversation, tool_call
from agent.tools import Tool
from space.answer import answers
from space.consent import Consent, as_html, to_ask
from space.page import Page
from space.view import shown
from space.visit import Visit, ask, settled
from space.words import WORDS

ZH = WORDS["zh"]
LETTERS = "请寄信给小王，寄信给小李。"
POST = [*TOOLS, post_letter]


@pytest.fixture(autouse=True)
def outbox(tmp_path: Path) -> Iterator[Path]:
    OUTBOX.append(tmp_path / "outbox")
    OUTBOX[-1].write_text("")
    yield OUTBOX[-1]
    OUTBOX.clear()


def _letter(name: str, call_id: str = "aaaaaaaaa", **more: Any) -> Any:
    return tool_call("post_letter", {"to": name, "text": "", **more}, call_id)


def _after(visit: Visit, **options: Any) -> list[Visit]:
    """Every picture of one turn."""

    async def turn() -> list[Visit]:
        confirm = refuse if visit.consent is None else visit.consent.confirm
        agent = Agent(ScriptedModel(), POST, lang="zh", confirm=confirm, **options)
        return [now async for now in answers(agent, visit, ZH)]

    return asyncio.run(turn())


def _say(visit: Visit, word: bool | str) -> None:
    assert visit.consent is not None
    assert visit.consent.question is not None
    visit.consent.say(visit.consent.question.ticket, word)


def _results(visit: Visit) -> list[str]:
    return [message["content"] for message in visit.messages if message["role"] == "tool"]


def test_a_turn_ends_with_the_questions_before_anything_of_the_message_runs(outbox: Path) -> None:
    asking = _after(ask(Visit(), LETTERS))[-1]
    assert asking.running
    assert asking.consent is not None
    assert _results(asking) == []
    assert _after(asking) == [], "nothing goes on before the first answer"
    _say(asking, True)
    assert _after(asking) == [], "nor before the last"
    assert outbox.read_text() == ""
    _say(asking, "用户拒绝执行")
    done = _after(asking)[-1]
    assert json.loads(_results(done)[0]) == {"posted": "小王"}
    assert "用户拒绝执行" in _results(done)[1]
    assert outbox.read_text() == "小王\n"
    assert not done.running
    assert check_conversation(list(done.messages), [tool.schema for tool in POST]) == []
    assert _after(asking) == [], "the same answers begin one turn, however often a button is pressed"
    assert outbox.read_text() == "小王\n"


def test_while_a_visitor_is_asked_calls_are_pending_and_another_question_changes_nothing() -> None:
    asking = _after(ask(Visit(), LETTERS))[-1]
    assert shown(asking, ZH)[-1].message["metadata"]["status"] == "pending"
    assert ask(asking, "12 加 30") is asking
    stopped = settled(asking, ZH.stopped)
    assert stopped.consent is None
    assert _results(stopped) == [ZH.stopped] * 2
    assert _after(stopped) == []


def test_a_word_is_for_one_question_and_for_exactly_the_call_that_was_shown() -> None:
    consent = Consent([_letter("a"), _letter("b", "bbbbbbbbb")])
    first = consent.question
    assert first is not None
    consent.say("", True)
    consent.say("another", True)
    assert consent.question is first
    consent.say(first.ticket, True)
    consent.say(first.ticket, True)
    second = consent.question
    assert second is not None
    assert second.call == _letter("b", "bbbbbbbbb"), "the second press of a button answered what nobody had read"
    assert not consent.take()
    consent.say(second.ticket, "no")
    assert [consent.take(), consent.take()] == [True, False]
    assert consent.confirm(_letter("a"), post_letter) is True
    assert consent.confirm(_letter("b", "bbbbbbbbb"), post_letter) == "no"
    for other in (_letter("a", text="x"), _letter("a", "ccccccccc"), _letter("c")):
        assert consent.confirm(other, post_letter) is False


def test_only_calls_that_would_run_and_act_outside_are_asked_about_as_they_will_run() -> None:
    calls = [
        tool_call("get_weather", {"city": "x"}, "aaaaaaaa0"),
        tool_call("unknown", {}, "aaaaaaaa1"),
        tool_call("post_letter", {"to": "a"}, "aaaaaaaa2"),
        tool_call("post_letter", {"to": 7, "text": "t"}, "aaaaaaaa3"),
    ]
    assert to_ask(calls, POST) == [tool_call("post_letter", {"to": "7", "text": "t"}, "aaaaaaaa3")]


def test_a_visitor_who_always_agrees_still_meets_the_limit_of_steps() -> None:
    class Insisting(ScriptedModel):
        def _message(self, last: Message, offered: set[str], messages: Any) -> Message:
            call = _letter(f"n{len(messages)}")
            return {"role": "assistant", "content": "", "tool_calls": [call]}

    visit = ask(Visit(), LETTERS)
    for _ in range(3):

        async def turn(visit: Visit) -> Visit:
            confirm = refuse if visit.consent is None else visit.consent.confirm
            agent = Agent(Insisting(), POST, confirm=confirm, limits=Limits(steps=3))
            return [now async for now in answers(agent, visit, ZH)][-1]

        visit = asyncio.run(turn(visit))
        _say(visit, True)
    last = asyncio.run(turn(visit))
    assert last.failure == "steps"
    assert len(_results(last)) == 3


def test_the_clock_refuses_only_a_question_that_was_open_long_enough() -> None:
    asking = _after(ask(Visit(), LETTERS))[-1]
    assert asking.consent is not None
    assert asking.consent.question is not None
    ticket = asking.consent.question.ticket
    early = asyncio.run(Page(ScriptedModel(), POST, patience=3600).unanswered(ticket, asking, "zh"))
    assert early == (gr.skip(),) * 4
    assert asking.consent.question.ticket == ticket
    page = Page(ScriptedModel(), POST, patience=0)
    asyncio.run(page.unanswered(ticket, asking, "en"))
    asyncio.run(page.unanswered(ticket, asking, "en"))
    assert asking.consent.question.ticket != ticket
    asyncio.run(page.unanswered(asking.consent.question.ticket, asking, "en"))
    results = _results(_after(asking)[-1])
    assert all("用户一直没有答复" in text for text in results), "in the language of the conversation"
    assert len(results) == 2


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_question_shows_everything_and_lets_nothing_in(lang: str) -> None:
    call = tool_call("post_letter", {"to": "<img src=x>", "text": "a\u202eb" + "长" * 3000}, "aaaaaaaaa")
    html = as_html(call, post_letter.localized(lang), WORDS[lang])
    assert "<img" not in html
    assert "\u202e" not in html
    assert "\\u202e" in html
    assert "长" * 3000 in html, "who allows a call has seen all of it"
    assert WORDS[lang].ask in html
    assert post_letter.localized(lang)["function"]["description"] in html
    bare: Tool = Tool(schema={"type": "function", "function": {"name": "x", "description": "", "parameters": {}}})
    assert WORDS[lang].no_parameters in as_html(tool_call("x", {}, "aaaaaaaaa"), bare.schema, WORDS[lang])
