"""From checked rows to the token sequences that are learned from, made once and shared by all processes.

Comes in: a dataset of conversations and a masker. Goes out: a dataset with `input_ids`, `labels` and `weights`, and the
rows that gave none, each with its reason. Nothing is dropped in silence. Knows nothing of how a mask is found.
"""

import json
import os
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from datasets import Dataset, Features, List, Value, disable_progress_bars, enable_progress_bars, load_from_disk

from agent.errors import UserError
from training.collator import kept_length
from training.masks import MaskedSequence, Masker, MaskRefused
from training.masks.reasons import RefusalKind
from training.run import write_whole

SEQUENCES = Features(
    {
        "input_ids": List(Value("int32")),
        "labels": List(Value("int32")),
        "weights": List(Value("float32")),
        "row": Value("int64"),
        "reason": Value("string"),  # "" for a sequence to learn from; else why row `row` gives none
        "findings": List(Value("string")),  # what the template loses of it
    }
)


NOTHING = MaskedSequence([], [], [])


@dataclass(frozen=True)
class Dropped:
    """A row, or a part of one, that is not learned from."""

    row: int
    id: str
    reason: str

    @property
    def kind(self) -> str:
        """The reason without its numbers."""
        return self.reason.partition(":")[0]

    @property
    def refused(self) -> bool:
        """Whether no mask was found for it under this chat template (else too long, or nothing to learn)."""
        return self.kind in get_args(RefusalKind)


@dataclass(frozen=True)
class Learned:
    """What is learned from one split: `dataset` has `input_ids`, `labels` and `weights`, a line per sequence.

    `dropped` are rows and parts of rows that are not learned from; of `dropped_rows` nothing is, of `cut_rows` a part.
    """

    dataset: Dataset
    dropped: list[Dropped]
    findings: list[str]
    rows: int
    tokens: int
    trained_tokens: int
    dropped_rows: int
    cut_rows: int


