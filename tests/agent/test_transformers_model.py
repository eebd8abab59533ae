"""The model that runs here, on the embedded base with whatever weights it has: prompts, streams, stops, batches."""

import asyncio
import json
import shutil
import threading
import time
import warnings

import pytest
import torch

from agent.errors import UserError
from agent.models import Reply, Sampling, TextDelta, complete, load_model, resolve
from agent.models.local_model import _turn_ends
from agent.models.visible import visible_in

ASK = [{"role": "user", "content": "你好"}]
LONG_ASK = [{"role": "user", "content": "Please tell me about the weather in Paris, in Lima and in 北京."}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Look up the weather.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


@pytest.fixture(scope="module")
def model():
    return load_model("embedded")


def collect(model, messages, sampling, tools=TOOLS):
    async def all_items():
        return [item async for item in model.stream(messages, tools, sampling)]

    return asyncio.run(all_items())


def test_the_stream_is_the_reply_piece_by_piece(model):
    *deltas, reply = collect(model, ASK, Sampling(max_new_tokens=24))
    assert isinstance(reply, Reply)
    assert all(isinstance(delta, TextDelta) for delta in deltas)
    if not reply.message.get("tool_calls") and not reply.problems:
        shown = "".join(delta.text for delta in deltas if not delta.thought)
        assert shown.strip() == reply.message["content"].strip()
    assert reply.usage.completion_tokens <= 24
    assert reply.usage.prompt_tokens == len(model.tokenizer(model.prompt(ASK, TOOLS))["input_ids"])


def test_a_batch_writes_what_each_conversation_gets_alone(model):
    conversations = [(ASK, TOOLS), (LONG_ASK, []), (ASK, [])]
    sampling = Sampling(max_new_tokens=12)
    batch = model.generate_batch(conversations, sampling, batch_size=3)
    alone = [collect(model, messages, sampling, tools)[-1] for messages, tools in conversations]
    assert [reply.raw for reply in batch] == [reply.raw for reply in alone]
    assert [reply.usage for reply in batch] == [reply.usage for reply in alone]


def test_a_seed_repeats_a_draw_and_disturbs_no_other(model):
    def draw(seed):  # so hot that even a base sure of its greeting says something else
        return collect(model, ASK, Sampling(max_new_tokens=16, temperature=5.0, seed=seed))[-1].raw

    torch.manual_seed(0)
    untouched = torch.rand(1)
    torch.manual_seed(0)
    first = draw(1)
    assert torch.rand(1) == untouched
    assert first == draw(1)
    assert len({first, draw(2), draw(3)}) > 1


def test_a_reply_ends_at_the_stop_token_and_says_when_it_was_cut(model):
    stop = model.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert stop in model.stop_ids
    ids = [*model.tokenizer("好")["input_ids"], stop, *model.tokenizer("never")["input_ids"]]
    reply = model._reply("", ids, 3, TOOLS)
    assert (reply.raw, reply.finish, reply.usage.completion_tokens) == ("好", "stop", len(ids[: ids.index(stop)]) + 1)
    assert model._reply("", ids[:1], 3, TOOLS).finish == "length"


def test_what_ends_a_part_ends_no_reply_where_the_template_has_a_word_for_the_end():
    vocabulary = {"<|end|>": 7, "<|return|>": 8, "<|call|>": 9, "<|im_end|>": 2}
    assert _turn_ends("<|user|>{{ x }}<|end|>", vocabulary) == {7}
    assert _turn_ends("analysis<|end|> {{ x }}<|return|> <|call|>", vocabulary) == {8, 9}


def test_a_thought_begun_by_the_template_is_a_thought(model):
    ids = model.tokenizer("想\n</think>\n\n好")["input_ids"]
    reply = model._reply("<|im_start|>assistant\n<think>\n", ids, 3, [])
    assert reply.message == {"role": "assistant", "content": "好", "reasoning_content": "想"}


def test_leaving_the_stream_stops_the_generation(model):
    async def leave():
        stream = model.stream(ASK, TOOLS, Sampling(max_new_tokens=600, temperature=2.0, seed=1))
        async for _ in stream:
            break
        await stream.aclose()

    started = time.monotonic()
    asyncio.run(leave())
    assert not [thread for thread in threading.enumerate() if thread.name == "generate"]
    assert time.monotonic() - started < 10


def test_visitors_take_turns(model):
    async def together():
        sampling = Sampling(max_new_tokens=8)
        return await asyncio.gather(*(complete(model, ASK, TOOLS, sampling) for _ in range(3)))

    replies = asyncio.run(together())
    assert len({reply.raw for reply in replies}) == 1


def test_a_conversation_that_is_too_long_says_so(model):
    endless = [{"role": "user", "content": "天气 " * model.model.config.max_position_embeddings}]
    with pytest.raises(UserError, match="tokens"):
        collect(model, endless, Sampling())


def test_an_adapter_is_loaded_on_top(model, tmp_path):
    from peft import LoraConfig, get_peft_model

    base = load_model("embedded").model
    adapted = get_peft_model(base, LoraConfig(target_modules=["q_proj"], r=2, init_lora_weights=False))
    adapted.save_pretrained(tmp_path / "adapter")
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)  # one that nobody who runs a command can mend
        changed = load_model("embedded", adapter=str(tmp_path / "adapter"))
    inputs = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        assert not torch.allclose(changed.model(inputs).logits, model.model(inputs).logits)
    assert changed.tokenizer.chat_template == model.tokenizer.chat_template
    own = "{% for m in messages %}{{ m.content }}{% endfor %}"
    (tmp_path / "adapter" / "chat_template.jinja").write_text(own)
    assert load_model("embedded", adapter=str(tmp_path / "adapter")).tokenizer.chat_template == own
    with pytest.raises(UserError, match=r"adapter_config\.json"):
        load_model("embedded", adapter=str(tmp_path))
    config = tmp_path / "adapter" / "adapter_config.json"
    config.write_text(config.read_text().replace("q_proj", "no_such_layer"))
    with pytest.raises(UserError, match="cannot be loaded"):
        load_model("embedded", adapter=str(tmp_path / "adapter"))


