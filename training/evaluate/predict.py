"""What models write at each decision, greedily.

Comes in: contenders, and decisions. Goes out: for each contender its reply at each decision. Knows nothing of what is
right.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from agent.errors import UserError
from agent.models import ChatModel, Reply, Sampling, complete
from agent.models.transformers_model import TransformersModel
from training.evaluate.contender import Contender
from training.evaluate.copies import Batch, Copies
from training.evaluate.decisions import Decision
from training.evaluate.judge import Written
from training.evaluate.kept import KeptReplies, key_of

BATCH = 32
SHORT = 64  # tokens that most replies fit into
REQUESTS = 16  # in flight at an endpoint

Progress = Callable[[str, int], None]
"""Told a contender and how many more of its replies are there."""


def write(
    copies: Copies, decisions: Sequence[Decision], sampling: Sampling, progress: Progress, kept: KeptReplies
) -> dict[str, list[Reply]]:
    """Each contender's reply at each decision, in their order; what `kept` has is not asked for again."""
    if isinstance(copies.judged["base"].model, TransformersModel):
        return _InBatches(copies, decisions, progress, kept).write(sampling)
    return {
        name: asyncio.run(_one_by_one(contender, decisions, sampling, partial(progress, name), kept))
        for name, contender in copies.judged.items()
    }


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


class _InBatches:
    """Models that run here.

    Which prompts share a batch is the same with any number of processes and after any stop, and so is every reply: a
    batch of which something is missing is written again as a whole. The longest come first, so that what does not fit
    into memory fails at once.
    """

    def __init__(self, copies: Copies, decisions: Sequence[Decision], progress: Progress, kept: KeptReplies):
        self._copies, self._decisions, self._progress, self._kept = copies, decisions, progress, kept
        self._asked = [(decision.prompt, decision.tools) for decision in decisions]
        model = copies.judged["base"].model
        assert isinstance(model, TransformersModel)
        self._lengths = [len(model.prompt(*asked)) for asked in self._asked]

    def write(self, sampling: Sampling) -> dict[str, list[Reply]]:
        """Most replies are short, and a batch takes as long as its longest: the long ones are written again, together.

        Not where a grammar brings a reply to its end before the limit: it would be another reply.
        """
        short = sampling if sampling.enforces else replace(sampling, max_new_tokens=min(SHORT, sampling.max_new_tokens))
        everything = range(len(self._decisions))
        replies = self._at(dict.fromkeys(self._copies.judged, everything), short)
        if short != sampling:
            cut = {name: [i for i in everything if found[i].finish == "length"] for name, found in replies.items()}
            for name, indices in cut.items():
                self._progress(name, -len(indices))
            for name, again in self._at(cut, sampling).items():
                replies[name] |= again
        return {name: [found[index] for index in everything] for name, found in replies.items()}

    def _at(self, wanted: Mapping[str, Sequence[int]], sampling: Sampling) -> dict[str, dict[int, Reply]]:
        """Replies of each contender at the decisions of these indices."""
        replies: dict[str, dict[int, Reply]] = {name: {} for name in wanted}
        batches: list[tuple[str, list[int]]] = []
        for name, indices in wanted.items():
            for chosen in self._alike(indices):
                found = {index: self._kept.find(self._key(name, index, sampling)) for index in chosen}
                known = {index: reply for index, reply in found.items() if reply is not None}
                if len(known) < len(chosen):
                    batches.append((name, chosen))
                else:
                    replies[name] |= known
                    self._progress(name, len(chosen))
        asked = [Batch(name, [self._asked[index] for index in chosen], sampling) for name, chosen in batches]
        for number, written_now in self._copies.replies(asked):
            name, chosen = batches[number]
            for index, reply in zip(chosen, written_now, strict=True):
                replies[name][index] = reply
                self._kept.keep(self._key(name, index, sampling), reply)
            self._progress(name, len(chosen))
        return replies

    def _alike(self, indices: Sequence[int]) -> Iterator[list[int]]:
        by_length = sorted(indices, key=lambda index: self._lengths[index], reverse=True)
        for start in range(0, len(by_length), BATCH):
            yield by_length[start : start + BATCH]

    def _key(self, name: str, index: int, sampling: Sampling) -> str:
        return _key(self._copies.judged[name], self._decisions[index], sampling)


async def _one_by_one(
    contender: Contender,
    decisions: Sequence[Decision],
    sampling: Sampling,
    progress: Callable[[int], None],
    kept: KeptReplies,
) -> list[Reply]:
    gate = asyncio.Semaphore(REQUESTS)

    async def one(decision: Decision) -> Reply:
        key = _key(contender, decision, sampling)
        if (reply := kept.find(key)) is None:
            async with gate:
                reply = await complete(contender.model, decision.prompt, decision.tools, sampling)
            kept.keep(key, reply)
        progress(1)
        return reply

    return list(await asyncio.gather(*(one(decision) for decision in decisions)))


def _key(contender: Contender, decision: Decision, sampling: Sampling) -> str:
    model = " ".join(filter(None, (contender.name, contender.weights)))
    return key_of(model, decision.prompt, decision.tools, sampling)
