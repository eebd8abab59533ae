"""Rows on disk: what a row is, what is wrong with one, and reading and writing files of them.

Comes in: rows (conversations with where they came from), or a JSONL file, a parquet file or a dataset folder.
Goes out: the same, and a folder in Hub layout that `datasets.load_dataset(FOLDER)` opens.
Knows nothing of how a row was made, nor of what its card says.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

import pyarrow
import pyarrow.parquet

from agent.errors import UserError
from agent.json_text import as_json, encodable
from agent.messages import Message, Problem, ToolSchema, check_conversation
from dataset_builder.dataset_info import Configuration, with_dataset_info
from dataset_builder.parquet import PREFERENCE_FEATURES, REJECTED_FEATURES, SFT_FEATURES, write_shards
from dataset_builder.spool import Many
from dataset_builder.storage import loss

SCHEMA_VERSION = 1
LANGUAGES = ("zh", "en")
NOTHING_LOST = "free some room or choose another --output; nothing was replaced"
READ = 1000  # rows of a parquet file held at a time
MANIFEST = "callsmith.json"  # marks a folder as ours, and holds the run's numbers for programs
CANDIDATES = "candidates.jsonl"  # the solutions of each question, where there are several
_WRITTEN = {"data", "preference", "rejected", "README.md", "rejected.jsonl", MANIFEST, CANDIDATES}


class Row(TypedDict):
    """One conversation to learn from. `split_key` stands on one side of the train/test split only: a tool family,
    or the held-out questions about one.
    """

    id: str
    messages: list[Message]
    tools: list[ToolSchema]
    scenario: str
    lang: str
    split_key: str
    quality: dict[str, Any]
    provenance: dict[str, Any]
    schema_version: int


class Rejected(TypedDict):
    """A row that was not published: the stage that dropped it, why, and what there was of it."""

    stage: str
    reason: str
    row: dict[str, Any]


class Preference(TypedDict):
    """Two ways on from the same `prompt`: the one that was kept, and one that was not."""

    id: str
    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    tools: list[ToolSchema]
    provenance: dict[str, Any]


_TEXT_FIELDS = ("id", "scenario", "lang", "split_key")


def check_row(row: Any) -> list[Problem]:
    """Everything that keeps `row` from being published; `[]` if nothing does.

    The fields and their types, the conversation itself, and whether every value comes back from disk unchanged.
    """
    if not isinstance(row, dict):
        return [{"field": "", "what": f"a row must be an object, got {type(row).__name__}"}]
    wanted = Row.__required_keys__
    wrong = [(field, "is missing") for field in wanted - set(row)]
    wrong += [(field, "is not a field of a row") for field in set(row) - wanted]
    wrong += [
        (field, f"must be a non-empty string, got {row[field]!r}")
        for field in _TEXT_FIELDS
        if field in row and (not isinstance(row[field], str) or not row[field])
    ]
    wrong += [
        (field, f"must be an object, got {type(row[field]).__name__}")
        for field in ("quality", "provenance")
        if field in row and not isinstance(row[field], dict)
    ]
    if row.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        wrong.append(("schema_version", f"is {row['schema_version']!r}; this version reads {SCHEMA_VERSION}"))
    problems: list[Problem] = [{"field": field, "what": what} for field, what in sorted(wrong)]
    if "messages" in row and "tools" in row:
        problems.extend(check_conversation(row["messages"], row["tools"]))
    return problems or _storage_problems(row)


def _storage_problems(row: dict[str, Any]) -> list[Problem]:
    """Values that would be rounded or lost on the way through Json()."""
    cells = [("quality", row["quality"]), ("provenance", row["provenance"])]
    cells += [(f"{field}[{index}]", cell) for field in ("messages", "tools") for index, cell in enumerate(row[field])]
    found = ((field, loss(cell)) for field, cell in cells)
    return [{"field": field, "what": what} for field, what in found if what]


def sift(rows: Iterable[Row], stage: str = "format") -> tuple[list[Row], list[Rejected]]:
    """The rows that may be published, and the others with the reason."""
    good: list[Row] = []
    bad: list[Rejected] = []
    for row in rows:
        problems = check_row(row)
        if problems:
            bad.append({"stage": stage, "reason": shown(problems[0]), "row": dict(row)})
        else:
            good.append(row)
    return good, bad


def shown(problem: Problem) -> str:
    """A problem as one line."""
    return f"{problem['field']}: {problem['what']}" if problem["field"] else problem["what"]


# --- reading -----------------------------------------------------------------------------------------------------


def read_rows(path: str | Path, split: str | None = None) -> list[Row]:
    """Every row of a JSONL file, a parquet file or a dataset folder (of one split, where `split` is given).

    Parquet is decoded by Python's own json, so numbers come back exactly as they were written.

    Raises:
        UserError: there is no such file, it holds no rows, or a row is broken; names file, row and field.
    """
    rows = list(iter_rows(path, split))
    if not rows:
        raise UserError("holds no rows", where=str(path), mend="give a file or folder with at least one row")
    return rows


def iter_rows(path: str | Path, split: str | None = None) -> Iterator[Row]:
    """The same one after the other, a batch of them in memory at a time; of no rows, none."""
    for file in _row_files(Path(path), split):
        for number, row in raw_rows(file):
            problems = check_row(row)
            if problems:
                place = ", ".join(part for part in (str(file), f"row {number}", problems[0]["field"]) if part)
                raise UserError(problems[0]["what"], where=place)
            yield row


def _row_files(path: Path, split: str | None) -> list[Path]:
    if not path.exists():
        raise UserError("there is no such file or folder", where=str(path))
    if path.is_file():
        return [path]
    files = sorted((path / "data").glob(f"{split or '*'}-*.parquet"))
    if not files:
        missing = f"has no rows of split {split!r}" if split else "is not a dataset folder: it has no data/*.parquet"
        raise UserError(missing, where=str(path))
    return files


def raw_rows(file: Path) -> Iterator[tuple[int, Any]]:
    """Rows of any kind as they stand in one file, numbered from 1.

    Raises:
        UserError: the file cannot be read.
    """
    if file.suffix == ".parquet":
        number = 0
        try:
            for batch in pyarrow.parquet.ParquetFile(file).iter_batches(READ):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {field: _decoded(field, value) for field, value in row.items()}
        except (pyarrow.ArrowException, OSError) as error:  # a damaged page is an OSError
            raise UserError(f"is not a parquet file, or not a whole one: {error}", where=str(file)) from error
        return
    yield from read_jsonl(file)


def read_jsonl(file: str | Path) -> Iterator[tuple[int, Any]]:
    """The JSON values of a file with one per line, numbered by line from 1; blank lines are passed over.

    Raises:
        UserError: the file cannot be read, or a line is not JSON; names the row.
    """
    file, number = Path(file), 0
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"is not JSON: {error.msg} at column {error.colno}", where=f"{file}, row {number}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"is not UTF-8 text: {error.reason}", where=str(file)) from error
    except RecursionError as error:
        raise UserError("is nested too deeply", where=f"{file}, row {number}") from error
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(file)) from error


def _decoded(field: str, value: Any) -> Any:
    """A cell as it was before it was stored as JSON; of a file that is not ours, as it is: `check_row` names it."""
    try:
        if field in ("messages", "tools", "prompt", "chosen", "rejected") and isinstance(value, list):
            return [json.loads(cell) if isinstance(cell, str) else cell for cell in value]
        if field in ("quality", "provenance") and isinstance(value, str):
            return json.loads(value)
    except ValueError:
        pass
    return value


# --- writing -----------------------------------------------------------------------------------------------------


def write_dataset(
    folder: str | Path,
    splits: Mapping[str, Many[Row]],
    *,
    card: str,
    rejected: Iterable[Rejected] = (),
    pairs: Many[Preference] | None = None,
    extra: Mapping[str, Iterable[Any]] | None = None,
    manifest: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a dataset folder in Hub layout, whole or not at all.

    Layout: `data/SPLIT-*.parquet` (the configuration `sft`), `preference/train-*.parquet` and
    `rejected/train-*.parquet` (the configurations of those names), `README.md` (`card`, with the
    sizes), `rejected.jsonl` (stage, reason, row), `callsmith.json` (`manifest`) and a file of JSON lines for each name
    of `extra`. What is empty is left out. Rows are expected to have passed `check_row`.

    Raises:
        UserError: no split has a row, the disk refuses, or `folder` exists and may not be replaced.
    """
    folder = Path(os.path.abspath(folder))  # `.` has no name and no parent to build beside
    may_replace(folder, overwrite)
    if not any(len(rows) for rows in splits.values()):
        raise UserError("there is not one row to write", where=str(folder), mend="rejected rows and reasons are above")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent) as holder:
            building = Path(holder) / "new"
            building.mkdir()
            data = {
                split: write_shards(building / "data", split, rows, len(rows), SFT_FEATURES)
                for split, rows in splits.items()
            }
            written = {"sft": Configuration(SFT_FEATURES, data)}
            if pairs:
                done = write_shards(building / "preference", "train", pairs, len(pairs), PREFERENCE_FEATURES)
                written["preference"] = Configuration(PREFERENCE_FEATURES, {"train": done})
            dropped = _write_lines(building / "rejected.jsonl", rejected)
            if dropped:
                told = (_flat(entry) for _, entry in read_jsonl(building / "rejected.jsonl"))
                done = write_shards(building / "rejected", "train", told, dropped, REJECTED_FEATURES)
                written["rejected"] = Configuration(REJECTED_FEATURES, {"train": done})
            for name, values in (extra or {}).items():
                _write_lines(building / name, values)
            (building / "README.md").write_text(with_dataset_info(card, written), encoding="utf-8")
            text = json.dumps(dict(manifest or {}), ensure_ascii=False, indent=2, sort_keys=True)
            (building / MANIFEST).write_text(text + "\n", encoding="utf-8")
            _carry_over(folder, building)
            _replace_folder(building, folder)
    except OSError as error:
        raise UserError(
            f"cannot be written: {error.strerror or error}", where=str(folder), mend=NOTHING_LOST
        ) from error


