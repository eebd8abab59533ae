"""What a person does at the page: nothing typed is lost by it, and a run of the agent and the person keep apart."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from scripted_model import TOOLS, ScriptedModel
from some_rows import write_rows

from dataset_builder.annotate.app import build
from dataset_builder.annotate.desk import Desk, Seat
from dataset_builder.annotate.export import export
from dataset_builder.annotate.page import Page
from dataset_builder.annotate.running import Job

ANSWER = "messages[3].content"
Act = Callable[[Page, Seat, dict[str, Any]], Seat]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(write_rows(tmp_path / "rows.jsonl"))


@pytest.fixture
def page(desk: Desk) -> Page:
    return Page(desk, ScriptedModel(), TOOLS)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> Callable[[], list[str]]:
    """What the person was told since the last time this was called."""

    def lines() -> list[str]:
        warned = [str(one.message) for one in recwarn]
        recwarn.clear()
        return capsys.readouterr().out.splitlines() + warned

    return lines


DECISIONS: dict[str, Act] = {
    "accept": lambda page, seat, values: page.accept(seat, "zh", values),
    "reject": lambda page, seat, values: page.reject(seat, "zh", values, "答案不对"),
    "delete": lambda page, seat, values: page.delete_row(seat, "zh", values),
}


@pytest.mark.parametrize("decision", DECISIONS)
def test_an_undone_decision_leaves_what_was_typed(desk: Desk, page: Page, decision: str) -> None:
    seat = desk.sit("me")
    after = DECISIONS[decision](page, seat, {ANSWER: "没保存过的话"})
    assert after.key != seat.key
    back = page.undo(after, "zh", {})
    assert (back.key, desk.standing(back).status) == (seat.key, "open")
    shown = desk.drafts(back)[0].get(ANSWER, desk.messages(back.key)[3]["content"])
    assert shown == "没保存过的话"


def _started(page: Page, seat: Seat, steps: int | None = None) -> tuple[Seat, Job]:
    """A run from the row's question on that has been asked for, and has not begun."""
    after, job = page.start(seat, "zh", {}, 1, steps)
    assert isinstance(job, Job)
    return after, job


def _run(page: Page, job: Job) -> None:
    async def to_the_end() -> None:
        async for _ in page.work(job, "zh"):
            pass

    asyncio.run(to_the_end())


def test_a_row_on_which_the_agent_runs_is_left_alone(desk: Desk, page: Page, said: Callable[[], list[str]]) -> None:
    seat, job = _started(page, desk.sit("me"))
    cut = desk.messages(seat.key)
    said()
    assert page.accept(seat, "zh", {}) is seat
    assert page.save(seat, "zh", {"messages[0].content": "别的问题"}) is seat
    assert page.delete_row(seat, "zh", {}) is seat
    assert page.undo(seat, "zh", {}) is seat
    assert said() == ["智能体还在运行，先等它跑完，或者按“停止”。"] * 4
    assert (desk.messages(seat.key), desk.standing(seat).status) == (cut, "open")
    _run(page, job)
    assert len(desk.messages(seat.key)) == 4
    assert page.accept(page.after_run(seat, job), "zh", {}).key != seat.key


def test_one_person_runs_the_agent_on_one_row_at_a_time(desk: Desk, page: Page) -> None:
    first, job = _started(page, desk.sit("me"))
    other = desk.step(first, 1)
    assert page.start(other, "zh", {}, 1, None) == (other, gr.skip())
    assert desk.messages(other.key) == desk.sheet(other).row["messages"]
    saved = page.save(other, "zh", {ANSWER: "另一条照样能改"})
    assert desk.messages(other.key)[3]["content"] == "另一条照样能改"
    _run(page, job)
    assert page.after_run(saved, job) is saved, "who has gone on to another row was pulled back"
    assert isinstance(page.start(saved, "zh", {}, 1, None)[1], Job)


def test_a_run_that_could_not_begin_ends_with_its_page(desk: Desk, page: Page) -> None:
    _started(page, desk.sit("me"))
    again = page.arrive("me")
    assert isinstance(page.start(again, "zh", {}, 1, None)[1], Job)


def test_where_a_run_saved_nothing_nothing_is_drawn_anew(desk: Desk, page: Page) -> None:
    seat, job = _started(page, desk.sit("me"))
    assert page.after_run(seat, job) is seat
    _run(page, job)
    assert page.after_run(seat, job).version == desk.standing(seat).version


def test_a_run_ahead_of_the_page_is_not_said_to_be_somebody_else(
    desk: Desk, page: Page, said: Callable[[], list[str]]
) -> None:
    seat, job = _started(page, desk.sit("me"))
    _run(page, job)
    said()
    after = page.save(seat, "zh", {"messages[0].content": "上海今天天气怎么样？"})
    assert said() == ["页面刚换了内容，请看一眼再按一次。"]
    assert desk.drafts(after)[0] == {"messages[0].content": "上海今天天气怎么样？"}
    page.change(replace(after, who="other"), "zh", {}, lambda messages: messages[:2])
    page.save(after, "zh", {"messages[0].content": "广州今天天气怎么样？"})
    assert said() == ["这条对话刚被别人改过，你的操作没有保存，你写的文字还在。"]


