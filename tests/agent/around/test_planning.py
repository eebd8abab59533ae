"""Planning: a plan before the first step, a new one after a failure, and none where there is nothing to plan."""

import pytest

from agent.events import Planned, Replied, Used
from agent.loop import Agent, Limits
from agent.messages import check_conversation
from tests.agent.test_loop import ASK, CALL, call_text, collect, get_weather, slow


def test_the_model_plans_then_acts_and_the_plan_is_the_content_of_its_first_calls(scripted):
    model = scripted("1. 查北京的天气", CALL, "晴天。")
    run = Agent(model, [get_weather], plan=True, lang="zh").run([ASK])
    assert [message["content"] for message in run.messages if message["role"] == "assistant"] == [
        "1. 查北京的天气",
        "晴天。",
    ]
    assert run.messages[1]["tool_calls"][0]["function"]["arguments"] == {"city": "北京"}
    order, acting, answering = model.seen
    assert len(order) == 1
    assert order[0]["content"].startswith(ASK["content"])
    assert "get_weather" in order[0]["content"]
    assert acting[:2] == [ASK, {"role": "assistant", "content": "1. 查北京的天气"}]
    assert answering == run.messages[:3], "afterwards the plan is the model's own words, and nothing else is added"
    assert check_conversation(run.messages, run.tools) == []


def test_a_failure_revises_the_plan_and_a_success_does_not(scripted):
    wrong, right = call_text("get_weather", days=2), call_text("get_weather", city="上海")
    model = scripted("1. look", wrong, "1. name the city", right, CALL, "Sunny.")
    events = collect(Agent(model, [get_weather], plan=True), [ASK])
    assert [event.text for event in events if isinstance(event, Planned)] == ["1. look", "1. name the city"]
    replies = [event.message["content"] for event in events if isinstance(event, Replied)]
    assert replies == ["1. look", "1. name the city", "", "Sunny."]
    assert "failed" in model.seen[2][-1]["content"]
    assert sum(isinstance(event, Used) for event in events) == 6, "what planning costs is told"


@pytest.mark.parametrize("none", ["no plan", "No plan.", "无需计划。"])
def test_where_nothing_is_to_be_planned_the_conversation_holds_no_plan(scripted, none):
    model = scripted(none, "Hello!")
    run = Agent(model, [get_weather], plan=True).run([ASK])
    assert [message["content"] for message in run.messages] == [ASK["content"], "Hello!"]
    assert model.seen[1] == [ASK]


def test_a_plan_that_comes_to_nothing_is_no_part_of_the_answer(scripted):
    run = Agent(scripted("1. think", "Hello!"), [get_weather], plan=True).run([ASK])
    assert run.messages[-1]["content"] == "Hello!"


def test_a_run_taken_up_in_the_middle_is_not_planned_again(scripted):
    first = Agent(scripted("1. look", CALL), [get_weather], plan=True).run([ASK], steps=1)
    model = scripted("Sunny.")
    assert Agent(model, [get_weather], plan=True).run(first.messages).messages[-1]["content"] == "Sunny."
    assert len(model.seen) == 1


def test_planning_counts_against_the_limits(scripted):
    run = Agent(scripted("1. look", CALL), [get_weather], plan=True, limits=Limits(tokens=15)).run([ASK])
    assert run.reason == "tokens"
    assert Agent(scripted("x" * 99, pause=0.1), [slow], plan=True, limits=Limits(seconds=0.2)).run([ASK]).reason == (
        "seconds"
    )


def test_without_tools_nothing_is_planned(scripted):
    model = scripted("Hello!")
    Agent(model, [], plan=True).run([ASK])
    assert len(model.seen) == 1
