"""What gpt-oss writes behind its template's `<|start|>assistant`: a thought, then an answer or a call."""

import pytest

from agent.parse import parse_reply
from tests.agent.constrain.random_model import TOOLS

THOUGHT = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant"


@pytest.mark.parametrize("end", ["", "<|call|>"])
@pytest.mark.parametrize("before", ["", THOUGHT])
@pytest.mark.parametrize("kind", ["json", "<|constrain|>json", " json"])
def test_a_call_whose_function_stands_before_its_channel(before, kind, end):
    call = f' to=functions.get_weather<|channel|>commentary {kind}<|message|>{{"city": "Oslo"}}{end}'
    parsed = parse_reply(before + call, TOOLS)
    assert parsed.tool_calls == [{"name": "get_weather", "arguments": {"city": "Oslo"}}]
    assert (parsed.thought, parsed.content, parsed.problems) == ("hm" if before else "", "", [])


def test_an_answer_behind_a_thought():
    parsed = parse_reply(f"{THOUGHT}<|channel|>final<|message|>好。", TOOLS)
    assert (parsed.thought, parsed.content, parsed.tool_calls) == ("hm", "好。", [])
