"""Keys and values kept across turns: the same replies, for the price of the new tokens, within bounds."""

import asyncio

import pytest
import torch
from transformers import DynamicCache

from agent.messages import tool_call, tool_message
from agent.models import Sampling, complete, load_model
from agent.models.kept_turns import KeptTurns
from tests.agent.constrain.random_model import TOOLS

GREEDY = Sampling(max_new_tokens=12)


@pytest.fixture(scope="module")
def model():
    return load_model("embedded")


def cache_of(tokens: int) -> DynamicCache:
    cache = DynamicCache()
    states = torch.arange(tokens, dtype=torch.float32).reshape(1, 1, tokens, 1)
    cache.update(states, states.clone(), 0)
    return cache


def states(cache: DynamicCache) -> list[int]:
    return [int(value) for value in cache.layers[0].keys.flatten()]


def reply(model, messages, sampling=GREEDY, tools=TOOLS):
    return asyncio.run(complete(model, messages, tools, sampling))


def a_long_conversation():
    call = tool_call("get_weather", {"city": "北京"}, "abcdefghi")
    yield (messages := [{"role": "user", "content": "北京天气？"}])
    messages = [*messages, {"role": "assistant", "content": "", "tool_calls": [call]}, tool_message(call, "晴，25 度")]
    yield messages
    messages = [*messages, {"role": "assistant", "content": "北京晴，25 度。"}, {"role": "user", "content": "上海呢？"}]
    yield messages
    yield [{"role": "user", "content": "北京天气怎么样？"}]  # another one, with the same tools
    yield messages[:1]  # and back to an earlier point of the first


def test_replies_with_the_cache_are_those_without(model):
    warm = [reply(model, messages) for messages in a_long_conversation()]
    cold = []
    for messages in a_long_conversation():
        model._kept = KeptTurns()
        cold.append(reply(model, messages))
    assert [one.raw for one in warm] == [one.raw for one in cold]
    assert [one.usage for one in warm] == [one.usage for one in cold]


def test_only_new_tokens_are_computed(model, monkeypatch):
    widths = []
    forward = model.model.forward

    def watched(input_ids=None, **rest):
        widths.append(input_ids.shape[1])
        return forward(input_ids=input_ids, **rest)

    monkeypatch.setattr(model.model, "forward", watched)
    model._kept = KeptTurns()
    first = {"role": "user", "content": "你好，" * 100}
    said = reply(model, [first])
    whole, widths[:] = widths[0], []
    second = reply(model, [first, said.message, {"role": "user", "content": "谢谢"}])
    assert whole == said.usage.prompt_tokens
    assert widths[0] < 60 < second.usage.prompt_tokens


def test_visitors_at_once_get_what_they_get_alone(model):
    asked = [[{"role": "user", "content": f"{city}天气？"}] for city in ("北京", "上海", "广州")]

    async def together():
        return await asyncio.gather(*(complete(model, messages, TOOLS, GREEDY) for messages in asked * 2))

    replies = [one.raw for one in asyncio.run(together())]
    model._kept = KeptTurns()
    assert replies == [reply(model, messages).raw for messages in asked] * 2


def test_a_cache_is_cut_to_what_is_the_same_token_by_token():
    kept = KeptTurns()
    kept.keep([1, 2, 3, 4, 5, 6], cache_of(6))
    taken = kept.take([1, 2, 3, 4, 9, 9])
    assert states(taken) == [0, 1, 2, 3]
    assert kept.take([1, 2, 3, 4, 9, 9]) is None, "it was given away"


def test_the_last_token_is_always_computed():
    kept = KeptTurns()
    kept.keep([1, 2, 3], cache_of(3))
    assert states(kept.take([1, 2, 3])) == [0, 1]


def test_a_short_beginning_in_common_leaves_the_other_conversation_its_cache():
    kept = KeptTurns()
    kept.keep(list(range(10)), cache_of(10))
    assert states(kept.take([0, 1, 2, 50, 51])) == [0, 1, 2]
    assert len(states(kept.take([*range(10), 11]))) == 10


def test_memory_is_bounded_and_the_longest_unused_goes_first():
    kept = KeptTurns(conversations=2, memory=800)  # 8 bytes a token here
    for start in (100, 200, 300):
        kept.keep([start, start + 1, start + 2], cache_of(3))
    assert kept.take([100, 101, 5]) is None
    assert kept.take([300, 301, 5]) is not None
    kept.keep(list(range(101)), cache_of(101))
    assert kept.take([0, 1, 2]) is None, "longer than all that may be kept"


def test_a_window_that_has_forgotten_is_not_kept():
    from transformers import Qwen3Config

    config = Qwen3Config(
        num_hidden_layers=1, layer_types=["sliding_attention"], sliding_window=4, use_sliding_window=True
    )
    kept = KeptTurns()
    kept.keep([1, 2, 3], DynamicCache(config=config))
    assert kept.take([1, 2, 3, 4]) is None


def test_an_adapter_keeps_its_own_turns(model, tmp_path):
    from peft import LoraConfig, get_peft_model

    base = load_model("embedded").model
    get_peft_model(base, LoraConfig(target_modules=["q_proj", "v_proj"], r=2, init_lora_weights=False)).save_pretrained(
        tmp_path / "adapter"
    )
    adapted = load_model("embedded", adapter=str(tmp_path / "adapter"))
    warm = [reply(adapted, messages).raw for messages in a_long_conversation()]
    assert adapted._kept._turns
    cold = []
    for messages in a_long_conversation():
        adapted._kept = KeptTurns()
        cold.append(reply(adapted, messages).raw)
    assert warm == cold


def test_a_model_with_a_cache_of_its_own_is_left_to_it(model, monkeypatch):
    monkeypatch.setattr(model, "_keeps", False)
    model._kept = KeptTurns()
    without = [reply(model, messages).raw for messages in a_long_conversation()]
    assert not model._kept._turns
    monkeypatch.undo()
    assert without == [reply(model, messages).raw for messages in a_long_conversation()]