def _write_lines(file: Path, values: Iterable[Any]) -> int:
    """Write values as lines of JSON; how many there were."""
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for value in values:
            out.write(as_json(value) + "\n")
            count += 1
    return count


def _flat(entry: Rejected) -> dict[str, str]:
    told = {"id": str(entry["row"].get("id", "")), "stage": entry["stage"], "reason": entry["reason"]}
    told = {name: text if encodable(text) else as_json(text) for name, text in told.items()}
    return {**told, "row": as_json(entry["row"])}


def may_replace(folder: Path, overwrite: bool) -> None:
    """Raise UserError unless `folder` is free, empty, or a dataset of ours that may be overwritten."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file():
        raise UserError("exists and was not made by callsmith", where=str(folder), mend="choose another --output")
    if not overwrite:
        raise UserError("a dataset is there already", where=str(folder), mend="add --overwrite, or another --output")


def _carry_over(old: Path, new: Path) -> None:
    """Bring along what no dataset of ours writes: a clone's `.git`, a licence, a reviewer's `edits.jsonl`.

    As hard links where the disk has them: what is there stays there until the new folder has taken its place.
    """
    for entry in old.iterdir() if old.is_dir() else ():
        if entry.name in _WRITTEN or (new / entry.name).exists():
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, new / entry.name, symlinks=True, copy_function=_link)
        else:
            _link(str(entry), str(new / entry.name))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _replace_folder(new: Path, folder: Path) -> None:
    """Put `new` where `folder` is; what was there moves aside first, and back if that fails.

    Where that fails too, it stays aside, beside `folder` and under a name that tells.
    """
    aside = folder.with_name(f"{folder.name}.replaced")
    if aside.exists():
        raise UserError("is left from a write that failed: look into it, and delete it or move it", where=str(aside))
    if folder.exists():
        os.replace(folder, aside)
    try:
        os.replace(new, folder)
    except OSError:
        if aside.exists():
            os.replace(aside, folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
