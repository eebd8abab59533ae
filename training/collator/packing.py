"""Sequences one after another in one row, none of which sees another, and the check that a model keeps it so.

Attention that computes by sequence (flash attention) reads `cu_seq_lens_*`; eager, sdpa and flex attention read the
boundaries from `position_ids`, but only without an attention mask and without a cache (`SFTTrainer` turns the cache
off). Layers that carry a state from token to token, as in hybrid models, may read neither: then documents leak into
one another, silently. So the model is asked, with two short sequences, before it is trusted.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from agent.errors import UserError
from training.collator.padding import any_weighted
from training.masks.sequences import IGNORED, MaskedSequence

LEAK_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""Relative difference of logits that rounding explains."""


def pack(sequences: Sequence[MaskedSequence]) -> dict[str, Tensor | int]:
    """A batch of shape (1, tokens); see `AssistantOnlyCollator`."""
    lengths = [len(sequence.input_ids) for sequence in sequences]
    labels = [label for sequence in sequences for label in [IGNORED, *sequence.labels[1:]]]
    ends = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
    batch: dict[str, Tensor | int] = {
        "input_ids": torch.tensor([[i for sequence in sequences for i in sequence.input_ids]]),
        "labels": torch.tensor([labels]),  # a first token follows another sequence's last, and is never learned
        "position_ids": torch.cat([torch.arange(length) for length in lengths])[None],
        "seq_idx": torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))[None].to(torch.int32),
        "cu_seq_lens_q": ends,
        "cu_seq_lens_k": ends,
        "max_length_q": max(lengths),
        "max_length_k": max(lengths),
    }
    if any_weighted(sequences):
        batch["weights"] = torch.tensor([[weight for sequence in sequences for weight in sequence.weights]])
    return batch


def packing_leak(model: Any) -> float:
    """How far a sequence's logits move when another one is packed before it, relative to their size.

    Args:
        model: A causal language model; its mode and gradients are left as they were.
    """
    words = model.config.get_text_config().vocab_size
    ids = torch.arange(24) * 7919 % words
    first, second = ids[:13].tolist(), ids[13:].tolist()
    packed = pack([MaskedSequence(part, [IGNORED] * len(part), [0.0] * len(part)) for part in (first, second)])
    device = next(model.parameters()).device
    inputs = {key: value.to(device) if isinstance(value, Tensor) else value for key, value in packed.items()}
    inputs.pop("labels")
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            together = model(**inputs, use_cache=False).logits[0, len(first) :].float()
            alone = model(input_ids=torch.tensor([second], device=device), use_cache=False).logits[0].float()
    finally:
        model.train(training)
    return float((together - alone).norm() / alone.norm().clamp(min=1e-12))


def tolerated_leak(model: Any) -> float:
    """The leak that rounding explains in the model's precision."""
    return LEAK_TOLERANCE.get(model.dtype, 1e-5)


def refuse_leak(model: Any) -> None:
    """Do nothing where the model keeps packed sequences apart.

    Raises:
        UserError: Where one leaks into another.
    """
    mend = "train it without --packing"
    try:
        leak = packing_leak(model)
    except (ValueError, RuntimeError) as error:  # a layer's fast kernel is not installed, or does not run here
        raise UserError(f"packed sequences cannot be kept apart: {error}", where="--packing", mend=mend) from error
    if leak > tolerated_leak(model):
        what = f"{type(model).__name__} does not keep packed sequences apart here (logits move by {leak:.2g})"
        raise UserError(what, where="--packing", mend=mend)
