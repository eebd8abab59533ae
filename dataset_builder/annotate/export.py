"""Accepted rows out of the journal, as a dataset folder; the others with the reason why they are not in it.

Comes in: a `Desk`. Goes out: a folder in Hub layout, and `edits.jsonl` in it: each edited conversation beside its
original, from which preference pairs can be made. Knows nothing of the page.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.errors import UserError
from agent.json_text import as_json
from dataset_builder.annotate.desk import Desk, Sheet
from dataset_builder.annotate.standing import Standing
from dataset_builder.card import Report, card_text, counted, funnel
from dataset_builder.existing import HELD_OUT, Existing
from dataset_builder.rows import MANIFEST, Rejected, Row, sift, write_dataset
from dataset_builder.settings import named

STAGE = "annotate"


def export(desk: Desk, folder: str | Path, *, unreviewed: bool = False, overwrite: bool = False) -> dict[str, Any]:
    """Write what was accepted. Returns the numbers: rows per split, edited ones among them, unreviewed ones, rows left
    out, and how many of those (`undecided`) were edited and neither accepted nor rejected.

    Args:
        desk: The rows, and what people did to them.
        folder: Where the dataset goes.
        unreviewed: Keep the rows that nobody has touched, too, as they are.
        overwrite: Replace a dataset that is there.

    Raises:
        UserError: Nothing was accepted yet, the folder is the dataset itself, or it cannot be written.
    """
    folder = named(Path(folder))
    if folder.resolve() == desk.path.resolve():
        raise UserError("is the dataset that is being reviewed", where=str(folder), mend="export to another folder")
    splits: dict[str, list[Row]] = {}
    rejected: list[Rejected] = []
    edits: list[dict[str, Any]] = []
    untouched = corrected = undecided = 0
    for sheet, standing in _read(desk):
        row = _as_row(sheet, standing)
        edited, still_open = row["quality"]["edited"], standing.status == "open"
        if standing.status == "accepted" or (unreviewed and still_open and not edited):
            good, bad = sift([row], stage=STAGE)
            splits.setdefault(sheet.split, []).extend(good)
            rejected.extend(bad)
            untouched += len(good) if still_open else 0
            corrected += len(good) if edited else 0
        else:
            undecided += int(edited and still_open)
            waits = "edited, but neither accepted nor rejected" if edited else "not reviewed"
            reason = {"open": waits, "deleted": "deleted"}.get(standing.status, standing.reason)
            rejected.append({"stage": STAGE, "reason": reason, "row": dict(row)})
        if edited:
            edits.append({"id": row["id"], "status": standing.status, "original": sheet.row, "edited": row})
    counts = {split: len(rows) for split, rows in splits.items()}
    example = next((row for rows in splits.values() for row in rows), None)
    if example is None:
        raise UserError("no row was accepted yet", where=str(desk.path), mend="accept some with `callsmith annotate`")
    report = Report(
        origin="Conversations that people read, edited where needed, and accepted one by one"
        + (f", and {untouched:,} that nobody has reviewed, as they were." if untouched else "."),
        settings={"source": desk.path.resolve().name, **_held_out(desk.path)},
        license=_license(desk.path),
        rows=counts,
        mix=counted(splits),
        funnel=funnel([STAGE], len(desk.sheets), rejected),
        split_text="Each row kept the split that it had.",
    )
    card = card_text(report, example, title=f"{desk.path.resolve().name}, reviewed", place=folder.name)
    write_dataset(folder, splits, card=card, rejected=rejected, manifest=report.as_json(), overwrite=overwrite)
    _write_lines(folder / "edits.jsonl", edits)
    numbers = {"edited": corrected, "unreviewed": untouched, "rejected": len(rejected), "undecided": undecided}
    return {"folder": str(folder), "rows": counts, **numbers}


def _held_out(path: Path) -> dict[str, str]:
    """What the dataset under review holds out, where it was a build of ours: rows keep their sides."""
    known = Existing(path).holds_out if (path / MANIFEST).is_file() else None
    return {HELD_OUT: known} if known else {}


def _read(desk: Desk) -> Iterator[tuple[Sheet, Standing]]:
    for sheet in desk.sheets:
        yield sheet, desk.journal.standing(sheet.key)


def _as_row(sheet: Sheet, standing: Standing) -> Row:
    row = sheet.row.copy()
    row["messages"] = sheet.row["messages"] if standing.messages is None else standing.messages
    edited = row["messages"] != sheet.row["messages"]
    row["quality"] = {**sheet.row["quality"], "review": standing.status, "edited": edited}
    return row


def _license(path: Path) -> str:
    """The licence that the dataset's own run noted; edited rows stay under it."""
    try:
        return str(json.loads((path / MANIFEST).read_text(encoding="utf-8"))["license"])
    except (OSError, ValueError, KeyError):
        return "unknown"


def _write_lines(file: Path, values: list[dict[str, Any]]) -> None:
    unfinished = file.with_suffix(".tmp")
    with unfinished.open("w", encoding="utf-8") as lines:
        lines.writelines(as_json(value) + "\n" for value in values)
    os.replace(unfinished, file)
