"""Several solutions of one question: the one most agree with is kept, the failed ones make pairs, all can be chosen."""

import json

import pytest
from datasets import load_dataset
from forked_builds import TOOLS
from llm_server import LLMServer
from test_rows import row

from agent.cli import main
from dataset_builder.candidates import Candidate, best, pairs


def candidate(city, stage="", reason=""):
    made = row(0, city=city)
    made["messages"][1]["tool_calls"][0]["function"]["arguments"] = {"city": city}
    return Candidate(made, stage, reason)


def test_the_first_of_those_that_most_agree_with_is_kept():
    several = [candidate("A"), candidate("B"), candidate("C", "verify", "x"), candidate("B")]
    assert best(several) is several[1]
    failed = [candidate("A", "verify", "x"), candidate("B", "solve", "y")]
    assert best(failed) is failed[0]


def test_a_pair_begins_where_the_assistant_took_another_way():
    kept, other = candidate("北京"), candidate("上海", "verify", "grounding: nobody said it")
    (pair,) = pairs(kept, [kept, other])
    assert pair["prompt"] == kept.row["messages"][:1]
    assert pair["chosen"] == kept.row["messages"][1:]
    assert pair["rejected"] == other.row["messages"][1:]
    assert pair["provenance"]["rejected"] == {"dropped_at": "verify", "because": "grounding: nobody said it"}


def test_what_differs_in_a_users_words_or_cannot_be_stored_is_no_pair():
    kept, other = candidate("A"), candidate("A", "verify", "x")
    assert list(pairs(kept, [kept, other])) == [], "they are the same"
    other.row["messages"][0] = {"role": "user", "content": "Something else"}
    assert list(pairs(kept, [kept, other])) == []
    huge = candidate("A", "verify", "x")
    huge.row["messages"][1]["tool_calls"][0]["function"]["arguments"] = {"city": 2**70}
    assert list(pairs(kept, [kept, huge])) == []


def _sometimes_invents(reply):
    """The server's model, which at a temperature makes up a city."""

    def answer(body):
        said = reply(body)
        if body.get("temperature") and body.get("tools") and said.get("tool_calls"):
            call = said["tool_calls"][0]["function"]
            call["arguments"] = json.dumps({"city": "Atlantis"})
        return said

    return answer


def test_a_build_keeps_candidates_and_publishes_pairs(tmp_path, capsys):
    told = ["build", "--tools", TOOLS, "--rows", 8, "--mix", "single_call", "--near-duplicates", 0, "--accept", 3]
    with LLMServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "reply", _sometimes_invents(server.reply))
        with pytest.raises(SystemExit) as stopped:
            main([str(each) for each in (*told, "--teacher", f"{server.url}#rules", "--output", tmp_path / "set")])
    assert stopped.value.code == 0, capsys.readouterr().err
    lines = [json.loads(line) for line in (tmp_path / "set" / "candidates.jsonl").read_text().splitlines()]
    assert len(lines) == 24
    assert sum(line["kept"] for line in lines) == 8
    cache = str(tmp_path / "cache")
    rows = load_dataset(str(tmp_path / "set"), split="train", cache_dir=cache)
    found = load_dataset(str(tmp_path / "set"), "preference", split="train", cache_dir=cache)
    assert set(found.column_names) == {"id", "prompt", "chosen", "rejected", "tools", "provenance"}
    assert len(found) == 16
    for pair in found:
        assert pair["chosen"][0]["tool_calls"] != pair["rejected"][0]["tool_calls"]
        assert pair["rejected"][0]["tool_calls"][0]["function"]["arguments"] == {"city": "Atlantis"}
        assert pair["provenance"]["rejected"]["because"].startswith("grounding: nobody said 'Atlantis'")
    assert load_dataset(str(tmp_path / "set"), split="train", cache_dir=cache)[0]["id"] == rows[0]["id"]
    assert rows[0]["quality"]["candidates"] == {"solved": 3, "good": 1}
    assert "`preference` holds 16 pairs" in (tmp_path / "set" / "README.md").read_text()
