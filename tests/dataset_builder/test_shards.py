"""Shards: any machine makes any part, and the merged whole is as one build's; also through datatrove's executor."""

import json

import pytest
from commanding import run
from forked_builds import TOOLS
from llm_server import LLMServer

from dataset_builder.existing import Existing
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
