"""How well a base does on documents it has not been given: exact replies, by task and language.

`nearest`, `bound`, `missing` and `name_of` each ask for one skill alone that choosing and filling need. Those of
`unseen` are of domains apart, written for nothing else.

Comes in: a model, a tokenizer, a seed no training document has. Goes out: `{task: share of replies exactly right}`.
A chat's first reply counts when every token of it, its stop token included, is the model's first choice after the right
tokens before it: that is the same as greedy decoding giving the reply, at the price of one forward pass.
"""

import random
from collections.abc import Callable
from functools import partial

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from training.base import unseen
from training.base.batches import encode
from training.base.corpus import copying, filling, matching, reading, services
from training.base.corpus.document import HEARD, Document
from training.base.corpus.talk import IDLE_EN, IDLE_ZH

PROBES: dict[str, Callable[[random.Random, str], Document]] = {
    "copy": copying.repeat,
    "look_up": copying.look_up,
    "convert": copying.convert,
    "passage": reading.passage,
    "record": reading.record,
    "fill": partial(filling.fill, most=1),
    "which": partial(filling.which, most=1),
    "choose": partial(services.choose, most=1),
    "choose_same": partial(services.same_but, most=1),
    "nearest": partial(matching.nearest, most=1),
    "bound": partial(matching.bound, most=1),
    "missing": partial(matching.missing, most=1),
    "name_of": partial(matching.name_of, most=1),
    "unseen_name": unseen.name,
    "unseen_call": unseen.call,
}
# A refusal or a question back has many right wordings: there it counts that the reply begins like one of them.
FREE_WORDED = {
    "choose_none": services.REFUSALS_EN + services.REFUSALS_ZH + tuple(reply for _, reply in IDLE_EN + IDLE_ZH),
    "choose_ask": services.QUESTIONS_EN + services.QUESTIONS_ZH,
}


def probe(
    model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, seed: int, count: int = 48, batch: int = 16
) -> dict[str, float]:
    """Exactness per task (the parts of `choose` apart), and over all of `fill` and `choose_one` per language."""
    right: dict[str, list[bool]] = {}
    for name, task in PROBES.items():
        drawn: list[tuple[Document, str]] = []
        for index in range(count * (4 if name == "choose" else 1)):
            lang = "zh" if index % 2 else "en"
            drawn.append((task(random.Random(f"probe {seed} {name} {index}"), lang), lang))
        for start in range(0, len(drawn), batch):
            part = drawn[start : start + batch]
            for (document, lang), exact in zip(part, _exact(model, tokenizer, [item for item, _ in part]), strict=True):
                right.setdefault(document.task, []).append(exact)
                if document.task in ("fill", "choose_one"):
                    right.setdefault(f"{document.task}_{lang}", []).append(exact)
    return {name: sum(found) / len(found) for name, found in sorted(right.items())}


@torch.inference_mode()
def _exact(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, documents: list[Document]) -> list[bool]:
    encoded = [encode(tokenizer, document, learn_all=False) for document in documents]
    length = max(len(ids) for ids, _ in encoded)
    device = next(model.parameters()).device
    ids = torch.tensor([row + [tokenizer.pad_token_id] * (length - len(row)) for row, _ in encoded], device=device)
    weights = torch.tensor([row + [0.0] * (length - len(row)) for _, row in encoded], device=device)
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    wanted, counted = ids[:, 1:], weights[:, 1:] > HEARD
    found: list[bool] = []
    for row, document in enumerate(documents):
        first = int(counted[row].nonzero()[0])
        last = first + int((~counted[row, first:]).nonzero()[0])
        choice = model.lm_head(hidden[row, first:last]).argmax(-1)
        if document.task in FREE_WORDED:
            beginnings = {tokenizer(text)["input_ids"][0] for text in FREE_WORDED[document.task]}
            found.append(int(choice[0]) in beginnings)
        else:
            found.append(bool((choice == wanted[row, first:last]).all()))
    return found
