"""Shards: any machine makes any part, and the merged whole is as one build's; also through datatrove's executor."""

import json

import pytest
from commanding import run
from forked_builds import TOOLS
from llm_server import LLMServer

from dataset_builder.existing import Existing
from dataset_builder.journal import Journal
from dataset_builder.rows import read_rows

MIX = "single_call,parallel_calls,no_suitable_tool,chat"


def repeats(funnel):
    """How many rows a funnel dropped as duplicates."""
    return sum(sum(stage["dropped"].values()) for stage in funnel if stage["stage"] == "duplicates")


def test_shards_of_the_embedded_teacher_together_are_the_rows_of_one_build(tmp_path, capsys):
    assert run(capsys, "--rows", 30, "--output", tmp_path / "whole")[0] == 0
    for which in (1, 2, 3):
        assert run(capsys, "--rows", 30, "--output", tmp_path / "set", "--shard", f"{which}/3")[0] == 0
    code, _, err = run(capsys, "--output", tmp_path / "set", "--merge")
    assert code == 0, err
    for split in ("train", "test"):
        merged = {row["id"]: row["messages"] for row in read_rows(tmp_path / "set", split)}
        assert merged == {row["id"]: row["messages"] for row in read_rows(tmp_path / "whole", split)}
    manifest = Existing(tmp_path / "set").manifest
    assert manifest["settings"]["rows asked for"] == 30
    assert manifest["funnel"][0]["came_in"] == 30


def test_shards_of_a_model_ask_different_things_and_what_they_repeat_is_dropped(tmp_path, capsys):
    with LLMServer() as server:
        told = ["--tools", TOOLS, "--teacher", f"{server.url}#rules", "--rows", 24, "--mix", MIX]
        for which in (1, 2):
            assert run(capsys, *told, "--output", tmp_path / "set", "--shard", f"{which}/2")[0] == 0
    shards = [Existing(folder) for folder in sorted((tmp_path / "set.shards").glob("*-of-00002"))]
    rows = [row for shard in shards for split in shard.counts for row in shard.rows(split)]
    assert len(rows) == 24
    assert len({row["id"] for row in rows}) == 24
    code, out, _ = run(capsys, "--output", tmp_path / "set", "--merge", "--json")
    assert code == 0
    merged = json.loads(out)
    repeated = repeats(merged["funnel"]) - sum(repeats(shard.manifest["funnel"]) for shard in shards)
    assert sum(merged["rows"].values()) == 24 - repeated
    assert merged["cost"]["replies"] == sum(shard.manifest["cost"]["replies"] for shard in shards)
    assert merged["settings"]["near duplicates dropped from a likeness of"] == 0.6


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shard", "3/2"], "--shard '3/2' names no part"),
        (["--shard", "half"], "--shard 'half' names no part"),
        (["--shard", "1/2", "--merge"], "--merge and --shard exclude each other"),
        (["--shard", "1/2", "--append"], "--append and --shard exclude each other"),
        (["--merge"], "there are no shards"),
        (["--append"], "there is no dataset of callsmith here"),
    ],
)
def test_parts_that_make_no_whole_are_one_line(tmp_path, capsys, options, said):
    code, out, err = run(capsys, "--rows", 4, "--output", tmp_path / "set", *options)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_missing_shard_is_named(tmp_path, capsys):
    assert run(capsys, "--rows", 6, "--output", tmp_path / "set", "--shard", "2/3")[0] == 0
    code, _, err = run(capsys, "--output", tmp_path / "set", "--merge")
    assert code == 2
    assert "shard 1 of 3 is not there (--shard 1/3)" in err


