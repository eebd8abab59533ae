"""The judge of answers, a judge of its own, prompts of a person's own, and what is shown while a run goes on."""

import json
import shutil

import pytest
from commanding import run
from forked_builds import TOOLS
from llm_server import LLMServer

from dataset_builder import progress
from dataset_builder.outcomes import Outcome
from dataset_builder.progress import Display
from dataset_builder.prompting import PROMPTS
from dataset_builder.rows import read_rows
from dataset_builder.stopping import Stop

MARKS = ("Did the assistant do the right thing", "助手的每一步都正确吗")


def told(server, output, *more):
    plain = ["--tools", TOOLS, "--teacher", f"{server.url}#rules", "--rows", 8, "--mix", "single_call,chat"]
    return [*plain, "--near-duplicates", 0, "--output", output, *more]


def _strict(reply):
    """The server's judge, who finds no good word for calls of get_weather."""

    def answer(body):
        text = body["messages"][-1]["content"]
        asked = any(mark in text for mark in MARKS) and "calls local_time" in text
        return {"content": "No. The number is a guess."} if asked else reply(body)

    return answer


def test_an_answer_that_the_judge_refuses_is_dropped_with_the_reason(tmp_path, capsys):
    with LLMServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "reply", _strict(server.reply))
        code, out, err = run(capsys, *told(server, tmp_path / "set", "--rows", 24, "--json"))
    assert code == 0, err
    verify = next(stage for stage in json.loads(out)["funnel"] if stage["stage"] == "verify")
    assert verify["dropped"]["judge"] > 0
    rejected = map(json.loads, (tmp_path / "set" / "rejected.jsonl").read_text(encoding="utf-8").splitlines())
    assert {entry["reason"] for entry in rejected if entry["stage"] == "verify"} == {"judge: The number is a guess"}
    for row in read_rows(tmp_path / "set"):
        called = [call["function"]["name"] for turn in row["messages"] for call in turn.get("tool_calls", [])]
        assert "local_time" not in called
        assert row["quality"]["judge_of_answer"] in ("It is clear", "很清楚")


def test_another_model_judges_and_the_teacher_is_not_asked_to(tmp_path, capsys):
    with LLMServer() as teacher, LLMServer() as judge:
        more = ["--judge", f"{judge.url}#strict"]
        code, _, err = run(capsys, *told(teacher, tmp_path / "set", *more, "--json"))
        assert code == 0, err
        assert {body["model"] for body in judge.asked} == {"strict"}
        judged = ("You check", "你在检查", "你在为一个关于")
        assert all(body["messages"][-1]["content"].startswith(judged) for body in judge.asked)
        assert not any(body["messages"][-1]["content"].startswith(judged) for body in teacher.asked)
        spent = len(teacher.asked) + len(judge.asked)
    manifest = json.loads((tmp_path / "set" / "callsmith.json").read_text())
    assert manifest["cost"]["replies"] == spent
    assert read_rows(tmp_path / "set")[0]["provenance"]["judge"] == "strict"


def test_a_changed_prompt_redoes_what_it_touches_and_nothing_else(tmp_path, capsys):
    folder = tmp_path / "prompts"
    shutil.copytree(PROMPTS, folder)
    with LLMServer() as server:
        assert run(capsys, *told(server, tmp_path / "set", "--prompts", folder))[0] == 0
        before = server.requests
        file = folder / "en.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("You check questions", "You look at questions"))
        assert run(capsys, *told(server, tmp_path / "set", "--prompts", folder, "--overwrite"))[0] == 0
        again = [body["messages"][-1]["content"] for body in server.asked[before:]]
    assert again
    assert all(text.startswith("You look at questions") for text in again)


def test_a_limit_that_is_raised_asks_only_for_more(tmp_path, capsys):
    with LLMServer() as server:
        assert run(capsys, *told(server, tmp_path / "set"))[0] == 0
        before = [json.dumps(body, sort_keys=True) for body in server.asked]
        assert run(capsys, *told(server, tmp_path / "set", "--rows", 12, "--overwrite"))[0] == 0
        after = [json.dumps(body, sort_keys=True) for body in server.asked[len(before) :]]
    assert after
    assert not set(before) & set(after)


def test_plain_lines_tell_pace_cost_what_is_left_and_why_rows_were_dropped(capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    spent = Stop(prices=(1.0, 2.0))
    with Display(4, spent, (1.0, 2.0)) as display:
        spent.spend(1_000_000, 500_000)
        display.tell(Outcome(None, None))
        display.tell(Outcome(None, None, "verify", "grounding: nobody said 7"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].startswith("1/4 rows in 0 s; ")
    for part in ("rows/s", "tokens/s", "cost 2", "s left", "dropped 1 (verify: grounding 1)"):
        assert part in lines[1]
    assert all("\r" not in line and "\x1b" not in line for line in lines)


def test_the_card_tells_the_mix_asked_for_beside_the_one_that_came_out_and_draws_the_shape(tmp_path, capsys):
    with LLMServer() as server:
        assert run(capsys, *told(server, tmp_path / "set"))[0] == 0
    card = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    rows = read_rows(tmp_path / "set")
    for scenario in ("single_call", "chat"):
        share = sum(row["scenario"] == scenario for row in rows) / len(rows)
        assert f"| {scenario} | 50.0% | {share:.1%} |" in card
    for title in ("characters of a conversation", "messages of a conversation", "tools offered in it"):
        assert f"Rows by {title}:" in card
    two = sum(len(row["messages"]) <= 2 for row in rows)
    assert any(line.split("│")[0].strip() == "0–2" and line.endswith(f" {two}") for line in card.splitlines())


def test_a_request_that_is_refused_costs_its_row_and_not_the_run(tmp_path, capsys):
    with LLMServer(faults=dict.fromkeys(range(12, 60, 6), "400")) as server:
        code, out, err = run(capsys, *told(server, tmp_path / "set", "--rows", 24, "--concurrency", 1, "--json"))
    assert code == 0, err
    assert sum(json.loads(out)["rows"].values()) == 24
    rejected = map(json.loads, (tmp_path / "set" / "rejected.jsonl").read_text(encoding="utf-8").splitlines())
    refused = [entry for entry in rejected if entry["reason"].startswith("the endpoint refuses")]
    assert refused
    assert all("Content Exists Risk" in entry["reason"] for entry in refused)


def test_where_nothing_was_answered_yet_a_refusal_is_told_at_once(tmp_path, capsys):
    with LLMServer(faults=dict.fromkeys(range(1, 200), "400")) as server:
        code, _, err = run(capsys, *told(server, tmp_path / "set"))
    assert code == 2
    assert "Content Exists Risk" in err


def test_a_teacher_of_whom_no_question_is_good_is_not_paid_for_thousands(tmp_path, capsys):
    with LLMServer() as server, pytest.MonkeyPatch.context() as patch:
        reply = server.reply
        patch.setattr(server, "reply", lambda body: reply(body) if "[" in str(reply(body)) else {"content": "No."})
        code, _, err = run(capsys, *told(server, tmp_path / "set", "--rows", 1000))
        assert server.requests < 600
    assert code == 2, err
