"""Sequences side by side, padded on the right."""

from collections.abc import Sequence

import torch
from torch import Tensor

from training.masks.sequences import IGNORED, MaskedSequence


def pad(sequences: Sequence[MaskedSequence], padding_id: int) -> dict[str, Tensor | int]:
    """A batch of shape (sequences, longest); see `AssistantOnlyCollator`."""
    longest = max(len(sequence.input_ids) for sequence in sequences)
    shape = (len(sequences), longest)
    batch: dict[str, Tensor | int] = {
        "input_ids": torch.full(shape, padding_id),
        "labels": torch.full(shape, IGNORED),
        "attention_mask": torch.zeros(shape, dtype=torch.int64),
    }
    weights = torch.zeros(shape)
    for position, sequence in enumerate(sequences):
        length = len(sequence.input_ids)
        batch["input_ids"][position, :length] = torch.tensor(sequence.input_ids)  # type: ignore[index]
        batch["labels"][position, :length] = torch.tensor(sequence.labels)  # type: ignore[index]
        batch["attention_mask"][position, :length] = 1  # type: ignore[index]
        weights[position, :length] = torch.tensor(sequence.weights)
    if any_weighted(sequences):
        batch["weights"] = weights
    return batch


def any_weighted(sequences: Sequence[MaskedSequence]) -> bool:
    """Whether any learned token has another weight than 1."""
    return any(
        label != IGNORED and weight != 1.0
        for sequence in sequences
        for label, weight in zip(sequence.labels, sequence.weights, strict=True)
    )
