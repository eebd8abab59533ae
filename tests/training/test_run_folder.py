"""Laws of the output folder: one run each, gone on with from what is whole, never half a file."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from agent.errors import UserError
from training.run import CARD, LOG, RunFolder, write_json, write_whole

# What lies in the folder of an adapter that is trained, with rows of both splits dropped.
FINISHED = (
    *("README.md", "_run.json", "adapter_config.json", "adapter_model.safetensors", "chat_template.jinja"),
    *("tokenizer.json", "tokenizer_config.json", "training_log.json", "dropped.jsonl", "dropped_eval.jsonl"),
    *("checkpoint-213/README.md", "checkpoint-213/adapter_model.safetensors", "checkpoint-213/optimizer.pt"),
)
# What starting over once left of it.
LEFT = ("adapter_config.json", "chat_template.jinja", "tokenizer.json", "tokenizer_config.json", "dropped.jsonl")

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


def test_settings_under_their_old_name_are_this_runs_too(tmp_path):
    settings = {**SETTINGS, "base_model": "embedded"}
    write_json(tmp_path / "run.json", settings)
    RunFolder(tmp_path, settings).open()
    assert there(tmp_path) == {"_run.json"}


def test_other_settings_are_refused_by_name_and_value(tmp_path):
    RunFolder(tmp_path, SETTINGS).open()
    (tmp_path / "checkpoint-1").mkdir()  # something was learned here
    with pytest.raises(UserError, match=r"another fingerprint \('abc' there, 'xyz' here\)"):
        RunFolder(tmp_path, {**SETTINGS, "dataset": {"fingerprint": "xyz"}}).open()


def hold(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")


def there(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


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


def test_starting_over_takes_away_what_a_run_wrote_and_nothing_else(tmp_path):
    RunFolder(tmp_path, SETTINGS).open()
    others = ("notes.txt", "checkpoint-best/adapter_model.safetensors", "model.safetensors", "replies.jsonl")
    hold(tmp_path, [*FINISHED, *others, "_sequences/train-1/state.json", "_saving/tokenizer.json", "README.md.tmp"])
    run = RunFolder(tmp_path, {"learning_rate": 2})
    run.open(start_over=True)
    assert there(tmp_path) == {"_run.json", *others}
    assert not run.finished
    assert run.last_checkpoint() is None


def test_starting_over_with_a_whole_model_takes_its_weights_away(tmp_path):
    RunFolder(tmp_path, {**SETTINGS, "lora": None}).open()
    hold(tmp_path, ["config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "README.md"])
    RunFolder(tmp_path, SETTINGS).open(start_over=True)
    assert there(tmp_path) == {"_run.json"}


def test_what_starting_over_once_left_can_be_started_over(tmp_path):
    hold(tmp_path, LEFT)
    with pytest.raises(UserError, match=r"holds no training run \(--start_over\)"):
        RunFolder(tmp_path, SETTINGS).open()
    RunFolder(tmp_path, SETTINGS).open(start_over=True)
    assert there(tmp_path) == {"_run.json"}


@pytest.mark.parametrize("more", ["adapter_model.safetensors", "thesis.txt", "run.json"])
def test_an_adapter_that_no_run_here_made_is_left_alone(tmp_path, more):
    hold(tmp_path, [*LEFT, more])
    with pytest.raises(UserError, match="holds no training run"):
        RunFolder(tmp_path, SETTINGS).open(start_over=True)
    assert there(tmp_path) == {*LEFT, more}


def test_settings_that_are_broken_can_be_started_over_as_the_message_says(tmp_path):
    (tmp_path / "_run.json").write_text("{")
    with pytest.raises(UserError, match="--start_over"):
        RunFolder(tmp_path, SETTINGS).open()
    RunFolder(tmp_path, SETTINGS).open(start_over=True)
    RunFolder(tmp_path, SETTINGS).open()


def test_starting_over_that_is_cut_short_can_be_done_again(tmp_path, monkeypatch):
    RunFolder(tmp_path, SETTINGS).open()
    hold(tmp_path, FINISHED)
    with monkeypatch.context() as cut:
        cut.setattr(shutil, "rmtree", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            RunFolder(tmp_path, SETTINGS).open(start_over=True)
    RunFolder(tmp_path, SETTINGS).open(start_over=True)
    assert there(tmp_path) == {"_run.json"}


def test_a_file_that_cannot_be_written_whole_leaves_nothing_and_is_named(tmp_path, monkeypatch):
    def full(self, *_):
        self.open("w").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left") as failed:
        write_whole(tmp_path / "log.json", "{}")
    assert failed.value.filename == str(tmp_path / "log.json")
    assert list(tmp_path.iterdir()) == []
