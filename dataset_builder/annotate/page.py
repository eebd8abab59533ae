"""What the annotation page does when a person does something: one method for each action.

Comes in: the person's `Seat`, what stands in the page's fields, and the page's language. Goes out: the next `Seat` (and
a `Job` where the agent is to run). Every action first saves what stands in the fields; one that cannot be read stops
the action and names the field. One `Page` serves everybody and holds nothing of anybody.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from agent.errors import UserError
from agent.messages import Message, Problem
from agent.models import ChatModel
from agent.tools import Tool
from dataset_builder.annotate import drawing
from dataset_builder.annotate.desk import Desk, Seat, new_act
from dataset_builder.annotate.edit import Inserted, with_fields, with_inserted, without
from dataset_builder.annotate.export import export
from dataset_builder.annotate.journal import ConflictError, UnwritableError
from dataset_builder.annotate.running import Job, run, until
from dataset_builder.annotate.standing import Status
from dataset_builder.annotate.telling import told, what
from dataset_builder.annotate.words import WORDS

Values = dict[str, Any]
Change = Callable[[list[Message]], list[Message]]

log = logging.getLogger(__name__)


class Page:
    """Handlers over a desk, and over the model and tools that run when asked to.

    Args:
        desk: The rows and their journal.
        model: Who writes when a person runs the agent; None: nobody can.
        tools: What is executed then.
    """

    def __init__(self, desk: Desk, model: ChatModel | None, tools: Sequence[Tool]):
        self.desk, self.model = desk, model
        self.tools = {tool.name: tool for tool in tools}
        self._running: dict[str, Job] = {}  # who runs the agent, and on which row: a person runs one at a time
        self._stopping: dict[str, asyncio.Event] = {}  # of the runs under way, by their act

    # --- saving and deciding --------------------------------------------------------------------------------------

    def save(self, seat: Seat, lang: str, values: Values) -> Seat:
        def save() -> Seat:
            after = self._saved(seat, values, typing=True)
            gr.Info(WORDS[lang].saved, duration=2)
            # Not drawn anew: what is typed while the save is under way stays in its field.
            return replace(after, turn=seat.turn, sheet=seat.sheet)

        return self._tried(seat, lang, values, save)

    def change(self, seat: Seat, lang: str, values: Values, change: Change) -> Seat:
        """Save the fields with a further change of the messages, as one edit."""
        return self._tried(seat, lang, values, lambda: self._saved(seat, values, change))

    def accept(self, seat: Seat, lang: str, values: Values) -> Seat:
        def accept() -> Seat:
            after = self._saved(seat, values)  # an act of its own: the first undo takes back the decision only
            problems = self.desk.problems(after, self.desk.messages(after.key))
            if problems:
                gr.Warning(WORDS[lang].not_accepted.format(problem=told(problems[0], WORDS[lang])))
                return after
            return self.next_open(self.desk.decide(after, "accept"), lang)

        return self._tried(seat, lang, values, accept)

    def reject(self, seat: Seat, lang: str, values: Values, reason: str) -> Seat:
        def reject() -> Seat:
            after = self._saved(seat, values)
            return self.next_open(self.desk.decide(after, "reject", reason.strip()), lang)

        if not (reason or "").strip():
            gr.Warning(WORDS[lang].needs_reason)
            return seat
        return self._tried(seat, lang, values, reject)

    def delete_row(self, seat: Seat, lang: str, values: Values) -> Seat:
        def delete_row() -> Seat:
            self._keep_typed(seat, values)  # for an undo to find again
            return self.next_open(self.desk.decide(seat, "delete"), lang)

        return self._tried(seat, lang, values, delete_row)

    def undo(self, seat: Seat, lang: str, values: Values) -> Seat:
        def undo() -> Seat:
            self._keep_typed(seat, values)
            after = self.desk.undo(seat)
            gr.Info(WORDS[lang].undone if after else WORDS[lang].nothing_to_undo, duration=2)
            return after or seat

        return self._tried(seat, lang, values, undo, anywhere=True)

    def typed(self, seat: Seat, lang: str, field: str, text: str) -> str:
        """Keep what is being typed; returns what to tell the person."""
        try:
            return WORDS[lang].draft_kept if self.desk.keep_draft(seat, field, text) else ""
        except UnwritableError:
            return WORDS[lang].draft_lost

    def discard(self, seat: Seat, lang: str) -> Seat:
        def discard() -> Seat:
            self.desk.journal.drop_drafts(seat.key, seat.who)
            return self.desk.at(seat, seat.key)

        return self._tried(seat, lang, {}, discard)

    # --- running the agent ----------------------------------------------------------------------------------------

    def start(self, seat: Seat, lang: str, values: Values, keep: int, steps: int | None) -> tuple[Seat, Any]:
        """Drop what stands behind the first `keep` messages, and hand out the job of running on from there."""
        jobs: list[Job] = []

        def start() -> Seat:
            act = new_act()
            after = self._saved(seat, values, lambda messages: messages[:keep], act)
            jobs.append(Job(after, steps, act))
            self._running[seat.who] = jobs[0]
            return after

        return self._tried(seat, lang, values, start, anywhere=True), jobs[0] if jobs else gr.skip()

    async def work(self, job: Job | None, lang: str) -> AsyncIterator[tuple[str, Any]]:
        """Run a job, streaming into the page; what is whole is already saved when it appears."""
        if job is None or self.model is None:
            return
        words = WORDS[lang]
        stopped = self._stopping[job.act] = asyncio.Event()
        try:
            async for now in until(stopped, run(self.desk, self.model, self.tools, job)):
                yield drawing.live(now, words), gr.Button(visible=True)
                if now.ended not in ("", "answered") and not (now.ended == "steps" and job.steps is not None):
                    gr.Warning(f"{words.run_ended}{words.reasons_ended.get(now.ended, now.failure or now.ended)}")
        except ConflictError:
            gr.Warning(words.conflict)
        except UnwritableError as error:
            gr.Warning(words.not_written.format(why=error))
        except Exception:
            log.exception("the run failed")
            gr.Warning(words.run_failed)
        finally:
            del self._stopping[job.act]
            if self._running.get(job.seat.who) is job:
                del self._running[job.seat.who]

    def after_run(self, seat: Seat, job: Job | None) -> Seat:
        """The seat when a run has ended: at what it made, where the person still has its row before them.

        Where nothing was saved, nothing is drawn anew, and no button vanishes from under a finger.
        """
        if job is None or seat.key != job.seat.key or self.desk.standing(seat).version == seat.version:
            return seat
        return self.desk.at(seat, seat.key)

    async def stop(self, job: Job | None) -> None:
        """End a run; it says itself that it has come to rest, so that no picture of it can come later."""
        if job is not None and job.act in self._stopping:
            self._stopping[job.act].set()

    # --- moving about ---------------------------------------------------------------------------------------------

    def arrive(self, who: str) -> Seat:
        self._running.pop(who, None)  # a job that the page before this one was handed, and could not begin any more
        return self.desk.sit(who or new_act())

    def next_open(self, seat: Seat, lang: str) -> Seat:
        after = self.desk.next_open(seat)
        if after.key == seat.key:
            gr.Info(WORDS[lang].all_held if self.desk.counts()["open"] else WORDS[lang].no_more)
        return after

    def move(self, seat: Seat, by: int, only: Status | str) -> Seat:
        return self.desk.step(seat, by, only if only in WORDS["en"].status else None)  # type: ignore[arg-type]

    def jump(self, seat: Seat, number: float | None) -> Seat:
        return seat if number is None else self.desk.go(seat, int(number) - 1)

    def export(self, lang: str) -> None:
        """Write what was accepted beside the dataset, over what was written there before."""
        words = WORDS[lang]
        if not self.desk.counts()["accepted"]:
            gr.Warning(words.nothing_accepted)
            return
        whole = self.desk.path.resolve()  # a folder may have a stop in its name
        target = self.desk.path.with_name(f"{whole.name if whole.is_dir() else whole.stem}-reviewed")
        try:
            done = export(self.desk, target, overwrite=True)
        except UserError as error:  # what would mend it is said there of a command's options
            gr.Warning(words.not_exported.format(folder=target.name, why=what(error.what, words)))
            return
        except OSError as error:
            gr.Warning(words.not_exported.format(folder=target.name, why=error))
            return
        rows = sum(done["rows"].values())
        text = words.exported.format(folder=Path(done["folder"]).name, rows=rows, edited=done["edited"])
        gr.Info(text + (words.left_undecided.format(count=done["undecided"]) if done["undecided"] else ""))

    # --------------------------------------------------------------------------------------------------------------

    def _saved(
        self, seat: Seat, values: Values, change: Change | None = None, act: str = "", *, typing: bool = False
    ) -> Seat:
        """Save the fields, changed further by `change`; while somebody is `typing`, drafts with other texts are kept.

        Raises:
            UnreadableError, ConflictError, UnwritableError: Nothing was saved.
        """
        messages, problems = with_fields(self.desk.messages(seat.key), values)
        if problems:
            raise UnreadableError(problems[0])
        saved = {field: str(value) for field, value in values.items()} if typing else None
        return self.desk.save(seat, change(messages) if change else messages, act, saved)

    def _tried(
        self, seat: Seat, lang: str, values: Values, action: Callable[[], Seat], *, anywhere: bool = False
    ) -> Seat:
        """The seat after `action`; where it could not be done, the person is told why and nothing typed is lost.

        Nothing is done to a row on which the person runs the agent; `anywhere`: nor where they run it on another.
        """
        job = self._running.get(seat.who)
        if job is not None and (anywhere or job.seat.key == seat.key):
            gr.Info(WORDS[lang].still_running)
            return seat
        try:
            return action()
        except UnreadableError as error:
            self._keep_typed(seat, values)
            gr.Warning(WORDS[lang].not_saved.format(problem=told(error.problem, WORDS[lang])))
            return seat
        except ConflictError:
            self._keep_typed(seat, values)
            if self.desk.journal.only_by(seat.who, seat.key, seat.version):  # their own, and not heard of here
                gr.Info(WORDS[lang].redrawn, duration=3)
            else:
                gr.Warning(WORDS[lang].conflict)
            return self.desk.at(seat, seat.key)
        except UnwritableError as error:
            gr.Warning(WORDS[lang].not_written.format(why=error))
            return seat

    def _keep_typed(self, seat: Seat, values: Values) -> None:
        """Keep as drafts what differs from the version that the person saw."""
        for field, value in values.items():
            self.desk.keep_draft(seat, field, str(value))


class UnreadableError(Exception):
    """A field holds text that cannot be saved, as arguments that are no JSON."""

    def __init__(self, problem: Problem):
        self.problem = problem
        super().__init__(problem["what"])


def deletion(index: int) -> Change:
    return lambda messages: without(messages, index)


def cut(index: int) -> Change:
    return lambda messages: messages[:index]


def insertion(after: int, what: Inserted, page: Page, seat: Seat) -> Change:
    tools = page.desk.sheet(seat).row["tools"]
    return lambda messages: with_inserted(messages, after, what, tools, random.Random())
