"""The laws of a visit: whatever happens, and wherever it stops, the transcript stays a conversation."""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from scripted_model import TOOLS, ScriptedModel

from agent.loop import Agent
from agent.messages import Message, check_conversation, tool_call
from agent.toolbox.world import World, enter_world, world
from agent.tools import Tool, load_tools
from space.answer import answers
from space.view import call_title, pretty, shown
from space.visit import CallNote, Visit, ask, before, settled, waits_for_answer
from space.words import WORDS

SCHEMAS = [tool.schema for tool in TOOLS]
ZH = WORDS["zh"]


async def _visits(visit: Visit, tools: Sequence[Tool] = TOOLS) -> list[Visit]:
    return [now async for now in answers(Agent(ScriptedModel(), tools), visit, ZH)]


def _all_visits(*questions: str) -> list[Visit]:
    """Every picture of a visit in which these questions are put, one after the other's answer."""
    seen = [Visit()]
    for question in questions:
        seen.extend(asyncio.run(_visits(ask(seen[-1], question))))
    return seen


@pytest.fixture(scope="module")
def long_visit() -> list[Visit]:
    return _all_visits("北京今天天气怎么样？", "12 加 30 等于多少？", "weather in nowhere")


def test_a_visit_stopped_anywhere_is_a_conversation(long_visit: list[Visit]) -> None:
    assert any(now.running and now.text for now in long_visit), "no picture was taken while text was being written"
    for now in long_visit[1:]:
        assert check_conversation(list(settled(now, ZH.stopped).messages), SCHEMAS) == []


def test_after_a_stop_the_next_question_is_answered(long_visit: list[Visit]) -> None:
    stopped = settled(random.Random(3).choice([now for now in long_visit if now.running]), ZH.stopped)
    last = asyncio.run(_visits(ask(stopped, "1 加 2")))[-1]
    assert "3" in last.messages[-1]["content"]
    assert check_conversation(list(last.messages), SCHEMAS) == []


def test_a_blank_question_changes_nothing() -> None:
    visit = _all_visits("你好")[-1]
    assert ask(visit, "  \n") is visit
    assert asyncio.run(_visits(visit)) == []


def test_a_question_put_while_an_answer_is_written_changes_nothing(long_visit: list[Visit]) -> None:
    running = next(now for now in long_visit if now.running)
    assert ask(running, "another") is running
    begun = next(now for now in long_visit if now.running and waits_for_answer(now))
    assert asyncio.run(_visits(begun)) == [], "a second turn began beside the first"


def test_taking_back_gives_the_visit_before_the_question() -> None:
    first = _all_visits("你好")[-1]
    second = asyncio.run(_visits(ask(first, "北京今天天气怎么样？")))[-1]
    earlier, question = before(second, len(second.messages))
    assert (earlier.messages, earlier.questions, question) == (first.messages, first.questions, "北京今天天气怎么样？")
    assert before(Visit(), 0) == (Visit(), "")


def test_taking_back_takes_back_what_the_calls_did() -> None:
    first = ask(Visit(), "add a note")
    assert first.world is not None
    with enter_world(first.world):
        world().add("notes", id=1, text="mine", tag=None)
    call = tool_call("add_note", {"text": "mine"}, "aaaaaaaaa")
    wrote: Message = {"role": "assistant", "content": "", "tool_calls": [call]}
    after = replace(first, messages=(*first.messages, wrote), notes={"aaaaaaaaa": CallNote(0.1, False)})
    second = ask(after, "and another")
    kept, _ = before(second, len(second.messages))
    assert kept.world is not None
    assert [note["text"] for note in kept.world.table("notes")] == ["mine"]
    assert kept.notes.keys() == {"aaaaaaaaa"}
    for _ in range(2):  # what it was stays known, however often it is gone back to
        kept, question = before(second, 0)
        assert (kept.messages, question, kept.notes) == ((), "add a note", {})
        assert kept.world is not None
        assert kept.world.table("notes") == []
        with enter_world(kept.world):
            world().add("notes", id=1, text="other", tag=None)


def test_nobody_can_foretell_a_visitors_passwords() -> None:
    drawn = []
    for _ in range(2):
        visit = ask(Visit(), "a password")
        assert visit.world is not None
        drawn.append(visit.world.rng.random())
    assert drawn[0] != drawn[1] != World().rng.random()


def test_what_tools_remember_belongs_to_one_visitor() -> None:
    tools = load_tools("embedded")
    call = tool_call("add_note", {"text": "mine", "tag": "a"}, "aaaaaaaaa")
    wants_note: Message = {"role": "assistant", "content": "", "tool_calls": [call]}
    worlds = []
    for _ in range(2):
        visit = ask(Visit(), "add a note")
        visit = replace(visit, messages=(*visit.messages, wants_note), questions=(1,))
        asyncio.run(_visits(visit, tools))
        assert visit.world is not None
        worlds.append(visit.world.table("notes"))
    assert [len(table) for table in worlds] == [1, 1]
    assert world().table("notes") == []


def test_every_message_is_shown_once_and_a_result_inside_its_call(long_visit: list[Visit]) -> None:
    lines = shown(long_visit[-1], ZH)
    text = json.dumps([line.message for line in lines], ensure_ascii=False)
    assert text.count("调用 `get_weather(city=北京)`") == 1
    assert text.count("调用 `add(a=12, b=30)`") == 1
    assert "no such city" in text
    assert ZH.error_result in text
    assert [line.message["role"] for line in lines].count("user") == 3
    assert all(line.message["metadata"]["status"] == "done" for line in lines if "metadata" in line.message)


def test_a_call_is_pending_until_its_result_is_there(long_visit: list[Visit]) -> None:
    waiting = [now for now in long_visit if now.running and now.messages[-1].get("tool_calls")]
    assert waiting
    for now in waiting:
        assert shown(now, ZH)[-1].message["metadata"]["status"] == "pending"


def test_a_broken_model_is_told_in_words_and_leaves_the_question() -> None:
    last = asyncio.run(_visits(ask(Visit(), "break")))[-1]
    text = str(shown(last, ZH))
    assert ZH.model_error in text
    assert "secret" not in text
    assert not last.running
    assert waits_for_answer(last)


@pytest.mark.parametrize("content", ["```", "a\n````\nb", '{"a": "```"}', "x" * 10_000, ""])
def test_a_result_cannot_leave_its_fence(content: str) -> None:
    lines = pretty(content).split("\n")
    fence = lines[-1]
    assert lines[0].startswith(fence)
    assert all(fence not in line for line in lines[1:-1])


def test_a_title_is_one_short_line() -> None:
    call = {"id": "a" * 9, "type": "function", "function": {"name": "f", "arguments": {"x": "`a`\nb" * 50, "y": [1]}}}
    title = call_title(call)
    assert "\n" not in title
    assert "`" not in title
    assert len(title) <= 64
