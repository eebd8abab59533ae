"""Which tools a model is shown: the nearest ones, in either language, and never without one it has called."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.loop import Agent
from agent.messages import check_conversation, tool_call, tool_message
from agent.ranking import Ranking, terms
from agent.selection import Selector
from agent.toolbox import all_tools
from agent.tools import Tool

SEAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "seal_tools"
TOOLS = all_tools()


def asks(text):
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What will the weather be like in Oslo tomorrow?", "get_weather"),
        ("明天北京天气怎么样？", "get_weather"),
        ("帮我查一下快递到哪里了，单号 SF123", "track_parcel"),
        ("converting 3 miles to kilometres, please", "convert_length"),
        ("把 30 写成罗马数字", "to_roman"),
    ],
)
def test_the_right_tool_is_among_the_five_nearest_in_both_languages(question, name):
    assert name in [tool.name for tool in Selector(TOOLS).nearest(question, 5)]


def test_words_are_found_by_their_parts_and_chinese_by_its_characters():
    assert terms("getWeather_now") == [
        "get$",
        "^get",
        "weather$",
        "^wea",
        "weat",
        "eath",
        "athe",
        "ther",
        "now$",
        "^now",
    ]
    assert terms("ＡＢ天气") == ["ab$", "^ab", "天", "气", "天气"]
    assert Ranking(["unit conversion", "weather"]).best("convert", 5)[0][0] == 0


@given(texts=st.lists(st.text(max_size=20), max_size=6), query=st.text(max_size=20), count=st.integers(0, 8))
def test_any_texts_can_be_ranked_by_any_query(texts, query, count):
    best = Ranking(texts).best(query, count)
    assert len(best) <= count
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)
    assert len({number for number, _ in best}) == len(best)


def test_a_question_that_shares_no_word_with_any_tool_is_still_shown_some():
    assert [tool.name for tool in Selector(TOOLS).nearest("ξ ψ", 3)] == [tool.name for tool in TOOLS[:3]]
    assert Selector([]).nearest("x", 3) == []


def test_an_agent_shows_only_the_selected_tools_and_its_row_holds_what_was_shown(scripted):
    class Watching(scripted):
        async def stream(self, messages, tools, sampling):
            self.shown = [tool["function"]["name"] for tool in tools]
            async for item in super().stream(messages, tools, sampling):
                yield item

    text = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "北京"}}\n</tool_call>'
    model = Watching(text, "晴。")
    run = Agent(model, TOOLS, select=4, lang="zh").run(asks("明天北京天气怎么样？"))
    assert run.reason == "answered"
    assert "get_weather" in model.shown
    assert len(model.shown) == 4
    assert [tool["function"]["name"] for tool in run.tools] == model.shown
    assert check_conversation(run.messages, run.tools) == []
    assert [name for name in [tool.name for tool in TOOLS] if name in model.shown] == model.shown, "in their own order"


def test_a_tool_called_before_stays_shown_and_what_was_asked_before_counts():
    call = tool_call("roll_dice", {"count": 1}, "call00000")
    messages = [
        *asks("Roll a die."),
        {"role": "assistant", "content": "", "tool_calls": [call]},
        tool_message(call, "3"),
    ]
    messages += [{"role": "assistant", "content": "Three."}, *asks("Now the weather in Rome.")]
    agent = Agent(None, TOOLS, select=3)
    assert {"roll_dice", "get_weather"} <= {tool.name for tool in agent.offered(messages)}
    follow_up = [*asks("weather in Rome?"), {"role": "assistant", "content": "Sunny."}, *asks("And in Oslo?")]
    assert "get_weather" in [tool.name for tool in agent.offered(follow_up)]


def test_select_shows_all_where_there_are_no_more():
    assert Agent(None, TOOLS, select=len(TOOLS)).offered(asks("x")) == TOOLS
    with pytest.raises(ValueError, match="select must be at least 1"):
        Agent(None, TOOLS, select=0)


@pytest.mark.real_data
@pytest.mark.skipif(not SEAL.is_dir(), reason="needs ../shared/data")
def test_among_thousands_of_tools_the_wanted_ones_are_found():
    catalogue = {}
    for line in (SEAL / "tool.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        properties = {name: {"description": about["description"]} for name, about in entry["parameters"].items()}
        function = {"name": entry["api_name"], "description": entry["api_description"]}
        function["parameters"] = {"type": "object", "properties": properties}
        catalogue.setdefault(entry["api_name"], Tool(schema={"type": "function", "function": function}))
    assert len(catalogue) > 1000
    selector = Selector(list(catalogue.values()))
    found = wanted = 0
    for line in (SEAL / "dev.jsonl").read_text(encoding="utf-8").splitlines()[:200]:
        case = json.loads(line)
        names = {call["api"] for call in case["calling"]}
        found += len(names & {tool.name for tool in selector.nearest(case["query"], 10)})
        wanted += len(names)
    assert found / wanted > 0.9
