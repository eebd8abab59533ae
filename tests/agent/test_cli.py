"""Laws of the command line: light to start, one line and exit code 2 for what the person can mend."""

import errno
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agent import cli
from agent.errors import UserError, exit_codes

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["callsmith.commands"]


def run(*arguments, code=""):
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "agent.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_help_names_every_command_and_loads_nothing_heavy():
    probe = (
        "import sys\n"
        "from agent import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'transformers', 'gradio', 'datasets', 'trl', 'peft'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = run(code=probe)
    assert result.returncode == 0, result.stderr
    for name in COMMANDS:
        assert name in result.stdout


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name):
    result = run(name, "--help")
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.split()) > 20


@pytest.mark.parametrize(
    "arguments", [("bogus",), ("--bogus",), ("build", "--rows", "many"), ("demo", "--port", "99999")]
)
def test_a_usage_error_is_one_line_and_exit_code_2(arguments):
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert "--help" in result.stderr


def test_the_version_is_the_packages():
    assert run("--version").stdout.startswith("callsmith 0.")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UserError("is no JSON", where="a.jsonl, row 3", mend="mend it"), 2, "a.jsonl, row 3: is no JSON (mend it)"),
        (UserError("two\nlines"), 2, "two lines"),
        (OSError(errno.ENOSPC, "No space left on device", "out.parquet"), 2, "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 2, "out: not allowed"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_the_person_can_mend_is_one_line_with_its_exit_code(error, code, said, capsys):
    with pytest.raises(SystemExit) as end, exit_codes():
        raise error
    assert end.value.code == code
    printed = capsys.readouterr().err
    assert said in printed
    assert len(printed.splitlines()) == 1


def test_a_defect_is_not_hidden():
    with pytest.raises(ZeroDivisionError), exit_codes():
        _ = 1 / 0


def test_commands_stand_in_the_order_a_person_meets_them():
    assert set(COMMANDS) <= set(cli.ORDER)
    assert list(cli._commands()) == [name for name in cli.ORDER if name in COMMANDS]
