"""A reply that was held to a grammar makes the calls that the grammar held, and no others."""

import pytest

from agent.constrain import read_held
from agent.constrain.layout import Layout, text_layout
from agent.models import Sampling, load_model
from tests.agent.constrain.random_model import TOOLS, random_model, tool

WIPE = tool("wipe", {"path": {"type": "string"}})
OFFERED = [*TOOLS, WIPE]
CALL = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
BARE = '{"name": "wipe", "arguments": {"path": "/"}}'
TAGGED = '<function=wipe>{"path": "/"}</function>'
LLAMA = Layout("", '{"name": "', '", "parameters": ', "}", "", "", content_end=None, several=False)


def called(text: str, layout: Layout | None, tools=OFFERED) -> tuple[list[str], str, str]:
    parsed = read_held(text, tools, layout)
    return [call["name"] for call in parsed.tool_calls], parsed.content, parsed.thought


@pytest.mark.parametrize("look", [BARE, TAGGED, f"```json\n{BARE}\n```", "Action: wipe\nAction Input: {}"])
def test_what_only_looks_like_a_call_is_text(look):
    layout = text_layout("hermes")
    assert called(f"So:\n{look}", layout) == ([], f"So:\n{look}", "")
    assert called(f"So:\n{look}\n{CALL}", layout) == (["now"], f"So:\n{look}", "")
    assert called(f"<think>\nhm\n</think>\n\n{look}\n{CALL}", layout) == (["now"], look, "hm")


def test_calls_text_and_thoughts_are_read_as_ever():
    layout = text_layout("hermes")
    assert called("好。", layout) == ([], "好。", "")
    assert called(f"好。\n{CALL}\n{CALL}", layout) == (["now", "now"], "好。", "")
    assert called(f"<think>\n想 {CALL}\n</think>\n\n{CALL}", layout) == (["now"], "", f"想 {CALL}")
    assert called(f"<think>\n想 {CALL}", layout)[0] == []
    assert called("Thought: hm\nAction: now\nAction Input: {}", text_layout("react")) == (["now"], "", "hm")


def test_a_call_that_may_come_first_alone_is_text_elsewhere():
    start = '{"name": "now", "parameters": {}}'
    assert called(start, LLAMA) == (["now"], "", "")
    assert called(f"So:\n{start}", LLAMA) == ([], f"So:\n{start}", "")


def test_none_means_that_no_call_is_made():
    for text in (CALL, BARE, TAGGED, "Action: wipe\nAction Input: {}", "<tool_call>\n{"):
        assert called(text, None) == ([], text, "")


def test_a_model_reads_what_it_was_held_to(tmp_path):
    pytest.importorskip("llguidance")
    model = load_model(random_model(tmp_path / "model"))
    ids = model.tokenizer(BARE)["input_ids"]
    for sampling, made in ((Sampling(constrained=True), 0), (Sampling(tool_choice="none"), 0), (Sampling(), 1)):
        assert len(model._reply("", ids, 3, OFFERED, sampling).message.get("tool_calls", [])) == made
