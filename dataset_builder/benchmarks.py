"""Reads benchmarks of many formats: what they ask, and which tools they describe.

Comes in: files (or folders of them). Goes out: one `Exam` for each line, with its place. Read are lines of JSON (or one
JSON list) in BFCL's format (`question`, `function`), Seal-Tools' (`query`; `api_name`, `parameters`), chat rows
(`messages` or `conversations`, `tools`), a `question`, `query`, `prompt` or `instruction` in words, or a bare string;
and text files with one question a line. Knows nothing of what they are compared with.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import UserError
from dataset_builder.rows import read_jsonl

SUFFIXES = (".json", ".jsonl", ".txt")
_ASKED = ("question", "query", "messages", "conversations", "prompt", "instruction")
_DESCRIBED = ("tools", "function", "functions", "api_list")
_USERS = ("user", "human")

Described = tuple[str, frozenset[str]]  # a tool's name without its punctuation, and the names of its parameters


@dataclass(frozen=True)
class Exam:
    """What one line of a benchmark asks and describes; `place` is the file's name and the line."""

    place: str
    questions: list[str]
    tools: list[Described]


def read_exams(paths: Sequence[Path]) -> Iterator[Exam]:
    """Every line of every file; of a folder, of the files that stand in it.

    Raises:
        UserError: a file cannot be read, or a line has neither question nor tool; names the line.
    """
    for file in _files(paths):
        for number, value in _values(file):
            exam = Exam(f"{file.name}, line {number}", list(_questions(value)), list(_tools(value)))
            if not exam.questions and not exam.tools:
                mend = "a line may be BFCL's, Seal-Tools', have messages or a question, or describe a tool"
                raise UserError("has neither a question nor a tool", where=f"{file}, line {number}", mend=mend)
            yield exam


def described(schema: Any) -> Described | None:
    """A tool by its name and its parameters' names; None for what describes no tool."""
    if not isinstance(schema, dict):
        return None
    inner = schema.get("function")
    schema = inner if isinstance(inner, dict) else schema
    name, parameters = schema.get("name", schema.get("api_name")), schema.get("parameters")
    if not isinstance(name, str) or not isinstance(parameters, dict | None):
        return None
    properties = (parameters or {}).get("properties", parameters or {})
    return re.sub(r"[\W_]+", "", name).casefold(), frozenset(str(key).casefold() for key in properties)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        inside = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise UserError(f"holds no file that ends in {', '.join(SUFFIXES)}", where=str(path))
        yield from inside


def _values(file: Path) -> Iterable[tuple[int, Any]]:
    if file.suffix != ".txt" and not _is_one_list(file):
        return read_jsonl(file)
    try:
        text = file.read_text(encoding="utf-8")
        values = json.loads(text) if file.suffix != ".txt" else text.splitlines()
    except json.JSONDecodeError as error:
        raise UserError(f"is not JSON: {error.msg}", where=f"{file}, line {error.lineno}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read: {error}", where=str(file)) from error
    return [(number, value) for number, value in enumerate(values, start=1) if value and value != "\n"]


def _is_one_list(file: Path) -> bool:
    """Whether a file is one JSON list over several lines."""
    try:
        with file.open("rb") as start:
            return start.readline().strip() == b"["
    except OSError:
        return False  # whoever reads it says why


def _questions(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for asked in (value[field] for field in _ASKED if field in value):
            if isinstance(asked, str):
                yield asked
            elif isinstance(asked, list):
                yield from _of_users(asked)


def _of_users(turns: list[Any]) -> Iterator[str]:
    """What users say in a list of messages, or in a list of such lists."""
    for turn in turns:
        if isinstance(turn, list):
            yield from _of_users(turn)
        elif isinstance(turn, dict) and turn.get("role", turn.get("from")) in _USERS:
            said = turn.get("content", turn.get("value"))
            if isinstance(said, str):
                yield said


def _tools(value: Any) -> Iterator[Described]:
    if not isinstance(value, dict):
        return
    listed = [value]
    for schemas in (value[field] for field in _DESCRIBED if field in value):
        listed += schemas if isinstance(schemas, list) else [schemas]
    for schema in listed:
        if isinstance(schema, str) and schema.startswith(("[", "{")):
            schema = _decoded(schema)
        for each in schema if isinstance(schema, list) else [schema]:
            if (found := described(each)) is not None:
                yield found


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
