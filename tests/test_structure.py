"""Laws of the house: who may import whom, and what stands at the top level."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("agent", "dataset_builder", "training", "space")
MAY_IMPORT = {folder: {folder, "agent"} for folder in FOLDERS}
TOP_LEVEL = {
    *(".ci", ".gitignore", "LICENSE", "Makefile", "README.md", "README.zh.md", "accelerate_config.yaml"),
    *("docs", "pyproject.toml", "tests", *FOLDERS),
}


def imported(file: Path) -> set[str]:
    """The first part of every module name that `file` imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_run_one_way(folder):
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    for file in files:
        strangers = imported(file) & set(FOLDERS) - MAY_IMPORT[folder]
        assert not strangers, f"{file.relative_to(ROOT)} imports {strangers}"


def test_nothing_else_stands_at_the_top_level():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    assert {line.split("/")[0] for line in tracked.stdout.splitlines()} == TOP_LEVEL


def test_a_file_can_be_held_in_mind():
    for folder in (*FOLDERS, "tests"):
        for file in (ROOT / folder).rglob("*.py"):
            lines = len(file.read_text(encoding="utf-8").splitlines())
            assert lines <= 500, f"{file.relative_to(ROOT)} has {lines} lines"


def test_every_file_says_what_it_is():
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), file.relative_to(ROOT)
