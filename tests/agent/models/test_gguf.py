"""A GGUF file is a model like any other, through llama.cpp; where that is not installed, one line says what to do."""

import asyncio
import json
import sys
import time

import pytest
from safetensors.torch import load_file, save_file

from agent.errors import UserError
from agent.loop import Agent
from agent.models import Reply, Sampling, TextDelta, complete, load_model
from agent.tools import validate_arguments
from tests.agent.constrain.random_model import TOOLS, random_model
from tests.agent.models.gguf_file import write_gguf
from tests.agent.test_loop import get_weather

ASK = [{"role": "user", "content": "北京明天天气怎么样？ And in Paris?"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Random weights, made so large that the likeliest token is the likeliest by far."""
    from pathlib import Path

    folder = Path(random_model(tmp_path_factory.mktemp("gguf") / "model", seed=3))
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor * 3 for name, tensor in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def file(folder):
    pytest.importorskip("llama_cpp", reason="needs the extra gguf")
    pytest.importorskip("gguf", reason="needs the package gguf, to write a file")
    return write_gguf(folder, folder / "model.gguf")


@pytest.fixture(scope="module")
def model(file):
    return load_model(file)


def written(model, messages=ASK, tools=TOOLS, **options):
    return asyncio.run(complete(model, messages, tools, Sampling(**{"max_new_tokens": 24, **options})))


def test_the_file_writes_what_its_weights_write_in_transformers(folder, model):
    other = load_model(str(folder))
    assert model.prompt(ASK, TOOLS) == other.prompt(ASK, TOOLS)
    # Token by token, since the file's tokenizer splits words by another pattern than the folder's.
    model_ids, model._ids = model._ids, other._ids
    try:
        assert written(model).raw == written(other).raw
    finally:
        model._ids = model_ids


def test_a_turn_costs_only_its_new_tokens(model):
    evaluated = []
    evaluate = model._llama.eval
    model._llama.eval = lambda tokens: (evaluated.append(len(tokens)), evaluate(tokens))[1]
    try:
        first = written(model)
        begun = model._llama.n_tokens
        evaluated.clear()
        again = [*ASK, first.message, {"role": "user", "content": "谢谢"}]
        if not first.message["content"]:
            again[1] = {"role": "assistant", "content": "x"}
        kept = written(model, again)
        assert evaluated[0] < begun / 2
        model._llama.reset()
        assert written(model, again).raw == kept.raw, "what was kept is what would be computed"
    finally:
        model._llama.eval = evaluate


def test_draws_repeat_by_seed(model):
    texts = [written(model, temperature=1.5, seed=seed).raw for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_constrained_calls_are_valid_whatever_the_weights(model):
    schemas = {tool["function"]["name"]: tool for tool in TOOLS}
    for seed in range(8):
        reply = written(model, temperature=1.0, seed=seed, max_new_tokens=96, constrained=True, tool_choice="required")
        assert reply.message["tool_calls"]
        assert reply.problems == []
        for call in reply.message["tool_calls"]:
            _, coerced, errors = validate_arguments(
                schemas[call["function"]["name"]], json.loads(json.dumps(call["function"]["arguments"]))
            )
            assert (coerced, errors) == ([], [])


def test_an_agent_runs_on_it_and_leaving_stops_it(model):
    sampling = Sampling(temperature=1.0, seed=1, max_new_tokens=96, tool_choice="get_weather", constrained=True)
    run = Agent(model, [get_weather], sampling=sampling).run(ASK, steps=1)
    assert [message["role"] for message in run.messages] == ["user", "assistant", "tool"]

    async def leave():
        stream = model.stream(ASK, [], Sampling(max_new_tokens=3000, temperature=2.0))
        async for item in stream:
            assert isinstance(item, TextDelta | Reply)
            break
        await stream.aclose()

    started = time.monotonic()
    asyncio.run(leave())
    assert time.monotonic() - started < 10


def test_files_that_cannot_be_used_are_told_in_one_line(folder, file, tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and nothing else")
    with pytest.raises(UserError, match=r"broken\.gguf: cannot be loaded"):
        load_model(str(broken))
    with pytest.raises(UserError, match="no such file"):
        load_model(str(tmp_path / "missing.gguf"))
    with pytest.raises(UserError, match="no chat template"):
        load_model(write_gguf(folder, tmp_path / "base.gguf", template=""))
    with pytest.raises(UserError, match="adapter"):
        load_model(file, adapter="somewhere")


def test_without_llama_cpp_one_line_says_what_to_install_or_to_serve(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    file = tmp_path / "model-q8_0.gguf"
    file.write_bytes(b"GGUF")
    for name in (str(file), str(tmp_path)):
        with pytest.raises(UserError, match=r"callsmith\[gguf\].*llama-server -m .*model-q8_0\.gguf --jinja"):
            load_model(name)
