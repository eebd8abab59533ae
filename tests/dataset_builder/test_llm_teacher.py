"""The LLM teacher against a real server on loopback: it asks, judges, solves, and gets over its faults."""

import asyncio
import json
import random
import re
import time
from collections import Counter

import pytest
import yaml
from forked_builds import TOOLS, start
from llm_server import CITIES, LLMServer, calls, closed_port

from agent.cli import main
from agent.errors import UserError
from agent.models import load_model
from agent.tools import load_tools
from dataset_builder.grid import SCENARIOS
from dataset_builder.journal import Journal
from dataset_builder.journalled import JournalledTool
from dataset_builder.llm_teacher import LLMTeacher
from dataset_builder.pipeline import harvest
from dataset_builder.prompting import PROMPTS, prompts
from dataset_builder.rows import check_row, read_rows
from dataset_builder.teachers import load_teacher


def harvested(folder, url, wanted=12, languages=("zh", "en"), seed=0, mix=None):
    with Journal(folder) as journal:
        tools = [JournalledTool(tool, journal) for tool in load_tools(str(TOOLS))]
        teacher, (model,) = load_teacher(
            f"{url}#rules", tools, languages=languages, seed=seed, concurrency=8, journal=journal, mix=mix
        )
        made = asyncio.run(harvest(teacher, wanted, provenance={"teacher": "rules"}, concurrency=8))
        return made, model


