"""A folder that cannot be written, before a run, in the middle of it and at its end: one line, and nothing is lost."""

import sqlite3
import sys

import pytest
from forked_builds import run_held_by_permissions

from dataset_builder.rows import read_rows

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="root gives up its rights as Linux does it")


@pytest.fixture
def place(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    yield place
    place.chmod(0o755)


@pytest.fixture
def command(place, tmp_path):
    def run(*options):
        return run_held_by_permissions(["--rows", 12, "--output", place / "set", *options], tmp_path / "said")

    return run


def refused(code, said):
    assert code == 2, said
    lines = [line for line in said.splitlines() if line.startswith("callsmith: ")]
    assert len(lines) == 1, said
    assert "cannot be written" in lines[0]
    assert "Permission denied" in lines[0]
    assert "Traceback" not in said


def answers(place):
    with sqlite3.connect(place / "set.work" / "journal.sqlite") as base:
        return base.execute("SELECT key, answer FROM answers ORDER BY key").fetchall()


def files_of(folder):
    return {file.relative_to(folder): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_before_a_run(place, command):
    place.chmod(0o555)
    refused(*command())
    assert list(place.iterdir()) == []


def test_at_the_end_of_a_run_whose_work_goes_on_when_it_may_be_written(place, command):
    code, said = command("--stage", "verify")
    assert code == 0, said
    kept = answers(place)
    assert kept
    place.chmod(0o555)
    refused(*command())
    assert [each.name for each in place.iterdir()] == ["set.work"]
    assert answers(place) == kept
    place.chmod(0o755)
    code, said = command()
    assert code == 0, said
    assert answers(place) == kept, "no tool ran again"
    assert len(read_rows(place / "set")) == 12


@pytest.mark.parametrize("more", [["--overwrite", "--seed", 1], ["--append"]], ids=["overwrite", "append"])
def test_a_dataset_that_is_there_stays_as_it_is(place, command, more):
    code, said = command()
    assert code == 0, said
    before = files_of(place / "set")
    place.chmod(0o555)
    refused(*command(*more))
    assert files_of(place / "set") == before
    assert {each.name for each in place.iterdir()} == {"set", "set.work"}


def test_work_of_a_run_that_may_only_be_read(place, command):
    assert command("--stage", "verify")[0] == 0
    kept = answers(place)
    for file in (place / "set.work").iterdir():
        file.chmod(0o444)
    (place / "set.work").chmod(0o555)
    code, said = command()
    (place / "set.work").chmod(0o755)
    assert code == 2, said
    assert said.count("callsmith: ") == 1
    assert "Traceback" not in said
    assert not (place / "set").exists()
    assert answers(place) == kept


def test_shards_that_cannot_be_merged_here_stay(place, command):
    for which in (1, 2):
        code, said = command("--shard", f"{which}/2")
        assert code == 0, said
    before = files_of(place / "set.shards")
    place.chmod(0o555)
    refused(*command("--merge"))
    assert files_of(place / "set.shards") == before
    assert [each.name for each in place.iterdir()] == ["set.shards"]
