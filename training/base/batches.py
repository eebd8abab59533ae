"""Batches of packed documents, each a pure function of the seed and the step, so a run can go on from any step.

Comes in: a tokenizer, a seed, a step, a shape. Goes out: `Batch(inputs, targets, weights)`. Documents are never cut;
they stand one after another in a row, an end-of-text token between them. Knows nothing of models.
"""

import random
from dataclasses import dataclass
from functools import cache

import torch
from transformers import PreTrainedTokenizerFast

from agent.errors import UserError
from training.base.corpus.document import FREE, HEARD, LEARNED, Document
from training.base.corpus.mixture import Corpus

IGNORED = -100
_DOCUMENTS_PER_STEP = 1_000_000
_MISFITS = 6  # a batch is full when this many documents in a row found no room
_HOPELESS = 1000  # as many, and still nothing to learn: no document is so short


@dataclass(frozen=True)
class Batch:
    """Three tensors (rows, length), two of int64: `targets[r, t]` is the token after `inputs[r, t]`, or -100 if that
    is not learned; `weights[r, t]` is how much it counts, 0 where it is not learned.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor


def encode(
    tokenizer: PreTrainedTokenizerFast, document: Document, learn_all: bool, decision_weight: float = 1.0
) -> tuple[list[int], list[float]]:
    """Token ids and weights of one document; a weight is 0 where the token is only read.

    `decision_weight` is that of the tokens that decide: those that begin a reply, a name or a value, which is after a
    quotation mark or a line break; the rest mostly follows. Half of it have those that tell whether a record or free
    words will come, whether a value goes on or another follows it, and whether the record or the reply ends.
    """
    ids: list[int] = []
    weights: list[float] = []
    openers, closers = _openers(tokenizer), _closers(tokenizer)
    texts = [text for text, _ in document.pieces]
    for place, (piece, (_, weight)) in enumerate(zip(tokenizer(texts)["input_ids"], document.pieces, strict=True)):
        counts = [max(weight, FREE) if learn_all else weight] * len(piece)
        if weight > HEARD and place:  # a reply; what stands first answers nothing
            counts[0] = decision_weight / 2
            if weight == LEARNED:
                holds_records = '"' in texts[place]
                if holds_records:
                    counts[1:] = [decision_weight / 2 if token in closers else weight for token in piece[1:]]
                begins = [number for number, token in enumerate(piece[:-1], 1) if token in openers]
                for number in begins if holds_records else [0, *begins]:
                    counts[number] = decision_weight
        ids += piece
        weights += counts
    return [*ids, tokenizer.pad_token_id], [*weights, 0.0]


@cache
def _openers(tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """The tokens after which a name or a value begins."""
    vocabulary = tokenizer.get_vocab().values()
    return frozenset(one for one in vocabulary if set(tokenizer.decode([one])) & {'"', "\n"})


@cache
def _closers(tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """The tokens that may stand behind a value of a record, or behind a record."""
    tokens = {one: tokenizer.decode([one]) for one in tokenizer.get_vocab().values()}
    closers = {one for one, text in tokens.items() if text[:1] in ('"', ",", "}", "]", "\n") and text[:2] != '":'}
    return frozenset(closers | {tokenizer.eos_token_id})


def make_batch(
    tokenizer: PreTrainedTokenizerFast,
    *,
    corpus: Corpus,
    step: int,
    rows: int,
    length: int,
    stage: float,
    learn_all: float,
    decision_weight: float = 1.0,
) -> Batch:
    """`rows` rows of `length` tokens; `learn_all` is the share of documents whose every token is learned.

    Raises:
        UserError: The rows are shorter than the shortest documents.
    """
    packed: list[tuple[list[int], list[float]]] = [([], []) for _ in range(rows)]
    rng = random.Random(f"{corpus.seed}/{step}")
    index, misfits, learned = step * _DOCUMENTS_PER_STEP, 0, False
    while misfits < _MISFITS or not learned:  # without a learned token the loss would be a mean over nothing
        document = corpus.document(index, stage)
        ids, weights = encode(tokenizer, document, rng.random() < learn_all, decision_weight)
        index += 1
        row = next((row for row in packed if len(row[0]) + len(ids) <= length + 1), None)
        if row is None:
            misfits += 1
            if misfits == _HOPELESS:
                raise UserError(f"no document fits into rows of {length} tokens", mend="give longer rows")
            continue
        misfits, learned = 0, learned or any(weights)
        row[0].extend(ids)
        row[1].extend(weights)
    full = torch.full((rows, length + 1), tokenizer.pad_token_id, dtype=torch.long)
    counted = torch.zeros((rows, length + 1))
    for number, (ids, weights) in enumerate(packed):
        full[number, : len(ids)] = torch.tensor(ids)
        counted[number, : len(weights)] = torch.tensor(weights)
    targets = full.masked_fill(counted == 0, IGNORED)
    return Batch(full[:, :-1].contiguous(), targets[:, 1:].contiguous(), counted[:, 1:].contiguous())
