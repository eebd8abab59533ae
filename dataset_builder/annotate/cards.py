"""The row before a person, drawn anew whenever their seat changes: its head, the decisions, one card per message.

Comes in: a `Page` and a `Seat`. Goes out: Gradio components, wired to the page. A field shows the draft where there is
one for this version. Every button sends the whole row's fields along, so nothing typed is left behind.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from agent.loop import open_calls
from agent.messages import Message
from dataset_builder.annotate import drawing
from dataset_builder.annotate.desk import Seat
from dataset_builder.annotate.edit import Inserted, fields_of
from dataset_builder.annotate.page import Page, cut, deletion, insertion
from dataset_builder.annotate.words import WORDS

QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}

TO_THE_TOP = "() => { window.scrollTo({top: 0}); }"  # the next row begins where a person begins to read


class Cards:
    """One drawing of a row.

    Args:
        page: What the buttons do.
        now: The seat that is drawn.
        lang: The page's language.
        seat_state, lang_state, job_state: The components that hold the seat, the language and the job to run.
    """

    def __init__(self, page: Page, now: Seat, lang: str, seat_state: Any, lang_state: Any, job_state: Any):
        self.page, self.now, self.words = page, now, WORDS[lang]
        self.seat, self.lang, self.job = seat_state, lang_state, job_state
        self.sheet = page.desk.sheet(now)
        self.messages = page.desk.messages(now.key)
        self.fields = fields_of(self.messages)
        self.drafts, self.older = page.desk.drafts(now)
        self.boxes: dict[str, Any] = {}
        self.draft_note: Any = None
        self.head: Any = None
        self.wiring: list[Callable[[], None]] = []  # buttons need every box, so they are wired when all are there

    def draw(self) -> None:
        words = self.words
        with gr.Column(elem_id="decisions"):
            self.head = gr.HTML(self._head(self.now), padding=False)
            self._decisions()
        if self.older:
            gr.HTML(drawing.older_drafts(self.older, words), padding=False)
        if self.drafts or self.older:
            with gr.Row(elem_classes="unsaved-note"):
                gr.HTML(f"<span>{words.unsaved}</span>", padding=False)
                discard = gr.Button(words.discard, size="sm", elem_id="discard", scale=0, min_width=0)
                self._wire(discard, lambda seat, lang, _: self.page.discard(seat, lang))
        tools = self.sheet.row["tools"]
        with gr.Accordion(words.tools.format(count=len(tools)), open=False):
            gr.HTML(drawing.tool_list(tools), padding=False)
        for index, message in enumerate(self.messages):
            self._card(index, message)
        for wire in self.wiring:
            wire()

    def _head(self, seat: Seat) -> str:
        desk = self.page.desk
        problems = desk.problems(seat, desk.messages(seat.key))
        number, total, held = desk.by_key[seat.key], len(desk.sheets), desk.held_by_another(seat)
        stands = desk.standing(seat)
        return drawing.row_head(number, total, self.sheet, stands, held, problems, self.words, drawing=self.now.drawing)

    def _save(self, seat: Seat, lang: str, values: dict[str, Any]) -> tuple[Seat, str, str]:
        """Save, and say in the head how the row stands; the fields stay as they are while somebody types on."""
        after = self.page.save(seat, lang, values)
        if self.drafts or self.older:  # the page says that something is not saved: drawn anew, it does not
            after = replace(after, turn=after.turn + 1)
        return after, self._head(after), self.words.draft_kept if any(self.page.desk.drafts(after)) else ""

    def _decisions(self) -> None:
        words, page = self.words, self.page
        with gr.Row(elem_classes="bar"):
            accept = gr.Button(words.accept, variant="primary", size="sm", elem_id="accept", min_width=80)
            save = gr.Button(words.save, size="sm", elem_id="save", min_width=70)
            undo = gr.Button(words.undo, size="sm", elem_id="undo", min_width=70)
            self.draft_note = gr.HTML("", padding=False, elem_id="draft-note")
            reason = gr.Dropdown(
                [(words.reason, ""), *((why, why) for why in words.reasons)], value="", allow_custom_value=True,
                show_label=False, container=False, elem_id="reason", min_width=150,
            )  # fmt: skip
            reject = gr.Button(words.reject, size="sm", elem_id="reject", min_width=70)
            delete = gr.Button(words.delete_row, size="sm", elem_id="delete-row", min_width=90)
        self._wire(accept, page.accept, then=TO_THE_TOP)
        self._wire(save, self._save, outputs=[self.seat, self.head, self.draft_note])
        self._wire(undo, page.undo)
        self._wire(delete, page.delete_row, then=TO_THE_TOP)
        self._wire(reject, page.reject, more=[reason], then=TO_THE_TOP)

    def _card(self, index: int, message: Message) -> None:
        path = f"messages[{index}]"
        drafted = any(field.startswith(f"{path}.") for field in self.drafts)
        classes = ["card", message["role"], *(["unsaved"] if drafted else [])]
        with gr.Column(elem_classes=classes, elem_id=f"message-{index}", min_width=0):
            with gr.Row(elem_classes="card-head"):
                title = self.words.roles[message["role"]]
                if message["role"] == "tool":
                    title = f"{title} <code>{message.get('name', '')}</code>"
                gr.HTML(f"<b>{index + 1}</b> {title}", padding=False, elem_classes="card-title")
                self._card_buttons(index, message)
            if message["role"] == "assistant":
                if message.get("reasoning_content") or f"{path}.reasoning_content" in self.drafts:
                    self._box(f"{path}.reasoning_content", self.words.thought)
                if message["content"] or not message.get("tool_calls"):
                    self._box(f"{path}.content")
                for number in range(len(message.get("tool_calls", []))):
                    self._call(f"{path}.tool_calls[{number}].function")
                self._train(f"{path}.train")
            else:
                self._box(f"{path}.content")

    def _card_buttons(self, index: int, message: Message) -> None:
        words, calls = self.words, message.get("tool_calls")
        if self.page.model is not None:
            if message["role"] in ("user", "tool") or calls:
                # The next thing to happen after a call is its execution, which is no step of the model's.
                self._runner(words.run_step, f"step-{index}", index + 1, 0 if calls else 1)
                self._runner(words.run_all, f"run-{index}", index + 1, None)
            if message["role"] == "assistant":
                self._runner(words.rewrite, f"rewrite-{index}", index, 1)
        for what in self._may_follow(index):
            button = _small(f"＋ {words.inserted[what]}", f"insert-{index}-{what}")
            self._changer(button, insertion(index, what, self.page, self.now))
        if index:
            self._changer(_small(words.delete, f"delete-{index}"), deletion(index))
            self._changer(_small(words.cut, f"cut-{index}"), cut(index))

    def _may_follow(self, index: int) -> list[Inserted]:
        """What may be inserted behind a message so that the conversation can still be one."""
        message = self.messages[index]
        if open_calls(self.messages[: index + 1]):
            answered = index + 1 < len(self.messages) and self.messages[index + 1]["role"] == "tool"
            return [] if answered else ["tool"]
        if message["role"] in ("user", "tool"):
            return ["assistant", "call"]
        return ["user"]

    def _call(self, path: str) -> None:
        with gr.Row(elem_classes="call"):
            names = [tool["function"]["name"] for tool in self.sheet.row["tools"]]
            value = str(self.drafts.get(f"{path}.name", self.fields[f"{path}.name"]))
            name = gr.Dropdown(
                names if value in names else [*names, value], value=value, allow_custom_value=True,
                label=self.words.calls, scale=1, min_width=160, interactive=True, key=self._key(f"{path}.name"),
            )  # fmt: skip
            self._keep(f"{path}.name", name)
            self._box(f"{path}.arguments", self.words.arguments, scale=3, code=True)

    def _box(self, field: str, label: str = "", *, scale: int | None = None, code: bool = False) -> None:
        value = str(self.drafts.get(field, self.fields[field]))
        box = gr.Textbox(
            value, label=label or None, show_label=bool(label), container=bool(label), lines=1, max_lines=24,
            scale=scale, min_width=0, elem_classes="code" if code else None, interactive=True, key=self._key(field),
        )  # fmt: skip
        self._keep(field, box)

    def _train(self, field: str) -> None:
        drafted = self.drafts.get(field)
        value = bool(self.fields[field]) if drafted is None else drafted == "True"
        box = gr.Checkbox(
            value, label=self.words.train, container=False, elem_classes="train", interactive=True,
            key=self._key(field),
        )  # fmt: skip
        self._keep(field, box)

    def _key(self, field: str) -> str:
        """A field with the same key keeps what is in it when the page is drawn anew."""
        return f"{self.now.key} {self.now.sheet} {field}"

    def _keep(self, field: str, box: Any) -> None:
        """Make `box` a field of the row whose unsaved text outlives the page."""
        self.boxes[field] = box

        def keep(seat: Seat, lang: str, text: Any) -> str:
            # Typed into this drawing, whatever row the person has come to since.
            typed_at = seat if self._fits(seat) else replace(self.now, who=seat.who)
            return self.page.typed(typed_at, lang, field, str(text))

        # Not `input`: it follows the keyboard, and misses what is pasted or written with an input method (Chinese).
        box.change(keep, [self.seat, self.lang, box], self.draft_note, trigger_mode="always_last", **QUICK)

    def _values(self, texts: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self.boxes, texts, strict=True))

    def _fits(self, seat: Seat) -> bool:
        """Whether these fields are still the seat's own: it moves at once, and they stand until the next drawing."""
        return (seat.key, seat.sheet) == (self.now.key, self.now.sheet)

    def _changer(self, button: Any, change: Any) -> None:
        self._wire(button, partial(self.page.change, change=change))

    def _runner(self, label: str, name: str, keep: int, steps: int | None) -> None:
        start = partial(self.page.start, keep=keep, steps=steps)
        self._wire(_small(label, name), start, outputs=[self.seat, self.job])

    def _wire(
        self,
        button: Any,
        handler: Callable[..., Any],
        *,
        more: Sequence[Any] = (),
        outputs: Any = None,
        then: str | None = None,
    ) -> None:
        """Call `handler(seat, lang, fields, *more)` on click, then `then` in the browser, when every field is there."""

        def call(seat: Seat, lang: str, *inputs: Any) -> Any:
            if not self._fits(seat):
                gr.Info(WORDS[lang].redrawn, duration=3)
                return gr.skip()
            return handler(seat, lang, self._values(inputs[len(more) :]), *inputs[: len(more)])

        def wire() -> None:
            inputs = [self.seat, self.lang, *more, *self.boxes.values()]
            clicked = button.click(call, inputs, outputs or self.seat, **QUICK)
            if then:
                clicked.then(None, None, None, js=then)

        self.wiring.append(wire)


def _small(label: str, name: str) -> Any:
    return gr.Button(label, size="sm", elem_id=name, scale=0, min_width=0, elem_classes="small")
