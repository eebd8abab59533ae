"""What models write at each decision: a base alone and with its adapter, from one copy of the weights.

Comes in: model and adapter by name, and decisions. Goes out: for each model what it wrote at each decision, greedily.
Knows nothing of what is right.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from agent.errors import UserError
from agent.models import ChatModel, Reply, Sampling, complete, load_model
from agent.models.transformers_model import TransformersModel
from training.evaluate.decisions import Decision
from training.evaluate.judge import Written
from training.evaluate.kept import KeptReplies, key_of

BATCH = 32
SHORT = 64  # tokens that most replies fit into
REQUESTS = 16  # in flight at an endpoint


@dataclass(frozen=True)
class Contender:
    """A model to be judged; `switched_on` is the context in which `model` is it."""

    name: str
    model: ChatModel
    switched_on: Callable[[], AbstractContextManager[Any]]


def contenders(name: str, adapter: str | None) -> dict[str, Contender]:
    """`base`, and `adapter` where one is named.

    Raises:
        UserError: One of them cannot be loaded.
    """
    model = load_model(name, adapter=adapter)
    if not adapter:
        return {"base": Contender(name, model, contextlib.nullcontext)}
    assert isinstance(model, TransformersModel)  # load_model refuses an adapter for anything else
    peft: Any = model.model
    return {
        "base": Contender(name, model, peft.disable_adapter),
        "adapter": Contender(adapter, model, contextlib.nullcontext),
    }


def write(
    contender: Contender,
    decisions: Sequence[Decision],
    sampling: Sampling,
    progress: Callable[[int], None],
    kept: KeptReplies | None = None,
) -> list[Reply]:
    """The contender's reply at each decision, in their order; `progress` is told how many more are done.

    What an endpoint replies is found and kept in `kept`.
    """
    asked = [(decision.prompt, decision.tools) for decision in decisions]
    with contender.switched_on():
        if isinstance(contender.model, TransformersModel):
            return _in_batches(contender.model, asked, sampling, progress)
        return asyncio.run(_from_endpoint(contender.model, asked, sampling, progress, kept or KeptReplies(None)))


def fitting(model: ChatModel, decisions: Sequence[Decision], sampling: Sampling) -> list[Decision]:
    """The decisions whose prompt leaves the model room for a whole reply; all of them where its length is not known."""
    if not isinstance(model, TransformersModel):
        return list(decisions)
    room = (getattr(model.model.config, "max_position_embeddings", None) or 1_000_000) - sampling.max_new_tokens
    fit = []
    for decision in decisions:
        prompt = model.prompt(decision.prompt, decision.tools)
        if len(model.tokenizer(prompt, add_special_tokens=False)["input_ids"]) <= room:
            fit.append(decision)
    if decisions and not fit:
        raise UserError(f"none of the prompts fits into {model.name}", mend="evaluate rows with fewer or smaller tools")
    return fit


def written(reply: Reply) -> Written:
    """The parts of a reply that are judged."""
    calls = [dict(call["function"]) for call in reply.message.get("tool_calls", [])]
    return Written(reply.message["content"], calls, reply.problems, reply.finish == "stop", reply.repairs)


def _in_batches(
    model: TransformersModel, asked: Sequence[tuple[Any, Any]], sampling: Sampling, progress: Callable[[int], None]
) -> list[Reply]:
    """Most replies are short, and a batch takes as long as its longest: the long ones are written again, together.

    Not where a grammar brings a reply to its end before the limit: it would be another reply.
    """
    short = sampling if sampling.enforces else replace(sampling, max_new_tokens=min(SHORT, sampling.max_new_tokens))
    replies = model.generate_batch(asked, short, batch_size=BATCH, progress=progress)
    cut = [index for index, reply in enumerate(replies) if reply.finish == "length" and short != sampling]
    progress(-len(cut))
    again = model.generate_batch([asked[index] for index in cut], sampling, batch_size=BATCH, progress=progress)
    for index, reply in zip(cut, again, strict=True):
        replies[index] = reply
    return replies


async def _from_endpoint(
    model: ChatModel,
    asked: Sequence[tuple[Any, Any]],
    sampling: Sampling,
    progress: Callable[[int], None],
    kept: KeptReplies,
) -> list[Reply]:
    gate = asyncio.Semaphore(REQUESTS)

    async def one(messages: Any, tools: Any) -> Reply:
        key = key_of(model.name, messages, tools, sampling)
        if (reply := kept.find(key)) is None:
            async with gate:
                reply = await complete(model, messages, tools, sampling)
            kept.keep(key, reply)
        progress(1)
        return reply

    return list(await asyncio.gather(*(one(messages, tools) for messages, tools in asked)))
