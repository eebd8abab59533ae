"""Rows to batches in which only what the assistant must emit is learned.

Comes in: conversations (`messages`, `tools`), or rows masked before (`input_ids`, `labels`, and `weights` where they
are known). Goes out: padded or packed tensors as `trl.SFTTrainer` takes them from a collator of one's own. Every row
that is left out is counted with its reason. Knows nothing of templates, which are the masker's matter.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from training.collator.apart import attend_one_by_one
from training.collator.packing import pack, packing_leak, refuse_leak
from training.collator.padding import pad
from training.collator.truncation import kept_length
from training.masks.masker import Masker
from training.masks.reasons import MaskRefused
from training.masks.sequences import IGNORED, MaskedSequence

__all__ = ["AssistantOnlyCollator", "attend_one_by_one", "kept_length", "packing_leak", "refuse_leak"]


class AssistantOnlyCollator:
    """Batches for `SFTTrainer`.

    The trainer needs `packing=False`, `padding_free=False` (packing is done here), `remove_unused_columns=False` and
    `dataset_kwargs={"skip_prepare_dataset": True}`.

    Args:
        tokenizer: For padding, and for the masker where none is given.
        max_length: Tokens a sequence may have; None for no limit. A longer one is cut after its last whole reply that
            fits, and left out where none does.
        packing: Lay the batch's sequences one after another in one row, each with positions from 0, and none of them
            seeing another. Without it they are padded on the right.
        masker: Finds what is learned in conversations; made from the tokenizer when the first one comes.

    Attributes:
        dropped: How many rows or sequences were left out, by reason.
    """

    def __init__(self, tokenizer: Any, *, max_length: int | None, packing: bool = False, masker: Masker | None = None):
        if max_length is not None and max_length < 2:
            raise ValueError(f"max_length must be at least 2 tokens, or None for no limit, got {max_length}")
        self.tokenizer, self.max_length, self.packing = tokenizer, max_length, packing
        self.dropped: Counter[str] = Counter()
        self._masker = masker
        padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        self._padding_id = 0 if padding is None else padding

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor | int]:
        """One batch.

        Returns:
            `input_ids` and `labels` (int64), shape (sequences, longest), with `attention_mask`; or, packed, shape
            (1, tokens) with `position_ids`, `seq_idx`, `cu_seq_lens_q/k` (int32) and `max_length_q/k`. `weights`
            (float32, as `labels`) where a learned token has another weight than 1. Where every row was left out, the
            batch holds one sequence of padding, from which nothing is learned.
        """
        sequences = [cut for sequence in self.masked(rows) if (cut := self._cut(sequence)) is not None]
        if not sequences:
            sequences = [MaskedSequence([self._padding_id] * 2, [IGNORED] * 2, [0.0] * 2)]
        return pack(sequences) if self.packing else pad(sequences, self._padding_id)

    def masked(self, rows: Sequence[Mapping[str, Any]]) -> list[MaskedSequence]:
        """The sequences of rows, before any are cut; refused conversations are counted."""
        sequences = [_given(row) for row in rows if "input_ids" in row]
        conversations = [(row["messages"], row.get("tools")) for row in rows if "input_ids" not in row]
        if conversations:
            self._masker = self._masker or Masker(self.tokenizer)
            for answer in self._masker.many(conversations):
                if isinstance(answer, MaskRefused):
                    self.dropped[f"refused: {answer.reason}"] += 1
                elif not answer:
                    self.dropped["nothing in it is to be learned"] += 1
                else:
                    sequences.extend(answer)
        return sequences

    def _cut(self, sequence: MaskedSequence) -> MaskedSequence | None:
        length = kept_length(sequence.labels, self.max_length)
        if length == len(sequence.labels):
            return sequence
        if not length:
            learned = any(label != IGNORED for label in sequence.labels)
            reason = f"no whole reply fits into {self.max_length} tokens" if learned else "no token of it is learned"
            self.dropped[reason] += 1
            return None
        return MaskedSequence(sequence.input_ids[:length], sequence.labels[:length], sequence.weights[:length])


def _given(row: Mapping[str, Any]) -> MaskedSequence:
    labels = list(row["labels"])
    weights = row.get("weights")
    if weights is None:
        weights = [0.0 if label == IGNORED else 1.0 for label in labels]
    return MaskedSequence(list(row["input_ids"]), labels, list(weights))
