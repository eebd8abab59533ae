"""Keeps what visitors think of an answer: one JSON line each, in one file per process, under a lock.

Comes in: a conversation up to the answer in question, and the visitor's word on it. Goes out:
`FOLDER/feedback-….jsonl`, whose lines are dataset rows with the word under `quality.feedback`.
Knows nothing of Gradio. A file per process lets several servers share a folder, and lets a folder be synchronised.
"""

import json
import os
import threading
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.errors import UserError
from agent.messages import Message, ToolSchema
from space.words import language_of


def as_row(messages: Sequence[Message], tools: Sequence[ToolSchema], model: str, **quality: Any) -> dict[str, Any]:
    """One conversation as a dataset row; `quality` is what is known of it, `model` is who answered."""
    asked = next((message["content"] for message in messages if message["role"] == "user"), "")
    return {
        "id": f"space-{uuid.uuid4().hex[:12]}",
        "messages": list(messages),
        "tools": list(tools),
        "scenario": "space",
        "lang": language_of(asked),
        "split_key": "space",
        "quality": quality,
        "provenance": {"source": "space", "model": model, "time": datetime.now(UTC).isoformat(timespec="seconds")},
        "schema_version": 1,
    }


class Feedback:
    """Appends to one file; a line is written whole and flushed to the disk before `save` returns."""

    def __init__(self, folder: str | Path):
        self.path = Path(folder) / f"feedback-{datetime.now(UTC):%Y%m%d}-{uuid.uuid4().hex[:8]}.jsonl"
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot make the folder: {error.strerror}", where=str(folder), mend="choose another --feedback-dir"
            ) from error

    def save(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
