"""Constrained decoding: whatever the weights, calls parse as they stand and validate; and nothing else is promised."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from agent.constrain.layout import text_layout
from agent.errors import UserError
from agent.models import Sampling, complete, load_model
from agent.parse import parse_reply
from tests.agent.constrain.random_model import TOOLS, faults, random_model, tool, under, written

pytest.importorskip("llguidance")
ASK = [{"role": "user", "content": "你好"}]
# As Llama 3 writes calls: one alone, `parameters` for arguments, and no tags.
LLAMA = """{%- if tools %}{%- for tool in tools %}{{- tool | tojson }}\n{%- endfor %}{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.tool_calls %}
        {{- '[TOOL_CALLS] [' }}
        {%- for call in message.tool_calls %}
            {{- '{"name": "' + call.function.name + '", "arguments": ' + call.function.arguments | tojson + '}' }}
            {%- if not loop.last %}{{- ', ' }}{%- endif %}
        {%- endfor %}
        {{- ']' }}
    {%- else %}{{- message.content }}{%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(random_model(tmp_path_factory.mktemp("random") / "model"))


@pytest.fixture
def thinking(model):
    """The same model under a template that has thoughts."""
    before = model.tokenizer.chat_template
    yield under(model, "{#- <think> #}" + before)
    under(model, before)


def drawn(model, count, *, tools=TOOLS, **how):
    sampling = Sampling(**{"max_new_tokens": 96, "temperature": 1.0, "seed": 3, "constrained": True, **how})
    return model.generate_batch([(ASK, tools)] * count, sampling, batch_size=count)


def names(reply):
    return [call["function"]["name"] for call in reply.message.get("tool_calls", [])]


@pytest.mark.slow
def test_every_call_of_a_model_with_random_weights_parses_and_validates(model):
    replies = drawn(model, 48, tool_choice="required")
    assert [found for reply in replies if (found := faults(reply, TOOLS))] == []
    assert all(names(reply) and reply.finish == "stop" for reply in replies)
    assert {name for reply in replies for name in names(reply)} == {tool["function"]["name"] for tool in TOOLS}
    assert len({reply.raw for reply in replies}) == len(replies)


def test_a_named_tool_is_called_and_no_other(model):
    for reply in drawn(model, 6, tool_choice="查询天气"):
        assert set(names(reply)) == {"查询天气"}
        assert faults(reply, TOOLS) == []


def test_one_call_where_calls_may_not_be_parallel(model):
    for reply in drawn(model, 12, tool_choice="required", parallel=False):
        assert (len(names(reply)), faults(reply, TOOLS), reply.finish) == (1, [], "stop")
        assert reply.raw.endswith("</tool_call>"), "nothing follows a call"


def test_none_means_no_call_and_auto_lets_the_model_decide(model):
    room = len(model.tokenizer(BOTH)["input_ids"]) + 40
    assert "<tool_call>" not in (written(model, BOTH, room, [TRIP], tool_choice="none") or "")
    for wish in (BOTH, "No call is needed."):
        assert written(model, wish, room, [TRIP], tool_choice="auto") == wish
    for reply in drawn(model, 8, tool_choice="auto"):
        assert faults(reply, TOOLS) == []


def test_a_stream_is_held_to_the_grammar_too(model):
    sampling = Sampling(max_new_tokens=60, temperature=1.0, seed=5, tool_choice="now")
    reply = asyncio.run(complete(model, ASK, TOOLS, sampling))
    assert set(names(reply)) == {"now"}


def test_rows_of_one_batch_have_their_own_tools(model):
    sampling = Sampling(max_new_tokens=60, temperature=1.0, seed=1, tool_choice="required", parallel=False)
    conversations = [(ASK, [TOOLS[1]]), (ASK, [TOOLS[2]])] * 2
    assert [names(reply) for reply in model.generate_batch(conversations, sampling)] == [["查询天气"], ["now"]] * 2


@pytest.mark.parametrize("form", ["hermes", "react", "react_zh"])
def test_text_formats_are_held_to_as_well(tmp_path, form):
    model = load_model(random_model(tmp_path / "model"), format=form)
    for reply in drawn(model, 12, tool_choice="required", max_new_tokens=96):
        assert names(reply)
        assert not reply.problems
        assert reply.finish == "stop", "the last call is whole"
        assert set(names(reply)) <= {tool["function"]["name"] for tool in TOOLS}


def test_another_template_is_followed_in_its_own_writing(tmp_path):
    model = load_model(random_model(tmp_path / "model", template=LLAMA), format="native")
    for reply in drawn(model, 4, tool_choice="required", tools=TOOLS[:3]):
        assert "[TOOL_CALLS] [{" in reply.raw
        assert reply.raw.endswith("}]")
        assert names(reply)
        assert not reply.problems


def read(text, tools):
    parsed = parse_reply(text, tools)
    return SimpleNamespace(message=parsed.message(), repairs=parsed.repairs, problems=parsed.problems)


NEVER = {"type": "integer", "minimum": 3, "maximum": 2}
TRIP = tool("book_trip", {key: {"type": "string"} for key in ("traveller", "destination", "weekday")})
TRIP["function"]["parameters"]["required"] = ["traveller", "destination", "weekday"]
BOTH = "\n".join(
    f'<tool_call>\n{{"name": "book_trip", "arguments": {json.dumps(arguments, ensure_ascii=False)}}}\n</tool_call>'
    for arguments in (
        {"traveller": "Nelcel", "destination": "桂林", "weekday": "Tuesday"},
        {"traveller": "Ulix Morcel", "destination": "São Tomé", "weekday": "Friday"},
    )
)


def test_calls_that_fit_into_the_limit_are_written_as_they_are(model):
    whole = len(model.tokenizer(BOTH)["input_ids"])
    for room in (40, 80):  # the second of them must not be one that might not fit
        assert written(model, BOTH, whole + room, [TRIP]) == BOTH


@pytest.mark.parametrize("choice", ["auto", "required", "now"])
def test_text_before_a_call_is_free(model, choice):
    call = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
    for text in ("", "我来查一下。\n", "A <table> of 1 << 4:\n", "Let me look: "):
        assert written(model, text + call, 300, tool_choice=choice) == text + call
        reply = read(text + call, TOOLS)
        assert (names(reply), faults(reply, TOOLS), reply.message["content"].strip()) == (["now"], [], text.strip())


def test_a_text_that_finds_no_end_is_cut_for_the_call_that_must_come(model):
    got = written(model, "so " * 200, 120, tool_choice="now")
    assert got is not None
    assert got.startswith("so so so")
    assert names(read(got, TOOLS)) == ["now"]


def test_a_thought_ends_where_it_does_and_a_call_may_follow(thinking):
    call = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
    for text in ("<think>\n想\n</think>\n\n", "<think>\n\n</think>\n\n", "<think>\na <b> </b> c\n</think>\n\nSo:\n"):
        for choice in ("auto", "required"):
            assert written(thinking, text + call, 300, tool_choice=choice) == text + call
        for choice in ("auto", "none"):
            assert written(thinking, text + "好。", 300, tool_choice=choice) == text + "好。"
    endless = written(thinking, "<think>\n" + "so " * 200, 160, tool_choice="now")
    assert endless is not None
    assert names(read(endless, TOOLS)) == ["now"]


def test_a_thought_that_the_prompt_has_begun_is_ended_first(thinking):
    call = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
    begun = {"prompt_end": "assistant\n<think>\n"}
    for wish in (f"想\n</think>\n\n{call}", f"\n</think>\n\n查。\n{call}", "想\n</think>\n\n好。"):
        assert written(thinking, wish, 300, **begun) == wish
    assert written(thinking, call, 300, tool_choice="none", **begun).endswith("</think>\n\n"), "a call in it is none"
    endless = written(thinking, "so " * 200, 160, tool_choice="now", **begun)
    assert endless is not None
    assert endless.endswith(call)


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        ("hermes", ["<table><td>x</td></table> <title>", "1 << 4; cout << x", "a < b", "<", "<tool>"]),
        ("react", ["A", "AA Ac Act", "Final Answer: It was the Action: of Ada", "Thought: x\nActs"]),
        ("react_zh", ["行", "最终答案：行动：好", "行走\n行"]),
    ],
)
def test_an_answer_may_hold_anything_but_a_call(tmp_path, form, texts):
    model = load_model(random_model(tmp_path / "model"), format=form)
    for text in texts:
        for choice in ("auto", "none"):
            for room in (1, 200):
                limit = len(model.tokenizer(text)["input_ids"]) + room
                assert written(model, text, limit, tool_choice=choice) == text


