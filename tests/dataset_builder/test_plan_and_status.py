"""Before, during and after a run: what it will do, how it stands, and what became of one row."""

import json

import pytest
from commanding import run
from forked_builds import TOOLS, start
from llm_server import LLMServer, closed_port

from dataset_builder.plan import plan_embedded, plan_llm, tokens
from dataset_builder.telling import of_plan

# Of sequential calls many are dropped, and a plan is of a run in which nothing is.
MIX = "single_call,parallel_calls,multi_turn,no_suitable_tool,missing_parameter,tool_recovery,distractors,chat"


def document(capsys, *arguments):
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_plan_asks_nobody_and_writes_nothing(tmp_path, capsys):
    with closed_port() as url:
        options = ["--tools", TOOLS, "--teacher", url, "--rows", 200, "--output", tmp_path / "set", "--plan"]
        plan = document(capsys, *options, "--price-in", 2, "--price-out", 8)
        code, out, _ = run(capsys, *options)
    assert list(tmp_path.iterdir()) == []
    counts = [count for langs in plan["mix"].values() for tools in langs.values() for count in tools.values()]
    assert sum(counts) == plan["rows"] == 200
    assert set(plan["mix"]["single_call"]) == {"zh", "en"}
    assert plan["requests"]["judging"] == 200
    assert plan["all_requests"] == sum(plan["requests"].values())
    assert plan["cost"] == pytest.approx((2 * plan["prompt_tokens"] + 8 * plan["completion_tokens"]) / 1e6)
    assert code == 0
    assert "give --price-in and --price-out" in out
    assert plan["rule"] in out


def test_a_plan_foretells_the_requests_and_tokens_of_the_run(tmp_path, capsys, monkeypatch):
    # What this server writes, and its tools; the rest of the rule is about prompts, which are counted.
    monkeypatch.setattr(
        "dataset_builder.plan.WRITTEN", {"question": 10, "verdict": 5, "call": 5, "answer": 8, "result": 5}
    )
    with LLMServer() as server:
        options = ["--tools", TOOLS, "--teacher", f"{server.url}#rules", "--rows", 40]
        options += ["--near-duplicates", 0, "--mix", MIX]
        plan = document(capsys, *options, "--plan", "--output", tmp_path / "set")
        made = document(capsys, *options, "--output", tmp_path / "set")
        read = 0
        for body in server.asked:
            read += sum(tokens(message["content"]) for message in body["messages"])
            read += tokens(json.dumps(body["tools"], ensure_ascii=False)) if body.get("tools") else 0
    dropped = sum(stage["dropped"].get("judge", 0) for stage in made["funnel"])
    assert dropped == 0, "the plan is of a run in which nothing is dropped"
    assert plan["all_requests"] == server.requests
    assert plan["prompt_tokens"] == pytest.approx(read, rel=0.15)


def test_the_embedded_teacher_is_planned_as_it_will_ask():
    from agent.tools import load_tools

    plan = plan_embedded(load_tools("embedded"), 40, ("zh",), 0)
    assert sum(count for langs in plan.mix.values() for count in langs["zh"].values()) == 40
    assert "it costs nothing" in "\n".join(of_plan(plan.as_json()))


def test_chinese_counts_a_token_a_character():
    assert tokens("北京天气") == 4
    assert tokens("weather!") == 2
    assert tokens("") == 0


def test_a_plan_counts_each_scenario_by_what_it_takes():
    from agent.tools import load_tools

    plan = plan_llm(load_tools(str(TOOLS)), 400, ("en",), 0, {"single_call": 1, "parallel_calls": 1, "chat": 1})
    calling = sum(sum(plan.mix[scenario]["en"].values()) for scenario in ("single_call", "parallel_calls"))
    assert plan.requests["solving"] == 400 + calling
    assert plan.requests["questions"] == 100


