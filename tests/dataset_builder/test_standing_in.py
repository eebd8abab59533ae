"""Tools that cannot be run: recorded results where there are any, simulated ones elsewhere, and rows that say so."""

import json
import re

import pytest
from commanding import run
from forked_builds import TOOLS
from llm_server import CITIES, LLMServer

from agent.tools import load_tools
from dataset_builder.rows import read_rows


@pytest.fixture
def schemas(tmp_path):
    file = tmp_path / "schemas.json"
    file.write_text(json.dumps([{**tool.schema, "zh": tool.zh} for tool in load_tools(str(TOOLS))]), encoding="utf-8")
    return file


def _also_simulates(reply):
    def answer(body):
        text = body["messages"][-1]["content"]
        if "stand in for a tool" not in text and "请你代替它" not in text:
            return reply(body)
        arguments = json.loads(re.search(r"(?:with these arguments|用这些参数调用它)[:：]\s*(\{.*\})", text)[1])
        return {"content": "```json\n" + json.dumps({**arguments, "value": 21}, ensure_ascii=False) + "\n```"}

    return answer


def test_results_are_simulated_in_a_run_that_goes_on_and_rows_say_so(tmp_path, capsys, schemas):
    told = ["--tools", schemas, "--rows", 10, "--mix", "single_call,parallel_calls,chat", "--output", tmp_path / "set"]
    with LLMServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "reply", _also_simulates(server.reply))
        code, _, err = run(capsys, *told, "--teacher", f"{server.url}#rules", "--max-requests", 30)
        assert code == 0, err
        assert run(capsys, *told, "--teacher", f"{server.url}#rules")[0] == 0
        asked = [json.dumps(body, sort_keys=True) for body in server.asked]
        assert server.requests == len(asked)
    rows = read_rows(tmp_path / "set")
    assert len(rows) == 10
    for row in rows:
        called = {call["function"]["name"] for turn in row["messages"] for call in turn.get("tool_calls", [])}
        assert row["provenance"].get("results", {}) == dict.fromkeys(sorted(called), "simulated")
        for turn in row["messages"]:
            if turn["role"] == "tool":
                assert json.loads(turn["content"])["value"] == 21


def test_recorded_results_come_first(tmp_path, capsys, schemas):
    lines = [
        {"tool": tool.name, "arguments": {"city": city}, "result": {"city": city, "recorded": 7}}
        for tool in load_tools(str(TOOLS))
        for city in CITIES["en"]
    ]
    (tmp_path / "results.jsonl").write_text("\n".join(map(json.dumps, lines)))
    told = ["--tools", schemas, "--rows", 6, "--mix", "single_call", "--languages", "en", "--output", tmp_path / "set"]
    with LLMServer() as server:
        told += ["--teacher", f"{server.url}#rules", "--results", tmp_path / "results.jsonl"]
        assert run(capsys, *told)[0] == 0
    for row in read_rows(tmp_path / "set"):
        assert set(row["provenance"]["results"].values()) == {"recorded"}
        assert json.loads(row["messages"][2]["content"])["recorded"] == 7


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"tool": "get_weather"}', "row 1: is no recording"),
        ('{"tool": "nothing", "arguments": {}, "result": 1}', "holds results of 'nothing', which is none of the tools"),
        ("{", "row 1: is not JSON"),
    ],
)
def test_bad_recordings_are_one_line(tmp_path, capsys, schemas, line, said):
    (tmp_path / "results.jsonl").write_text(line)
    told = ["--tools", schemas, "--teacher", "http://127.0.0.1:9/v1", "--results", tmp_path / "results.jsonl"]
    code, out, err = run(capsys, *told, "--output", tmp_path / "set")
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("option", ["--judge x", "--prompts .", "--results x", "--accept 2"])
def test_the_embedded_teacher_refuses_what_only_a_model_can(tmp_path, capsys, option):
    code, _, err = run(capsys, *option.split(), "--output", tmp_path / "set")
    assert code == 2
    assert f"{option.split()[0]} is for a teacher that is a model" in err
