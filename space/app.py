"""The demo's page: chat with a model that calls tools, its thoughts and calls folded under titles.

    MODEL=embedded ADAPTER=runs/demo/adapter python space/app.py      # or: callsmith serve

Comes in: a `Page`, which knows what to do. Goes out: a Gradio application, which shows it and wires it.
What belongs to one visitor is a `Visit` in that visitor's `gr.State`.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # run as a script, which is how a Space starts it
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import gradio as gr

from agent.errors import UserError, exit_codes
from agent.models import load_model
from agent.models.templates import other_template
from agent.tools import load_tools
from space.feedback import Feedback
from space.holding import page_sampling
from space.page import Page, example_cards
from space.tool_list import OFFERED_AT_FIRST, as_html, first_choice, ticked_first
from space.visit import Visit
from space.words import LANGUAGES, WORDS, preferred_language

FONTS = ("-apple-system", "Segoe UI", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "system-ui", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")
WAITING = 64  # questions in the queue; one more is told that the demo is busy

# The row is handed to the browser as text, so no visitor's conversation lies in a file on the server.
SAVE_FILE = """(text) => {
  if (!text) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text + '\\n'], {type: 'application/jsonl'}));
  link.download = 'conversation.jsonl';
  link.click();
  URL.revokeObjectURL(link.href);
}"""


def build(page: Page, *, concurrency: int = 1) -> gr.Blocks:
    """The application; at most `concurrency` questions are answered at once, the others wait in the queue."""
    words = WORDS["en"]
    chosen = first_choice(page.tools, [name for example in page.examples for name in example.tools])
    many = len(page.tools) > OFFERED_AT_FIRST
    with gr.Blocks(title="callsmith", analytics_enabled=False, fill_height=True) as app:
        visit = gr.State(Visit())
        with gr.Row(elem_id="head"):
            title = gr.HTML(head(page, "en"), padding=False)
            lang = gr.Radio(
                [(label, code) for code, label in LANGUAGES.items()],
                value="en", container=False, show_label=False, elem_id="language", scale=0,
            )  # fmt: skip
        with gr.Row(equal_height=False):
            with gr.Column(scale=7, min_width=320):
                talk = gr.Chatbot(
                    elem_id="talk", height="calc(100vh - 250px)", min_height=400, show_label=False, buttons=["copy"],
                    editable="user", latex_delimiters=[], allow_tags=False,
                    feedback_options=("Like", "Dislike") if page.feedback else None,
                )  # fmt: skip
                with gr.Column(visible=False, elem_id="ask") as ask:
                    asked = gr.HTML()
                    with gr.Row():
                        run_it = gr.Button(words.run_it, variant="primary", size="sm", elem_id="run-it")
                        do_not_run = gr.Button(words.do_not_run, size="sm", elem_id="do-not-run")
                box = gr.Textbox(
                    elem_id="question", show_label=False, container=False, submit_btn=True, autofocus=True, lines=1,
                    max_lines=6, max_length=4000, placeholder=words.placeholder,
                )  # fmt: skip
                with gr.Row(elem_id="under"):
                    note = gr.Markdown(words.feedback_note if page.feedback else "", elem_classes="note")
                    download = gr.Button(words.download, size="sm", elem_id="download", scale=0)
            with gr.Column(scale=4, min_width=280):
                with gr.Group():
                    offered = gr.CheckboxGroup(
                        ticked_first(page.tools, chosen), value=chosen, elem_id="offered",
                        label=words.offered, info=words.offered_note,
                    )  # fmt: skip
                    choose = gr.Checkbox(value=many, visible=many, label=words.choose, elem_id="choose")
                with gr.Accordion(words.descriptions, open=True) as descriptions:
                    tool_list = gr.HTML(as_html(page.schemas("en"), words), padding=False)
        row_text = gr.Textbox(visible=False)
        ticket = gr.Textbox(visible=False)
        clock = gr.Timer(page.patience, active=False)
        question = [ask, asked, ticket, clock]

        def speak(code: str, now: Visit) -> list[Any]:
            """Every text of the page in the chosen language."""
            say = WORDS[code]
            # A talk that is being written is drawn by its own event; drawing it here too could set it back.
            still = not now.running or now.consent is not None
            drawn = {"value": page.draw(now, code)} if now.messages and still else {}
            return [
                head(page, code),
                gr.Chatbot(placeholder=say.empty, examples=example_cards(page.examples, code), **drawn),  # type: ignore[arg-type]
                gr.Textbox(placeholder=say.placeholder),
                say.feedback_note if page.feedback else "",
                gr.Button(say.download),
                gr.CheckboxGroup(label=say.offered, info=say.offered_note),
                gr.Checkbox(label=say.choose),
                gr.Accordion(label=say.descriptions),
                as_html(page.schemas(code), say),
                page.asked_about(now, code),
                gr.Button(say.run_it),
                gr.Button(say.do_not_run),
            ]

        texts = [title, talk, box, note, download, offered, choose, descriptions, tool_list, asked, run_it, do_not_run]
        quick: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
        # The examples appear with the visitor's language, so that no card moves under a finger.
        app.load(_first_language, None, lang, **quick).then(speak, [lang, visit], texts, **quick)
        lang.input(speak, [lang, visit], texts, **quick)
        offered.input(lambda: False, None, choose, **quick)  # the visitor's own choice stands

        def then_answer(event: Any) -> Any:
            number = gr.State(0)
            turn = event.then(
                page.answer, [visit, offered, lang], [visit, talk, box, number],
                show_progress="hidden", api_visibility="private", concurrency_limit=concurrency, concurrency_id="model",
            )  # fmt: skip
            # Also reached when the turn was cancelled, and only then is its last picture surely the last. A question
            # is put here too, so that no answer finds the turn still at work.
            turn.then(page.rest, [visit, number, lang], [visit, talk, box, *question], **quick)
            return turn

        turns = [
            then_answer(box.submit(page.asked, [box, visit, choose, lang], [box, visit, talk, offered], **quick)),
            then_answer(talk.example_select(page.example, [visit, offered, lang], [visit, offered, talk], **quick)),
            then_answer(talk.retry(page.again, [visit, lang], [visit, talk], **quick)),
            then_answer(talk.edit(page.reworded, [visit, choose, lang], [visit, talk, offered], **quick)),
            then_answer(run_it.click(page.allowed, [ticket, visit, lang], question, **quick)),
            then_answer(do_not_run.click(page.refused, [ticket, visit, lang], question, **quick)),
            then_answer(clock.tick(page.unanswered, [ticket, visit, lang], question, **quick)),
        ]
        box.stop(page.stopped, [visit, lang], [visit, talk, box, *question], cancels=turns, **quick)
        talk.undo(page.taken_back, [visit, lang], [box, visit, talk], **quick)
        # Twice, as a turn that is being cancelled may still draw itself once.
        afresh = [visit, talk, box, *question]
        talk.clear(page.cleared, None, afresh, cancels=turns, **quick).then(page.cleared, None, afresh, **quick)
        if page.feedback:
            talk.like(page.rated, [visit, offered, lang], None, **quick)
        download.click(page.as_text, [visit, offered, lang], row_text, **quick).then(None, row_text, None, js=SAVE_FILE)
    return app.queue(max_size=WAITING, default_concurrency_limit=concurrency)


def open_page(
    model: str, adapter: str | None, tools: str, feedback_dir: str | None = None, questions: Sequence[str] = ()
) -> Page:
    """The page of a model and tools by name, as `load_model` and `load_tools` take them.

    Raises:
        UserError: One of them is not there, or does not fit.
    """
    feedback = Feedback(feedback_dir) if feedback_dir else None
    known = load_tools(tools)  # before the model, which takes longer: a mistake in them shows at once
    loaded = load_model(model, adapter=adapter)
    sampling, warned = page_sampling(loaded, known), other_template(loaded, adapter)
    return Page(loaded, known, feedback, questions, sampling=sampling, warned=warned)


def launch(app: gr.Blocks, *, host: str | None = None, port: int | None = None, share: bool = False) -> None:
    """Serve `app` until interrupted, without a font or a script from elsewhere; None: as the environment says.

    Raises:
        UserError: The port is taken.
    """
    theme = gr.themes.Default(primary_hue="teal", neutral_hue="slate", font=FONTS, font_mono=MONO)
    style = Path(__file__).parent / "style.css"
    try:
        app.launch(
            server_name=host, server_port=port, share=share, theme=theme, css_paths=[style], footer_links=[],
            show_error=False,
        )  # fmt: skip
    except OSError as error:
        if "port" not in str(error):
            raise
        raise UserError(f"port {port} is taken", mend="choose another with --port") from error


def read_questions(file: str) -> list[str]:
    """Example questions, one a line."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=file) from error
    except UnicodeDecodeError as error:
        raise UserError(f"is not UTF-8 text: {error.reason}", where=file) from error
    return [line.strip() for line in lines if line.strip()]


def main() -> None:
    """Start as a Space does: MODEL, ADAPTER, TOOLS and FEEDBACK_DIR come from the environment."""
    given = os.environ
    model, tools = given.get("MODEL", "embedded"), given.get("TOOLS", "embedded")
    launch(build(open_page(model, given.get("ADAPTER") or None, tools, given.get("FEEDBACK_DIR"))))


def _first_language(request: gr.Request) -> str:
    """The page's language: from `?lang=`, or from the browser."""
    asked = request.query_params.get("lang", "")
    return asked if asked in WORDS else preferred_language(request.headers.get("accept-language", ""))


def head(page: Page, lang: str) -> str:
    """What stands at the top of the page."""
    words = WORDS[lang]
    warning = f'<p class="caution" role="alert">{words.other_template}</p>' if page.warned else ""
    return f"<h1>{words.title}</h1><p>{words.lead}</p>{warning}"


if __name__ == "__main__":
    with exit_codes():
        main()
