"""The laws of the journal: nothing written is lost, nobody overwrites anybody, every action can be taken back."""

import itertools
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from some_rows import rows, write_rows

from agent.errors import UserError
from agent.messages import check_conversation
from dataset_builder.annotate.desk import Desk, Seat
from dataset_builder.annotate.export import export
from dataset_builder.annotate.journal import CLAIM_SECONDS, ConflictError, Draft, Journal, UnwritableError
from dataset_builder.annotate.page import Page
from dataset_builder.annotate.standing import folded
from dataset_builder.rows import read_rows


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(write_rows(tmp_path / "rows.jsonl"))


def _edited(desk: Desk, seat: Seat, text: str) -> Seat:
    messages = [dict(message) for message in desk.messages(seat.key)]
    messages[-1]["content"] = text
    return desk.save(seat, messages)  # type: ignore[arg-type]


def test_an_undo_restores_what_was_before_whatever_was_done() -> None:
    rng = random.Random(5)
    actions: list = []
    before = [folded([])]
    for number in itertools.count(1):
        kind = rng.choice(["edit", "accept", "reject", "delete"])
        body = {"messages": [number]} if kind == "edit" else {"reason": str(number)} if kind == "reject" else {}
        actions.append((number, kind, "", body))
        before.append(folded(actions))
        if number == 30:
            break
    for expected in reversed(before[:-1]):
        number += 1
        actions.append((number, "undo", "", {}))
        got = folded(actions)
        assert (got.status, got.messages, got.reason) == (expected.status, expected.messages, expected.reason)
    assert folded([*actions, (99, "undo", "", {})]).status == "open"


def test_actions_of_one_act_are_undone_together() -> None:
    actions = [(1, "edit", "", {"messages": ["a"]}), (2, "edit", "x", {"messages": ["b"]}), (3, "accept", "x", {})]
    assert folded(actions).status == "accepted"
    assert folded([*actions, (4, "undo", "", {})]).messages == ["a"]


def test_an_action_on_an_older_version_is_refused_and_writes_nothing(desk: Desk) -> None:
    key = desk.sheets[0].key
    mine, theirs = desk.at(Seat("me"), key), desk.at(Seat("they"), key)
    theirs = _edited(desk, theirs, "theirs")
    with pytest.raises(ConflictError):
        _edited(desk, mine, "mine")
    with pytest.raises(ConflictError):
        desk.decide(mine, "accept")
    assert desk.messages(key)[-1]["content"] == "theirs"
    assert desk.standing(theirs).status == "open"


def test_two_people_are_given_different_rows(desk: Desk) -> None:
    seats = [desk.sit(f"person {number}") for number in range(5)]
    assert len({seat.key for seat in seats}) == 5
    assert desk.sit("person 2").key == seats[2].key, "who comes back goes on where they were"


def test_a_claim_that_was_not_renewed_is_given_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = desk.sit("gone")
    later = time.time() + CLAIM_SECONDS + 1
    monkeypatch.setattr("dataset_builder.annotate.journal.time.time", lambda: later)
    assert desk.sit("new").key == first.key


def test_each_row_is_given_once_and_then_the_work_is_done(desk: Desk) -> None:
    seat, seen = desk.sit("me"), []
    for _ in range(5):
        seen.append(seat.key)
        seat = desk.next_open(desk.decide(seat, "accept"))
    assert sorted(seen) == sorted(sheet.key for sheet in desk.sheets)
    assert desk.counts() == {"open": 0, "accepted": 5, "rejected": 0, "deleted": 0}
    assert desk.next_open(seat).key == seat.key


def test_who_comes_when_every_open_row_is_held_sees_an_open_one_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(write_rows(tmp_path / "rows.jsonl", count=3))
    done = desk.decide(desk.sit("done"), "accept")
    held = [desk.sit(who).key for who in ("first", "second")]
    late = desk.sit("late")
    assert late.key in held
    assert desk.held_by_another(late)
    assert desk.next_open(done).key == done.key
    Page(desk, None, []).next_open(done, "zh")
    assert capsys.readouterr().out == "剩下的未审对话都有人正开着。\n"


