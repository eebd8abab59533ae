"""The journal: an answer that was written down is never asked for again, and one folder has one writer."""

import asyncio
import json
import sqlite3
import subprocess
import sys

import pytest

from agent.errors import UserError
from agent.toolbox.world import new_world, world
from agent.tools import Tool, load_tools, tool
from dataset_builder.journal import Journal, key_of, scope
from dataset_builder.journalled import JournalledTool

RAN = []


@tool(side_effects=True)
def pay(amount: int) -> str:
    """Pay.

    Args:
        amount: How much.
    """
    RAN.append(amount)
    if amount == 13:
        raise KeyboardInterrupt
    return f"paid {amount}, receipt {len(RAN)}"


@pytest.fixture(autouse=True)
def nothing_ran():
    RAN.clear()


def called(journal, where, *amounts):
    async def calls():
        with scope(where):
            return [await JournalledTool(pay, journal).call({"amount": amount}) for amount in amounts]

    return asyncio.run(calls())


def test_a_call_runs_once_for_each_row_and_each_time_the_row_makes_it(tmp_path):
    with Journal(tmp_path) as journal:
        first = called(journal, "row 1", 5, 5) + called(journal, "row 2", 5)
    assert [result.content for result in first] == [f"paid 5, receipt {number}" for number in (1, 2, 3)]
    with Journal(tmp_path) as journal:
        again = called(journal, "row 1", 5, 5) + called(journal, "row 2", 5)
    assert again == first
    assert RAN == [5, 5, 5]


def test_only_what_a_session_world_remembers_is_done_again_and_a_real_file_is_not_written_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLSMITH_NOTES", str(tmp_path / "notes.sqlite"))
    tools = {tool.name: tool for tool in [*load_tools("embedded"), *load_tools("agent.toolbox.memory")]}

    async def noted(journal):
        with scope("row 1"), new_world():
            for name in ("remember", "add_note"):
                result = await JournalledTool(tools[name], journal).call({"text": "milk"})
                assert not result.is_error, result.content
            return len(world().table("notes")), json.loads((await tools["recall"].call({})).content)["found"]

    for _ in range(2):
        with Journal(tmp_path / "run") as journal:
            assert asyncio.run(noted(journal)) == (1, 1)


def test_what_was_down_is_asked_again_by_the_next_start_unless_it_acts_outside(tmp_path):
    down, asked = [True], []

    def look_up(name: str) -> str:
        """Look a name up.

        Args:
            name: The name.
        """
        asked.append(name)
        if down[0]:
            raise RuntimeError("the service is closed")
        return "here"

    def call(side_effects):
        journal = Journal(tmp_path / str(side_effects))
        journal.open()
        told = JournalledTool(Tool(look_up, side_effects=side_effects), journal)
        with scope("row"):
            result = asyncio.run(told.call({"name": "x"}))
        journal.close()
        return result

    assert [call(side_effects).is_error for side_effects in (False, True)] == [True, True]
    down[0] = False
    assert [call(side_effects).is_error for side_effects in (False, True)] == [False, True]
    assert asked == ["x"] * 3
    assert not call(False).is_error
    assert asked == ["x"] * 3, "an answer is kept"


def test_a_side_effect_that_was_begun_is_not_repeated(tmp_path):
    with Journal(tmp_path) as journal, scope("row 1"):
        key = key_of({"tool": "pay", "version": JournalledTool(pay, journal)._version, "arguments": {"amount": 7}})
        journal.begin(key, "tool")
    with Journal(tmp_path) as journal:
        (result,) = called(journal, "row 1", 7)
    assert result.is_error
    assert "not repeated" in result.content
    assert RAN == []


def test_a_changed_tool_is_run_again(tmp_path):
    def other(amount: int) -> str:
        return f"other {amount}"

    with Journal(tmp_path) as journal:
        called(journal, "row 1", 5)
        changed = Tool(other, name="pay", schema=pay.schema)

        async def call():
            with scope("row 1"):
                return await JournalledTool(changed, journal).call({"amount": 5})

        assert asyncio.run(call()).content == "other 5"


def test_failures_are_told_to_the_row_that_made_the_call(tmp_path):
    async def calls(journal):
        with scope("row 1") as here:
            await JournalledTool(pay, journal).call({"amount": "many"})
            await JournalledTool(pay, journal).call({"amount": 3})
            return here.failures

    with Journal(tmp_path) as journal:
        assert len(asyncio.run(calls(journal))) == 1
        assert len(asyncio.run(calls(journal))) == 1, "a failure read from the journal counts as well"


def test_a_second_run_on_one_folder_refuses_and_the_first_goes_on(tmp_path):
    with Journal(tmp_path) as journal:
        with pytest.raises(UserError, match="another run is at work here"):
            Journal(tmp_path).open()
        called(journal, "row 1", 5)
    with Journal(tmp_path) as journal:
        assert journal.counts() == {"tool": 1}


HOLD = """
import sys, time
from pathlib import Path
from dataset_builder.journal import Journal
with Journal(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_killed_run_leaves_no_lock_behind(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="another run"):
            Journal(tmp_path).open()
        process.kill()
    with Journal(tmp_path) as journal:
        assert journal.counts() == {}


def test_a_journal_of_another_version_says_so(tmp_path):
    with Journal(tmp_path) as journal:
        file = journal.file
    base = sqlite3.connect(file)
    base.execute("PRAGMA user_version = 99")
    base.close()
    with pytest.raises(UserError, match="is a journal of version 99, this is 2"):
        Journal(tmp_path).open()


def test_a_journal_of_an_older_version_says_so_and_goes_on_with_its_answers(tmp_path, capsys):
    with Journal(tmp_path) as journal:
        called(journal, "row 1", 5)
    base = sqlite3.connect(journal.file)
    base.executescript("DROP TABLE outcomes; DROP TABLE facts; PRAGMA user_version = 1")
    base.close()
    capsys.readouterr()
    with Journal(tmp_path) as journal:
        assert "a journal of version 1 becomes one of version 2; its answers stay" in capsys.readouterr().err
        assert called(journal, "row 1", 5)[0].content == "paid 5, receipt 1"
        journal.start({"rows asked for": 3})
        journal.settle("row 1", "", "", {})
    assert RAN == [5]


def test_a_file_that_is_no_journal_says_so(tmp_path):
    (tmp_path / "journal.sqlite").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(UserError, match="the journal cannot be used: file is not a database"):
        Journal(tmp_path).open()


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        Journal(tmp_path / "file" / "work").open()


def test_a_full_disk_says_so_and_keeps_what_was_written(tmp_path):
    with Journal(tmp_path) as journal:
        called(journal, "row 1", 5)
        journal._base.execute("PRAGMA max_page_count = 3")
        with pytest.raises(UserError, match="disk is full"), scope("row 2"):
            journal.keep("key", "reply", "x" * 100_000)
        assert called(journal, "row 1", 5)[0].content == "paid 5, receipt 1"
