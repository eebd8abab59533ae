"""The demo does each step once, goes on where it was stopped, and never shows one run's result as another's."""

import itertools
import signal
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agent import demo
from agent.cli import build_app
from agent.errors import UserError


@pytest.fixture
def asked(monkeypatch):
    """The commands that the demo ran; each leaves its result behind, but for one that `stop_at` names."""
    commands = []

    def run(arguments, *, quiet_stdout):
        commands.append(arguments)
        named = dict(itertools.pairwise(arguments))
        output = Path(named["--output"]) if "--output" in named else None
        if output and arguments[0] != "evaluate":
            output.mkdir(parents=True, exist_ok=True)
            if arguments[0] == run.stop_at:
                raise typer.Exit(130)
            (output / "README.md").write_text("done")
        elif output:
            output.write_text("{}")

    run.stop_at = None
    monkeypatch.setattr(demo, "_run", run)
    return commands, run


def play(tmp_path, *options):
    arguments = ["demo", "--folder", str(tmp_path / "demo"), "--no-serve", *options]
    return CliRunner().invoke(build_app("demo"), arguments)


def taken(commands):
    """Which commands ran since last asked."""
    names = [command[0] for command in commands if command[:2] != ["evaluate", "--show"]]
    commands.clear()
    return names


def test_a_finished_demo_runs_nothing_again(tmp_path, asked):
    commands, _ = asked
    assert play(tmp_path).exit_code == 0
    assert not any("--start_over" in command for command in commands)
    assert taken(commands) == ["build", "train", "evaluate"]
    assert play(tmp_path).exit_code == 0
    assert taken(commands) == []


@pytest.mark.parametrize("other", [("--rows", "400"), ("--seed", "3"), ("--chat-template", "embedded")])
def test_other_settings_make_another_demo_of_every_step_that_stands_on_them(tmp_path, asked, other):
    commands, run = asked
    play(tmp_path)
    taken(commands)
    run.stop_at = "train"
    assert play(tmp_path, *other).exit_code == 130
    assert "--start_over" in commands[-1]  # the adapter that lies there is another run's
    assert taken(commands)[-1] == "train"
    run.stop_at = None
    assert play(tmp_path, *other).exit_code == 0
    assert "--start_over" not in commands[0]  # its own: it goes on
    assert taken(commands) == ["train", "evaluate"]


def test_other_weights_of_the_base_train_and_compare_anew(tmp_path, asked, monkeypatch):
    commands, _ = asked
    play(tmp_path)
    taken(commands)
    monkeypatch.setattr(demo, "weights_hash", lambda _: "other")
    play(tmp_path)
    assert taken(commands) == ["train", "evaluate"]


def test_a_step_that_was_killed_is_told(monkeypatch):
    class Killed:
        returncode = -signal.SIGKILL

    monkeypatch.setattr(demo.subprocess, "run", lambda *_, **__: Killed)
    with pytest.raises(UserError, match="`callsmith train` was killed by SIGKILL"):
        demo._run(["train"], quiet_stdout=False)
