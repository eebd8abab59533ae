"""Laws of the benches: they judge as the evaluation does, and what they need and have not is one line."""

import asyncio
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from agent.loop import Agent
from agent.models import Reply, Usage
from agent.tools import Tool

BENCH = Path(__file__).resolve().parent / "bench"
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
    },
}


def bench(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


class Mended:
    """A model whose call had to be mended to be read, and whose argument has to be to run."""

    name = "mended"

    async def stream(self, messages, tools, sampling):
        call = {"id": "abcdefgh1", "type": "function", "function": {"name": "add", "arguments": {"a": "1", "b": 2}}}
        message = {"role": "assistant", "content": "", "tool_calls": [call]}
        yield Reply(message, Usage(3, 2), repairs=["missing brace"])


def test_the_ablation_knows_what_had_to_be_mended_to_read_a_call(monkeypatch):
    ablation = bench("ablation", monkeypatch)
    agent = Agent(Mended(), [Tool(lambda a, b: a + b, schema=ADD)])
    said, used = asyncio.run(ablation.written(agent, [{"role": "user", "content": "1 + 2?"}]))
    assert said.calls == [{"name": "add", "arguments": {"a": "1", "b": 2}}]
    assert said.repairs == ["missing brace"]
    assert used == Usage(3, 2)


def test_the_ablation_takes_all_rows_of_a_small_dataset(monkeypatch, tmp_path):
    file = tmp_path / "rows.jsonl"
    row = {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi."}], "tools": []}
    file.write_text(f"{json.dumps(row)}\n" * 3)
    ablation = bench("ablation", monkeypatch)
    assert [len(ablation.rows(file, limit)) for limit in (2, 40)] == [2, 3]


@pytest.mark.parametrize(
    ("replies", "called"),
    [
        ([["book_hotel", "schedule_inn"]], {"book_hotel", "add"}),
        ([[]], set()),
        ([[], ["book_hotel"]], set()),
        ([], set()),
    ],
)
def test_a_tool_under_another_name_is_the_one_that_it_stands_for(replies, called, monkeypatch):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "A room?"}]
    for names in replies:
        calls = [{"id": "abcdefgh1", "type": "function", "function": {"name": name, "arguments": {}}} for name in names]
        messages.append({"role": "assistant", "content": "", **({"tool_calls": calls} if calls else {})})
    row = {"messages": messages, "provenance": {"stands_for": {"schedule_inn": {"tool": "add", "arguments": {}}}}}
    assert bench("selection", monkeypatch).first_question(row) == ("A room?", called)


def test_without_an_index_the_comparison_is_skipped_in_one_line(monkeypatch, capsys):
    overhead = bench("overhead", monkeypatch)

    def offline(command, **_):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(overhead.subprocess, "run", offline)
    monkeypatch.setattr(overhead.venv, "create", lambda *_, **__: None)
    monkeypatch.setattr(sys, "argv", ["overhead.py"])
    overhead.main()
    assert capsys.readouterr() == ("", "skipped: smolagents==1.26.0 cannot be installed here\n")
