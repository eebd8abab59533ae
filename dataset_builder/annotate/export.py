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
from dataset_builder.annotate.desk import Desk, Sheet
from dataset_builder.annotate.standing import Standing
from dataset_builder.card import Report, card_text, counted, funnel
from dataset_builder.rows import MANIFEST, Rejected, Row, sift, write_dataset

STAGE = "annotate"


def export(desk: Desk, folder: str | Path, *, overwrite: bool = False) -> dict[str, Any]:
    """Write what was accepted. Returns the numbers: rows per split, edited rows, and rejections by status.

    Raises:
        UserError: Nothing was accepted yet, or the folder cannot be written.
    """
    folder = Path(folder)
    splits: dict[str, list[Row]] = {}
    rejected: list[Rejected] = []
    edits: list[dict[str, Any]] = []
    for sheet, standing in _read(desk):
        row = _as_row(sheet, standing)
        if standing.status == "accepted":
            good, bad = sift([row], stage=STAGE)
            splits.setdefault(sheet.split, []).extend(good)
            rejected.extend(bad)
        else:
            reason = {"open": "not reviewed", "deleted": "deleted"}.get(standing.status, standing.reason)
            rejected.append({"stage": STAGE, "reason": reason, "row": dict(row)})
        if standing.messages is not None and standing.messages != sheet.row["messages"]:
            edits.append({"id": row["id"], "status": standing.status, "original": sheet.row, "edited": row})
    counts = {split: len(rows) for split, rows in splits.items()}
    example = next((row for rows in splits.values() for row in rows), None)
    if example is None:
        raise UserError("no row was accepted yet", where=str(desk.path), mend="accept some with `callsmith annotate`")
    report = Report(
        origin="Conversations that people read, edited where needed, and accepted one by one.",
        settings={"source": desk.path.resolve().name},
        license=_license(desk.path),
        rows=counts,
        mix=counted(splits),
        funnel=funnel([STAGE], len(desk.sheets), rejected),
        split_text="Each row kept the split that it had.",
    )
    card = card_text(report, example, title=f"{desk.path.resolve().name}, reviewed", place=folder.name)
    write_dataset(folder, splits, card=card, rejected=rejected, manifest=report.as_json(), overwrite=overwrite)
    _write_lines(folder / "edits.jsonl", edits)
    return {"folder": str(folder), "rows": counts, "edited": len(edits), "rejected": len(rejected)}


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
        lines.writelines(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    os.replace(unfinished, file)
