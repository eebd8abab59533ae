"""The shape of the embedded base model: a small Qwen3. Comes in: its tokenizer. Goes out: a config, random weights; and
the weights of one that was exported before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from agent.errors import UserError

POSITIONS = 4096


def base_config(
    tokenizer: PreTrainedTokenizerFast, *, hidden: int = 192, layers: int = 6, heads: int = 3, head_dim: int = 64
) -> Qwen3Config:
    """A Qwen3 with tied embeddings and a feed-forward three times as wide as `hidden`."""
    return Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=head_dim,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def random_model(config: Qwen3Config, seed: int) -> Qwen3ForCausalLM:
    """Weights from nothing, in fp32; the same for the same seed."""
    torch.manual_seed(seed)
    return Qwen3ForCausalLM(config)


@contextmanager
def exported(folder: Path) -> Iterator[Qwen3ForCausalLM]:
    """The model that export wrote to `folder`, for a block that takes its weights into another.

    Raises:
        UserError: There is no such model, or the block finds that it has another shape.
    """
    try:
        yield Qwen3ForCausalLM.from_pretrained(folder, local_files_only=True)
    except (OSError, KeyError, RuntimeError) as error:
        raise UserError(
            "holds no exported model of this shape", where=str(folder), mend="give a folder that export made"
        ) from error


@torch.no_grad()
def grow(small: Qwen3ForCausalLM, large: Qwen3ForCausalLM) -> None:
    """Give `large` the weights of `small`, spreading its layers evenly; what `large` has more at first adds nothing.

    New layers and heads, and wider layers, write nothing into the hidden states, and nothing is written into the
    states that a wider model has more. What reads is random there, so all of it can be learned from the first step.
    Growing without changing the function: Chen et al., "Net2Net" (2016).

    Raises:
        RuntimeError: `large` has less of something, or heads of another width.
    """
    old, new = small.config.num_hidden_layers, large.config.num_hidden_layers
    place = [round(index * (new - 1) / max(1, old - 1)) for index in range(old)]
    if len(set(place)) < old:
        raise RuntimeError(f"{old} layers do not fit into {new}")
    if small.config.head_dim != large.config.head_dim:
        raise RuntimeError("the heads are of another width")
    wanted = large.state_dict()
    for name, target in wanted.items():  # what writes into the hidden states, in old layers and new
        if name.endswith(("embed_tokens.weight", "o_proj.weight", "down_proj.weight")):
            target.zero_()
    share = (small.config.hidden_size / large.config.hidden_size) ** 0.5  # of the root mean square, beside zeros
    for name, weight in small.state_dict().items():
        layer, _, rest = name.removeprefix("model.layers.").partition(".")
        target = wanted[f"model.layers.{place[int(layer)]}.{rest}" if layer.isdigit() else name]
        if any(less > more for less, more in zip(weight.shape, target.shape, strict=True)):
            raise RuntimeError(f"{name} is smaller")
        if weight.ndim == 1:
            target[: len(weight)] = weight if rest.endswith(("q_norm.weight", "k_norm.weight")) else weight * share
        else:
            target[: weight.shape[0], : weight.shape[1]] = weight


_LONGEST = 0.9  # the share of the tokens that are shorter than the length that all others are brought to
_MOST_LONGER = 3.0


@torch.no_grad()
def even_out(embeddings: torch.Tensor, part: float) -> None:
    """Lengthen, in place, what each row of `embeddings` (tokens, width) has of its own: what it has beside the mean.

    A token that was seldom seen is little more than the mean, so that another is written where it should be copied.
    `part` is 0 (nothing changes) to 1 (all get the length of the longest tenth, three times their own at most).
    """
    mean = embeddings.mean(dim=0)
    own = embeddings - mean
    lengths = own.norm(dim=1, keepdim=True)
    longer = (lengths.quantile(_LONGEST) / lengths).clamp(1.0, _MOST_LONGER) ** part
    embeddings.copy_(mean + longer * own)


@torch.no_grad()
def centre(embeddings: torch.Tensor, part: float) -> None:
    """Take `part` of their mean away from all rows of `embeddings`, in place.

    Where they are the head's weights, too, all logits change alike and no chance does. That the mean grows at all is
    Adam's doing: Stollenwerk and Stollenwerk, "Better Embeddings with Coupled Adam" (2025).
    """
    embeddings.sub_(part * embeddings.mean(dim=0))
