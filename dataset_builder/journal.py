"""The journal of a run: every model reply and every tool result, written down before anything uses it.

Comes in: a request (what was asked, as JSON) and the answer it got. Goes out: the answer again, to whoever asks the
same thing in the same place. A run that was killed is simply started again: what was answered is read from here, and
the run goes on from the first question that was not. Beside them, for people who ask how a run goes: what became of
each question so far (`outcomes`) and what the run was told (`facts`), written anew by each start of the run; nothing
is ever decided by them. Knows nothing of stages, prompts or rows.

One SQLite file (WAL) in a folder of its own beside the dataset, one writer: a lock keeps a second run out and goes
away with the process that holds it, however that ends.
"""

import asyncio
import hashlib
import json
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from agent.errors import UserError
from agent.json_text import as_json
from dataset_builder.calls import Calls

# Number N makes a file of version N into one of version N + 1; a new file goes through all of them.
_MIGRATIONS = (
    """
CREATE TABLE answers (
    key TEXT PRIMARY KEY,     -- hash of scope, request and how often it was made in that scope
    kind TEXT NOT NULL,       -- "reply" or "tool"
    scope TEXT NOT NULL,      -- the row it was made for
    answer TEXT               -- JSON; NULL: begun, and the run ended before the answer came
) WITHOUT ROWID;
""",
    """
CREATE TABLE outcomes (
    number INTEGER PRIMARY KEY, -- in the order of the questions
    row TEXT NOT NULL,          -- the row's id
    stage TEXT NOT NULL,        -- which dropped it; "" where none did
    reason TEXT NOT NULL,
    story TEXT NOT NULL         -- JSON: what is known of the row
);
CREATE INDEX outcomes_row ON outcomes (row);
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL         -- JSON
) WITHOUT ROWID;
""",
)
ASKED_FOR = "rows asked for"  # among the facts of a run, here and in its manifest
SPENT = """SELECT coalesce(sum(json_extract(answer, '$.usage.prompt_tokens')), 0),
    coalesce(sum(json_extract(answer, '$.usage.completion_tokens')), 0) FROM answers WHERE kind = 'reply'"""
VERSION = len(_MIGRATIONS)  # of the tables; written into the file


@dataclass
class Scope:
    """The part of a run that asks: one stage of one row. `failures` says which of its tool calls failed, `calls` counts
    them,
    `not_executed` which tools gave results that were `simulated` or `recorded`, `results` what they were.
    """

    name: str
    failures: list[str] = field(default_factory=list)
    calls: Calls = field(default_factory=Calls)
    not_executed: dict[str, str] = field(default_factory=dict)
    results: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    # Calls of one row run one after the other: what they leave behind must not depend on which was faster.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


_scope: ContextVar[Scope] = ContextVar("scope")


@contextmanager
def scope(name: str) -> Iterator[Scope]:
    """Everything asked inside belongs to `name`. The same request made twice inside is two requests; made again by a
    later run, they are the same two.
    """
    here = Scope(name)
    token = _scope.set(here)
    try:
        yield here
    finally:
        _scope.reset(token)


def current() -> Scope:
    """The scope that asks now."""
    return _scope.get()


def key_of(request: Any) -> str:
    """The key of a request made in the present scope."""
    here = _scope.get()
    digest = hashlib.sha256(as_json(request, sort_keys=True).encode()).hexdigest()
    here.seen[digest] += 1
    return hashlib.sha256(f"{here.name}\n{digest}\n{here.seen[digest]}".encode()).hexdigest()


