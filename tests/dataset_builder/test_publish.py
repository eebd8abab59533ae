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
for how in (["--rows", "8"], ["--rows", "8", "--overwrite"], ["--rows", "2", "--append"]):
    try:
        main(["build", *how, "--output", output, "--push-to-hub", "user/tools", "--json"])
    except SystemExit as end:
        assert end.code == 0, end.code
from datasets import load_dataset
opened = load_dataset("user/tools", cache_dir=cache)
print(sum(len(rows) for rows in opened.values()), opened["train"][0]["id"])
"""

# What other programs do with a Hub; each of them through the real client.
CLIENTS = """
import sys, json, time
from pathlib import Path
from huggingface_hub import CommitScheduler, DatasetCard, HfApi, snapshot_download
here = Path(sys.argv[1])
api = HfApi()
api.create_repo("user/other", repo_type="dataset")
(here / "up").mkdir()
(here / "up" / "a.txt").write_text("one")
(here / "up" / "b.parquet").write_bytes(b"two" * 1000)
api.upload_folder(repo_id="user/other", repo_type="dataset", folder_path=here / "up")
DatasetCard("---\\nlicense: mit\\n---\\n# Hello").push_to_hub("user/other")
got = Path(snapshot_download("user/other", repo_type="dataset", local_dir=here / "down"))
assert (got / "b.parquet").read_bytes() == b"two" * 1000
assert DatasetCard.load("user/other").data.license == "mit"
(here / "logs").mkdir()
scheduler = CommitScheduler(repo_id="user/other", repo_type="dataset", folder_path=here / "logs", every=5)
with scheduler.lock:
    (here / "logs" / "feedback.jsonl").write_text("{}\\n")
scheduler.trigger().result()
scheduler.stop()
assert "feedback.jsonl" in api.list_repo_files("user/other", repo_type="dataset")
refs = api.list_repo_refs("user/other", repo_type="dataset")
assert refs.branches[0].target_commit == api.repo_info("user/other", repo_type="dataset").sha
api.delete_repo("user/other", repo_type="dataset")
assert not api.repo_exists("user/other", repo_type="dataset")
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
    first, second, third, loaded = done.stdout.splitlines()
    repository = hub.repositories["dataset", "user/tools"]
    assert repository.commits == 2, "one for each push that brought something new"
    assert json.loads(first)["pushed"].startswith(f"{hub.url}/datasets/user/tools/commit/")
    assert json.loads(second)["pushed"] == json.loads(first)["pushed"], "the same dataset again is no commit"
    assert sum(json.loads(third)["rows"].values()) == 10
    assert loaded == f"10 {read_rows(output, 'train')[0]['id']}"
    for file in ("README.md", "rejected.jsonl", "callsmith.json", "data/train-00000-of-00001.parquet"):
        assert repository.files[file] == (output / file).read_bytes()
    assert "user/tools" in repository.files["README.md"].decode()


@pytest.mark.slow
def test_the_hub_of_these_tests_is_one_for_all_the_clients(hub, tmp_path):
    done = run("-c", CLIENTS, tmp_path, environment=hub.environment(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert ("dataset", "user/other") not in hub.repositories


@pytest.fixture
def pushing(hub, tmp_path, monkeypatch):
    """A dataset of two shards, and this process as a client of the Hub on loopback."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("dataset_builder.parquet.SHARD", 1)
    write_dataset(tmp_path / "set", {"train": [row(0), row(1)]}, card="# A card")
    name = f"user/{tmp_path.name}".replace("[", "-").replace("]", "")
    hub.uploaded.clear()
    hub.blobs.clear()
    return tmp_path / "set", name


def test_only_what_changed_is_sent_and_what_is_gone_is_deleted(hub, pushing):
    folder, name = pushing
    push(folder, name)
    assert len(hub.uploaded) == 2
    write_dataset(folder, {"train": [row(0), row(2)]}, card="# A card", overwrite=True)
    push(folder, name)
    assert len(hub.uploaded) == 3
    write_dataset(folder, {"train": [row(0)]}, card="# A card", overwrite=True)
    push(folder, name)
    files = hub.repositories["dataset", name].files
    assert len(hub.uploaded) == 3, "that shard is there, by another name"
    assert [file for file in files if file.endswith("parquet")] == ["data/train-00000-of-00001.parquet"]


@pytest.mark.parametrize("trouble", [[("lfs", 503)], [("lfs", "cut"), ("lfs", 500)]], ids=["busy", "cut"])
def test_an_upload_that_is_cut_is_tried_again_and_arrives_whole(hub, pushing, monkeypatch, trouble):
    monkeypatch.setattr(hub, "trouble", list(trouble))
    folder, name = pushing
    push(folder, name)
    assert hub.trouble == []
    files = hub.repositories["dataset", name].files
    for file in (folder / "data").iterdir():
        assert files[f"data/{file.name}"] == file.read_bytes()


def test_an_upload_that_stays_broken_is_one_line(hub, pushing, monkeypatch):
    monkeypatch.setattr(hub, "trouble", [("lfs", 403)] * 9)
    folder, name = pushing
    with pytest.raises(UserError, match=r"could not be pushed .*403"):
        push(folder, name)
    assert ("dataset", name) in hub.repositories
    assert hub.repositories["dataset", name].files == {}


def test_a_commit_of_somebody_else_is_not_overwritten(hub, pushing, monkeypatch):
    folder, name = pushing
    push(folder, name)
    write_dataset(folder, {"train": [row(3)]}, card="# Another card", overwrite=True)
    monkeypatch.setattr(hub, "meanwhile", True)
    with pytest.raises(UserError, match=r"refused .* \(412\): somebody else committed to it meanwhile"):
        push(folder, name)
    files = hub.repositories["dataset", name].files
    assert files["README.md"] == b"# Somebody else's"
    assert files["data/train-00000-of-00002.parquet"]
    push(folder, name)
    assert files["README.md"] == (folder / "README.md").read_bytes()
    assert files["README.md"].endswith(b"---\n# Another card")


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
