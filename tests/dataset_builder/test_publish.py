"""Pushing to a Hub: one commit, loadable by name; where it cannot be pushed, one line, and the folder stays."""

import json
import os
import subprocess
import sys

import pytest
from hub_server import TOKEN, HubServer
from test_rows import row

from agent.errors import UserError
from dataset_builder.publish import push
from dataset_builder.rows import read_rows, write_dataset

BUILD_AND_LOAD = """
import sys
from agent.cli import main
output, cache = sys.argv[1:3]
for rows in ("8", "10"):
    try:
        main(["build", "--rows", rows, "--output", output, "--push-to-hub", "user/tools", "--overwrite", "--json"])
    except SystemExit as end:
        assert end.code == 0, end.code
from datasets import load_dataset
opened = load_dataset("user/tools", cache_dir=cache)
print(sum(len(rows) for rows in opened.values()), opened["train"][0]["id"])
"""


def run(*command, environment=None):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
    return subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, timeout=300, check=False, env=environment
    )


@pytest.fixture(scope="module")
def hub():
    with HubServer() as server:
        yield server


@pytest.mark.slow
def test_a_pushed_dataset_is_one_commit_and_loads_by_its_name(hub, tmp_path):
    output = tmp_path / "set"
    done = run("-c", BUILD_AND_LOAD, output, tmp_path / "cache", environment=hub.environment(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    first, second, loaded = done.stdout.splitlines()
    repository = hub.repositories["dataset", "user/tools"]
    assert repository.commits == 2, "one for each push"
    assert json.loads(first)["pushed"].startswith(f"{hub.url}/datasets/user/tools/commit/")
    assert sum(json.loads(second)["rows"].values()) == 10
    assert loaded == f"10 {read_rows(output, 'train')[0]['id']}"
    for file in ("README.md", "rejected.jsonl", "callsmith.json", "data/train-00000-of-00001.parquet"):
        assert repository.files[file] == (output / file).read_bytes()
    assert "user/tools" in repository.files["README.md"].decode()


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("expired token", "the Hub refused user/other (401)"),
        ("refused", "the Hub refused user/other (403): not now"),
        ("no network", "user/other could not be pushed to http://127.0.0.1:9"),
        ("no token", "there is no Hugging Face token"),
        ("bad name", "'user/other/more' is no dataset repository"),
    ],
)
def test_a_push_that_fails_is_one_line_and_the_folder_stays(hub, tmp_path, monkeypatch, trouble, said):
    monkeypatch.setenv("HF_TOKEN", {"expired token": "hf_expired", "no token": ""}.get(trouble, TOKEN))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setattr("huggingface_hub.constants.HF_STORED_TOKENS_PATH", str(tmp_path / "none"))
    endpoint = "http://127.0.0.1:9" if trouble == "no network" else hub.url
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
    monkeypatch.setattr(hub, "refuse", 403 if trouble == "refused" else 0)
    write_dataset(tmp_path / "set", {"train": [row(0)]}, card="# A card")
    with pytest.raises(UserError) as caught:
        push(tmp_path / "set", "user/other/more" if trouble == "bad name" else "user/other")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert read_rows(tmp_path / "set") == [row(0)]
