"""Tools are asked for natively where the template can and as text where it cannot, by any format that is chosen."""

import asyncio

import pytest

from agent.errors import UserError
from agent.loop import Agent
from agent.models import Sampling, complete, load_model
from agent.models.abilities import Abilities, abilities
from agent.models.generation import StopsAtText
from agent.tools import tool
from tests.agent.constrain.random_model import TOOLS, random_model

ASK = [{"role": "user", "content": "北京天气？"}]
PLAIN = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STRICT = (
    "{% for message in messages %}{% if message.role not in ['user', 'assistant'] %}"
    "{{ raise_exception('only user and assistant') }}{% endif %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@tool
def now() -> str:
    """The time."""
    return "12:00"


@pytest.mark.parametrize(
    ("template", "can", "form"),
    [
        (None, Abilities(tools=True, system=True), "native"),
        (PLAIN, Abilities(tools=False, system=True), "hermes"),
        (STRICT, Abilities(tools=False, system=False), "hermes"),
    ],
    ids=["a template with tools", "one that drops them", "one that refuses every other role"],
)
def test_what_a_template_can_is_found_out(tmp_path, template, can, form):
    model = load_model(random_model(tmp_path / "model", template=template))
    assert abilities(model.tokenizer) == can
    assert model.format == form
    prompt = model.prompt([{"role": "system", "content": "Be brief."}, *ASK], TOOLS)
    assert all(word in prompt for word in ("Be brief.", "get_weather", "北京天气？"))
    assert ("<|im_start|>system" in prompt) == can.system


def test_an_agent_runs_on_a_template_without_tools(tmp_path):
    model = load_model(random_model(tmp_path / "model", template=STRICT))
    agent = Agent(model, [now], sampling=Sampling(max_new_tokens=64, temperature=1.0, seed=1, tool_choice="required"))
    run = agent.run([{"role": "system", "content": "Be brief."}, *ASK], steps=2)
    assert [message["role"] for message in run.messages[:4]] == ["system", "user", "assistant", "tool"]
    assert "12:00" in model.prompt(run.messages, agent.schemas)


@pytest.mark.parametrize(
    ("form", "word"), [("react", "Action Input:"), ("react_zh", "行动输入："), ("hermes", "<tools>")]
)
def test_a_chosen_format_is_prompted_for(tmp_path, form, word):
    model = load_model(random_model(tmp_path / "model"), format=form)
    assert word in model.prompt(ASK, TOOLS)
    reply = asyncio.run(complete(model, ASK, TOOLS, Sampling(max_new_tokens=4)))
    assert reply.usage.completion_tokens <= 4


def test_a_made_up_observation_is_never_written(tmp_path):
    model = load_model(random_model(tmp_path / "model"), format="react")
    text = "Action: now\nAction Input: {}\nObservation: 12:00 and then much more"
    ids = model.tokenizer(text)["input_ids"]
    import torch

    stops = StopsAtText(model.tokenizer, ("\nObservation:",), 0)
    first = next(count for count in range(1, len(ids) + 1) if stops(torch.tensor([ids[:count]]), None)[0])
    assert model.tokenizer.decode(ids[:first]).endswith("Observation:")


def test_a_chosen_format_stops_where_an_observation_would_begin(tmp_path, monkeypatch):
    asked = []

    class Recorded(StopsAtText):
        def __init__(self, tokenizer, texts, start):
            asked.append(texts)
            super().__init__(tokenizer, texts, start)

    monkeypatch.setattr("agent.models.transformers_model.StopsAtText", Recorded)
    model = load_model(random_model(tmp_path / "model"), format="react")
    asyncio.run(complete(model, ASK, TOOLS, Sampling(max_new_tokens=2)))
    assert asked
    assert all("\nObservation:" in texts for texts in asked)


def test_an_unknown_format_is_named():
    with pytest.raises(UserError, match="auto, native, hermes, react, react_zh"):
        load_model("embedded", format="xml")
