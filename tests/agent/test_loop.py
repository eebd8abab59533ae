"""The loop: every call is answered, runs continue from anywhere, limits end them, leaving stops everything."""

import asyncio
import dataclasses
import json
import time

import pytest

from agent.endings import ENDINGS
from agent.events import Called, Delta, Done, Failed, Repaired, Replied, Result, Used
from agent.loop import Agent, Limits, open_calls
from agent.messages import check_conversation, tool_call, tool_message
from agent.models import Reply
from agent.tools import tool

ASK = {"role": "user", "content": "北京天气如何？"}
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "北京"}}\n</tool_call>'


@tool
def get_weather(city: str, days: int = 1) -> dict:
    """Look up the weather.

    Args:
        city: The city.
        days: How many days ahead.
    """
    return {"city": city, "days": days, "sky": "晴"}


@tool
async def slow(seconds: float) -> str:
    """Wait.

    Args:
        seconds: How long.
    """
    await asyncio.sleep(seconds)
    return f"waited {seconds}"


def call_text(name, **arguments):
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}\n</tool_call>"


def collect(agent, messages, **options):
    async def all_events():
        return [event async for event in agent.stream(messages, **options)]

    return asyncio.run(all_events())


def test_a_run_inside_an_event_loop_blocks_and_ends_as_in_a_notebook(scripted):
    async def cell():
        return Agent(scripted(CALL, "晴天。"), [get_weather]).run([ASK])

    assert asyncio.run(cell()).messages[-1]["content"] == "晴天。"


def test_a_call_is_executed_and_its_result_goes_back(scripted):
    agent = Agent(scripted(CALL, "晴天。"), [get_weather])
    run = agent.run([ASK])
    assert run.reason == "answered"
    assert [message["role"] for message in run.messages] == ["user", "assistant", "tool", "assistant"]
    assert run.messages[2]["content"] == '{"city": "北京", "days": 1, "sky": "晴"}'
    assert check_conversation(run.messages, run.tools) == []
    assert agent.model.seen[1] == run.messages[:3]


def test_events_come_in_the_order_of_what_happens(scripted):
    events = collect(Agent(scripted("好的。\n" + CALL, "晴天。"), [get_weather]), [ASK])
    kinds = [type(event) for event in events if not isinstance(event, Delta)]
    assert kinds == [Used, Replied, Called, Result, Used, Replied, Done]
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "好的。晴天。"


def test_call_ids_repeat_by_seed_and_never_collide(scripted):
    def ids(seed):
        agent = Agent(scripted(CALL, call_text("get_weather", city="上海"), "好。"), [get_weather], seed=seed)
        return [call["id"] for message in agent.run([ASK]).messages for call in message.get("tool_calls", [])]

    assert ids(1) == ids(1) != ids(2)
    assert len(set(ids(1))) == 2


def test_parallel_calls_run_at_once_and_answer_in_their_order(scripted):
    text = "\n".join(call_text("slow", seconds=seconds) for seconds in (0.3, 0.2, 0.1))
    started = time.perf_counter()
    run = Agent(scripted(text, "done"), [slow]).run([ASK])
    assert time.perf_counter() - started < 0.55
    assert [m["content"] for m in run.messages if m["role"] == "tool"] == ["waited 0.3", "waited 0.2", "waited 0.1"]
    assert check_conversation(run.messages, run.tools) == []


def test_an_unknown_tool_is_answered_with_the_tools_there_are(scripted):
    run = Agent(scripted(call_text("launch_rocket"), "sorry"), [get_weather, slow]).run([ASK])
    assert "get_weather, slow" in run.messages[2]["content"]
    assert run.messages[1]["train"] is False
    assert [message["role"] for message in run.messages] == ["user", "assistant", "tool", "assistant"]
    assert check_conversation(run.messages, run.tools) == []


