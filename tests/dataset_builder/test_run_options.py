"""A run file says what the command line says; one stage alone goes as far as it says; more rows are appended."""

import json

import pytest
import yaml
from commanding import run
from datasets import load_dataset
from forked_builds import TOOLS
from llm_server import LLMServer

from dataset_builder.existing import Existing
from dataset_builder.rows import read_rows

MIX = {"single_call": 1, "parallel_calls": 1, "chat": 1}


def files_of(folder):
    return {file.relative_to(folder): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def server():
    with LLMServer() as running:
        yield running


@pytest.fixture
def run_file(tmp_path, server):
    told = {"tools": str(TOOLS), "teacher": f"{server.url}#rules", "rows": 12, "mix": MIX, "languages": ["zh", "en"]}
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump({**told, "near-duplicates": 0, "concurrency": 4, "license": "mit"}))
    return file


# --- the run file ------------------------------------------------------------------------------------------------


def test_a_run_file_says_what_flags_say_and_flags_go_first(tmp_path, capsys, run_file, server):
    code, _, err = run(capsys, "--config", run_file, "--output", tmp_path / "file" / "set")
    assert code == 0, err
    flags = ["--tools", TOOLS, "--teacher", f"{server.url}#rules", "--rows", 12, "--mix"]
    flags += ["single_call=1,parallel_calls=1,chat=1", "--near-duplicates", 0, "--license", "mit"]
    assert run(capsys, *flags, "--output", tmp_path / "flags" / "set")[0] == 0
    assert files_of(tmp_path / "file" / "set") == files_of(tmp_path / "flags" / "set")
    assert run(capsys, "--rows", 5, "--config", run_file, "--output", tmp_path / "few")[0] == 0
    assert len(read_rows(tmp_path / "few")) == 5


