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