def test_wrong_arguments_are_an_observation_and_mended_ones_an_event(scripted):
    texts = (call_text("get_weather", days=2), call_text("get_weather", city="北京", days="2"), "好。")
    events = collect(Agent(scripted(*texts), [get_weather]), [ASK])
    results = [event for event in events if isinstance(event, Result)]
    assert [event.is_error for event in results] == [True, False]
    assert "missing required argument: 'city'" in results[0].message["content"]
    assert [event.what for event in events if isinstance(event, Repaired)] == ['days: "2" became 2']


def test_what_cannot_be_read_is_said_back_once(scripted):
    broken = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "北\n'
    model = scripted(broken, CALL, "晴。")
    run = Agent(model, [get_weather]).run([ASK])
    assert [message["role"] for message in run.messages] == [
        *("user", "assistant", "user", "assistant", "tool", "assistant")
    ]
    assert run.messages[1]["train"] is False
    assert "could not be read" in run.messages[2]["content"]
    assert check_conversation(run.messages, run.tools) == []

    stubborn = collect(Agent(scripted(broken), [get_weather]), [ASK])
    assert stubborn[-1].reason == "unreadable"
    assert sum(isinstance(event, Failed) for event in stubborn) == 2


def test_a_run_continues_from_unanswered_calls_without_asking_the_model(scripted):
    calls = [tool_call("get_weather", {"city": city}, f"call0000{index}") for index, city in enumerate("甲乙丙")]
    messages = [ASK, {"role": "assistant", "content": "", "tool_calls": calls}, tool_message(calls[1], "edited")]
    model = scripted("完成。")
    run = Agent(model, [get_weather]).run(messages, steps=0)
    assert run.reason == "steps"
    assert model.seen == []
    assert [message["tool_call_id"] for message in run.messages[2:]] == ["call00001", "call00000", "call00002"]
    assert open_calls(run.messages) == []
    assert len(messages) == 3, "the given list is left alone"
    assert Agent(model, [get_weather]).run(run.messages).messages[-1]["content"] == "完成。"


def test_a_finished_conversation_stays_as_it_is(scripted):
    model = scripted("never")
    done = [ASK, {"role": "assistant", "content": "晴。"}]
    run = Agent(model, [get_weather]).run(done)
    assert (run.reason, run.messages, model.seen) == ("answered", done, [])


def test_steps_can_be_taken_one_at_a_time(scripted):
    whole = Agent(scripted(CALL, "晴。"), [get_weather]).run([ASK])
    agent = Agent(scripted(CALL, "晴。"), [get_weather])
    first = agent.run([ASK], steps=1)
    assert first.reason == "steps"
    assert agent.run(first.messages, steps=1).messages == whole.messages


@pytest.mark.parametrize(
    ("limits", "reason", "replies"),
    [
        (Limits(steps=2, repeats=9), "steps", 2),
        (Limits(steps=9, repeats=2), "repeated calls", 3),
        (Limits(steps=9, repeats=9, tokens=150), "tokens", 2),
    ],
)
def test_each_limit_ends_the_run_with_its_reason(scripted, limits, reason, replies):
    model = scripted(CALL)
    run = Agent(model, [get_weather], limits=limits).run([ASK])
    assert run.reason == reason
    assert len(model.seen) == replies
    assert open_calls(run.messages) == []
    assert check_conversation(run.messages, run.tools) == []


def test_a_call_that_was_cut_off_does_not_run(scripted):
    half = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "北京"'

    class Cut(scripted):
        async def stream(self, messages, tools, sampling):
            async for item in super().stream(messages, tools, sampling):
                cut = isinstance(item, Reply) and item.raw == half
                yield dataclasses.replace(item, finish="length") if cut else item

    assert Agent(scripted(half, "晴。"), [get_weather]).run([ASK]).messages[1]["tool_calls"]
    model = Cut(half, "晴。")
    run = Agent(model, [get_weather]).run([ASK])
    assert run.reason == "answered"
    assert not any("tool_calls" in message for message in run.messages)
    assert "cut off within a call" in model.seen[1][-1]["content"]
    assert check_conversation(run.messages, run.tools) == []