def test_the_status_of_shards_is_that_of_all_together(tmp_path, capsys):
    def state(name="set"):
        code, out, err = run(capsys, "--status", tmp_path / name, "--json")
        assert code == 0, err
        return json.loads(out)

    told = ["--rows", 20, "--output", tmp_path / "set"]
    assert run(capsys, *told, "--shard", "1/3")[0] == 0
    begun = state()
    assert begun["state"] == "stopped"
    assert [(each["shard"], each["state"], each["rows"]) for each in begun["shards"]] == [
        ("00001-of-00003", "finished", 7),
        ("00002-of-00003", "not begun", 0),
        ("00003-of-00003", "not begun", 0),
    ]
    _, out, _ = run(capsys, "--status", tmp_path / "set")
    assert "00001-of-00003: finished, 7 of 7 rows" in out
    assert "00002-of-00003: not begun\n" in out
    for which in (2, 3):
        assert run(capsys, *told, "--shard", f"{which}/3")[0] == 0
    done = state()
    assert (done["state"], done["rows"], done["wanted"]) == ("finished", 20, 20)
    assert state("set.shards") == {**done, "output": str(tmp_path / "set.shards")}
    parts = [Existing(folder).manifest["funnel"] for folder in sorted((tmp_path / "set.shards").glob("*-of-00003"))]
    for number, stage in enumerate(done["funnel"]):
        assert stage["came_in"] == sum(funnel[number]["came_in"] for funnel in parts)
        assert stage["went_on"] == sum(funnel[number]["went_on"] for funnel in parts)
    assert done["funnel"][0]["came_in"] == 20
    # A dataset that was made of them speaks for itself.
    assert run(capsys, "--output", tmp_path / "set", "--merge")[0] == 0
    assert "shards" not in state()


def test_a_shard_that_is_at_work_makes_the_whole_one_that_runs(tmp_path, capsys):
    folder = tmp_path / "set.shards" / "00002-of-00002"
    with Journal(folder.with_name("00002-of-00002.work")) as journal:
        journal.start({"rows asked for": 5, "teacher": "embedded", "stages": ["check"]})
        code, out, _ = run(capsys, "--status", tmp_path / "set")
    assert code == 0
    assert "running, 0 of 5 rows" in out.splitlines()[0]
    assert "00001-of-00002: not begun" in out
    _, out, _ = run(capsys, "--status", tmp_path / "set")
    assert "stopped, 0 of 5 rows" in out.splitlines()[0]


def test_a_row_of_any_shard_tells_its_story(tmp_path, capsys):
    for which in (1, 2):
        assert run(capsys, "--rows", 6, "--output", tmp_path / "set", "--shard", f"{which}/2")[0] == 0
    row = next(iter(read_rows(tmp_path / "set.shards" / "00002-of-00002")))
    code, out, err = run(capsys, "--why", row["id"], "--output", tmp_path / "set")
    assert code == 0, err
    assert f"{row['id']}: kept" in out
    code, _, err = run(capsys, "--why", "9-9", "--output", tmp_path / "set")
    assert code == 2
    assert "there is no row '9-9'" in err


def test_shards_of_two_builds_are_said_in_one_line(tmp_path, capsys):
    for name in ("00001-of-00002", "00001-of-00003.work"):
        (tmp_path / "set.shards" / name).mkdir(parents=True)
    for options in (["--status", tmp_path / "set"], ["--merge", "--output", tmp_path / "set"]):
        code, out, err = run(capsys, *options)
        assert (code, out) == (2, "")
        assert "holds shards of 2 and 3 (delete those of the other build)" in err


@pytest.mark.slow
def test_datatroves_local_executor_makes_the_shards_and_merges_them(tmp_path, capsys):
    pytest.importorskip("datatrove", reason="the extra `datatrove` is not installed")
    from datatrove.executor import LocalPipelineExecutor

    from dataset_builder.executors import BuildShard, MergeShards

    told = ["--rows", "20", "--output", str(tmp_path / "set")]
    shards = LocalPipelineExecutor([BuildShard(told)], tasks=2, workers=2, logging_dir=str(tmp_path / "log" / "shards"))
    merge = LocalPipelineExecutor([MergeShards(told)], depends=shards, logging_dir=str(tmp_path / "log" / "merge"))
    merge.run()
    assert run(capsys, "--rows", 20, "--output", tmp_path / "whole")[0] == 0
    assert {row["id"] for row in read_rows(tmp_path / "set")} == {row["id"] for row in read_rows(tmp_path / "whole")}
