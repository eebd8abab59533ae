"""Batches of packed documents, each a pure function of the seed and the step, so a run can go on from any step.

Comes in: a tokenizer, a seed, a step, a shape. Goes out: `Batch(inputs, targets)`. Documents are never cut; they stand
one after another in a row, an end-of-text token between them. Knows nothing of models.
"""

import random
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerFast

from training.base.corpus import mixture
from training.base.corpus.document import Document

IGNORED = -100
_DOCUMENTS_PER_STEP = 1_000_000
_MISFITS = 6  # a batch is full when this many documents in a row found no room


@dataclass(frozen=True)
class Batch:
    """Two int64 tensors (rows, length); `targets[r, t]` is the token after `inputs[r, t]`, or -100 if not learned."""

    inputs: torch.Tensor
    targets: torch.Tensor


def encode(tokenizer: PreTrainedTokenizerFast, document: Document, learn_all: bool) -> tuple[list[int], list[int]]:
    """Token ids and labels of one document; a label is the id itself, or -100 where the token is only read."""
    ids: list[int] = []
    labels: list[int] = []
    texts = [text for text, _ in document.pieces]
    for piece, (_, learned) in zip(tokenizer(texts)["input_ids"], document.pieces, strict=True):
        ids += piece
        labels += piece if learned or learn_all else [IGNORED] * len(piece)
    return [*ids, tokenizer.pad_token_id], [*labels, IGNORED]


def make_batch(
    tokenizer: PreTrainedTokenizerFast, *, seed: int, step: int, rows: int, length: int, stage: float, learn_all: float
) -> Batch:
    """`rows` rows of `length` tokens; `learn_all` is the share of documents whose every token is learned."""
    packed: list[tuple[list[int], list[int]]] = [([], []) for _ in range(rows)]
    rng = random.Random(f"{seed}/{step}")
    index, misfits = step * _DOCUMENTS_PER_STEP, 0
    while misfits < _MISFITS:
        document = mixture.document(seed, index, stage)
        ids, labels = encode(tokenizer, document, rng.random() < learn_all)
        index += 1
        row = next((row for row in packed if len(row[0]) + len(ids) <= length + 1), None)
        if row is None:
            misfits += 1
            continue
        misfits = 0
        row[0].extend(ids)
        row[1].extend(labels)
    full = torch.full((rows, length + 1), tokenizer.pad_token_id, dtype=torch.long)
    targets = torch.full((rows, length + 1), IGNORED, dtype=torch.long)
    for number, (ids, labels) in enumerate(packed):
        full[number, : len(ids)] = torch.tensor(ids)
        targets[number, : len(labels)] = torch.tensor(labels)
    return Batch(full[:, :-1].contiguous(), targets[:, 1:].contiguous())
