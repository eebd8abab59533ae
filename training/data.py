"""Rows to learn from, by name: a folder in Hub layout, a Hub id or a JSONL file, each row checked before anything else.

Comes in: a name, a split, and for the Hub a revision. Goes out: a `datasets.Dataset` whose `messages` and `tools` are
conversations in the one format, or a `UserError` that names the row and the field. Knows nothing of models or masks.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset, DatasetDict, Features, Json, List, Value, load_dataset, load_from_disk

from agent.errors import UserError
from agent.messages import check_conversation

HELD_OUT_MARK = ":held-out"  # ends the split key of held-out questions about tools that are trained on
# What is kept of a row when the file says nothing of its features; where they are given, every column stays.
TEXTS = ("id", "scenario", "lang", "split_key")
FEATURES = Features({"messages": List(Json()), "tools": List(Json()), **dict.fromkeys(TEXTS, Value("string"))})


def load_rows(name: str, split: str, config: str | None = None, *, revision: str | None = None) -> Dataset:
    """The rows of one split, every one of them a conversation that `check_conversation` finds nothing wrong with.

    Args:
        name: A folder that `datasets.load_dataset` opens, a folder of `save_to_disk`, a Hub id, or a `.jsonl` file
            (which has one split; whichever is asked for is the whole file).
        split: `train`, `test`, or any split expression such as `train[:100]`.
        config: The dataset's configuration, where it has several.
        revision: A branch, tag or commit of a dataset on the Hub.

    Returns:
        A dataset with at least `messages` and `tools`, decoded on access.

    Raises:
        UserError: Nothing there, no such split, no rows, or a row that breaks the format (naming row and field).
    """
    where = f"{name} ({split})"
    path = Path(name)
    if _is_path(name) and not path.exists():
        raise UserError("no such file or folder", where=name, mend="`callsmith build` makes one")
    if path.is_file():
        dataset = _as_conversations(_read_jsonl(path), name)
    else:
        dataset = _open(name, split, config, revision)
        missing = {"messages"} - set(dataset.column_names)
        if missing:
            has = ", ".join(dataset.column_names)
            raise UserError(f"has no column `messages`, only {has}", where=where, mend="see `callsmith build --help`")
        filled = [key for key in ("messages", "tools") if dataset.features.get(key) != List(Json())]
        if filled:
            dataset = _as_conversations(dataset, name, filled)
    if not len(dataset):
        raise UserError("holds no rows", where=where, mend="build it with more rows, or name another split")
    for index, row in enumerate(dataset):
        problems = check_conversation(row["messages"], row["tools"])
        if problems:
            first, more = problems[0], len(problems) - 1
            also = f", and {more} more in this row" if more else ""
            raise UserError(f"{first['what']}{also}", where=f"{name}, row {index}, {first['field']}")
    return dataset


def splits(name: str, config: str | None = None, *, revision: str | None = None) -> list[str]:
    """The names of the splits that a dataset has; `[]` for a single file.

    Raises:
        UserError: There is no such dataset.
    """
    if Path(name).is_file():
        return []
    from datasets import get_dataset_split_names

    if (Path(name) / "dataset_dict.json").is_file():
        return list(json.loads((Path(name) / "dataset_dict.json").read_text())["splits"])
    try:
        return list(get_dataset_split_names(name, config, revision=revision))
    except (OSError, ValueError) as error:
        raise _not_there(name, error) from error


def fingerprint(rows: Iterable[Mapping[str, Any]]) -> str:
    """Sixteen hex digits over the conversations themselves: the same on every machine and in every file format."""
    digest = hashlib.sha256()
    for row in rows:
        value = [row["messages"], row["tools"]]
        digest.update(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())
    return digest.hexdigest()[:16]


def tool_names(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """The names of every tool that any of the rows offers."""
    return {tool["function"]["name"] for row in rows for tool in row["tools"]}


def _is_path(name: str) -> bool:
    """Whether a name can only be a path: ids on the Hub have at most one slash, and no such endings."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or name.endswith((".jsonl", ".json", ".parquet"))


