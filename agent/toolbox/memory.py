"""Tools that remember notes from one conversation to the next, in an SQLite file.

The file is named by the environment variable CALLSMITH_NOTES, by default `~/.callsmith/notes.sqlite`. Everybody who
uses the same file shares the notes. Searching finds Chinese by its characters, without word boundaries.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.tools import tool

MAX_NOTES = 10_000
MAX_TEXT = 10_000  # characters of one note
MAX_FOUND = 10
BUSY_SECONDS = 5.0  # how long a write waits for another program's
_turn = threading.Lock()  # SQLite lets those who wait try again at random, so one of many could wait too long
_TABLE = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, at TEXT NOT NULL)"


@contextlib.contextmanager
def _notes() -> Iterator[sqlite3.Connection]:
    """The notes, opened for one call.

    Calls run in threads of their own: those of one program take turns, and SQLite arranges whose turn it is among
    programs.
    """
    path = Path(os.environ.get("CALLSMITH_NOTES") or Path.home() / ".callsmith" / "notes.sqlite").expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _turn, contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as notes, notes:
            notes.execute("PRAGMA journal_mode=WAL")
            notes.execute(_TABLE)
            yield notes
    except (sqlite3.Error, OSError) as error:
        raise ValueError(f"the notes cannot be reached: {error}; CALLSMITH_NOTES names their file") from error


def _checked(text: str) -> str:
    if not text.strip():
        raise ValueError("a note cannot be empty")
    if len(text) > MAX_TEXT:
        raise ValueError(f"a note may have at most {MAX_TEXT} characters, this one has {len(text)}")
    return text


@tool(
    family="memory",
    side_effects=True,
    zh={"description": "长期记住一条笔记", "parameters": {"text": "要记住的内容"}},
)
def remember(text: str) -> dict[str, Any]:
    """Remember a note for later conversations.

    Args:
        text: what to remember
    """
    with _notes() as notes:
        (count,) = notes.execute("SELECT count(*) FROM notes").fetchone()
        if count >= MAX_NOTES:
            raise ValueError(f"there is no room for more than {MAX_NOTES} notes; forget some")
        row = notes.execute("INSERT INTO notes (text, at) VALUES (?, ?)", (_checked(text), _now()))
        return {"note_id": row.lastrowid, "text": text}


@tool(
    family="memory",
    zh={"description": "查找记住的笔记", "parameters": {"words": "要找的词，用空格分开；不填则列出最近的笔记"}},
)
def recall(words: str = "") -> dict[str, Any]:
    """Look up remembered notes that contain every one of the words, the newest first.

    Args:
        words: words to look for, separated by spaces; without any, the newest notes
    """
    wanted = words.split()
    # instr, not LIKE: in a note, % and _ are characters like any other.
    condition = " AND ".join("instr(lower(text), lower(?))" for _ in wanted) or "1"
    with _notes() as notes:
        (count,) = notes.execute(f"SELECT count(*) FROM notes WHERE {condition}", wanted).fetchone()
        query = f"SELECT id, text, at FROM notes WHERE {condition} ORDER BY id DESC LIMIT {MAX_FOUND}"
        rows = notes.execute(query, wanted).fetchall()
    return {"found": count, "notes": [{"note_id": row[0], "text": row[1], "at": row[2]} for row in rows]}


@tool(
    family="memory",
    side_effects=True,
    zh={"description": "修改一条记住的笔记", "parameters": {"note_id": "笔记编号", "text": "新的内容"}},
)
def revise_note(note_id: int, text: str) -> dict[str, Any]:
    """Replace the text of a remembered note.

    Args:
        note_id: number of the note
        text: new text
    """
    with _notes() as notes:
        changed = notes.execute("UPDATE notes SET text = ?, at = ? WHERE id = ?", (_checked(text), _now(), note_id))
        _found(changed, note_id)
    return {"note_id": note_id, "text": text}


@tool(
    family="memory",
    side_effects=True,
    zh={"description": "删除一条记住的笔记", "parameters": {"note_id": "笔记编号"}},
)
def forget_note(note_id: int) -> dict[str, Any]:
    """Delete a remembered note.

    Args:
        note_id: number of the note
    """
    with _notes() as notes:
        _found(notes.execute("DELETE FROM notes WHERE id = ?", (note_id,)), note_id)
    return {"deleted": note_id}


def _found(changed: sqlite3.Cursor, note_id: int) -> None:
    if not changed.rowcount:
        raise ValueError(f"there is no note {note_id}")


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