def test_an_adapter_that_is_not_there_is_told_before_its_base_is_loaded(tmp_path, monkeypatch):
    loaded = []
    monkeypatch.setattr("agent.models.transformers_model.load_pretrained", loaded.append)
    for adapter in (tmp_path, tmp_path / "gone"):
        with pytest.raises(UserError, match="there is no adapter"):
            load_model("embedded", adapter=str(adapter))
    assert loaded == []


def test_a_folder_without_chat_template_is_refused(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(resolve("embedded"), folder)
    (folder / "chat_template.jinja").unlink()
    config = folder / "tokenizer_config.json"
    settings = json.loads(config.read_text())
    settings.pop("chat_template", None)
    config.write_text(json.dumps(settings))
    with pytest.raises(UserError, match="no chat template"):
        load_model(str(folder))


def test_a_broken_folder_is_refused(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(resolve("embedded"), folder)
    for weights in folder.glob("model*"):
        weights.unlink()
    with pytest.raises(UserError, match="cannot be loaded"):
        load_model(str(folder))


@pytest.mark.parametrize("name", ["/no/such/folder", "./missing", "", "a/b/c"])
def test_a_folder_that_is_not_there_is_refused(name):
    with pytest.raises(UserError, match="no such folder"):
        load_model(name)


def test_a_hub_that_cannot_be_reached_is_said_at_once(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(UserError, match="cannot be reached"):
        load_model("nobody/nothing")
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("text", "shown", "thought"),
    [
        ("你好", "你好", ""),
        ("a < b <tool", "a < b <tool", ""),
        ("好。\n<tool_call>\n{}\n</tool_call>", "好。", ""),
        ("<think>\n想\n</think>\n\n好。\n<tool_call>\n{", "好。", "想"),
        ("<tool_call>{}</tool_call>\n<tool_call>{}</tool_call>\n完", "完", ""),
    ],
)
def test_markup_is_never_shown_however_the_stream_is_cut(text, shown, thought):
    for size in (1, 2, 3, 7, 100):
        visible = visible_in("native")
        deltas = [delta for start in range(0, len(text), size) for delta in visible.feed(text[start : start + size])]
        deltas += visible.finish()
        assert "".join(delta.text for delta in deltas if not delta.thought) == shown
        assert "".join(delta.text for delta in deltas if delta.thought) == thought