def test_undo_goes_back_to_the_row_of_my_latest_action_and_leaves_others_alone(desk: Desk) -> None:
    mine = desk.sit("me")
    theirs = desk.sit("they")
    after = desk.next_open(desk.decide(mine, "reject", "wrong tool"))
    desk.decide(theirs, "accept")
    undone = desk.undo(after)
    assert undone is not None
    assert undone.key == mine.key
    assert desk.counts()["rejected"] == 0
    assert desk.counts()["accepted"] == 1
    assert desk.undo(undone) is None


def test_a_draft_outlives_the_process_and_goes_with_the_save(desk: Desk) -> None:
    seat = desk.sit("me")
    desk.keep_draft(seat, "messages[0].content", "half a sen")
    again = Desk(desk.path)
    assert again.journal.drafts(seat.key, "me") == [Draft("messages[0].content", 0, "half a sen")]
    assert again.journal.drafts(seat.key, "they") == []
    _edited(again, again.sit("me"), "saved")
    assert again.journal.drafts(seat.key, "me") == []


WRITER = """
import itertools, sys
from dataset_builder.annotate.desk import Desk, Seat
desk = Desk(sys.argv[1])
seat = desk.at(Seat("writer"), desk.sheets[0].key)
for number in itertools.count():
    messages = desk.messages(seat.key)
    messages[-1] = {**messages[-1], "content": f"text {number}"}
    seat = desk.save(seat, messages)
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_reported_saved(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl")
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(7)]
        writer.kill()
        told += [int(line) for line in writer.stdout]
    desk = Desk(path)
    saved = int(desk.messages(desk.sheets[0].key)[-1]["content"].split()[1])
    assert told[-1] <= saved <= told[-1] + 1


def test_the_dataset_and_the_original_stay_as_they_were(desk: Desk) -> None:
    before = desk.path.read_bytes()
    seat = _edited(desk, desk.sit("me"), "other")
    assert desk.path.read_bytes() == before
    with sqlite3.connect(desk.journal.path) as database:
        kept = json.loads(database.execute("SELECT row FROM originals WHERE key = ?", (seat.key,)).fetchone()[0])
    assert kept == desk.sheet(seat).row


def test_a_row_that_changed_is_a_new_row(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl")
    desk = Desk(path)
    desk.decide(desk.sit("me"), "accept")
    path.write_text(path.read_text("utf-8").replace("北京今天晴", "北京今天雨"), encoding="utf-8")
    assert Desk(path).counts()["accepted"] == 0


@pytest.mark.parametrize("arrives", ["before", "after"])
def test_what_is_typed_on_while_a_save_is_under_way_is_a_draft_of_what_is_saved(desk: Desk, arrives: str) -> None:
    field = "messages[3].content"
    seat = _edited(desk, desk.sit("me"), "first")
    if arrives == "before":
        desk.keep_draft(seat, field, "typed on")
    messages = desk.messages(seat.key)
    messages[3] = {**messages[3], "content": "saved"}
    after = desk.save(seat, messages, saved={field: "saved"})
    if arrives == "after":  # the page has not heard of the save yet
        desk.keep_draft(seat, field, "typed on")
    assert desk.drafts(after) == ({field: "typed on"}, [])
    _edited(desk, replace(after, who="other"), "by another")
    desk.keep_draft(after, field, "typed over the old one")
    fitting, older = desk.drafts(desk.at(after, after.key))
    assert (fitting, [draft.text for draft in older]) == ({}, ["typed over the old one"])


class FullJournal(Journal):
    """A journal whose disk has no more room: SQLite itself says so."""

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with super()._open() as database:
            database.execute("PRAGMA max_page_count = 1")  # SQLite lowers it no further than the file is long
            yield database


def test_a_full_disk_loses_nothing_and_still_shows_every_row(desk: Desk) -> None:
    seat = desk.sit("me")
    long = "长" * 20_000
    desk.journal = FullJournal(desk.journal.path)
    with pytest.raises(UnwritableError, match="full"):
        _edited(desk, seat, long)
    with pytest.raises(UnwritableError, match="full"):
        desk.keep_draft(seat, "messages[3].content", long)
    assert desk.messages(seat.key) == desk.sheets[0].row["messages"]
    assert desk.step(seat, 1).key == desk.sheets[1].key
    page = Page(desk, None, [])
    assert page.save(seat, "zh", {"messages[3].content": long}) is seat
    assert page.typed(seat, "zh", "messages[3].content", long) == "草稿没能存下"


def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl")
    (tmp_path / "rows.jsonl.annotations.sqlite").write_text("not a database, and long enough to be read as one" * 40)
    with pytest.raises(UserError, match=r"annotations\.sqlite"):
        Desk(path)
    with sqlite3.connect(tmp_path / "future.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match="format 99"):
        Journal(tmp_path / "future.sqlite")


def test_what_was_accepted_comes_out_as_rows_and_the_rest_with_its_reason(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no row was accepted"):
        export(desk, tmp_path / "out")
    seat = _edited(desk, desk.sit("me"), "北京晴，适合出门。")
    seat = desk.next_open(desk.decide(seat, "accept"))
    seat = desk.next_open(desk.decide(seat, "reject", "wrong tool"))
    seat = desk.next_open(desk.decide(seat, "delete"))
    desk.decide(seat, "accept")
    done = export(desk, tmp_path / "out")
    assert (done["rows"], done["edited"], done["rejected"]) == ({"train": 2}, 1, 3)
    written = read_rows(tmp_path / "out")
    assert [row["id"] for row in written] == ["row-1", "row-4"]
    assert written[0]["messages"][-1]["content"] == "北京晴，适合出门。"
    assert written[0]["quality"] == {"review": "accepted", "edited": True}
    assert all(check_conversation(row["messages"], row["tools"]) == [] for row in written)
    lines = (tmp_path / "out" / "rejected.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["reason"] for line in lines] == ["wrong tool", "deleted", "not reviewed"]
    edits = [json.loads(line) for line in (tmp_path / "out" / "edits.jsonl").read_text("utf-8").splitlines()]
    assert edits[0]["original"]["messages"] == rows()[0]["messages"]
    assert edits[0]["edited"]["messages"] == written[0]["messages"]


def test_with_the_unreviewed_rows_corrections_reach_a_whole_dataset(desk: Desk, tmp_path: Path) -> None:
    seat = desk.decide(_edited(desk, desk.sit("me"), "北京晴，适合出门。"), "accept")
    seat = _edited(desk, desk.next_open(seat), "half done")  # edited, and nobody has said that it is right now
    desk.decide(desk.next_open(seat), "reject", "wrong tool")
    done = export(desk, tmp_path / "out", unreviewed=True)
    assert (done["rows"], done["edited"], done["unreviewed"], done["rejected"]) == ({"train": 3}, 1, 2, 2)
    written = read_rows(tmp_path / "out")
    assert [row["id"] for row in written] == ["row-1", "row-4", "row-5"]
    assert [row["quality"]["review"] for row in written] == ["accepted", "open", "open"]
    assert written[0]["messages"][-1]["content"] == "北京晴，适合出门。"
    assert written[1]["messages"] == rows()[3]["messages"]
    lines = (tmp_path / "out" / "rejected.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["reason"] for line in lines] == ["edited, but neither accepted nor rejected", "wrong tool"]
    assert "2 that nobody has reviewed" in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_a_dataset_that_nobody_reviewed_comes_out_as_it_is(desk: Desk, tmp_path: Path) -> None:
    assert export(desk, tmp_path / "out", unreviewed=True)["unreviewed"] == len(rows())


def test_a_dataset_is_not_exported_onto_itself(tmp_path: Path) -> None:
    desk = Desk(write_rows(tmp_path / "rows.jsonl"))
    export(desk, tmp_path / "weather-1.0", unreviewed=True)
    folder = Desk(tmp_path / "weather-1.0")
    with pytest.raises(UserError, match="is the dataset that is being reviewed"):
        export(folder, tmp_path / "weather-1.0" / ".", unreviewed=True, overwrite=True)
    folder.decide(folder.sit("me"), "accept")
    Page(folder, None, []).export("en")
    assert (tmp_path / "weather-1.0-reviewed").is_dir()