def test_brackets_are_free_where_calls_begin_with_one(tmp_path):
    model = load_model(random_model(tmp_path / "model", template=LLAMA), format="native")
    for text in ("[[1, 2]]", "[The page](https://x.y)", "a[0]"):
        assert written(model, text, 200) == text


CALLS = {
    "hermes": '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>',
    "react": "Action: now\nAction Input: {}\nObservation:",
    "react_zh": "行动：now\n行动输入：{}\n观察：",
}


@pytest.mark.parametrize("form", CALLS)
def test_none_forbids_a_call_in_every_format(tmp_path, form):
    model = load_model(random_model(tmp_path / "model"), format=form)
    for text in ("", "Thought: hm\n"):
        assert written(model, text + CALLS[form], 200) == text + CALLS[form]
        assert CALLS[form] not in (written(model, text + CALLS[form], 200, tool_choice="none") or "")


@pytest.mark.parametrize("cut", [4, 10, 20, 30, 40])
def test_a_call_that_does_not_fit_is_ended_and_whole(model, cut):
    limit = len(model.tokenizer(BOTH)["input_ids"]) - cut
    got = written(model, BOTH, limit, [TRIP])
    assert got is not None
    calls = read(got, [TRIP])
    assert faults(calls, [TRIP]) == []
    assert names(calls)


