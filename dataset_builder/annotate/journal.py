"""The append-only journal of what people did to rows: one SQLite file beside the dataset, safe against a power cut.

Comes in: actions on rows, each with the version of the row that the person saw. Goes out: how each row stands. An
action on a version that is no longer the latest is refused, so two people never overwrite each other. Claims keep two
people from being given the same row; drafts keep what was typed and not yet saved. Knows nothing of pages and datasets.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import UserError
from dataset_builder.annotate.standing import Action, Kind, Standing, Status, folded, kept_of

FORMAT = 1  # stored as SQLite's user_version; a file of another format is refused, never rewritten
CLAIM_SECONDS = 15 * 60
_TABLES = """
CREATE TABLE IF NOT EXISTS actions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, act TEXT NOT NULL, who TEXT NOT NULL, time REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS actions_of_a_row ON actions (key, number);
CREATE TABLE IF NOT EXISTS originals (key TEXT PRIMARY KEY, row TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, who TEXT NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS drafts (
    key TEXT NOT NULL, who TEXT NOT NULL, field TEXT NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (key, who, field)
);
"""


class ConflictError(Exception):
    """Somebody else has acted on the row since it was read; nothing was written."""


class UnwritableError(Exception):
    """The journal cannot be written, as on a full disk; nothing was."""


@dataclass(frozen=True)
class Draft:
    """Text typed into `field` over `version` of a row, and not saved."""

    field: str
    version: int
    text: str


class Journal:
    """The journal in `path`, made where it is missing. Every method opens, commits and closes: nothing is held."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            with self._open() as database:
                found = database.execute("PRAGMA user_version").fetchone()[0]
                if found == 0:
                    database.execute("PRAGMA journal_mode = WAL")
                    database.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {FORMAT}; COMMIT")
        except sqlite3.OperationalError as error:  # a full disk, a folder that may not be written
            raise UserError(
                f"cannot be written: {error}", where=str(path), mend="make room, or a writable copy"
            ) from error
        except sqlite3.Error as error:
            raise UserError(f"is no annotation journal: {error}", where=str(path)) from error
        if found not in (0, FORMAT):
            raise UserError(f"has format {found}, this version reads {FORMAT}", where=str(path))

    def append(
        self,
        key: str,
        kind: Kind,
        body: dict[str, Any],
        *,
        who: str,
        version: int,
        original: Any,
        act: str = "",
        saved: Mapping[str, str] | None = None,
    ) -> int:
        """Write one action, on the disk before this returns. Returns the row's new version.

        Args:
            key: The row.
            kind: What was done.
            body: `{"messages": [...]}` of an edit, `{"reason": "..."}` of a rejection.
            who: Whose action it is.
            version: The version that the person saw.
            original: The row as it is in the dataset, kept beside its first action.
            act: Actions that share this (and are not empty) are undone together.
            saved: Drafts of `who` that say this of their field go with the action; None: all of them go.

        Raises:
            ConflictError: `version` is not the latest any more.
        """
        with self._writing() as database:
            latest = database.execute("SELECT max(number) FROM actions WHERE key = ?", (key,)).fetchone()[0] or 0
            if latest != version:
                raise ConflictError(key)
            database.execute("INSERT OR IGNORE INTO originals VALUES (?, ?)", (key, _text(original)))
            made = database.execute(
                "INSERT INTO actions (key, kind, body, act, who, time) VALUES (?, ?, ?, ?, ?, ?)",
                (key, kind, _text(body), act, who, time.time()),
            )
            if kind != "undo":
                _drop_drafts(database, key, who, saved)
                # What is left was typed while this was saved, over what is saved now.
                database.execute(
                    "UPDATE drafts SET version = ? WHERE key = ? AND who = ? AND version = ?",
                    (made.lastrowid, key, who, version),
                )
            assert made.lastrowid is not None
            return made.lastrowid

    def standing(self, key: str, version: int | None = None) -> Standing:
        """How one row stands now, or stood at `version`."""
        with self._open() as database:
            actions = database.execute(
                "SELECT number, kind, act, body FROM actions WHERE key = ? AND number <= ? ORDER BY number",
                (key, 2**62 if version is None else version),
            ).fetchall()
        return folded((number, kind, act, json.loads(body)) for number, kind, act, body in actions)

    def statuses(self) -> dict[str, Status]:
        """The status of every row that anybody acted on; the bodies are not read."""
        with self._open() as database:
            actions = database.execute("SELECT key, number, kind, act FROM actions ORDER BY key, number").fetchall()
        by_row: dict[str, list[Action]] = {}
        for key, number, kind, act in actions:
            by_row.setdefault(key, []).append((number, kind, act, {}))
        return {key: folded(rows).status for key, rows in by_row.items()}

    def only_by(self, who: str, key: str, version: int) -> bool:
        """Whether nobody but `who` has acted on the row since `version`."""
        with self._open() as database:
            found = database.execute(
                "SELECT count(*) FROM actions WHERE key = ? AND number > ? AND who != ?", (key, version, who)
            ).fetchone()
        return not found[0]

    def latest_of(self, who: str, key: str = "") -> str | None:
        """The row whose latest standing action is the last that `who` did anywhere, for them to undo.

        Where `who` did nothing, it is `key`, if anybody did something there; None where there is nothing to undo.
        """
        with self._open() as database:
            actions = database.execute("SELECT key, number, kind, act, who FROM actions ORDER BY number").fetchall()
        by_row: dict[str, list[Action]] = {}
        for row, number, kind, act, actor in actions:
            by_row.setdefault(row, []).append((number, kind, act, {"who": actor}))
        last = {row: kept[-1] for row, found in by_row.items() if (kept := kept_of(found))}
        own = [(action[0], row) for row, action in last.items() if action[3]["who"] == who]
        return max(own)[1] if own else key if key in last else None

    def claim(self, keys: Sequence[str], who: str) -> str | None:
        """Give `who` the first of `keys` that nobody else holds, and give up what they held; None if all are held."""
        now = time.time()
        free = None
        # A claim is a courtesy: where it cannot be written, the row can still be read.
        with suppress(UnwritableError), self._writing() as database:
            held = {
                key for (key,) in database.execute("SELECT key FROM claims WHERE until >= ? AND who != ?", (now, who))
            }
            free = next((key for key in keys if key not in held), None)
            database.execute("DELETE FROM claims WHERE until < ? OR who = ?", (now, who))
            if free is not None:
                database.execute("INSERT INTO claims VALUES (?, ?, ?)", (free, who, now + CLAIM_SECONDS))
        return free

    def places_of(self, who: str) -> list[str]:
        """The rows in which `who` typed and did not save, the latest first; then the row they last held."""
        with self._open() as database:
            found = database.execute(
                "SELECT key, 1 AS typed, rowid AS latest FROM drafts WHERE who = ?1 "
                "UNION ALL SELECT key, 0, until FROM claims WHERE who = ?1 ORDER BY typed DESC, latest DESC",
                (who,),
            )
            return [key for key, _, _ in found]

    def holder(self, key: str) -> str | None:
        """Who holds the row at this moment."""
        with self._open() as database:
            found = database.execute(
                "SELECT who FROM claims WHERE key = ? AND until >= ?", (key, time.time())
            ).fetchone()
        return found[0] if found else None

    def keep_draft(self, key: str, draft: Draft, who: str) -> None:
        """Keep what was typed, in place of what was typed there before; the claim on the row is renewed."""
        with self._writing() as database:
            database.execute(
                "INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?, ?)",
                (key, who, draft.field, draft.version, draft.text),
            )
            until = time.time() + CLAIM_SECONDS
            database.execute("UPDATE claims SET until = ? WHERE key = ? AND who = ?", (until, key, who))

    def drafts(self, key: str, who: str) -> list[Draft]:
        with self._open() as database:
            found = database.execute("SELECT field, version, text FROM drafts WHERE key = ? AND who = ?", (key, who))
            return [Draft(*draft) for draft in found]

    def drop_drafts(self, key: str, who: str, field: str | None = None, saved: Mapping[str, str] | None = None) -> None:
        """Forget what was typed and not saved: in one field, or in the whole row, or what `saved` says too."""
        with self._writing() as database:
            if field is None:
                _drop_drafts(database, key, who, saved)
            else:
                database.execute("DELETE FROM drafts WHERE key = ? AND who = ? AND field = ?", (key, who, field))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            database.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
            yield database
        finally:
            database.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start; rolled back where its body raises.

        Raises:
            UnwritableError: The disk is full, or the file may not be written.
        """
        try:
            with self._open() as database:
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                except BaseException:
                    if database.in_transaction:  # a full disk has rolled it back already
                        database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise UnwritableError(str(error)) from error


def _drop_drafts(database: sqlite3.Connection, key: str, who: str, saved: Mapping[str, str] | None) -> None:
    if saved is None:
        database.execute("DELETE FROM drafts WHERE key = ? AND who = ?", (key, who))
        return
    database.executemany(
        "DELETE FROM drafts WHERE key = ? AND who = ? AND field = ? AND text = ?",
        [(key, who, field, text) for field, text in saved.items()],
    )


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