def _open(name: str, split: str, config: str | None, revision: str | None) -> Dataset:
    path = Path(name)
    try:
        if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
            saved = load_from_disk(name)
            if isinstance(saved, Dataset):
                return saved
            if split not in saved:
                raise ValueError(f"split {split!r} is none of {', '.join(saved)}")
            return saved[split]
        dataset = load_dataset(name, config, split=split, revision=revision, cache_dir=_cache_of(path))
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise _not_there(name, error) from error
    except Exception as error:  # datasets wraps what its readers raise in errors of its own, without a common base
        raise UserError(f"cannot be read as a dataset: {error}", where=name, mend="see the line above") from error
    assert not isinstance(dataset, DatasetDict)
    return dataset


def _cache_of(folder: Path) -> str | None:
    """A cache of its own for a folder as it is now; None, the usual one, for what is no folder.

    datasets 5.2 finds a folder's cache by its name and its card alone: one built anew, whose card does not tell its
    sizes, would come back as it was before.
    """
    if not folder.is_dir():
        return None
    digest = hashlib.sha256(str(folder.resolve()).encode())
    for file in sorted(folder.rglob("*")):
        seen = file.stat()
        digest.update(f"{file.relative_to(folder)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return str(Path(datasets.config.HF_DATASETS_CACHE) / "callsmith" / digest.hexdigest()[:16])


def _not_there(name: str, error: Exception) -> UserError:
    """An unknown Hub id, a Hub out of reach, or a split or configuration that is not there."""
    said = str(error).strip().splitlines()
    what = said[0] if said else type(error).__name__
    if Path(name).is_dir():
        return UserError(f"cannot be opened as a dataset: {what}", where=name)
    mend = "a dataset is a folder, a Hub id or a .jsonl file; for a private one, `hf auth login`"
    return UserError(f"is no folder here, and the Hub says: {what}", where=name, mend=mend)


def _read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines):
                if line.strip():
                    yield _one_object(line, f"{path}, row {number}")
        except UnicodeDecodeError as error:
            raise UserError(f"is not UTF-8 text: {error.reason}", where=str(path)) from error


def _one_object(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UserError(f"is no JSON: {error}", where=where, mend="one JSON object a line") from error
    if not isinstance(row, dict):
        raise UserError(f"must be an object, got {type(row).__name__}", where=where)
    return row


def _as_conversations(rows: Iterable[Mapping[str, Any]], name: str, filled: Sequence[str] = ()) -> Dataset:
    """Rows of any origin with our features: `tools` read from a string, none as `[]`; without Arrow's null fill in the
    columns that are `filled`, where each object has got the keys of all others.
    """
    found = []
    for index, row in enumerate(rows):
        where = f"{name}, row {index}"
        messages, tools = row.get("messages"), row.get("tools")
        if isinstance(tools, str):
            try:
                tools = json.loads(tools)
            except ValueError as error:
                raise UserError(f"is no JSON: {error}", where=f"{where}, tools") from error
        elif "tools" in filled:
            tools = _without_fill(tools)
        if "messages" in filled:
            messages = _without_fill(messages)
        tools = [] if tools is None else tools
        for key, value in (("messages", messages), ("tools", tools)):
            if not isinstance(value, list):
                raise UserError(f"must be a list, got {type(value).__name__}", where=f"{where}, {key}")
        found.append(
            {
                "messages": [_encoded(_without_nulls(message), where) for message in messages or []],
                "tools": [_encoded(tool, where) for tool in tools],
                **{key: None if row.get(key) is None else str(row[key]) for key in TEXTS},
            }
        )
    return Dataset.from_dict({column: [row[column] for row in found] for column in FEATURES}, features=FEATURES)


def _without_fill(value: Any) -> Any:
    """A value without the keys that hold nothing, at any depth: whether one was meant to is not known any more."""
    if isinstance(value, Mapping):
        return {key: _without_fill(item) for key, item in value.items() if item is not None}
    return [_without_fill(item) for item in value] if isinstance(value, list) else value


def _without_nulls(message: Any) -> Any:
    return {k: v for k, v in message.items() if v is not None} if isinstance(message, Mapping) else message


def _encoded(value: Any, where: str) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")  # half a surrogate pair is no text
        return text
    except (TypeError, ValueError) as error:
        raise UserError(f"holds a value that is no JSON: {error}", where=where) from error