def make_sequences(rows: Dataset, masker: Masker, *, max_length: int | None, num_proc: int | None = None) -> Dataset:
    """Mask every row; the result has the features `SEQUENCES`, dropped rows included with their reasons.

    Args:
        rows: Conversations (`messages`, `tools`).
        masker: Finds what is learned; one row may give several sequences.
        max_length: Longer sequences are cut after their last whole reply that fits, and dropped where none does: half
            a call teaches half calls. None for no limit.
        num_proc: Processes to share the work.
    """

    def mask(messages: list[Any], tools: list[Any], index: list[int]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {name: [] for name in SEQUENCES}
        answers = masker.many(zip(messages, tools, strict=True))
        for row, answer in zip(index, answers, strict=True):
            for sequence in _lines(answer, row, max_length):
                for name, value in sequence.items():
                    found[name].append(value)
        return found

    return rows.map(
        mask,
        batched=True,
        with_indices=True,
        input_columns=["messages", "tools"],
        remove_columns=rows.column_names,
        features=SEQUENCES,
        num_proc=num_proc if num_proc and num_proc > 1 and len(rows) >= 100 * num_proc else None,
        load_from_cache_file=False,
        new_fingerprint=f"masked-{os.getpid()}-{time.time_ns()}",
        desc="Masking",
    )


def _lines(answer: list[MaskedSequence] | MaskRefused, row: int, max_length: int | None) -> list[dict[str, Any]]:
    """One row's lines of the dataset: its sequences, and a line with the reason for what of it is dropped."""

    def line(reason: str = "", sequence: MaskedSequence = NOTHING) -> dict[str, Any]:
        return {
            "input_ids": sequence.input_ids,
            "labels": sequence.labels,
            "weights": sequence.weights,
            "row": row,
            "reason": reason,
            "findings": [f"{finding.kind}: {finding.what}" for finding in sequence.findings],
        }

    if isinstance(answer, MaskRefused):
        return [line(f"{answer.kind}: {answer}")]
    found = []
    for whole in answer:
        length, kept = len(whole.input_ids), kept_length(whole.labels, max_length)
        if kept:
            found.append(line("", _cut(whole, kept)))
        if kept < length:
            what = f"{kept} of {length} tokens kept" if kept else f"no whole reply of {length} tokens"
            found.append(line(f"too long: {what} within --max_length {max_length}"))
    return found or [line("nothing to learn: no reply in it is one to train on")]


def _cut(whole: MaskedSequence, length: int) -> MaskedSequence:
    cut = (whole.input_ids[:length], whole.labels[:length], whole.weights[:length])
    return MaskedSequence(*cut, findings=whole.findings)


def made_once(folder: Path, make: Callable[[], Dataset], *, here: bool) -> Dataset:
    """The dataset that one process of a machine makes and every other one opens, also after a restart.

    The others wait for the folder rather than at a barrier: tokenizing may outlast any communication timeout. Where
    several machines share a disk, each makes the same, and the first one's stays.
    """
    if here and not folder.exists():
        part = folder.with_name(f"{folder.name}.{socket.gethostname()}.{os.getpid()}.tmp")
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        dataset = make()
        disable_progress_bars()
        dataset.save_to_disk(str(part))
        enable_progress_bars()
        try:
            os.replace(part, folder)
        except OSError:  # a filled folder cannot be replaced: another machine's is there
            if not folder.exists():
                raise
            shutil.rmtree(part)
    while not folder.exists():
        time.sleep(0.2)
    return load_from_disk(str(folder))


def learned(sequences: Dataset, rows: Dataset) -> Learned:
    """Part what is learned from what was dropped, and count.

    Raises:
        UserError: Nothing is left to learn from.
    """
    reasons, origin = sequences["reason"], sequences["row"]
    names = rows["id"] if "id" in rows.column_names else [None] * len(rows)
    dropped = [
        Dropped(row, str(names[row] or ""), reason) for row, reason in zip(origin, reasons, strict=True) if reason
    ]
    kept = sequences.select([index for index, reason in enumerate(reasons) if not reason])
    if not len(kept):
        kind, count = _rows_by_kind(dropped).most_common(1)[0]
        example = next(one.reason for one in dropped if one.kind == kind)
        raise UserError(f"none of the {len(rows)} rows can be learned from; {count} of them: {example}")
    tokens = trained = 0
    for labels in kept["labels"]:
        tokens += len(labels)
        trained += sum(label != -100 for label in labels)
    findings = [finding for found in kept["findings"] for finding in found]
    learned_from, lost = set(kept["row"]), {one.row for one in dropped}
    dataset = kept.remove_columns(["row", "reason", "findings"])
    return Learned(
        dataset, dropped, findings, len(rows), tokens, trained, len(lost - learned_from), len(lost & learned_from)
    )


def _rows_by_kind(dropped: Iterable[Dropped]) -> Counter[str]:
    """How many rows each kind of reason concerns: of one row several sequences may be lost."""
    return Counter(kind for kind, _ in dict.fromkeys((one.kind, one.row) for one in dropped))


def write_dropped(dropped: list[Dropped], file: Path) -> None:
    """One JSON line for each; the file stands only where something was dropped."""
    file.unlink(missing_ok=True)
    if dropped:
        write_whole(file, "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in dropped))


def summary(found: Learned, name: str) -> str:
    """A few lines for a person: how much is learned, and what was dropped for which reasons."""
    share = found.trained_tokens / found.tokens
    lines = [
        f"{name}: {found.rows:,} rows, {len(found.dataset):,} sequences, {found.tokens:,} tokens, "
        f"{found.trained_tokens:,} of them learned ({share:.0%})"
    ]
    lines += [f"  dropped {count}: {kind}" for kind, count in _rows_by_kind(found.dropped).most_common(8)]
    if found.cut_rows:
        lines.append(f"  of {found.cut_rows} of these rows a part is learned")
    lines += [f"  found {count} times: {what}" for what, count in Counter(found.findings).most_common(8)]
    return "\n".join(lines)