class Restless(ScriptedModel):
    """Calls a tool after each result, and never answers."""

    def _message(self, last: Any, offered: Any, messages: Any) -> Any:
        number = sum(message["role"] == "tool" for message in messages)
        return super()._message({**last, "role": "user", "content": f"{number} 加 1"}, offered, messages)


@pytest.mark.parametrize(("steps", "told"), [(None, True), (1, False)])
def test_a_run_that_ends_at_the_limit_says_so_where_nobody_set_it(
    desk: Desk, said: Callable[[], list[str]], steps: int | None, told: bool
) -> None:
    page = Page(desk, Restless(), TOOLS)
    _, job = _started(page, desk.sit("me"), steps)
    _run(page, job)
    assert ("运行结束：步数用完了。" in said()) is told


def test_a_reload_comes_back_to_the_row_with_unsaved_text(desk: Desk, page: Page) -> None:
    seat = desk.sit("me")
    page.typed(seat, "zh", ANSWER, "先写到这里")
    other = page.move(seat, 1, "")
    page.accept(other, "zh", {})
    assert page.arrive("me").key == seat.key
    page.save(page.arrive("me"), "zh", {ANSWER: "先写到这里"})
    held = page.jump(seat, 5)
    assert page.arrive("me").key == held.key
    page.accept(held, "zh", {})
    assert page.arrive("someone else").key != seat.key


def test_a_reload_opens_the_journal_no_more_often_where_there_are_more_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(write_rows(tmp_path / "rows.jsonl", count=40))
    opened: list[str] = []
    plain = desk.journal._open
    monkeypatch.setattr(desk.journal, "_open", lambda: opened.append("once") or plain())  # type: ignore[func-returns-value]
    desk.sit("me")
    assert len(opened) < 10


def test_a_number_beyond_the_rows_goes_to_the_nearest(desk: Desk, page: Page) -> None:
    seat = desk.sit("me")
    assert [desk.by_key[page.jump(seat, number).key] for number in (-3, 0, 99)] == [0, 0, 4]
    parts = build(page).get_config_file()["components"]
    box = next(part["props"] for part in parts if part["props"].get("elem_id") == "jump")
    assert not {"minimum", "maximum"} & box.keys(), "Gradio refuses what is outside, in English"


def test_a_deleted_row_is_not_come_back_to_for_what_was_typed_there(desk: Desk, page: Page) -> None:
    seat = desk.sit("me")
    after = page.delete_row(seat, "zh", {ANSWER: "没保存过的话"})
    assert page.arrive("me").key == after.key


def test_an_export_that_is_refused_is_told_as_what_it_is(desk: Desk, page: Page, said: Callable[[], list[str]]) -> None:
    page.accept(desk.sit("me"), "zh", {})
    foreign = desk.path.with_name("rows-reviewed")
    foreign.mkdir()
    (foreign / "mine.txt").write_text("precious")
    page.export("zh")
    assert said() == ["没有导出到 rows-reviewed：已经有这个文件夹，而且不是 callsmith 写的。"]


def test_what_was_edited_and_not_decided_is_counted(
    desk: Desk, page: Page, tmp_path: Path, said: Callable[[], list[str]]
) -> None:
    edited = {ANSWER: "晴。"}
    second = page.accept(desk.sit("me"), "zh", edited)
    third = page.reject(second, "zh", edited, "答案不对")
    page.save(third, "zh", edited)
    done = export(desk, tmp_path / "out", unreviewed=True)
    numbers = {name: done[name] for name in ("rows", "edited", "unreviewed", "rejected", "undecided")}
    assert numbers == {"rows": {"train": 3}, "edited": 1, "unreviewed": 2, "rejected": 2, "undecided": 1}
    said()
    page.export("en")
    told = "Written to rows-reviewed: 1 rows, 1 of them edited. 1 more were edited but not accepted, and left out."
    assert said() == [told]
    lines = (tmp_path / "out" / "edits.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["accepted", "rejected", "open"]


def test_the_command_tells_of_them_and_calls_its_option_by_its_name(
    desk: Desk, page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent.cli import main

    page.save(page.accept(desk.sit("me"), "zh", {}), "zh", {ANSWER: "晴。"})
    command = ["annotate", str(desk.path), "--export", str(tmp_path / "out")]
    for expected in ("4 left out, 1 of them edited but not accepted", "add --overwrite, or another --export"):
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main(command)
        said = capsys.readouterr()
        assert expected in said.out + said.err
