"""Laws of `make` on machines where something is missing: it mends what it can, and goes on where it need not stop."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAKE = shutil.which("make")
needs_make = pytest.mark.skipif(not MAKE, reason="no make here")


def script(file: Path, text: str) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def make(*arguments: str, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """`make`, without what a `make` around the tests has told them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run([str(MAKE), *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@needs_make
def test_an_environment_whose_creation_was_cut_short_is_made_anew(tmp_path):
    venv, said = tmp_path / "venv", tmp_path / "said"
    script(venv / "bin" / "python", '[ "$1" != -m ]')  # and no pip beside it
    python = script(tmp_path / "python", f'echo "$*" >>{said}\n[ "$1" = -c ]')  # its venv fails, so nothing follows
    done = make(f"VENV={venv}", f"PYTHON={python}", str(venv / ".ready"))
    assert done.returncode
    assert said.read_text().splitlines()[-1] == f"-m venv --clear {venv}"


@needs_make
def test_an_environment_that_uv_made_is_kept_and_gets_pip(tmp_path):
    venv, said = tmp_path / "venv", tmp_path / "said"
    script(venv / "bin" / "python", f'echo "$*" >>{said}')  # its ensurepip succeeds
    python = script(tmp_path / "python", f'echo "$*" >>{said}')
    make(f"VENV={venv}", f"PYTHON={python}", str(venv / ".ready"))
    assert "-m ensurepip -q" in said.read_text()
    assert "--clear" not in said.read_text()


@needs_make
def test_one_bench_that_fails_stops_no_other_and_is_told_at_the_end(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "tests" / "bench").mkdir(parents=True)
    for name, code in (("a", "raise SystemExit('no')"), ("b", "print('measured')")):
        (tmp_path / "tests" / "bench" / f"{name}.py").write_text(code)
    script(tmp_path / ".venv" / "bin" / "python", f'exec {sys.executable} "$@"')
    for name in ("pyproject.toml", ".venv/.ready", ".venv/.ready-test"):
        (tmp_path / name).touch()
    done = make("bench", folder=tmp_path)
    assert "measured" in done.stdout
    assert done.returncode
    (tmp_path / "tests" / "bench" / "a.py").write_text("")
    assert make("bench", folder=tmp_path).returncode == 0


@pytest.mark.parametrize("failing", ["update", "install", ""])
def test_where_apt_fails_playwright_brings_its_own_browser(tmp_path, failing):
    commands, said = tmp_path / "commands", tmp_path / "said"
    script(commands / "id", "echo 0")
    script(commands / "apt-get", f'echo "apt-get $1" >>{said}; [ "$1" != "{failing}" ]')
    script(tmp_path / "venv" / "playwright", f'echo "playwright $*" >>{said}')
    command = ["/bin/sh", str(ROOT / "tests" / "install_browser.sh"), str(tmp_path / "venv")]
    done = subprocess.run(command, env={"PATH": str(commands)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ("playwright install chromium" in said.read_text()) is bool(failing)
