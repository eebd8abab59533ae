"""What a press does while the page is being drawn anew: the seat has moved, the fields on the screen have not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from some_rows import write_rows

from dataset_builder.annotate.cards import Cards
from dataset_builder.annotate.desk import Desk, Seat
from dataset_builder.annotate.page import Page

ANSWER = "messages[3].content"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(write_rows(tmp_path / "rows.jsonl"))


class Drawn:
    """One drawing of a row, whose buttons can be pressed and whose fields can be typed into."""

    def __init__(self, desk: Desk, seat: Seat):
        with gr.Blocks() as self.app:
            states = gr.State(seat), gr.State("zh"), gr.State(None)
            self.cards = Cards(Page(desk, None, []), seat, "zh", *states)
            self.cards.draw()
        self.texts = {field: box.value for field, box in self.cards.boxes.items()}

    def press(self, name: str, seat: Seat) -> Any:
        return self._listener(name)(seat, "zh", *self.texts.values())

    def type(self, field: str, text: str, seat: Seat) -> str:
        self.texts[field] = text
        return self._listener(self.cards.boxes[field])(seat, "zh", text)

    def _listener(self, of: Any) -> Any:
        found = {block.elem_id: block for block in self.app.blocks.values()}
        wanted = (found[of] if isinstance(of, str) else of)._id
        return next(one.fn for one in self.app.fns.values() if any(target == wanted for target, _ in one.targets))


def test_a_second_press_before_the_next_row_is_drawn_leaves_that_row_alone(desk: Desk) -> None:
    first = desk.sit("me")
    drawn = Drawn(desk, first)
    second = drawn.press("accept", first)
    assert second.key != first.key
    assert drawn.press("accept", second) == gr.skip()
    assert drawn.press("save", second) == gr.skip()
    assert desk.counts()["accepted"] == 1
    assert desk.messages(second.key) == desk.sheet(second).row["messages"]
    assert Drawn(desk, second).press("accept", second).key not in (first.key, second.key)
    assert desk.counts()["accepted"] == 2


def test_what_is_typed_before_the_next_row_is_drawn_stays_with_its_row(desk: Desk) -> None:
    first = desk.sit("me")
    drawn = Drawn(desk, first)
    second = desk.step(first, 1)
    assert drawn.type(ANSWER, "只属于第一条", second) == "草稿已存"
    assert desk.drafts(desk.at(second, second.key)) == ({}, [])
    assert desk.drafts(desk.at(first, first.key)) == ({ANSWER: "只属于第一条"}, [])


def test_only_the_row_on_the_screen_loses_what_is_discarded(desk: Desk) -> None:
    first = desk.sit("me")
    second = desk.step(first, 1)
    for seat in (first, second):
        desk.keep_draft(seat, ANSWER, "还没写完")
    drawn = Drawn(desk, first)
    assert drawn.press("discard", second) == gr.skip()
    drawn.press("discard", first)
    assert [desk.drafts(desk.at(seat, seat.key))[0] for seat in (first, second)] == [{}, {ANSWER: "还没写完"}]


def test_a_plain_save_leaves_the_fields_usable(desk: Desk) -> None:
    seat = desk.sit("me")
    drawn = Drawn(desk, seat)
    drawn.type(ANSWER, "改过", seat)
    after, *_ = drawn.press("save", seat)
    drawn.type(ANSWER, "又改", after)
    assert desk.drafts(after) == ({ANSWER: "又改"}, [])
    drawn.press("accept", after)
    assert desk.messages(seat.key)[3]["content"] == "又改"


def test_a_thought_that_was_cleared_and_saved_can_be_written_anew(desk: Desk) -> None:
    thought = "messages[1].reasoning_content"
    seat = desk.sit("me")
    drawn = Drawn(desk, seat)
    drawn.type(thought, "", seat)
    after, *_ = drawn.press("save", seat)
    assert "reasoning_content" not in desk.messages(seat.key)[1]
    assert thought not in Drawn(desk, replace(after, sheet=after.sheet + 1)).cards.boxes
    assert drawn.type(thought, "另一个想法", after) == "草稿已存"
    assert Drawn(desk, after).cards.boxes[thought].value == "另一个想法"
    drawn.press("save", after)
    assert desk.messages(seat.key)[1]["reasoning_content"] == "另一个想法"
