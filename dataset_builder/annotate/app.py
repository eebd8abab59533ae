"""The annotation page: where the work stands, the row before the person, and a run of the agent as it streams.

Comes in: a `Page`, which knows what to do. Goes out: a Gradio application, which shows it and wires it.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from agent.errors import UserError
from dataset_builder.annotate import drawing
from dataset_builder.annotate.cards import QUICK, Cards
from dataset_builder.annotate.desk import Seat
from dataset_builder.annotate.page import Page
from dataset_builder.annotate.running import Job
from dataset_builder.annotate.words import LANGUAGES, WORDS, preferred_language

FONTS = ("-apple-system", "Segoe UI", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "system-ui", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")

# Each tab is a person of its own, who stays the same over a reload and a restart of the server.
WHO = """() => {
  let who = sessionStorage.getItem('callsmith-who');
  if (!who) { who = Math.random().toString(36).slice(2) + Date.now().toString(36); }
  sessionStorage.setItem('callsmith-who', who);
  return who;
}"""

IN_THE_BROWSER = """<script>
addEventListener('keydown', (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
  // With Option, a Mac writes another character: there, the place on the keyboard says which letter it is.
  const letter = /^[a-z]$/i.test(event.key) ? event.key : event.code.replace('Key', '');
  const name = {a: 'accept', s: 'save', z: 'undo', n: 'next', p: 'previous'}[letter.toLowerCase()];
  if (!name) return;
  event.preventDefault();
  if (event.repeat || document.documentElement.classList.contains('busy')) return;
  // A list takes what was typed into it when it is left, and hands it on a moment later.
  const list = document.activeElement?.closest('[role=listbox], [role=combobox]');
  list?.blur();
  setTimeout(() => document.getElementById(name)?.click(), list ? 60 : 0);
});
// A box that begins with one line would send its Enter away; here it makes a new line.
addEventListener('keypress', (event) => {
  if (event.key === 'Enter' && event.target.matches('.card textarea')) event.stopPropagation();
}, true);
// While a row is on its way to the page, what stands there has no ear any more: a press would be lost.
new MutationObserver(() => {
  const [asked, shown] = ['.progress', '.row-head'].map((name) => document.querySelector(name)?.dataset.drawing);
  document.documentElement.classList.toggle('busy', Boolean(asked && shown && asked !== shown));
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ['data-drawing']});
</script>"""


def build(page: Page) -> gr.Blocks:
    """The application."""
    words = WORDS["en"]
    with gr.Blocks(title="callsmith annotate", analytics_enabled=False) as app:
        seat, job = gr.State(Seat("")), gr.State(None)
        drawn = gr.State("")  # a save changes the seat without a new drawing
        who = gr.Textbox(visible=False)
        with gr.Row(elem_id="head"):
            head = gr.HTML(_head("en"), padding=False)
            lang = gr.Radio(
                [(label, code) for code, label in LANGUAGES.items()],
                value="en", container=False, show_label=False, elem_id="language", scale=0,
            )  # fmt: skip
        progress = gr.HTML("", padding=False)
        with gr.Row(elem_id="moves"):
            previous = gr.Button(words.previous, size="sm", elem_id="previous", min_width=60, scale=0)
            following = gr.Button(words.next, size="sm", elem_id="next", min_width=60, scale=0)
            only = gr.Dropdown(
                _statuses("en"), value="", show_label=False, container=False, elem_id="only", min_width=110, scale=0
            )
            jump = gr.Number(
                None, precision=0, show_label=False, container=False, elem_id="jump", placeholder=words.jump,
                min_width=110, scale=0,
            )  # fmt: skip
            open_row = gr.Button(words.next_open, size="sm", elem_id="next-open", min_width=90, scale=0)
            save_all = gr.Button(words.export, size="sm", elem_id="export", min_width=90, scale=0)

        @gr.render(inputs=[seat, lang], triggers=[drawn.change, lang.change], show_progress="hidden")
        def row(now: Seat, code: str) -> None:
            if now.key:
                Cards(page, now, code, seat, lang, job).draw()

        live = gr.HTML("", padding=False, elem_id="live", autoscroll=True)
        stop = gr.Button(words.stop, size="sm", visible=False, elem_id="stop", variant="stop")
        keys = gr.HTML(f'<p class="keys">{words.keys}</p>', padding=False)

        def speak(code: str) -> list[Any]:
            say = WORDS[code]
            return [
                _head(code),
                _progress(page, code),
                gr.Button(say.previous),
                gr.Button(say.next),
                gr.Dropdown(_statuses(code)),
                gr.Number(placeholder=say.jump),
                gr.Button(say.next_open),
                gr.Button(say.export),
                gr.Button(say.stop),
                f'<p class="keys">{say.keys}</p>',
            ]

        texts = [head, progress, previous, following, only, jump, open_row, save_all, stop, keys]
        first = app.load(_first_language, None, lang, **QUICK)
        first.then(speak, lang, texts, **QUICK).then(page.arrive, who, seat, js=WHO, **QUICK)
        lang.input(speak, lang, texts, **QUICK)

        def come_to(now: Seat, code: str) -> tuple[Any, ...]:
            return _progress(page, code, now.drawing), page.desk.by_key.get(now.key, 0) + 1, now.drawing

        def after_run(now: Seat, ran: Job | None, code: str) -> tuple[Any, ...]:
            # At one stroke: the run is not seen to be over before the row is known to be drawn anew.
            after = page.after_run(now, ran)
            return "", gr.Button(visible=False), after, *come_to(after, code)

        where = [progress, jump, drawn]
        seat.change(come_to, [seat, lang], where, **QUICK)
        working = job.change(page.work, [job, lang], [live, stop], **QUICK)
        working.then(after_run, [seat, job, lang], [live, stop, seat, *where], **QUICK)
        stop.click(page.stop, job, None, **QUICK)
        previous.click(lambda now, status: page.move(now, -1, status), [seat, only], seat, **QUICK)
        following.click(lambda now, status: page.move(now, 1, status), [seat, only], seat, **QUICK)
        jump.submit(page.jump, [seat, jump], seat, **QUICK)
        open_row.click(page.next_open, [seat, lang], seat, **QUICK)
        save_all.click(page.export, lang, None, **QUICK)
    return app.queue(default_concurrency_limit=16)


def launch(app: gr.Blocks, *, host: str, port: int) -> None:
    """Serve `app` until interrupted. Raises UserError where the port is taken."""
    theme = gr.themes.Default(primary_hue="teal", neutral_hue="slate", font=FONTS, font_mono=MONO)
    try:
        app.launch(
            server_name=host, server_port=port, theme=theme, css_paths=[Path(__file__).parent / "style.css"],
            head=IN_THE_BROWSER, footer_links=[], show_error=False,
        )  # fmt: skip
    except OSError as error:
        if "port" not in str(error):
            raise
        raise UserError(f"port {port} is taken", mend="choose another with --port") from error


def _first_language(request: gr.Request) -> str:
    asked = request.query_params.get("lang", "")
    return asked if asked in WORDS else preferred_language(request.headers.get("accept-language", ""))


def _head(lang: str) -> str:
    return f"<h1>{WORDS[lang].title}</h1>"


def _progress(page: Page, lang: str, drawn: str = "") -> str:
    return drawing.progress_bar(page.desk.counts(), WORDS[lang], drawn)


def _statuses(lang: str) -> list[tuple[str, str]]:
    words = WORDS[lang]
    return [
        (words.problem.format(field=words.filter, what=label), code)
        for code, label in {"": words.every, **words.status}.items()
    ]
