"""Running the agent on a row: each step finds the world as the steps before have left it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from scripted_model import TOOLS, ScriptedModel

from agent.messages import Message, tool_call, tool_message
from agent.tools import load_tools, tool
from dataset_builder.annotate.desk import Desk
from dataset_builder.annotate.running import Job, run, tools_of_row, until
from dataset_builder.rows import read_rows

KNOWN = {known.name: known for known in load_tools("embedded")}


def _desk(folder: Path, messages: list[Message], schemas: list[Any], **provenance: Any) -> Desk:
    row = {
        "id": "1", "messages": messages, "tools": schemas, "scenario": "multi_turn", "lang": "zh",
        "split_key": "todo", "quality": {}, "provenance": provenance, "schema_version": 1,
    }  # fmt: skip
    file = folder / "rows.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    return Desk(file)


def _executed(desk: Desk, known: dict[str, Any]) -> Message:
    """The result of the calls that the row ends with: `steps=0` runs only those."""

    async def to_the_end() -> None:
        async for _ in run(desk, ScriptedModel(), known, Job(desk.sit("me"), 0, "act")):
            pass

    asyncio.run(to_the_end())
    return desk.messages(desk.sheets[0].key)[-1]


def test_what_is_typed_while_the_agent_runs_is_kept(tmp_path: Path) -> None:
    asked: list[Message] = [{"role": "user", "content": "1 加 2"}]
    desk = _desk(tmp_path, asked, [known.schema for known in TOOLS])
    job = Job(desk.sit("me"), None, "act")

    async def to_the_end() -> None:
        async for now in run(desk, ScriptedModel(), {known.name: known for known in TOOLS}, job):
            if len(now.made) == 1:  # a call; its result and the answer are still to be saved
                desk.keep_draft(job.seat, "messages[0].content", "3 加 4")

    asyncio.run(to_the_end())
    assert len(desk.messages(job.seat.key)) == 4
    assert desk.drafts(desk.at(job.seat, job.seat.key)) == ({"messages[0].content": "3 加 4"}, [])


def test_what_an_earlier_call_noted_down_is_found_again_by_a_later_step(tmp_path: Path) -> None:
    added, listed = tool_call("add_task", {"task": "买牛奶"}, "aaaaaaaaa"), tool_call("list_tasks", {}, "bbbbbbbbb")
    messages: list[Message] = [
        {"role": "user", "content": "记一下买牛奶，再看看待办。"},
        {"role": "assistant", "content": "", "tool_calls": [added]},
        tool_message(added, "{}"),
        {"role": "assistant", "content": "", "tool_calls": [listed]},
    ]
    desk = _desk(tmp_path, messages, [KNOWN["add_task"].schema, KNOWN["list_tasks"].schema])
    assert "买牛奶" in _executed(desk, KNOWN)["content"]
    fresh = _desk(tmp_path, [messages[0], messages[3]], [KNOWN["list_tasks"].schema])
    assert "买牛奶" not in _executed(fresh, KNOWN)["content"], "a world outlived its run"


def test_a_tool_of_ones_own_is_never_called_twice_for_one_call(tmp_path: Path) -> None:
    sent: list[str] = []

    @tool
    def send(text: str) -> str:
        """Send a text.

        Args:
            text: It.
        """
        sent.append(text)
        return "sent"

    first, second = tool_call("send", {"text": "1"}, "aaaaaaaaa"), tool_call("send", {"text": "2"}, "bbbbbbbbb")
    messages: list[Message] = [
        {"role": "user", "content": "send 1, then 2"},
        {"role": "assistant", "content": "", "tool_calls": [first]},
        tool_message(first, "sent"),
        {"role": "assistant", "content": "", "tool_calls": [second]},
    ]
    assert _executed(_desk(tmp_path, messages, [send.schema]), {"send": send})["content"] == "sent"
    assert sent == ["2"]


def test_a_rows_tools_keep_what_they_are_and_a_person_at_the_page_has_allowed_them(tmp_path: Path) -> None:
    @tool(side_effects=True, timeout=7, max_chars=9, family="post")
    def send(text: str) -> str:
        """Send a text.

        Args:
            text: It.
        """
        return "it was sent to them"

    schema: Any = {**send.schema, "function": {**send.schema["function"], "description": "Another text."}}
    call = tool_call("send", {"text": "1"}, "aaaaaaaaa")
    messages: list[Message] = [
        {"role": "user", "content": "send 1"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
    ]
    desk = _desk(tmp_path, messages, [schema])
    (shown,) = tools_of_row(desk.sheets[0].row, {"send": send})
    assert shown.schema == schema
    kept = ("name", "family", "side_effects", "in_world", "acts_outside", "timeout", "max_chars")
    assert [getattr(shown, name) for name in kept] == [getattr(send, name) for name in kept]
    assert _executed(desk, {"send": send})["content"].startswith("it was se\n[cut here")


def test_a_run_is_stopped_in_the_midst_of_a_wait_and_closed() -> None:
    closed = []

    async def moments() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.sleep(3600)  # a model that has not written anything yet
            yield 2
        finally:
            closed.append(True)

    async def seen() -> list[int]:
        stopped, found = asyncio.Event(), []
        async for moment in until(stopped, moments()):
            found.append(moment)
            asyncio.get_running_loop().call_later(0.05, stopped.set)
        return found

    assert asyncio.run(asyncio.wait_for(seen(), timeout=10)) == [1]
    assert closed == [True]


def test_a_tool_that_a_built_row_shows_under_another_name_really_runs(tmp_path: Path) -> None:
    from agent.cli import main

    with contextlib.suppress(SystemExit):
        main(["build", "--rows", "150", "--output", str(tmp_path / "built")])
    renamed = 0
    for row in read_rows(tmp_path / "built"):
        calls = [call for message in row["messages"] for call in message.get("tool_calls", [])]
        for number, call in enumerate(calls):
            if call["function"]["name"] not in row["provenance"].get("stands_for", {}):
                assert call["function"]["name"] in KNOWN
                continue
            renamed += 1
            folder = tmp_path / f"{row['id']}-{number}"
            folder.mkdir()
            asked: Message = {"role": "assistant", "content": "", "tool_calls": [call]}
            desk = _desk(folder, [row["messages"][0], asked], row["tools"], **row["provenance"])
            assert "cannot be run" not in _executed(desk, KNOWN)["content"]
    assert renamed > 20