class Journal:
    """A journal, to be opened before it is used: by `open`, or as a context manager.

    Args:
        folder: Where `journal.sqlite` and its lock lie.
    """

    def __init__(self, folder: Path):
        self.file = folder / "journal.sqlite"
        self._lock = FileLock(folder / "lock")
        self._one_at_a_time = threading.Lock()

    def open(self) -> None:
        """Open it; the folder is made where it is missing.

        Raises:
            UserError: another run is writing it, it is of another version, or the folder cannot be written.
        """
        folder = self.file.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except Timeout as error:
            mend = "wait for it, or choose another --output"
            raise UserError("another run is at work here", where=str(folder), mend=mend) from error
        except OSError as error:
            raise UserError(f"cannot be written: {error.strerror or error}", where=str(folder)) from error
        try:
            self._base = self._opened()
        except BaseException:
            self._lock.release()
            raise

    def _opened(self) -> sqlite3.Connection:
        with self._disk():
            # One connection for every thread: `_one_at_a_time` keeps them apart.
            base = sqlite3.connect(self.file, isolation_level=None, check_same_thread=False)
            base.execute("PRAGMA journal_mode = WAL")
            base.execute("PRAGMA synchronous = NORMAL")
            version = base.execute("PRAGMA user_version").fetchone()[0]
            if version < VERSION:
                if version:
                    line = f"callsmith: {self.file}: a journal of version {version} becomes one of version {VERSION}"
                    print(f"{line}; its answers stay", file=sys.stderr, flush=True)
                steps = " ".join(_MIGRATIONS[version:])
                base.executescript(f"BEGIN; {steps} PRAGMA user_version = {VERSION}; COMMIT;")
            elif version > VERSION:
                mend = "finish that run with the version that began it, or delete the file to start afresh"
                raise UserError(
                    f"is a journal of version {version}, this is {VERSION}", where=str(self.file), mend=mend
                )
            return base

    def __enter__(self) -> "Journal":
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._base.close()
        self._lock.release()

    def answer(self, key: str) -> tuple[bool, Any]:
        """Whether the request was begun, and its answer (None where none was written down)."""
        with self._disk():
            found = self._base.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        return found is not None, json.loads(found[0]) if found and found[0] is not None else None

    def begin(self, key: str, kind: str) -> None:
        """Write down that a request with consequences is about to be made."""
        with self._disk():
            self._base.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, NULL)", (key, kind, _scope.get().name))

    def keep(self, key: str, kind: str, answer: Any) -> None:
        """Write the answer down; only then may it be used."""
        text = as_json(answer)
        with self._disk():
            self._base.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", (key, kind, _scope.get().name, text)
            )

    def start(self, facts: dict[str, Any]) -> None:
        """Write down what this start of the run was told; what an earlier one said of its rows is forgotten."""
        with self._disk():
            self._base.execute("BEGIN")
            self._base.execute("DELETE FROM outcomes")
            self._base.execute("DELETE FROM facts")
            self._base.executemany("INSERT INTO facts VALUES (?, ?)", [(name, as_json(facts[name])) for name in facts])
            self._base.execute("COMMIT")

    def settle(self, row: str, stage: str, reason: str, story: dict[str, Any]) -> None:
        """Write down what became of a row; see `Outcome`."""
        with self._disk():
            self._base.execute(
                "INSERT INTO outcomes (row, stage, reason, story) VALUES (?, ?, ?, ?)",
                (row, stage, reason, as_json(story)),
            )

    def counts(self) -> dict[str, int]:
        """How many answers there are of each kind."""
        with self._disk():
            return dict(self._base.execute("SELECT kind, count(answer) FROM answers GROUP BY kind").fetchall())

    def spent(self) -> tuple[int, int, int]:
        """Replies that were paid for, and their tokens: read and written."""
        with self._disk():
            read, written = self._base.execute(SPENT).fetchone()
            replies = self._base.execute("SELECT count(answer) FROM answers WHERE kind = 'reply'").fetchone()[0]
        return int(replies), int(read), int(written)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """SQLite's complaints as one line."""
        try:
            with self._one_at_a_time:
                yield
        except sqlite3.Error as error:
            mend = "free some room or choose another --output; what was written stays"
            raise UserError(f"the journal cannot be used: {error}", where=str(self.file), mend=mend) from error
