"""A spool is a list on disk: the same values in the same order, as often as one likes, or one clear line."""

from pathlib import Path

import pytest

from agent.errors import UserError
from dataset_builder.spool import Spool


def test_it_gives_back_what_was_added_also_while_more_is_added(tmp_path):
    spool = Spool(tmp_path / "values.jsonl")
    for number in range(3):
        spool.append({"number": number, "text": "汉字\n"})
    assert [value["number"] for value in spool] == [0, 1, 2]
    spool.append({"number": 3, "text": ""})
    assert (len(spool), [value["number"] for value in spool]) == (4, [0, 1, 2, 3])
    spool.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_new_run_begins_it_anew(tmp_path):
    Spool(tmp_path / "values.jsonl").append(1)
    assert list(Spool(tmp_path / "values.jsonl")) == []


def test_a_full_disk_is_one_line():
    spool = Spool(Path("/dev/full"))
    with pytest.raises(UserError, match="/dev/full: cannot be written: No space left on device"):
        spool.append("more than the buffer holds" * 10_000)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        Spool(tmp_path / "nowhere" / "values.jsonl")
