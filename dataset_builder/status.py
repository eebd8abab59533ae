"""How a run goes and what became of one row, read from its journal while it runs, or from what it left.

Comes in: a dataset folder's name and, for one row, its id. Goes out: the funnel by stage and reason, or the story.
Only reads; a run that is at work is not disturbed. Where there is no journal (an import, a dataset from the Hub), the
folder itself is asked.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from agent.errors import UserError
from dataset_builder.assembly import summed
from dataset_builder.card import Stage, funnel
from dataset_builder.journal import ASKED_FOR, SPENT, VERSION
from dataset_builder.rows import MANIFEST, read_jsonl, read_rows
from dataset_builder.settings import SHARDS, named, shard_places, work_folder


def status(output: Path) -> dict[str, Any]:
    """The state of the run that makes `output`, its rows so far and its funnel. Where there are only shards of it (or
    `output` is the folder of the shards): of all of them together, and of each under `shards`.

    Raises:
        UserError: there is neither a run nor a dataset.
    """
    with _journal(output) as base:
        if base is not None:
            return _of_journal(base, output)
    if not (output / MANIFEST).is_file() and (places := _shards(output)):
        return _together([_of_shard(place) for place in places])
    manifest = _manifest(output)
    rows = sum(manifest["rows"].values())
    return {"state": "finished", "rows": rows, "wanted": rows, "funnel": manifest["funnel"], "asked": {}}


def _shards(output: Path) -> list[Path]:
    """The places of the shards of `output`, which may also be named as the folder that holds them."""
    output = named(output)
    return shard_places(output) or shard_places(output.with_name(output.name.removesuffix(SHARDS)))


def _of_shard(place: Path) -> dict[str, Any]:
    """The state of one shard, which may not have begun."""
    if _file(place).is_file() or (place / MANIFEST).is_file():
        return {"shard": place.name, **status(place)}
    return {"shard": place.name, "state": "not begun", "rows": 0, "wanted": 0, "funnel": [], "asked": {}}


def _together(shards: list[dict[str, Any]]) -> dict[str, Any]:
    """The states of all shards as one: running where one of them is, finished where all are."""
    states = {shard["state"] for shard in shards}
    asked, tokens = Counter[str](), Counter[str]()
    for shard in shards:
        asked.update(shard["asked"])
        tokens.update(shard.get("tokens", {}))
    stages = summed([Stage(**stage) for stage in shard["funnel"]] for shard in shards)
    return {
        "state": "running" if "running" in states else "finished" if states == {"finished"} else "stopped",
        "rows": sum(shard["rows"] for shard in shards),
        "wanted": sum(shard["wanted"] for shard in shards),
        "teacher": next((shard["teacher"] for shard in shards if shard.get("teacher")), ""),
        "funnel": [asdict(stage) for stage in stages],
        "tokens": dict(tokens),
        "asked": dict(asked),
        "shards": [{name: shard[name] for name in ("shard", "state", "rows", "wanted")} for shard in shards],
    }


def story(output: Path, row: str) -> dict[str, Any]:
    """What became of the row `row` (an id): its question, verdict, messages, and where and why it was dropped.

    Raises:
        UserError: there is no such run or no such row.
    """
    places = [place for place in (output, *_shards(output)) if (place / MANIFEST).is_file() or _file(place).is_file()]
    for place in places:
        with _journal(place) as base:
            if base is not None and (found := _settled(base, row) or _under_way(base, row)):
                return found
        if found := _in_folder(place, row):
            return found
    if not places:
        raise _nothing_there(output)
    raise UserError(f"there is no row {row!r}", where=str(output), mend="ids stand in the rows and in rejected.jsonl")


def _of_journal(base: sqlite3.Connection, output: Path) -> dict[str, Any]:
    facts = {name: json.loads(value) for name, value in base.execute("SELECT name, value FROM facts")}
    dropped = base.execute("SELECT stage, reason FROM outcomes WHERE stage != ''").fetchall()
    settled = base.execute("SELECT count(*) FROM outcomes").fetchone()[0]
    rejected = [{"stage": stage, "reason": reason, "row": {}} for stage, reason in dropped]
    stages = funnel(facts.get("stages", []), settled, rejected)  # type: ignore[arg-type]
    return {
        "state": _state(output),
        "rows": settled - len(dropped),
        "wanted": facts.get(ASKED_FOR, 0),
        "teacher": facts.get("teacher", ""),
        "funnel": [asdict(stage) for stage in stages],
        "tokens": dict(zip(("read", "written"), base.execute(SPENT).fetchone(), strict=True)),
        "asked": dict(base.execute("SELECT kind, count(answer) FROM answers GROUP BY kind").fetchall()),
    }


def _state(output: Path) -> str:
    lock = FileLock(work_folder(output) / "lock")
    try:
        with lock.acquire(blocking=False):
            return "finished" if (output / MANIFEST).is_file() else "stopped"
    except Timeout:
        return "running"


def _settled(base: sqlite3.Connection, row: str) -> dict[str, Any] | None:
    columns = "stage, reason, story"
    found = base.execute(f"SELECT {columns} FROM outcomes WHERE row = ? ORDER BY number DESC", (row,)).fetchone()
    if found is None:
        return None
    stage, reason, text = found
    return {"id": row, "state": "dropped" if stage else "kept", "stage": stage, "reason": reason, **json.loads(text)}


def _under_way(base: sqlite3.Connection, row: str) -> dict[str, Any] | None:
    scopes = (f"check {row}", f"solve {row}")
    asked = base.execute("SELECT scope, count(answer) FROM answers WHERE scope IN (?, ?) GROUP BY scope", scopes)
    counts = {scope.partition(" ")[0]: count for scope, count in asked}
    return {"id": row, "state": "under way", "stage": "", "reason": "", "answers": counts} if counts else None


def _in_folder(output: Path, row: str) -> dict[str, Any] | None:
    if (output / "rejected.jsonl").is_file():
        for _, entry in read_jsonl(output / "rejected.jsonl"):
            if entry["row"].get("id") == row:
                return {"state": "dropped", "stage": entry["stage"], "reason": entry["reason"], **_told(entry["row"])}
    if (output / "data").is_dir():
        for each in read_rows(output):
            if each["id"] == row:
                return {"state": "kept", "stage": "", "reason": "", **_told(dict(each))}
    return None


def _told(row: dict[str, Any]) -> dict[str, Any]:
    messages = row.get("messages") or []
    said = next((turn["content"] for turn in messages if turn["role"] == "user"), row.get("text", ""))
    names = [tool if isinstance(tool, str) else tool["function"]["name"] for tool in row.get("tools", [])]
    known = {"scenario": row.get("scenario", ""), "lang": row.get("lang", ""), "tools": names, "question": said}
    return {"id": row["id"], **known, "verdict": row.get("quality", {}).get("judge", ""), "messages": messages}


def _file(output: Path) -> Path:
    return work_folder(output) / "journal.sqlite"


@contextmanager
def _journal(output: Path) -> Iterator[sqlite3.Connection | None]:
    """The journal, opened for reading; None where there is none."""
    file = _file(output)
    if not file.is_file():
        yield None
        return
    try:
        base = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
        try:
            version = base.execute("PRAGMA user_version").fetchone()[0]
            if version != VERSION:
                mend = "start the run again with this version, which makes it anew" if version < VERSION else ""
                raise UserError(f"is a journal of version {version}, this is {VERSION}", where=str(file), mend=mend)
            yield base
        finally:
            base.close()
    except sqlite3.Error as error:
        raise UserError(f"the journal cannot be read: {error}", where=str(file)) from error


def _manifest(output: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((output / MANIFEST).read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise _nothing_there(output) from error
    except (OSError, ValueError) as error:
        raise UserError(f"cannot be read: {error}", where=str(output / MANIFEST)) from error


def _nothing_there(output: Path) -> UserError:
    mend = "name the --output of a build"
    return UserError("there is neither a run nor a dataset here", where=str(output), mend=mend)