def test_of_four_calls_at_once_that_are_the_same_three_run(scripted):
    run = Agent(scripted("\n".join([CALL] * 4), "晴。"), [get_weather], limits=Limits(repeats=3)).run([ASK])
    results = [message["content"] for message in run.messages if message["role"] == "tool"]
    assert [text.startswith('{"city"') for text in results] == [True, True, True, False]
    assert run.reason == "repeated calls"


def test_the_time_limit_holds_for_tools_and_models_alike(scripted):
    started = time.perf_counter()
    run = Agent(scripted(call_text("slow", seconds=30)), [slow], limits=Limits(seconds=0.2)).run([ASK])
    assert run.reason == "seconds"
    assert open_calls(run.messages) == []
    model = scripted("a very long answer", pause=0.1)

    async def last():
        events = [event async for event in Agent(model, [slow], limits=Limits(seconds=0.2)).stream([ASK])]
        return events[-1], model.writing

    assert asyncio.run(last()) == (Done("seconds", [ASK]), 0)
    assert time.perf_counter() - started < 5


def test_an_answer_that_was_cut_is_no_answer(scripted):
    class Cut(scripted):
        async def stream(self, messages, tools, sampling):
            async for item in super().stream(messages, tools, sampling):
                yield dataclasses.replace(item, finish="length") if isinstance(item, Reply) else item

    assert Agent(Cut("The weather is"), []).run([ASK]).reason == "length"


def test_an_empty_reply_ends_the_run(scripted):
    events = collect(Agent(scripted(""), [get_weather]), [ASK])
    assert events[-1] == Done("empty", [ASK])


def test_cancelling_leaves_nothing_running(scripted):
    stopped = []

    @tool
    async def patient() -> str:
        """Wait long."""
        try:
            await asyncio.sleep(60)
        finally:
            stopped.append(True)
        return "late"

    async def cancelled():
        model = scripted(call_text("patient"))
        agent = Agent(model, [patient])

        async def consume():
            async for _ in agent.stream([ASK]):
                pass

        task = asyncio.create_task(consume())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]

    assert asyncio.run(cancelled()) == []
    assert stopped == [True]


def test_leaving_the_stream_stops_the_model(scripted):
    model = scripted("a long answer", pause=0.01)

    async def leave():
        stream = Agent(model, []).stream([ASK])
        async for event in stream:
            assert isinstance(event, Delta)
            break
        assert model.writing == 1
        await stream.aclose()
        return model.writing  # here: `asyncio.run` itself closes what was left open

    assert asyncio.run(leave()) == 0


def test_the_system_message_is_added_where_none_is(scripted):
    agent = Agent(scripted("hi"), [], system="Be brief.")
    assert agent.run([ASK]).messages[0] == {"role": "system", "content": "Be brief."}
    own = {"role": "system", "content": "Be long."}
    assert agent.run([own, ASK]).messages[0] == own


def test_one_agent_serves_many_conversations_at_once(scripted):
    class Echo(scripted):
        async def stream(self, messages, tools, sampling):
            self.texts = [messages[-1]["content"]]
            async for item in super().stream(messages, tools, sampling):
                yield item

    agent = Agent(Echo(""), [])

    async def both():
        async def one(text):
            return [event async for event in agent.stream([{"role": "user", "content": text}])][-1].messages[-1]

        return await asyncio.gather(*(one(f"visitor {number}") for number in range(5)))

    assert [message["content"] for message in asyncio.run(both())] == [f"visitor {number}" for number in range(5)]


def test_every_way_to_end_without_an_answer_is_worded_in_both_languages():
    for endings in ENDINGS.values():
        assert set(endings) == {"length", "steps", "repeated calls", "tokens", "seconds", "unreadable", "empty"}
    assert ENDINGS["zh"]["tokens"] != ENDINGS["en"]["tokens"]
