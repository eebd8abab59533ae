"""The laws of the embedded tokenizer and its chat template."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from training.base.corpus.han import COMMON
from training.base.tokenizer import CHAT_TEMPLATE_FILE, SPECIAL_TOKENS, corpus_tokenizer

SHIPPED = Path(__file__).resolve().parents[3] / "agent" / "embedded"
TOKENIZER: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(SHIPPED)

plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(
    lambda text: not any(special in text for special in SPECIAL_TOKENS)
)
# What values are made of: any letters and digits, marks inside; a JSON joint needs a mark at the value's edge.
edge = st.characters(categories=["Ll", "Lu", "Nd"], max_codepoint=0x2FF) | st.sampled_from(COMMON)
inner = st.text(edge | st.sampled_from(" -_./:@+，。（）"), max_size=12)
value = st.builds(lambda first, middle, last: first + middle + last, edge, inner, edge)


def ids(text: str) -> list[int]:
    return TOKENIZER(text)["input_ids"]


@given(plain_text)
def test_any_text_comes_back_character_for_character(text: str) -> None:
    assert TOKENIZER.decode(ids(text)) == text


@given(value)
def test_a_value_has_the_same_tokens_wherever_it_stands(text: str) -> None:
    alone = ids(text)
    for before, after in (
        (" ", " "),
        ('{"k": "', '", "b": 1}'),
        ("（", "）"),
        ("[", "]"),
        ("“", "”，"),
        ('["', '"]'),
        ("\n", "\n"),
    ):
        assert ids(before + text + after) == ids(before) + alone + ids(after)


def test_no_token_reaches_over_a_cut() -> None:
    for text in ("42", "  ", "天气", "\n\n", "ab1", "a b", "fooBar", "。，"):
        assert len(ids(text)) >= 2, text


def test_common_chinese_is_one_token_a_character() -> None:
    assert len(COMMON) >= 1500
    assert all(len(ids(character)) == 1 for character in COMMON)


def test_joints_of_json_are_single_tokens() -> None:
    assert [TOKENIZER.decode([one]) for one in ids('{"a": "b", "c": {"d": 1}}')] == [
        '{"', "a", '": "', "b", '", "', "c", '": {"', "d", '": ', "1", "}", "}"
    ]  # fmt: skip


def test_the_shipped_tokenizer_is_the_one_the_script_makes() -> None:
    made = json.loads(corpus_tokenizer().backend_tokenizer.to_str())
    shipped = json.loads(TOKENIZER.backend_tokenizer.to_str())
    assert made["model"] == shipped["model"]
    assert made["pre_tokenizer"] == shipped["pre_tokenizer"]
    assert TOKENIZER.chat_template == CHAT_TEMPLATE_FILE.read_text(encoding="utf-8")


def test_the_vocabulary_is_small_and_its_special_tokens_are_three() -> None:
    assert len(TOKENIZER) <= 8192
    assert set(TOKENIZER.all_special_tokens) == set(SPECIAL_TOKENS)
    assert (TOKENIZER.eos_token, TOKENIZER.pad_token) == ("<|im_end|>", "<|endoftext|>")
    assert len(ids("<tool_call>")) > 1


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "查询天气",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def call(city: str) -> dict:
    return {"id": "abcdefgh1", "type": "function", "function": {"name": "get_weather", "arguments": {"city": city}}}


CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "北京和巴黎天气怎么样？"},
    {
        "role": "assistant", "content": "我查一下。", "reasoning_content": "two cities",
        "tool_calls": [call("北京"), call("Paris")],
    },
    {"role": "tool", "content": '{"sky": "晴"}', "name": "get_weather", "tool_call_id": "abcdefgh1"},
    {"role": "tool", "content": '{"sky": "rain"}', "name": "get_weather", "tool_call_id": "abcdefgh2"},
    {"role": "assistant", "content": "北京晴，巴黎有雨。"},
    {"role": "user", "content": "谢谢"},
    {"role": "assistant", "content": "", "tool_calls": [call("Oslo")]},
]  # fmt: skip


def render(messages: list[dict], tools: list[dict] | None = None, prompt: bool = False) -> str:
    return str(TOKENIZER.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=prompt))


@pytest.mark.parametrize("tools", [None, [WEATHER]])
@pytest.mark.parametrize("first", [0, 1], ids=["with system", "without"])
def test_every_turns_prompt_is_a_prefix_of_the_whole(tools: list[dict] | None, first: int) -> None:
    messages = CONVERSATION[first:]
    whole = render(messages, tools)
    for place, message in enumerate(messages):
        if message["role"] == "assistant":
            prompt = render(messages[:place], tools, prompt=True)
            assert whole.startswith(prompt)
            assert ids(whole)[: len(ids(prompt))] == ids(prompt)
            assert whole.startswith(render(messages[: place + 1], tools))


def test_the_template_writes_calls_results_and_thoughts_as_agreed() -> None:
    whole = render(CONVERSATION, [WEATHER])
    assert '<tools>\n{"type": "function", "function": {"name": "get_weather", "description": "查询天气"' in whole
    assert (
        "<|im_start|>assistant\n<think>\ntwo cities\n</think>\n\n我查一下。\n"
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "北京"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call><|im_end|>\n'
        '<|im_start|>user\n<tool_response>\n{"sky": "晴"}\n</tool_response>\n'
        '<tool_response>\n{"sky": "rain"}\n</tool_response><|im_end|>\n'
    ) in whole
    last = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
    assert whole.endswith(f"<|im_start|>assistant\n{last}<|im_end|>\n")


def test_without_tools_and_system_nothing_is_put_before_the_user() -> None:
    assert render([{"role": "user", "content": "hi"}], prompt=True) == (
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_role_that_the_template_would_drop_is_refused() -> None:
    with pytest.raises(Exception, match="critic"):
        render([{"role": "user", "content": "hi"}, {"role": "critic", "content": "no"}])
