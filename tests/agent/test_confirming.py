"""Tools that change something run only where they may; what was refused is an observation with its reason."""

import asyncio
import io
import json
import sys
import time

import pytest

from agent.confirming import allow, allow_only, ask_in_terminal, refuse
from agent.loop import Agent
from agent.messages import tool_call
from agent.toolbox.world import world_tool
from agent.tools import tool

ASK = {"role": "user", "content": "Delete it."}
DONE: list[str] = []


@tool(side_effects=True)
def delete(name: str, times: int = 1) -> str:
    """Delete a file.

    Args:
        name: Which.
        times: How often.
    """
    DONE.append(name)
    return "deleted"


@tool
def look(name: str) -> str:
    """Look.

    Args:
        name: At what.
    """
    return "seen"


@pytest.fixture(autouse=True)
def nothing_done():
    DONE.clear()


def wrote(*calls):
    return "\n".join(
        f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>" for name, arguments in calls
    )


def results(scripted, *calls, **options):
    run = Agent(scripted(wrote(*calls), "ok"), [delete, look], **options).run([ASK])
    return [message["content"] for message in run.messages if message["role"] == "tool"]


def test_an_agent_without_a_confirm_asks_and_where_nobody_is_there_the_model_is_told(scripted, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    (content,) = results(scripted, ("delete", {"name": "a"}))
    assert "nobody is there to ask" in content
    assert DONE == []
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert results(scripted, ("delete", {"name": "b"})) == ["deleted"]
    assert 'delete {"name": "b"}' in capsys.readouterr().err


def test_what_stays_in_the_sessions_world_is_not_asked_about(scripted):
    @world_tool(side_effects=True)
    def write_down(text: str) -> str:
        """Write down.

        Args:
            text: What.
        """
        return "written"

    model = scripted(wrote(("write_down", {"text": "a"})), "ok")
    run = Agent(model, [write_down], confirm=refuse).run([ASK])
    assert [message["content"] for message in run.messages if message["role"] == "tool"] == ["written"]


async def yes_later(call, tool):
    await asyncio.sleep(0.01)
    return True


@pytest.mark.parametrize("confirm", [allow, lambda call, tool: True, yes_later, allow_only("delete")])
def test_what_is_allowed_runs(scripted, confirm):
    assert results(scripted, ("delete", {"name": "a"}), confirm=confirm) == ["deleted"]
    assert DONE == ["a"]


def fail(call, tool):
    raise OSError("the line is dead")


@pytest.mark.parametrize(
    ("confirm", "reason"),
    [
        (refuse, "switched off here"),
        (lambda call, tool: False, "it was declined"),
        (lambda call, tool: None, "it was declined"),
        (lambda call, tool: 1, "not allowed: 1"),
        (lambda call, tool: "only on Mondays", "only on Mondays"),
        (fail, "OSError: the line is dead"),
        (allow_only("other"), "only these may change something here: other"),
    ],
)
def test_what_is_not_allowed_is_an_observation_with_its_reason(scripted, confirm, reason):
    (content,) = results(scripted, ("delete", {"name": "a"}), confirm=confirm)
    assert content.startswith("Not done: delete changes something")
    assert reason in content
    assert DONE == []


def test_the_reason_is_said_in_the_language_of_the_conversation(scripted):
    (content,) = results(scripted, ("delete", {"name": "a"}), confirm=lambda call, tool: False, lang="zh")
    assert content == "未执行：delete 会改变外部状态，此调用未获许可：已被拒绝。请不要重复这个调用。"


def test_only_tools_that_act_outside_ask_and_only_with_arguments_that_will_run(scripted):
    asked = []

    def note(call, tool):
        asked.append(call["function"]["arguments"])
        return True

    calls = (("look", {"name": "a"}), ("delete", {}), ("delete", {"name": "b", "times": "2"}))
    contents = results(scripted, *calls, confirm=note)
    assert asked == [{"name": "b", "times": 2}], "the person sees what will run"
    assert contents[0] == "seen"
    assert "missing required argument" in contents[1]
    assert contents[2] == "deleted"


def test_one_question_at_a_time_in_the_order_of_the_calls(scripted):
    asked, open_questions = [], []

    def slow(call, tool):
        open_questions.append(1)
        assert len(open_questions) == 1
        time.sleep(0.02)
        open_questions.pop()
        asked.append(call["function"]["arguments"]["name"])
        return True

    assert results(scripted, *(("delete", {"name": name}) for name in "abc"), confirm=slow) == ["deleted"] * 3
    assert asked == ["a", "b", "c"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stdin", "answer"),
    [
        (Terminal("y\n"), True),
        (Terminal("是\n"), True),
        (Terminal("\n"), "the person said no"),
        (Terminal("nope\n"), "the person said no"),
        (Terminal(""), "the person said no"),
        (io.StringIO("y\n"), "nobody is there to ask"),
    ],
)
def test_the_terminal_asks_and_takes_only_a_yes(monkeypatch, capsys, stdin, answer):
    monkeypatch.setattr(sys, "stdin", stdin)
    assert ask_in_terminal(tool_call("delete", {"name": "文\x1b[2K\u202e"}, "call00000"), delete) == answer
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    if isinstance(stdin, Terminal):
        assert '"文' in shown
