"""Attention over packed sequences, one sequence at a time.

Under `sdpa`, transformers keeps packed sequences apart by a mask as large as the square of the whole row, and computes
all of it: eight sequences in one row cost eight times the attention of the eight apart. Here each sequence attends to
itself in a call of its own, which needs no mask. Comes in: a model that packs. Goes out: the same model, set to this
attention where it is the same function of the same inputs. Importing this file registers it with transformers.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from training.collator.packing import packing_leak, tolerated_leak

ONE_BY_ONE = "sdpa_one_by_one"


def attend_one_by_one(model: Any) -> None:
    """Set a model's attention to one sequence at a time; leave it where its attention is not plain causal `sdpa`."""
    config = model.config.get_text_config()
    layers = getattr(config, "layer_types", None)
    windowed = set(layers) != {"full_attention"} if layers else getattr(config, "sliding_window", None) is not None
    if model.config._attn_implementation != "sdpa" or windowed or getattr(config, "attention_chunk_size", None):
        return
    model.set_attn_implementation(ONE_BY_ONE)
    try:
        apart = packing_leak(model) <= tolerated_leak(model)
    except (TypeError, ValueError):
        apart = False
    if not apart:  # the model does not hand the boundaries on to its attention
        model.set_attn_implementation("sdpa")


def one_by_one(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    cu_seq_lens_q: Tensor | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Three times (batch, heads, length, width) to (batch, length, heads, width), as transformers' `sdpa`."""
    if cu_seq_lens_q is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    if options.get("position_bias") is not None:
        raise ValueError("positions are biased over the whole row")
    parts = [
        sdpa_attention_forward(
            module, query[:, :, start:end], key[:, :, start:end], value[:, :, start:end], None, **options
        )[0]
        for start, end in pairwise(cu_seq_lens_q.tolist())
    ]
    return torch.cat(parts, dim=1), None


def mask_of_padding(*arguments: Any, **options: Any) -> Tensor | None:
    """The mask of a padded batch; packed ones need none."""
    return None if options.get("attention_mask") is None else sdpa_mask(*arguments, **options)


AttentionInterface.register(ONE_BY_ONE, one_by_one)
AttentionMaskInterface.register(ONE_BY_ONE, mask_of_padding)