def test_the_status_of_a_run_that_was_killed_and_of_one_that_is_done(tmp_path, capsys):
    with LLMServer(delay=0.02) as server:
        process = start(tmp_path / "set", server.url)
        while server.requests < 25 and process.is_alive():
            process.join(0.01)
        running = document(capsys, "--status", tmp_path / "set")
        process.kill()
        process.join(timeout=60)
        stopped = document(capsys, "--status", tmp_path / "set")
        server.delay = 0
        again = start(tmp_path / "set", server.url)
        again.join(timeout=120)
        assert again.exitcode == 0
    done = document(capsys, "--status", tmp_path / "set")
    assert (running["state"], stopped["state"], done["state"]) == ("running", "stopped", "finished")
    assert running["wanted"] == stopped["wanted"] == done["wanted"] == done["rows"] == 16
    assert stopped["rows"] < 16
    assert 0 < stopped["asked"]["reply"] < done["asked"]["reply"]
    manifest = json.loads((tmp_path / "set" / "callsmith.json").read_text())
    assert done["funnel"] == manifest["funnel"]
    assert done["tokens"] == {
        "read": manifest["cost"]["prompt tokens"],
        "written": manifest["cost"]["completion tokens"],
    }
    code, out, _ = run(capsys, "--status", tmp_path / "set")
    assert code == 0
    assert "finished, 16 of 16 rows" in out


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    output = tmp_path_factory.mktemp("built") / "set"
    with LLMServer() as server, pytest.MonkeyPatch.context() as patch:
        reply = server.reply
        patch.setattr(server, "reply", lambda body: _unlucky(reply(body), body))
        process = start(output, server.url)
        process.join(timeout=120)
        assert process.exitcode == 0
    return output


def _unlucky(said, body):
    """The server's judge, who also refuses what has a 1, 4 or 7 in it."""
    text = body["messages"][-1]["content"]
    asked = text.partition("The user says:")[2].partition("Is it something")[0]
    return {"content": "No. It has a seven."} if set("147") & set(asked) else said


def test_a_dropped_row_tells_its_story(built, capsys):
    rejected = [json.loads(line) for line in (built / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    entry = next(entry for entry in rejected if entry["stage"] == "check")
    told = document(capsys, "--why", entry["row"]["id"], "--output", built)
    assert (told["state"], told["stage"], told["reason"]) == ("dropped", "check", "judge: It has a seven")
    assert told["question"] == entry["row"]["text"]
    code, out, _ = run(capsys, "--why", entry["row"]["id"], "--output", built)
    assert code == 0
    assert f"{entry['row']['id']}: dropped at check: judge: It has a seven" in out


def test_a_kept_row_tells_its_calls_and_results_with_and_without_the_journal(built, capsys, tmp_path):
    from dataset_builder.rows import read_rows

    row = next(row for row in read_rows(built) if row["scenario"] == "single_call")
    told = document(capsys, "--why", row["id"], "--output", built)
    assert (told["state"], told["messages"], told["verdict"]) == ("kept", row["messages"], row["quality"]["judge"])
    _, out, _ = run(capsys, "--why", row["id"], "--output", built)
    assert f"  call: {row['messages'][1]['tool_calls'][0]['function']['name']} " in out
    assert f"  result: {row['messages'][2]['content']}" in out
    (tmp_path / "copy").symlink_to(built)
    assert document(capsys, "--why", row["id"], "--output", tmp_path / "copy") == told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--status", "{tmp}/nowhere"], "there is neither a run nor a dataset here"),
        (["--why", "0-1", "--output", "{tmp}/nowhere"], "there is neither a run nor a dataset here"),
        (["--why", "0-1", "--output", "{built}"], "there is no row '0-1'"),
        (["--why", "0-1", "--status", "{built}"], "two questions"),
        (["--plan", "--import", "react", "x.jsonl"], "leave out --plan"),
    ],
)
def test_questions_that_have_no_answer_are_one_line(built, tmp_path, capsys, options, said):
    code, out, err = run(capsys, *[option.format(tmp=tmp_path, built=built) for option in options])
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
