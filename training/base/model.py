"""The shape of the embedded base model: a small Qwen3. Comes in: its tokenizer. Goes out: a config, random weights."""

import torch
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

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
