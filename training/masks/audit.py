"""What a dataset would teach under a chat template, row by row and in total, before any training.

Comes in: a masker and rows. Goes out: counts, and for every row what is wrong with it. Knows nothing of files or
printing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from training.masks.masker import Masker
from training.masks.reasons import MaskRefused
from training.masks.sequences import MaskedSequence

BATCH = 256
"""Rows masked in one call."""


@dataclass(frozen=True)
class RowAudit:
    """One row: its sequences, tokens, and everything that is wrong with it.

    Attributes:
        row: Index in the dataset.
        sequences: Training sequences it gives; more than one where the template rewrites history.
        tokens: Tokens in them.
        trained: Tokens learned.
        longest: Tokens of the longest sequence.
        wrong: Kinds of what is wrong, once for each time.
        reasons: A sentence for each.
    """

    row: int
    sequences: int = 0
    tokens: int = 0
    trained: int = 0
    longest: int = 0
    wrong: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Audit:
    """A whole dataset. `ok` where nothing is wrong with any row."""

    rows: list[RowAudit]
    template_hash: str
    method: str
    max_length: int | None

    @property
    def ok(self) -> bool:
        return not any(row.wrong for row in self.rows)

    def total(self) -> dict[str, Any]:
        """Sums, and how often each kind of wrong was seen."""
        wrong = Counter(kind for row in self.rows for kind in row.wrong)
        masked = [row for row in self.rows if row.sequences]
        return {
            "rows": len(self.rows),
            "sequences": sum(row.sequences for row in self.rows),
            "sequences_per_conversation": round(sum(row.sequences for row in masked) / max(1, len(masked)), 3),
            "tokens": sum(row.tokens for row in self.rows),
            "trained_tokens": sum(row.trained for row in self.rows),
            "longest": max((row.longest for row in self.rows), default=0),
            **{kind: wrong.get(kind, 0) for kind in KINDS},
        }

    def reasons(self) -> list[tuple[str, int]]:
        """Each sentence with how many times it was said, the most frequent first."""
        return Counter(reason for row in self.rows for reason in row.reasons).most_common()

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "template_hash": self.template_hash,
            "method": self.method,
            "max_length": self.max_length,
            "total": self.total(),
            "rows": [asdict(row) for row in self.rows],
        }


KINDS = (
    "refused",
    "dropped_call",
    "dropped_content",
    "dropped_reasoning",
    "missing_stop",
    "too_long",
    "nothing_learned",
)
"""What can be wrong. A row whose tool call the template leaves out counts as `refused` and `dropped_call`."""


def audit(masker: Masker, rows: Iterable[Mapping[str, Any]], template_hash: str, max_length: int | None) -> Audit:
    """Look at every row (`messages`, `tools`)."""
    found: list[RowAudit] = []
    for batch in _batches(rows):
        answers = masker.many((row["messages"], row.get("tools")) for row in batch)
        for answer in answers:
            found.append(_audit_row(len(found), answer, max_length))
    return Audit(found, template_hash, masker.method, max_length)


def _audit_row(row: int, answer: list[MaskedSequence] | MaskRefused, max_length: int | None) -> RowAudit:
    if isinstance(answer, MaskRefused):
        kinds = ["refused", "dropped_call"] if answer.kind == "dropped_call" else ["refused"]
        return RowAudit(row, wrong=kinds, reasons=[f"refused: {answer.reason}"])
    lengths = [len(sequence.input_ids) for sequence in answer]
    trained = sum(sequence.trained for sequence in answer)
    wrong: list[str] = [finding.kind for sequence in answer for finding in sequence.findings]
    reasons = [finding.what for sequence in answer for finding in sequence.findings]
    if max_length is not None:
        over = sum(length > max_length for length in lengths)
        wrong += ["too_long"] * bool(over)
        reasons += [f"longer than {max_length} tokens"] * bool(over)
    if not trained:
        wrong.append("nothing_learned")
        reasons.append("nothing in it is learned")
    return RowAudit(row, len(answer), sum(lengths), trained, max(lengths, default=0), wrong, reasons)


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
