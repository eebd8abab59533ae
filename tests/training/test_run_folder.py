"""Laws of the output folder: one run each, gone on with from what is whole, never half a file."""

import errno
import json
from pathlib import Path

import pytest

from agent.errors import UserError
from training.run import CARD, LOG, RunFolder, write_json, write_whole

SETTINGS = {"learning_rate": 1e-3, "dataset": {"fingerprint": "abc"}, "targets": ["q", "v"]}


def checkpoint(folder, step, state="{}"):
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    if state is not None:
        (path / "trainer_state.json").write_text(state)
    return str(path)


def test_the_same_settings_are_the_same_run(tmp_path):
    RunFolder(tmp_path / "run", SETTINGS).open()
    RunFolder(tmp_path / "run", json.loads(json.dumps(SETTINGS))).open()


def test_other_settings_are_refused_by_name_and_value(tmp_path):
    RunFolder(tmp_path, SETTINGS).open()
    (tmp_path / "checkpoint-1").mkdir()  # something was learned here
    with pytest.raises(UserError, match=r"another fingerprint \('abc' there, 'xyz' here\)"):
        RunFolder(tmp_path, {**SETTINGS, "dataset": {"fingerprint": "xyz"}}).open()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for start_over in (False, True):
        with pytest.raises(UserError, match="is not empty and holds no training run"):
            RunFolder(tmp_path, SETTINGS).open(start_over=start_over)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_way_is_said(tmp_path):
    (tmp_path / "run").write_text("")
    for name in ("run", "run/deeper"):
        with pytest.raises(UserError, match="a file is in the way"):
            RunFolder(tmp_path / name, SETTINGS).open()


def test_a_checkpoint_that_was_cut_short_is_passed_over(tmp_path):
    run = RunFolder(tmp_path, SETTINGS)
    assert run.last_checkpoint() is None
    whole = checkpoint(tmp_path, 90)
    checkpoint(tmp_path, 100, state=None)
    checkpoint(tmp_path, 110, state='{"global_st')
    assert run.last_checkpoint() == whole


def test_checkpoints_are_ordered_as_numbers(tmp_path):
    checkpoint(tmp_path, 9)
    assert RunFolder(tmp_path, SETTINGS).last_checkpoint() != checkpoint(tmp_path, 10)
    assert RunFolder(tmp_path, SETTINGS).last_checkpoint() == str(tmp_path / "checkpoint-10")


def test_a_run_is_finished_when_its_card_is_there(tmp_path):
    run = RunFolder(tmp_path, SETTINGS)
    run.open()
    write_json(tmp_path / LOG, {})
    assert not run.finished
    write_whole(tmp_path / CARD, "# card")
    assert run.finished


def test_starting_over_leaves_nothing_of_the_old_run(tmp_path):
    run = RunFolder(tmp_path, SETTINGS)
    run.open()
    checkpoint(tmp_path, 5)
    for name in (LOG, CARD, "adapter_model.safetensors"):
        (tmp_path / name).write_text("{}")
    RunFolder(tmp_path, {"learning_rate": 2}).open(start_over=True)
    assert [path.name for path in tmp_path.iterdir()] == ["_run.json"]


def test_a_file_that_cannot_be_written_whole_leaves_nothing_and_is_named(tmp_path, monkeypatch):
    def full(self, *_):
        self.open("w").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left") as failed:
        write_whole(tmp_path / "log.json", "{}")
    assert failed.value.filename == str(tmp_path / "log.json")
    assert list(tmp_path.iterdir()) == []
