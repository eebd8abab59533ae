"""The parser: it understands bent calls, names what it mended, and neither loses a call in silence nor invents one."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.parse import FORMATS, parse_reply

HERE = Path(__file__).parent
CASES = [json.loads(line) for line in (HERE / "parse_cases.jsonl").read_text(encoding="utf-8").splitlines()]
TOOLS = [
    {"type": "function", "function": function}
    for function in json.loads((HERE / "parse_tools.json").read_text(encoding="utf-8"))
]
NAMES = [tool["function"]["name"] for tool in TOOLS]

VALUES = (
    st.text(st.sampled_from("ab北京 ，：“”'.,:{}[]()<>/\\\"\n0"), max_size=12)
    | st.integers()
    | st.booleans()
    | st.none()
)
ARGUMENTS = st.dictionaries(st.sampled_from(["city", "城市", "q"]), VALUES, max_size=3)
CALLS = st.builds(lambda name, arguments: {"name": name, "arguments": arguments}, st.sampled_from(NAMES), ARGUMENTS)
HERMES = st.lists(CALLS, min_size=1, max_size=3).map(
    lambda calls: "\n".join(f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>" for call in calls)
)
# Pieces that formats are made of, so that random text comes near to being a call.
PIECES = st.lists(
    st.sampled_from(
        [
            *("<tool_call>", "</tool_call>", "<think>", "</think>", "<function=now>", "<arg_key>", "```", "json", "\n"),
            *("{", "}", "[", "]", ":", "：", ",", '"', "'", "“", " ", '"name"', '"arguments"', "now", "f(x=1)", "None"),
            *("[TOOL_CALLS]", "<|python_tag|>", "<｜tool▁sep｜>", "<|channel|>", '<invoke name="now">', "&lt;", "//"),
            *("Action:", "行动：", "Action Input:", "Observation:", "Final Answer:", "北京", "1e999", "\\", "\\u12"),
            *("\ud800", "\x00"),
        ]
    ),
    max_size=25,
).map("".join)


def test_there_are_enough_cases():
    assert len(CASES) >= 250
    assert len({case["id"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_each_case_reads_as_written_down(case):
    reply = parse_reply(case["text"], TOOLS, case.get("format", "auto"))
    assert reply.tool_calls == case["tool_calls"]
    assert reply.content == case.get("content", "")
    assert reply.thought == case.get("thought", "")
    assert reply.repairs == case.get("repairs", [])
    if "problem" in case:
        assert case["problem"] in " ".join(reply.problems)
    else:
        assert reply.problems == []


@settings(max_examples=300, deadline=None)
@given(text=PIECES | st.text(max_size=80), form=st.sampled_from(FORMATS))
def test_nothing_a_model_writes_raises(text, form):
    reply = parse_reply(text, TOOLS, form)
    json.dumps(reply.tool_calls, allow_nan=False)
    assert all(isinstance(call["arguments"], dict) for call in reply.tool_calls)
    assert len(reply.repairs) == len(set(reply.repairs))


@settings(max_examples=150, deadline=None)
@given(text=HERMES)
def test_well_formed_calls_are_read_exactly_and_mended_nowhere(text):
    reply = parse_reply(text, TOOLS)
    blocks = text.replace("</tool_call>\n<tool_call>", "</tool_call>\0<tool_call>").split("\0")
    assert len(reply.tool_calls) == len(blocks)
    assert [json.loads(block[12:-13]) for block in blocks] == reply.tool_calls
    assert (reply.content, reply.repairs, reply.problems) == ("", [], [])


@st.composite
def bent(draw):
    """A well-formed reply with one to three small faults, and the number of its calls."""
    calls = draw(st.lists(CALLS, min_size=1, max_size=2))
    text = "\n".join(f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>" for call in calls)
    for fault in [*draw(st.lists(st.sampled_from(["drop", "double", "widen", "quote"]), max_size=3)), "cut"]:
        place = draw(st.integers(0, len(text) - 1))
        if fault == "drop":
            text = text[:place] + text[place + 1 :]
        elif fault == "double":
            text = text[:place] + text[place : place + 1] + text[place:]
        elif fault == "widen":
            wide = text[place : place + 1].translate(str.maketrans('{}[]:,"', "｛｝［］：，“"))
            text = text[:place] + wide + text[place + 1 :]
        elif fault == "quote":
            text = text[:place] + text[place : place + 1].replace('"', "'") + text[place + 1 :]
        else:
            text = text[: len(text) - place % 25]
    return text, len(calls)


@settings(max_examples=200, deadline=None)
@given(bent=bent())
def test_a_bent_call_is_read_or_reported_never_lost(bent):
    text, count = bent
    reply = parse_reply(text, TOOLS)
    assert len(reply.tool_calls) == count or (len(reply.tool_calls) < count and reply.problems)


FAMILIES = {
    "hermes": "<tool_call>\n{call}\n</tool_call>",
    "a fence in the tag": "<tool_call>\n```json\n{call}\n```\n</tool_call>",
    "Mistral": "[TOOL_CALLS] [{call}]",
    "Mistral 11": "[TOOL_CALLS]{name}[ARGS]{arguments}",
    "Llama": "<|python_tag|>{call}",
    "DeepSeek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{arguments}\n```"
    "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "Kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.{name}:0<|tool_call_argument_begin|>{arguments}"
    "<|tool_call_end|><|tool_calls_section_end|>",
    "gpt-oss": "<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{arguments}<|call|>",
    "Llama's function": "<function={name}>{arguments}</function>",
    "Qwen's first agents": "✿FUNCTION✿: {name}\n✿ARGS✿: {arguments}",
    "tool and input": "Tool: {name}\nTool Input: {arguments}",
    "工具和参数": "工具：{name}\n参数：{arguments}",
    "a fence": "```json\n{call}\n```",
    "bare": "{call}",
    "react": "Thought: t\nAction: {name}\nAction Input: {arguments}\nObservation:",
    "react_zh": "思考：想\n行动：{name}\n行动输入：{arguments}",
}
WIDE = str.maketrans('{}[]:,"', "｛｝［］：，“")


def in_family(family, name, call, arguments):
    parts = {"{name}": name, "{call}": call, "{arguments}": arguments}
    return "".join(parts.get(piece, piece) for piece in re.split(r"({name}|{call}|{arguments})", FAMILIES[family]))


@st.composite
def bent_json(draw):
    """JSON of a call and of its arguments, each with one to three small faults in it."""
    call = draw(CALLS)
    texts = [json.dumps(value, ensure_ascii=False) for value in (call, call["arguments"])]
    for index, text in enumerate(texts):
        for fault in draw(st.lists(st.sampled_from(["drop", "double", "widen", "quote"]), min_size=1, max_size=3)):
            place = draw(st.integers(0, len(text) - 1))
            before, letter, after = text[:place], text[place], text[place + 1 :]
            faulty = {"drop": "", "double": letter * 2, "widen": letter.translate(WIDE), "quote": "'"}
            if fault != "quote" or letter == '"':
                text = before + faulty[fault] + after or "{"
        texts[index] = text
    return call["name"], *texts


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=60, deadline=None)
@given(call=CALLS)
def test_every_family_of_markers_is_read_exactly(family, call):
    texts = [json.dumps(value, ensure_ascii=False) for value in (call, call["arguments"])]
    reply = parse_reply(in_family(family, call["name"], *texts), TOOLS)
    assert (reply.tool_calls, reply.problems) == ([call], [])


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=60, deadline=None)
@given(bent=bent_json())
def test_bent_json_in_any_markers_is_read_or_reported_never_lost(family, bent):
    reply = parse_reply(in_family(family, *bent), TOOLS)
    assert len(reply.tool_calls) == 1 or reply.problems


def test_a_name_near_two_tools_is_not_guessed():
    near = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("get_item", "get_items")]
    reply = parse_reply('<tool_call>{"name": "get_itemz", "arguments": {}}</tool_call>', near)
    assert [call["name"] for call in reply.tool_calls] == ["get_itemz"]
    assert "no tool is named" in reply.problems[0]


def test_a_mended_quote_never_swallows_the_next_call():
    text = '[TOOL_CALLS] [{"name": "search", "arguments": {"query": "x}}, {"name": "now", "arguments": {}}]'
    reply = parse_reply(text, TOOLS)
    assert (reply.tool_calls, bool(reply.problems)) == ([], True)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_characters="<[{(（［｛"), max_size=200).filter(lambda text: "ction" not in text))
def test_prose_is_never_a_call(text):
    reply = parse_reply(text, TOOLS)
    assert reply.tool_calls == []


def test_a_deep_nest_and_a_long_reply_are_problems():
    for text in ("<tool_call>" + "[" * 100_000, "<tool_call>\n" + '{"a":' * 50_000, "x" * 2_000_000):
        reply = parse_reply(text, TOOLS)
        assert reply.problems
        assert reply.tool_calls == []


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "{\n",
            "<tool_call>",
            "now(x=\n",
            "```\n",
            "<think>",
            "Action: now\n",
            '{"name": "now',
            "`",
            "\n",
            "\r\n",
            " ",
        ),
        *("工具：now\n", "✿FUNCTION✿: now\n✿ARGS✿: {", "<function", 'name "x" args ', "例如：\n", '"', "args: {\n"),
    ],
)
def test_endless_repetition_is_read_in_reasonable_time(piece):
    started = time.monotonic()
    parse_reply(piece * (50_000 // len(piece)), TOOLS)
    assert time.monotonic() - started < 20


def run(arguments, text):
    command = [sys.executable, "-m", "agent.parse", *arguments]
    return subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)


def test_the_command_prints_one_json_document():
    text = "好的。\n<tool_call>{'name': 'get_weather', 'arguments': {'city': '北京'}}"
    done = run(["--tools", str(HERE / "parse_tools.json")], text)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "content": "好的。",
        "thought": "",
        "tool_calls": [{"name": "get_weather", "arguments": {"city": "北京"}}],
        "repairs": ["single quotes", "missing closing tag"],
        "problems": [],
    }


@pytest.mark.parametrize(
    "arguments", [["--tools", "missing.json"], ["--tools", str(HERE / "parse_tools.json"), "--format", "x"], []]
)
def test_the_command_says_in_one_line_what_is_wrong(arguments):
    done = run(arguments, "hi")
    assert done.returncode == 2
    assert len(done.stderr.decode().strip().splitlines()) == 1
    assert b"Traceback" not in done.stderr
