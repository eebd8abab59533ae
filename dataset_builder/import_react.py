"""Imports annotated ReAct text conversations: `callsmith build --import react FILE [FILE…] --output FOLDER`.

Comes in: JSONL files whose rows hold `messages` of role and text: tools and question in the first, then Thought,
Action, Action Input, observations in triple quotes, Final Answer. Goes out: a dataset folder; what does not fit is
rejected with the reason. Every imported row is rendered back to text and compared with what it was, character for
character.

A call whose arguments do not fit the tool's own schema is imported, because the conversation goes on from it, and not
learned from (`"train": false`). Knows nothing of how ReAct text is written: that is agent.formats.react.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.errors import UserError
from agent.formats.react import parse_conversation, render
from agent.formats.react_layout import Layout
from agent.formats.react_tools import ReactError
from agent.messages import Message, ToolSchema
from agent.tools import validate_arguments
from dataset_builder.card import Report, card_text, counted, funnel
from dataset_builder.duplicates import fingerprint
from dataset_builder.rows import (
    SCHEMA_VERSION,
    Rejected,
    Row,
    check_row,
    may_replace,
    read_jsonl,
    shown,
    write_dataset,
)
from dataset_builder.sieve import Sieve

STAGES = ("parse", "format")
TEST_SHARE = 0.1  # of the rows of a file whose name says neither train nor test
_NAMED = {"train": "train", "test": "test", "valid": "test", "validation": "test", "dev": "test", "eval": "test"}


@dataclass
class Imported:
    """What the files came to. `different` says of which rows the text did not come back, and why."""

    splits: dict[str, list[Row]] = field(default_factory=lambda: {"train": [], "test": []})
    rejected: list[Rejected] = field(default_factory=list)
    different: list[dict[str, str]] = field(default_factory=list)
    read: int = 0

    @property
    def rows(self) -> list[Row]:
        return [row for rows in self.splits.values() for row in rows]


def import_react(
    files: Sequence[Path], output: Path, license_name: str, *, place: str, sieve: Sieve, overwrite: bool = False
) -> dict[str, Any]:
    """Import `files` into the dataset folder `output`, what passes the `sieve`; the report, as JSON.

    Raises:
        UserError: a file is missing or no JSONL, not one row fits, or the folder cannot be written.
    """
    may_replace(output, overwrite)
    made = read_react(files, sieve)
    if not made.rows:
        raise _nothing_fits(made)
    unlearned = sum("not_learned" in row["quality"] for row in made.rows)
    same = len(made.rows) - len(made.different)
    report = Report(
        origin=f"Imported from annotated ReAct text ({', '.join(file.name for file in files)}).",
        settings={
            "files": ", ".join(file.name for file in files),
            "rows whose text comes back character for character": f"{same} of {len(made.rows)}",
            "rows with a call that does not fit its schema, shown and not learned": unlearned,
            **sieve.facts,
        },
        license=license_name,
        rows={split: len(rows) for split, rows in made.splits.items()},
        mix=counted(made.splits),
        funnel=funnel((*STAGES, *sieve.stages), made.read, made.rejected),
        split_text="Rows are split as their files' names say; where a name does not say, by a hash of the question.",
    )
    manifest = {
        **report.as_json(),
        "round_trip": {"rows": len(made.rows), "identical": same, "different": made.different},
        "not_learned": unlearned,
    }
    write_dataset(
        output,
        made.splits,
        card=card_text(report, made.rows[0], title=place.rpartition("/")[2], place=place),
        rejected=made.rejected,
        manifest=manifest,
        overwrite=overwrite,
    )
    return manifest


def read_react(files: Sequence[Path], sieve: Sieve | None = None) -> Imported:
    """Every row of every file: imported, or rejected with the reason."""
    made = Imported()
    sieve = sieve or Sieve()
    for file, number, raw in _raw(files):
        made.read += 1
        name = f"{file.stem}-{number:05d}"
        try:
            original = _texts(raw)
            messages, tools, layout = parse_conversation(original)
        except ReactError as error:
            made.rejected.append(
                {"stage": "parse", "reason": f"not ReAct text: {error}", "row": {"id": name, "raw": raw}}
            )
            continue
        row = _row(name, file, number, messages, tools, layout)
        if problems := check_row(row):
            made.rejected.append({"stage": "format", "reason": f"not a row: {shown(problems[0])}", "row": dict(row)})
            continue
        stage, reason = sieve.against(row)
        if stage:
            made.rejected.append({"stage": stage, "reason": reason, "row": dict(row)})
            continue
        made.splits[_split(file, row)].append(row)
        if why := difference(row, original):
            made.different.append({"id": name, "why": why})
    return made


def difference(row: Row, original: Sequence[Message]) -> str:
    """Where a row, rendered back to ReAct text, differs from the original; "" if it nowhere does."""
    try:
        again = render(row["messages"], row["tools"], layout=Layout.from_json(row["provenance"]["layout"]))
    except ReactError as error:
        return str(error)
    for number, (ours, theirs) in enumerate(zip(again, original, strict=False)):
        if ours["content"] != theirs["content"]:
            pairs = zip(ours["content"], theirs["content"], strict=False)
            place = next(
                (at for at, (a, b) in enumerate(pairs) if a != b), min(len(ours["content"]), len(theirs["content"]))
            )
            seen, want = ours["content"][place : place + 30], theirs["content"][place : place + 30]
            return f"messages[{number}], character {place}: {seen!r} for {want!r}"
        if ours["role"] != theirs["role"]:
            return f"messages[{number}]: role {ours['role']} for {theirs['role']}"
    return "" if len(again) == len(original) else f"{len(again)} messages for {len(original)}"


def _raw(files: Sequence[Path]) -> Iterator[tuple[Path, int, Any]]:
    for file in files:
        for number, raw in read_jsonl(file):
            yield file, number, raw


def _texts(raw: Any) -> list[Message]:
    """The messages of a raw row, if that is what it holds."""
    messages = raw.get("messages") if isinstance(raw, dict) else None
    if not isinstance(messages, list) or not messages:
        raise ReactError("messages: must be a non-empty list")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise ReactError(f"messages[{number}].content: must be a string")
    return messages


def _row(name: str, file: Path, number: int, messages: list[Message], tools: list[ToolSchema], layout: Layout) -> Row:
    faults = _unlearn_misfits(messages, tools)
    question = next((message["content"] for message in messages if message["role"] == "user"), "")
    return {
        "id": name,
        "messages": messages,
        "tools": tools,
        "scenario": _scenario(messages),
        "lang": "zh" if any("\u3400" <= character <= "\u9fff" for character in question) else "en",
        "split_key": "+".join(sorted(tool["function"]["name"] for tool in tools)) or "none",
        "quality": {"checks": ["format"], **({"not_learned": faults} if faults else {})},
        "provenance": {"source": "react", "file": file.name, "row": number, "layout": layout.as_json()},
        "schema_version": SCHEMA_VERSION,
    }


def _unlearn_misfits(messages: list[Message], tools: list[ToolSchema]) -> list[str]:
    """Mark the messages whose calls do not fit their tool's schema as not to be learned; what is wrong with each."""
    schemas = {tool["function"]["name"]: tool for tool in tools}
    faults: list[str] = []
    for number, message in enumerate(messages):
        for call in message.get("tool_calls", []):
            function = call["function"]
            _, _, errors = validate_arguments(schemas[function["name"]], function["arguments"])
            if errors:
                message["train"] = False
                faults.append(f"messages[{number}]: {errors[0]}")
    return faults


def _scenario(messages: Sequence[Message]) -> str:
    turns = [len(message["tool_calls"]) for message in messages if message.get("tool_calls")]
    if not turns:
        return "chat"
    if len(turns) > 1:
        return "sequential_calls"
    return "single_call" if turns[0] == 1 else "parallel_calls"


def _split(file: Path, row: Row) -> str:
    named = [_NAMED[word] for word in re.findall("[a-z]+", file.stem.lower()) if word in _NAMED]
    if named:
        return named[0]
    digest = hashlib.sha256(fingerprint(row).encode()).digest()
    return "test" if digest[0] < 256 * TEST_SHARE else "train"


def _nothing_fits(made: Imported) -> UserError:
    if not made.read:
        return UserError("there is not one row in these files")
    reason, count = Counter(entry["reason"] for entry in made.rejected).most_common(1)[0]
    return UserError(f"not one of {made.read} rows fits; {count} of them: {reason}")
