"""A run is a value: it is stopped, edited, cut, continued and branched anywhere, and calls stay with their results."""

import asyncio
import contextlib
import copy
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.events import Replied, Result
from agent.loop import Agent, Limits, open_calls
from agent.messages import check_conversation
from agent.models import Reply, Usage
from agent.run import Run
from agent.tools import tool
from dataset_builder.rows import check_row

ASK = {"role": "user", "content": "Add and weigh."}


@tool
def add(a: int, b: int = 1) -> int:
    """Add.

    Args:
        a: One.
        b: Another.
    """
    return a + b


@tool
def weigh(thing: str) -> str:
    """Weigh.

    Args:
        thing: What.
    """
    if thing == "nothing":
        raise ValueError("there is nothing to weigh")
    return f"{thing}: 2 kg"


class Whimsical:
    """Calls some tools, known and unknown, rightly and wrongly, a few times; then answers. Repeatable."""

    name = "whimsical"

    def __init__(self, seed):
        self.rng = random.Random(seed)

    async def stream(self, messages, tools, sampling):
        message = {"role": "assistant", "content": "Done."}
        if self.rng.random() < 0.7:
            message = {
                "role": "assistant",
                "content": "",
                "tool_calls": [self._call() for _ in range(self.rng.randint(1, 3))],
            }
        yield Reply(message, Usage(1, 1))

    def _call(self):
        name, arguments = self.rng.choice(
            [
                ("add", {"a": self.rng.randrange(3)}),
                ("add", {"a": "2", "b": None}),
                ("add", {}),
                ("weigh", {"thing": "nothing"}),
                ("weigh", {"thing": "石头"}),
                ("fly", {}),
            ]
        )
        return {"id": "x", "type": "function", "function": {"name": name, "arguments": arguments}}


def agent(seed, **limits):
    return Agent(Whimsical(seed), [add, weigh], limits=Limits(**{"steps": 5, **limits}))


def assert_paired(messages):
    """Every result directly follows the message of its call; every call but the last ones has exactly one."""
    assert check_conversation(messages, agent(0).schemas) == []


EDITS = st.sampled_from(["cut", "content", "call", "result", "continue", "step", "execute"])


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10_000), edits=st.lists(st.tuples(EDITS, st.integers(0, 10_000)), max_size=6))
def test_after_any_edits_results_are_paired_with_their_calls(seed, edits):
    run = agent(seed).run([ASK])
    for kind, number in edits:
        before = copy.deepcopy(run)
        after = apply(run, kind, number)
        assert run == before, "an edit makes a new value"
        run = after
        assert_paired(run.messages)
    if run.messages:
        run = agent(seed + 1).run(run.messages)
        assert_paired(run.messages)
        assert open_calls(run.messages) == []


def apply(run, kind, number):
    place = number % len(run.messages)
    calls = [call for message in run.messages for call in message.get("tool_calls", [])]
    results = [index for index, message in enumerate(run.messages) if message["role"] == "tool"]
    if kind == "cut":
        return run.cut(max(1, place))
    if kind == "content":
        return run.edited(place, content=f"edited {number}")
    if kind == "call" and calls:
        call = calls[number % len(calls)]
        return run.with_call(call["id"], name="add", arguments={"a": number}, rerun=bool(number % 2))
    if kind == "result" and results:
        return run.edited(results[number % len(results)], content="another result")
    steps = {"continue": None, "step": 1}.get(kind, 0)
    return agent(number).run(run.messages, steps=steps)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), stop=st.integers(0, 30))
def test_a_run_left_at_any_event_goes_on_from_what_was_seen(seed, stop):
    async def left():
        seen = [ASK]
        number = 0
        async with contextlib.aclosing(agent(seed).stream([ASK])) as events:
            async for event in events:
                if isinstance(event, Replied | Result):
                    seen.append(event.message)
                number += 1
                if number > stop:
                    break
        return seen

    seen = asyncio.run(left())
    assert_paired(seen)
    run = agent(seed + 1).run(seen)
    assert run.messages[: len(seen)] == seen
    assert open_calls(run.messages) == []
    assert_paired(run.messages)


def two_calls():
    model = Whimsical(0)
    model._call = iter(
        [
            {"id": "x", "type": "function", "function": {"name": "add", "arguments": {"a": 1}}},
            {"id": "y", "type": "function", "function": {"name": "weigh", "arguments": {"thing": "tea"}}},
        ]
    ).__next__
    model.rng = type("Fixed", (), {"random": lambda self: 0.0, "randint": lambda self, low, high: 2})()
    run = Agent(model, [add, weigh]).run([ASK], steps=1)
    return Run([*run.messages, {"role": "assistant", "content": "2, and 2 kg."}], run.tools, "answered")


def test_an_edited_call_runs_again_alone_and_what_rested_on_it_goes():
    run = two_calls()
    first, second = run.messages[1]["tool_calls"]
    edited = run.with_call(first["id"], arguments={"a": 5})
    assert [message["role"] for message in edited.messages] == ["user", "assistant", "tool"]
    assert edited.messages[2]["tool_call_id"] == second["id"]
    assert [call["id"] for call in open_calls(edited.messages)] == [first["id"]]
    again = agent(0).run(edited.messages, steps=0)
    assert again.messages[3]["content"] == "6"
    assert run.messages[2]["content"] == "2", "the branch it came from is as it was"


def test_a_call_may_be_edited_without_running_it_again():
    run = two_calls()
    first = run.messages[1]["tool_calls"][0]
    edited = run.with_call(first["id"], name="plus", arguments={"x": 1}, rerun=False)
    assert len(edited.messages) == len(run.messages)
    assert edited.messages[2]["name"] == "plus"


def test_fields_are_edited_and_taken_out_by_role():
    run = two_calls()
    edited = run.edited(4, content="Twice two.", reasoning_content="Hm.", train=False)
    assert edited.messages[4] == {
        "role": "assistant",
        "content": "Twice two.",
        "reasoning_content": "Hm.",
        "train": False,
    }
    assert (
        edited.edited(4, reasoning_content=None, train=None).messages[4]
        == run.edited(4, content="Twice two.").messages[4]
    )
    for index, fields, error in [
        (0, {"reasoning_content": "x"}, ValueError),
        (2, {"tool_call_id": "x"}, ValueError),
        (4, {"tool_calls": []}, ValueError),
        (4, {"content": None}, ValueError),
        (5, {"content": "x"}, IndexError),
        (-1, {"content": "x"}, IndexError),
    ]:
        with pytest.raises(error):
            run.edited(index, **fields)
    with pytest.raises(KeyError):
        run.with_call("nocall000")


def test_a_run_is_a_row_and_comes_back_from_it():
    run = two_calls()
    row = run.to_row(lang="en", provenance={"model": "whimsical"})
    assert check_row(row) == []
    assert (row["split_key"], row["quality"]) == ("add+weigh", {"reason": "answered"})
    assert Run.from_row(json.loads(json.dumps(row))) == run
    assert run.to_row(lang="en")["id"] == row["id"] != run.edited(4, content="x").to_row(lang="en")["id"]
