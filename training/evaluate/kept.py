"""Replies, written down as they come: what was waited or paid for is not asked for again after a stop.

Comes in: the file that all replies will be saved to, or None. Goes out: replies by what was asked. They lie in a file
beside that one until the evaluation is done. Knows nothing of judging.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.messages import Message, ToolSchema
from agent.models import Reply, Sampling
from agent.models.protocol import Usage
from training.run import write_whole


class KeptReplies:
    """Replies by question, in `SAVE.part` where there is a file to save to, else in memory alone."""

    def __init__(self, save: Path | None):
        self._file = save.with_name(f"{save.name}.part") if save else None
        self._known: dict[str, Reply] = {}
        if self._file and self._file.exists():
            text = self._file.read_text("utf-8")
            whole = text[: text.rfind("\n") + 1]  # a run that was killed may have left half a line
            if whole != text:
                write_whole(self._file, whole)
            for line in whole.splitlines():
                entry = json.loads(line)
                self._known[entry["key"]] = _reply(entry["reply"])

    def find(self, key: str) -> Reply | None:
        return self._known.get(key)

    def keep(self, key: str, reply: Reply) -> None:
        self._known[key] = reply
        if self._file:
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"key": key, "reply": asdict(reply)}) + "\n")

    def done(self) -> None:
        """All of them are saved elsewhere now."""
        if self._file:
            self._file.unlink(missing_ok=True)


def key_of(model: str, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling) -> str:
    """What makes a question this one: the model, all that it is shown, and how it writes."""
    asked = json.dumps([model, list(messages), list(tools), asdict(sampling)], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _reply(told: dict[str, Any]) -> Reply:
    return Reply(**{**told, "usage": Usage(**told["usage"])})
