"""A greedy reply calls where a call as a whole is the likelier, however many first words share the chance of a text."""

import asyncio
import math

import pytest
import torch

from agent.models import Reply, Sampling, complete, load_model
from agent.models.deciding import CallOrText, beginnings
from agent.models.local_model import LocalModel
from agent.tools import load_tools

ASK = [{"role": "user", "content": "北京天气怎么样？"}]
TOOLS = [tool.schema for tool in load_tools("embedded")[:1]]


@pytest.fixture
def model():
    return load_model("embedded")


def scores_of(call: float, texts: int = 6, rows: int = 1) -> torch.Tensor:
    """Token 0 begins a call, the next ones share what is left."""
    chances = [call] + [(1 - call) / texts] * texts
    return torch.tensor([chances] * rows).log()


def decided(scores: torch.Tensor, *, rows: list[bool] | None = None, threshold: float = 0.5, written: int = 0):
    processor = CallOrText([0], width=3, rows=rows or [True] * len(scores), threshold=threshold)
    return processor(torch.zeros((len(scores), 3 + written), dtype=torch.long), scores.clone())


def test_a_call_that_is_less_likely_than_all_texts_is_not_begun():
    assert decided(scores_of(0.4)).argmax().item() != 0
    assert decided(scores_of(0.6)).argmax().item() == 0
    assert decided(scores_of(0.6), threshold=0.7).argmax().item() != 0
    assert decided(scores_of(0.4), threshold=0.3).argmax().item() == 0


def test_the_texts_keep_their_order():
    scores = torch.tensor([[0.4, 0.1, 0.3, 0.2]]).log()
    assert torch.equal(decided(scores)[0, 1:], scores[0, 1:])
    assert decided(scores).argmax().item() == 2


def test_only_the_first_token_decides_and_only_where_there_are_tools():
    assert decided(scores_of(0.4), written=1).argmax().item() == 0
    both = decided(scores_of(0.4, rows=2), rows=[False, True])
    assert both[0].argmax().item() == 0
    assert both[1].argmax().item() != 0


def test_every_token_that_may_begin_a_call_counts():
    scores = torch.tensor([[0.3, 0.3, 0.2, 0.2]]).log()
    processor = CallOrText([0, 1], width=1, rows=[True], threshold=0.5)
    assert torch.equal(processor(torch.zeros((1, 1), dtype=torch.long), scores.clone()), scores)


def test_a_call_begins_with_its_first_token_whole_or_in_pieces(model):
    tokenizer = model.tokenizer
    tokenizer.add_special_tokens({"additional_special_tokens": ["<tool_call>"]})
    found = beginnings('<tool_call>\n{"name": "', model._ids, model._text)
    assert {tokenizer.decode([token]) for token in found} == {"<", "<tool_call>"}
    assert beginnings("", model._ids, model._text) == []


def rig(model: LocalModel, call: float) -> None:
    """Whatever it reads, a call has this chance of coming next, and eight texts share the rest."""
    texts = [model._ids(letter)[0] for letter in "abcdefgh"]
    fixed = torch.full((len(model.tokenizer),), -math.inf)
    fixed[model._ids("<")[0]] = math.log(call)
    fixed[texts] = math.log((1 - call) / len(texts))

    def replace(module, given, output):
        output.logits = fixed.expand_as(output.logits).clone()
        return output

    model.model.register_forward_hook(replace)


@pytest.mark.parametrize(("call", "begins"), [(0.4, False), (0.6, True)])
def test_a_model_decides_by_the_whole_chance_streamed_and_in_batches(model, call, begins):
    rig(model, call)
    sampling = Sampling(max_new_tokens=1)
    streamed = asyncio.run(complete(model, ASK, TOOLS, sampling))
    batch = model.generate_batch([(ASK, TOOLS), (ASK, [])], sampling)
    assert [begun(streamed), begun(batch[0])] == [begins, begins]
    assert begun(batch[1])  # no tools: the likeliest token


def test_what_is_drawn_or_asked_for_is_left_as_it_is(model):
    rig(model, 0.4)
    assert begun(asyncio.run(complete(model, ASK, TOOLS, Sampling(max_new_tokens=1, call_threshold=0))))
    for seed in range(40):
        if begun(asyncio.run(complete(model, ASK, TOOLS, Sampling(max_new_tokens=1, temperature=1.0, seed=seed)))):
            return
    raise AssertionError("a call of 40 % was never drawn")


def test_a_template_that_shows_no_calls_is_left_as_it_is(model):
    model.tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    rig(model, 0.4)
    assert begun(model.generate_batch([(ASK, TOOLS)], Sampling(max_new_tokens=1))[0])


def test_a_threshold_beyond_0_to_1_is_refused():
    for wrong in (-0.1, 1.5, math.nan):
        with pytest.raises(ValueError, match="call_threshold"):
            Sampling(call_threshold=wrong)


def begun(reply: Reply) -> bool:
    return reply.raw.startswith("<")