def files_of(folder):
    return {file.relative_to(folder): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Forty rows, for several tests."""
    with LLMServer() as server:
        mix = dict.fromkeys(("single_call", "parallel_calls", "no_suitable_tool", "missing_parameter", "chat"), 1)
        return harvested(tmp_path_factory.mktemp("large"), server.url, wanted=40, mix=mix)


def test_questions_are_judged_and_solved_with_tools_that_ran(large):
    made, model = large
    assert len(made.rows) == 40
    assert {row["lang"] for row in made.rows} == {"zh", "en"}
    assert len({row["scenario"] for row in made.rows}) >= 4
    assert all(check_row(row) == [] for row in made.rows)
    single = [row for row in made.rows if row["scenario"] == "single_call"]
    for row in single:
        city = row["messages"][1]["tool_calls"][0]["function"]["arguments"]["city"]
        assert row["messages"][2]["content"].startswith(f"{city}: ")
    assert single
    assert all(row["quality"]["judge"] in ("It is clear", "很清楚") for row in made.rows)
    assert all(row["messages"][0]["role"] == "user" for row in made.rows), "what the teacher was told is not in a row"
    assert model.usage.completion_tokens == 5 * model.replies


def of_scenario(folder, scenario, wanted=16):
    with LLMServer() as server:
        made, _ = harvested(folder, server.url, wanted=wanted, mix={scenario: 1})
    assert len(made.rows) == wanted
    assert {row["scenario"] for row in made.rows} == {scenario}
    assert {row["lang"] for row in made.rows} == {"zh", "en"}
    return made


def called(row):
    return [call["function"] for turn in row["messages"] for call in turn.get("tool_calls", [])]


def test_a_row_says_who_was_to_ask_and_how(tmp_path):
    with LLMServer() as server:
        made, _ = harvested(tmp_path, server.url, wanted=16, mix={"single_call": 1, "chat": 1})
        asked = [body["messages"][-1]["content"] for body in server.asked]
    said = {lang: prompts(PROMPTS, lang, SCENARIOS) for lang in ("zh", "en")}
    found = set()
    for row in made.rows:
        persona, difficulty = row["provenance"]["persona"], row["provenance"]["difficulty"]
        assert persona in said[row["lang"]]["personas"]
        assert difficulty in said[row["lang"]]["difficulties"]
        mark = "；" if row["lang"] == "zh" else "; "
        assert any(f"{persona}{mark}{difficulty}" in request for request in asked), "as the model was told"
        found.add((persona, difficulty))
    assert len(found) > 2
    assert not any(set(row["provenance"]) - {"teacher", "persona", "difficulty"} for row in made.rows)


def test_sequential_calls_take_an_argument_from_an_earlier_result(tmp_path):
    for row in of_scenario(tmp_path, "sequential_calls").rows:
        first, second = called(row)
        result = next(turn["content"] for turn in row["messages"] if turn["role"] == "tool")
        assert first["name"] == "sister_city"
        assert second["arguments"]["city"] in result
        assert second["arguments"]["city"] not in row["messages"][0]["content"]


def test_what_was_to_be_sequential_and_is_not_is_dropped(tmp_path):
    reasons = {entry["reason"] for entry in of_scenario(tmp_path, "sequential_calls").rejected}
    assert "scenario: sequential_calls calls for an argument that an earlier result gave and no user said" in reasons


def test_a_simulated_user_goes_on_with_the_conversation(tmp_path):
    for row in of_scenario(tmp_path, "multi_turn").rows:
        roles = [turn["role"] for turn in row["messages"]]
        assert roles == ["user", "assistant", "tool", "assistant"] * 2
        first, second = (call["arguments"]["city"] for call in called(row))
        assert first in row["messages"][0]["content"]
        assert second in row["messages"][4]["content"]


def test_a_simulated_user_says_what_was_missing_and_then_it_is_called(tmp_path):
    for row in of_scenario(tmp_path, "missing_parameter").rows:
        assert [turn["role"] for turn in row["messages"]] == [*["user", "assistant"] * 2, "tool", "assistant"]
        assert called(row)[0]["arguments"]["city"] in row["messages"][2]["content"]


def test_a_call_that_failed_is_made_again(tmp_path):
    for row in of_scenario(tmp_path, "tool_recovery").rows:
        first, second = called(row)
        results = [turn["content"] for turn in row["messages"] if turn["role"] == "tool"]
        assert first == second
        assert results[0].startswith({"zh": "错误：", "en": "Error: "}[row["lang"]])
        assert results[1].startswith(f"{second['arguments']['city']}: ")


def test_distractors_come_in_numbers_and_the_right_tool_is_called(tmp_path):
    made = of_scenario(tmp_path, "distractors")
    assert all(len(row["tools"]) >= 2 and len(called(row)) == 1 for row in made.rows)


def test_calling_a_distractor_drops_the_row(tmp_path):
    with LLMServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_solve", lambda messages, tools: _the_last(messages, tools))
        made, _ = harvested(tmp_path, server.url, wanted=4, mix={"distractors": 1})
    reasons = [entry["reason"] for entry in made.rejected if entry["stage"] == "solve"]
    assert reasons
    assert all(re.fullmatch(r"distracted: \w+ was called, and only \w+ is right", reason) for reason in reasons)


def _the_last(messages, tools):
    if messages[-1]["role"] == "tool":
        return {"content": messages[-1]["content"]}
    said = messages[-1]["content"]
    city = next(city for cities in CITIES.values() for city in cities if city in said)
    return calls(tools[-1]["function"]["name"], [city])


def test_a_mix_is_kept_and_an_unknown_scenario_refused(tmp_path):
    with LLMServer() as server:
        made, _ = harvested(tmp_path / "mix", server.url, wanted=40, mix={"chat": 1, "single_call": 3})
    counts = Counter(row["scenario"] for row in made.rows)
    assert counts.keys() == {"chat", "single_call"}
    assert 20 <= counts["single_call"] <= 38
    with pytest.raises(UserError, match="not asked for the scenario 'sing'"):
        harvested(tmp_path / "other", "http://127.0.0.1:9/v1", mix={"sing": 1})


def test_a_question_is_offered_tools_of_one_side_only(large):
    made, _ = large
    sides = {}
    for row in made.rows:
        for tool in row["tools"]:
            sides.setdefault(tool["function"]["name"], set()).add(made.sides[row["split_key"]])
    assert all(len(found) == 1 for found in sides.values())
    assert set().union(*sides.values()) == {"train", "test"}


def test_a_no_of_the_judge_drops_the_question_and_keeps_the_reason(tmp_path):
    with LLMServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "reply", _always_no(server.reply))
        made, _ = harvested(tmp_path, server.url, wanted=3)
    assert made.rows == []
    assert Counter((entry["stage"], entry["reason"]) for entry in made.rejected).keys() == {
        ("check", "judge: The city is missing")
    }


def _always_no(reply):
    def answer(body):
        said = reply(body)["content"]
        return (
            {"content": "No. The city is missing."} if said[:2] in ("Ye", "是。", "No", "否。") else {"content": said}
        )

    return answer


def test_faults_of_the_server_change_nothing_in_the_rows(tmp_path):
    with LLMServer() as server:
        clean, _ = harvested(tmp_path / "clean", server.url)
    with LLMServer(faults={2: "429", 5: "500", 9: "cut", 11: "429", 14: "cut"}) as server:
        faulty, _ = harvested(tmp_path / "faulty", server.url)
        assert server.requests > len(server.asked)
    assert faulty.rows == clean.rows
    assert faulty.rejected == clean.rejected


def test_garbage_is_dropped_with_a_reason(tmp_path):
    with LLMServer(faults=dict.fromkeys(range(1, 100, 3), "garbage")) as server:
        made, _ = harvested(tmp_path, server.url)
    assert made.rows
    assert made.rejected
    assert all(entry["stage"] and entry["reason"] for entry in made.rejected)


def test_what_is_in_the_journal_is_not_asked_again(tmp_path):
    with LLMServer() as server:
        first, _ = harvested(tmp_path, server.url)
        asked = server.requests
        again, model = harvested(tmp_path, server.url)
        assert server.requests == asked
        assert (again.rows, again.rejected) == (first.rows, first.rejected)
        assert model.replies == asked
        more, _ = harvested(tmp_path, server.url, wanted=20)
        assert asked < server.requests
        assert len(more.rows) == 20


def test_an_endpoint_that_is_down_is_one_line_and_exit_code_2(tmp_path, capsys):
    with closed_port() as url, pytest.raises(SystemExit) as stopped:
        main(["build", "--tools", str(TOOLS), "--teacher", url, "--output", str(tmp_path / "out"), "--json"])
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert printed.out == ""
    (line,) = [line for line in printed.err.splitlines() if line.startswith("callsmith: ")]
    assert url in line
    assert "Traceback" not in printed.err
    assert not (tmp_path / "out").exists()


def test_an_endpoint_that_goes_down_loses_nothing(tmp_path):
    with LLMServer() as server:
        whole, _ = harvested(tmp_path / "whole", server.url)
        server.faults = dict.fromkeys(range(server.requests + 20, 10**6), "401")
        begun = server.requests
        with pytest.raises(UserError, match="401"):
            harvested(tmp_path / "broken", server.url)
        arrived = len(server.asked)
        server.faults = {}
        resumed, _ = harvested(tmp_path / "broken", server.url)
        assert resumed.rows == whole.rows
        assert len(server.asked) - begun == begun, "no request whose reply had arrived was made again"
        assert arrived > begun


KILLS = 30


@pytest.mark.slow
def test_a_run_killed_anywhere_gives_the_same_bytes_and_asks_and_pays_nothing_twice(tmp_path):
    whole_log, killed_log = tmp_path / "whole.log", tmp_path / "killed.log"
    with LLMServer() as server:
        whole = start(tmp_path / "whole" / "set", server.url, rows=60, log=whole_log)
        whole.join(timeout=180)
        assert whole.exitcode == 0
        needed = Counter(json.dumps(body, sort_keys=True) for body in server.asked)
        server.asked.clear()
        server.delay = 0.01
        rng = random.Random(0)
        kills = 0
        for _ in range(KILLS):
            moment = server.requests + rng.randint(1, 9)
            process = start(tmp_path / "killed" / "set", server.url, rows=60, log=killed_log)
            while server.requests < moment and process.is_alive():
                time.sleep(0.001)
            time.sleep(0.01 * rng.random())  # anywhere between two requests
            kills += process.is_alive()
            process.kill()
            process.join(timeout=60)
        server.delay = 0
        with Journal(tmp_path / "killed" / "set.work") as journal:
            kept = journal.counts()["reply"]
        before = len(server.asked)
        last = start(tmp_path / "killed" / "set", server.url, rows=60, log=killed_log)
        last.join(timeout=180)
        assert len(server.asked) - before == sum(needed.values()) - kept, "what was written down is not asked again"
        asked = Counter(json.dumps(body, sort_keys=True) for body in server.asked)
    assert kills == KILLS, "every start was killed before it was done"
    assert last.exitcode == 0
    assert files_of(tmp_path / "killed" / "set") == files_of(tmp_path / "whole" / "set")
    # What was under way at a kill had not arrived, and is asked once more; at most 8 are under way at a time.
    assert asked.keys() == needed.keys()
    assert sum(asked.values()) <= sum(needed.values()) + kills * 8
    assert sorted(killed_log.read_text().splitlines()) == sorted(whole_log.read_text().splitlines())
    assert len(read_rows(tmp_path / "killed" / "set")) == 60


def test_prompts_that_lack_something_or_cannot_be_filled_say_so(tmp_path):
    tools = load_tools(str(TOOLS))
    with pytest.raises(UserError, match=r"en.yaml: cannot be read"):
        LLMTeacher(load_model("http://127.0.0.1:9/v1"), tools, languages=("en",), folder=tmp_path)
    (tmp_path / "en.yaml").write_bytes("judge: 你好".encode("gbk"))
    with pytest.raises(UserError, match=r"en.yaml: cannot be read"):
        LLMTeacher(load_model("http://127.0.0.1:9/v1"), tools, languages=("en",), folder=tmp_path)
    ours = yaml.safe_load((PROMPTS / "en.yaml").read_text(encoding="utf-8"))
    for part, value, said in [
        ("questions", 5, "questions must be texts by name"),
        ("questions", {**ours["questions"], "chat": None}, "questions must be texts by name"),
        ("judge", ["a"], "judge must be a text"),
        ("personas", "a cook", "personas must be a list of texts"),
    ]:
        (tmp_path / "en.yaml").write_text(yaml.safe_dump({**ours, part: value}), encoding="utf-8")
        with pytest.raises(UserError, match=f"en.yaml: {said}"):
            LLMTeacher(load_model("http://127.0.0.1:9/v1"), tools, languages=("en",), folder=tmp_path)
    (tmp_path / "en.yaml").write_text("judge: hello", encoding="utf-8")
    with pytest.raises(UserError, match=r"en.yaml: lacks the prompt questions"):
        LLMTeacher(load_model("http://127.0.0.1:9/v1"), tools, languages=("en",), folder=tmp_path)
