"""Bad input, whatever the command: one clear line on standard error, exit code 2, and nothing left behind."""

import json
import os
import socket
from pathlib import Path

import pytest

from agent import cli

NO_CONTENT = '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": null}], "tools": []}'
ONE = {
    "id": "1", "messages": [{"role": "user", "content": "早"}, {"role": "assistant", "content": "早！"}], "tools": [],
    "scenario": "chat", "lang": "zh", "split_key": "none", "quality": {}, "provenance": {}, "schema_version": 1,
}  # fmt: skip
FILES = {
    "one.jsonl": json.dumps(ONE, ensure_ascii=False) + "\n",
    "zero.jsonl": "",
    "no_json.jsonl": "not json\n",
    "no_content.jsonl": NO_CONTENT + "\n",
    "bad.yaml": "a: [1,\n b: }\n",
    "undocumented.py": "def f(x):\n    return x\n",
    "broken.py": "def (:\n",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


def refused(line: str, capfd: pytest.CaptureFixture[str]) -> str:
    """What the command said when it was refused."""
    with pytest.raises(SystemExit) as left:
        cli.main(line.split())
    out, said = capfd.readouterr()
    assert (left.value.code, out) == (2, "")
    assert len(said.splitlines()) == 1, said
    assert said.startswith("callsmith: ")
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("annotate", "Missing argument"),
        ("annotate nowhere", "nowhere: there is no such file or folder"),
        ("annotate folder", "folder: is not a dataset folder"),
        ("annotate zero.jsonl", "zero.jsonl: holds no rows"),
        ("annotate no_json.jsonl", "no_json.jsonl, row 1: is not JSON"),
        ("annotate no_content.jsonl", "no_content.jsonl, row 1, id: is missing"),
        ("annotate no_content.jsonl --json", "--export FOLDER"),
        ("serve --tools nowhere.py", "no such file: nowhere.py"),
        ("serve --tools undocumented.py", "undocumented.py"),
        ("serve --tools broken.py", "broken.py"),
        ("serve --examples nowhere.txt", "nowhere.txt: cannot be read: No such file or directory"),
        ("serve --feedback-dir zero.jsonl", "zero.jsonl: cannot make the folder"),
        ("serve --host 203.0.113.9", "this machine cannot listen on '203.0.113.9'"),
        ("evaluate", "no dataset is named"),
        ("evaluate --dataset no_json.jsonl --split train", "no_json.jsonl, row"),
        ("evaluate --dataset no_content.jsonl --split train", "messages[1].content: must be a string"),
        ("evaluate --dataset no_content.jsonl --output folder", "folder: is a folder"),
        (
            "evaluate --dataset no_content.jsonl --output zero.jsonl/x.json",
            "zero.jsonl/x.json: no file can be made there",
        ),
        ("evaluate --show nowhere.json", "nowhere.json: no such file"),
        ("evaluate --show no_json.jsonl", "no_json.jsonl: is no evaluation"),
        ("train --recipe nowhere", "there is no recipe 'nowhere' (a YAML file, or one of embedded"),
        ("train --accelerate-config nowhere.yaml", "nowhere.yaml: no such file"),
        ("train --accelerate-config bad.yaml", "bad.yaml: cannot be read as YAML"),
        ("demo --model http://127.0.0.1:9/v1 --folder new", "not trained"),
        ("demo --model ./nowhere --folder new --no-serve", "there is no model at './nowhere'"),
        ("masks nowhere", "No such command 'nowhere'"),
        ("mcp --tools nowhere.py", "no such file: nowhere.py"),
    ],
)
def test_it_is_said_on_one_line_and_nothing_is_left(
    here: Path, capfd: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    assert said in refused(line, capfd)
    assert sorted(os.listdir(here)) == sorted([*FILES, "folder"])
    assert os.listdir("folder") == []


@pytest.mark.parametrize("command", ["serve", "annotate one.jsonl --model none", "demo --folder new"])
def test_a_port_that_is_taken_is_said_before_anything_is_loaded(
    here: Path, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is taken (choose another with --port)" in refused(f"{command} --port {port}", capfd)
    assert not (here / "new").exists()


def test_a_group_without_a_command_shows_its_help_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["masks"])
    out, said = capfd.readouterr()
    assert (left.value.code, said) == (2, "")
    assert "audit" in out
