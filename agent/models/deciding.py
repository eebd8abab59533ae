"""Whether a greedy reply is a call or a text, by the chance of each as a whole.

Comes in: the tokens that a call may begin with. Goes out: a logits processor for the first token of a reply. A call
begins with one token in all conversations, a refusal or a question with many, among which its chance is divided: the
likeliest token begins a call where a text is far likelier. Knows nothing of templates.
"""

from collections.abc import Callable, Sequence

import torch
from transformers import LogitsProcessor


def beginnings(start: str, encode: Callable[[str], Sequence[int]], decode: Callable[[list[int]], str]) -> list[int]:
    """The tokens that may come first where `start` is written, in order, whole or in any pieces."""
    first = {ids[0] for end in range(1, len(start) + 1) if (ids := encode(start[:end]))}
    return sorted(token for token in first if decode([token]).strip())


class CallOrText(LogitsProcessor):
    """Takes the beginnings of a call away from the first token where a call has less than `threshold` of the chance.

    Args:
        calls: The tokens that begin a call.
        width: Length of the prompts in tokens; behind it the first token comes.
        rows: Which rows of the batch may call, in order.
        threshold: 0 to 1.
    """

    def __init__(self, calls: Sequence[int], *, width: int, rows: Sequence[bool], threshold: float):
        self._calls = torch.tensor(calls)
        self._width = width
        self._rows = torch.tensor(rows)
        self._threshold = threshold

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        if input_ids.shape[1] != self._width:
            return scores
        calls, rows = self._calls.to(scores.device), self._rows.to(scores.device)
        chance = torch.softmax(scores.float(), dim=-1)[:, calls].sum(dim=-1)
        unlikely = rows & (chance < self._threshold)
        scores[unlikely.nonzero(), calls] = -torch.inf
        return scores