def test_every_option_of_the_command_may_stand_in_a_run_file(tmp_path):
    import typer

    from agent.cli import build_app
    from dataset_builder.run_file import read_run_file

    command = typer.main.get_command(build_app("build"))
    command = command.commands["build"] if hasattr(command, "commands") else command
    names = [option.opts[0].lstrip("-") for option in command.params if option.name not in ("config", "help")]
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump(dict.fromkeys(names, "1")))
    context = command.make_context("build", [], resilient_parsing=True)
    read_run_file(context, file)
    assert set(context.default_map) == {param.name for param in command.params} - {"config", "help"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows: [", "is no YAML"),
        ("just words", "is no run file"),
        ("colour: red", "there is no option 'colour'"),
        ("rows: many", "'--rows'"),
        ("config: other.yaml", "there is no option 'config'"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_run_file_is_one_line(tmp_path, capsys, text, said):
    file = tmp_path / "run.yaml"
    if text is not None:
        file.write_text(text)
    code, out, err = run(capsys, "--config", file, "--output", tmp_path / "set")
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


# --- one stage alone ---------------------------------------------------------------------------------------------


def test_stages_one_by_one_ask_no_more_than_the_whole_at_once_and_come_to_the_same(tmp_path, capsys, run_file, server):
    begun = server.requests
    assert run(capsys, "--config", run_file, "--output", tmp_path / "whole" / "set")[0] == 0
    needed = server.requests - begun
    seen = []
    for stage in ("questions", "check", "solve", "verify", "duplicates"):
        code, out, err = run(capsys, "--config", run_file, "--output", tmp_path / "set", "--stage", stage, "--json")
        assert code == 0, err
        told = json.loads(out)
        lines = (tmp_path / "set.work" / f"{stage}.jsonl").read_text(encoding="utf-8").splitlines()
        assert told["passed"] == len(lines) > 0
        assert [entry["stage"] for entry in told["funnel"]][-1:] == ([] if stage == "questions" else [stage])
        seen.append(server.requests)
        assert not (tmp_path / "set").exists()
    assert seen == sorted(seen)
    assert seen[0] - begun - needed == 3, "questions are thought up four at a time"
    assert seen[3] == seen[4], "duplicates are looked for without asking anybody"
    assert run(capsys, "--config", run_file, "--output", tmp_path / "set")[0] == 0
    assert server.requests - begun == 2 * needed
    assert files_of(tmp_path / "set") == files_of(tmp_path / "whole" / "set")


def test_a_stage_that_does_not_exist_is_one_line(tmp_path, capsys):
    code, _, err = run(capsys, "--stage", "polish", "--output", tmp_path / "set")
    assert code == 2
    assert "there is no stage 'polish' (known: questions, check, solve, verify" in err


# --- more rows ---------------------------------------------------------------------------------------------------


TWO = """
from agent.tools import tool

@tool(family="{family}")
def {name}(number: int) -> dict:
    \"\"\"{doc}

    Args:
        number: The number.
    \"\"\"
    return {{"number": number}}
"""


def _tools(folder, **families):
    folder.mkdir(exist_ok=True)
    file = folder / "my_tools.py"
    file.write_text("".join(TWO.format(name=n, family=f, doc=f"Count the {f}.") for n, f in families.items()))
    return file


def test_more_tools_that_would_change_sides_are_told_before_anything_is_asked(tmp_path, capsys):
    few = {f"count_{name}": name for name in ("parcels", "stamps")}
    told = ["--teacher", "embedded", "--languages", "en", "--rows", 20, "--output", tmp_path / "set"]
    told += ["--hold-out", "families"]
    assert run(capsys, "--tools", _tools(tmp_path / "a", **few), *told)[0] == 0
    before = (tmp_path / "set" / "callsmith.json").read_bytes()
    refused = 0
    for more in ("weather", "notes", "books", "boats", "trains", "lamps"):
        # Each tool of a family of its own before, and of its family's with more of them.
        many = dict.fromkeys(few, "counting") | {f"see_{more}{number}": f"{more}{number}" for number in range(3)}
        code, _, err = run(capsys, "--tools", _tools(tmp_path / more, **many), *told, "--append")
        if code == 2 and "among these tools it would be in" in err:
            refused += 1
            assert (tmp_path / "set" / "callsmith.json").read_bytes() == before
            assert len([line for line in err.splitlines() if line.strip()]) <= 2
    assert refused == 6, "the two stand on two sides, so that in one family one of them changes its own"


def test_the_card_speaks_of_all_rows_after_appending(tmp_path, capsys, run_file):
    told = ["--output", tmp_path / "set", "--rows", 8]
    assert run(capsys, *told, "--license", "mit")[0] == 0
    for more in ([], ["--config", run_file]):
        code, _, err = run(capsys, *told, *more, "--append")
        assert code == 0, err
        assert "license: mit" in (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    assert "by the teacher `embedded`, `" in (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    code, _, err = run(capsys, *told, "--append", "--license", "cc-by-4.0")
    assert code == 2
    assert "its rows are under mit, not under cc-by-4.0" in err


@pytest.mark.parametrize("teacher", ["embedded", "model"])
def test_rows_are_appended_and_what_was_there_stays(tmp_path, capsys, run_file, teacher):
    told = ["--output", tmp_path / "set", *(["--config", run_file] if teacher == "model" else [])]
    assert run(capsys, *told, "--rows", 14)[0] == 0
    before = {split: read_rows(tmp_path / "set", split) for split in Existing(tmp_path / "set").counts}
    code, out, err = run(capsys, *told, "--rows", 6, "--append", "--json")
    assert code == 0, err
    made = json.loads(out)
    after = Existing(tmp_path / "set")
    assert sum(after.counts.values()) == 20
    for split, rows in before.items():
        assert list(after.rows(split))[: len(rows)] == rows
    every = [(split, row) for split in after.counts for row in after.rows(split)]
    assert len({row["id"] for _, row in every}) == 20
    sides = {}
    for split, row in every:
        sides.setdefault(row["split_key"], set()).add(split)
    assert all(len(found) == 1 for found in sides.values())
    assert made["funnel"][0]["came_in"] == made["funnel"][-1]["went_on"] + sum(
        sum(stage["dropped"].values()) for stage in made["funnel"]
    )
    opened = load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
    assert sum(map(len, opened.values())) == 20
    assert run(capsys, *told, "--rows", 3, "--append")[0] == 0
    assert len(read_rows(tmp_path / "set")) == 23, "and again, with other questions"
