"""The proof by gradient: learning a conversation in one pass is learning each of its replies after its true prompt.

On a tiny random model, in float64, the gradient of the masker's sequences is held against that of one sample per reply,
made the plain way: `apply_chat_template` for the prompt, the tokenizer for the reply. Comes in: a tokenizer with its
chat template, conversations. Goes out: a `Certificate` with the relative error. Knows nothing of the model that will be
trained, whose size does not matter here.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from agent.models.templates import template_hash
from training.masks.conversation import Reply
from training.masks.masker import Masker
from training.masks.reasons import MaskRefused
from training.masks.render import STEERING
from training.masks.sequences import IGNORED

TOLERANCE = 1e-6
"""Largest relative error that rounding in float64 explains, with room; a wrong mask gives 0.1 to 1."""


@dataclass(frozen=True)
class Certificate:
    """What was compared, and how far the two gradients lie apart.

    Attributes:
        error: Norm of the difference over norm of the separate samples' gradient.
        template_hash: SHA-256 of the chat template.
        method: How masks were found.
        rows: Conversations compared.
        replies: Replies in them, each a sample of its own in the reference.
        sequences: Training sequences that hold them.
        trained_tokens: Tokens learned.
        refused: Conversations left out because no mask is certain.
    """

    error: float
    template_hash: str
    method: str
    rows: int
    replies: int
    sequences: int
    trained_tokens: int
    refused: int

    @property
    def holds(self) -> bool:
        """Whether something was compared, and it is equal up to rounding."""
        return self.replies > 0 and self.error <= TOLERANCE

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "holds": self.holds}

    def __str__(self) -> str:
        return (
            f"relative gradient error {self.error:.1e} (at most {TOLERANCE:.0e}) of one pass against separate samples, "
            f"{self.replies} replies in {self.sequences} sequences of {self.rows} rows, {self.refused} rows refused"
        )


def certify(
    masker: Masker, rows: Iterable[Mapping[str, Any]], *, enough: int | None = None, seed: int = 0
) -> Certificate:
    """Compare one pass with separate samples over conversations (`messages`, `tools`).

    Args:
        masker: What is to be proved.
        rows: The conversations.
        enough: How many conversations to compare at most; None: all.
        seed: Of the random model.
    """
    model = _tiny_model(masker.tokenizer, seed)
    one_pass: list[_Sample] = []
    separate: list[_Sample] = []
    compared = refused = 0
    for row in rows:
        if compared == enough:
            break
        messages, tools = row["messages"], row.get("tools")
        try:
            replies = masker.replies(messages, tools)
        except MaskRefused:
            refused += 1
            continue
        compared += bool(replies.replies)
        one_pass.extend(_Sample(s.input_ids, s.labels, s.weights) for s in masker.sequences(replies))
        separate.extend(_separate(masker, messages, tools, reply) for reply in replies.replies)
    trained = sum(label != IGNORED for sample in one_pass for label in sample.labels)
    error = _difference(_gradient(model, one_pass), _gradient(model, separate)) if separate else 0.0
    return Certificate(
        error,
        template_hash(masker.chat_template),
        masker.method,
        compared,
        len(separate),
        len(one_pass),
        trained,
        refused,
    )


def telling_first(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The first 200 conversations, those that tell most for least first: of three replies, or nearly, and short."""

    def cost(row: Mapping[str, Any]) -> tuple[int, int]:
        replies = sum(m["role"] == "assistant" and m.get("train", True) for m in row["messages"])
        return -min(replies, 3), len(json.dumps([row["messages"], row.get("tools")], ensure_ascii=False))

    return sorted(islice(rows, 200), key=cost)


@dataclass(frozen=True)
class _Sample:
    input_ids: list[int]
    labels: list[int]
    weights: list[float]


def _separate(
    masker: Masker, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None, reply: Reply
) -> _Sample:
    """One reply as a sample, by the way that inference takes: its prompt from `apply_chat_template`."""
    shown = [{k: v for k, v in message.items() if k not in STEERING} for message in messages[: reply.message]]
    prompt = masker.prompt_ids(shown, tools) if masker.method == "both" else masker.tokens.encode(reply.prompt)
    ids = masker.tokens.encode_reply(reply.text + reply.stop)
    return _Sample(prompt + ids, [IGNORED] * len(prompt) + ids, [0.0] * len(prompt) + [reply.weight] * len(ids))


def _tiny_model(tokenizer: Any, seed: int) -> Qwen3ForCausalLM:
    config = Qwen3Config(
        vocab_size=max(tokenizer.get_vocab().values()) + 1,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        initializer_range=0.3,  # large enough that what stands before a token moves its gradient
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Qwen3ForCausalLM(config).double().eval()


def _gradient(model: Qwen3ForCausalLM, samples: Sequence[_Sample]) -> list[torch.Tensor]:
    """Gradient of the weighted negative log-likelihood, summed over samples."""
    model.zero_grad(set_to_none=True)
    for sample in samples:
        labels = torch.tensor(sample.labels[1:])
        learned = (labels != IGNORED).nonzero()[:, 0]  # logits are made for these only: vocabularies are large
        hidden = model.model(input_ids=torch.tensor([sample.input_ids]), use_cache=False).last_hidden_state[0, learned]
        losses = torch.nn.functional.cross_entropy(model.lm_head(hidden), labels[learned], reduction="none")
        (losses * torch.tensor(sample.weights[1:], dtype=losses.dtype)[learned]).sum().backward()
    return [torch.zeros(()) if p.grad is None else p.grad.clone() for p in model.parameters()]


def _difference(left: Sequence[torch.Tensor], right: Sequence[torch.Tensor]) -> float:
    apart = sum(float((a - b).pow(2).sum()) for a, b in zip(left, right, strict=True))
    size = sum(float(b.pow(2).sum()) for b in right)
    return (apart / size) ** 0.5 if size else apart**0.5