def test_one_more_item_or_property_is_begun_only_where_it_can_be_ended(model):
    item = {"type": "object", "properties": {"label": {"type": "string"}, "amount": {"type": "number"}}}
    item["required"] = ["label", "amount"]
    orders = tool("order", {"lines": {"type": "array", "items": item}, "remark": {"type": "string"}}, ["lines"])
    lines = [{"label": f"part {number}", "amount": number} for number in range(20)]
    wish = (
        f'<tool_call>\n{{"name": "order", "arguments": {json.dumps({"lines": lines, "remark": "soon"})}}}\n</tool_call>'
    )
    for limit in range(90, 120):
        got = written(model, wish, limit, [orders])
        assert got is not None, limit
        assert faults(read(got, [orders]), [orders]) == []


def test_a_text_may_end_wherever_it_does(model):
    """Close to the limit, too, where no call may begin: the stop token has the letter that a call begins with."""
    text = "It is 85.3 now, and 21 degrees. 好了。"
    whole = len(model.tokenizer(text)["input_ids"])
    for room in (1, 5, 20, 60):
        assert written(model, text, whole + room) == text


def test_what_cannot_be_enforced_is_said(model):
    with pytest.raises(UserError, match="names no tool"):
        drawn(model, 1, tool_choice="fly")
    with pytest.raises(UserError, match="there are no tools"):
        drawn(model, 1, tools=[], tool_choice="required")
    with pytest.raises(UserError, match="cannot be enforced"):
        drawn(model, 1, tools=[tool("f", {"a": NEVER}, ["a"])])


def test_whether_calls_can_be_held_is_known_beforehand(model):
    model.check_constrained(TOOLS)
    model.check_constrained([])
    with pytest.raises(UserError, match="f cannot be enforced"):
        model.check_constrained([tool("f", {"a": NEVER}, ["a"])])


def test_the_layout_of_hermes_is_the_text_it_writes():
    layout = text_layout("hermes")
    call = f"{layout.start}f{layout.between}{json.dumps({'a': 1})}{layout.after}{layout.closing}"
    assert call == '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
