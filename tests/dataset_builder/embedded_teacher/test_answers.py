"""Laws of what is said about a result: a tool's own sentence, or every value beside its name."""

import json
import random
import re
from typing import Literal

import pytest

from agent.toolbox import all_tools
from agent.tools import ToolResult, tool
from dataset_builder.embedded_teacher.answering import PLAIN_SHARE, answer
from dataset_builder.embedded_teacher.composing import Composer

TOOLS = {tool.name: tool for tool in all_tools()}
RESULT = {"value": 1.6, "unit": "lb"}
NAMES = {"en": ("value", "unit"), "zh": ("值", "单位")}
UNIT = {"en": "lb", "zh": "磅"}  # in Chinese a code is said by the word that the tool declares

COUNT = 400


def _answers(lang, side, name="convert_mass", result=RESULT):
    composer, told = Composer(lang, side), ToolResult(json.dumps(result))
    return [answer(TOOLS[name], {}, told, composer, random.Random(seed)) for seed in range(COUNT)]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_training_side_tells_half_of_its_results_by_their_names(lang):
    plain = [text for text in _answers(lang, "train") if all(name in text.lower() for name in NAMES[lang])]
    assert abs(len(plain) / COUNT - PLAIN_SHARE) < 0.1
    assert all("1.6" in text and UNIT[lang] in text for text in plain)
    assert len(set(plain)) > 15  # in several manners


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_held_out_results_are_told_in_the_tools_own_sentences(lang):
    assert not [text for text in _answers(lang, "test") if any(name in text for name in NAMES[lang])]


def test_a_plain_answer_ends_as_a_sentence_of_its_language():
    assert all(text.endswith("。") for text in _answers("zh", "train"))
    assert all(text.endswith(".") for text in _answers("en", "train"))


def test_no_code_is_said_in_chinese_where_the_tool_declares_a_word():
    for side in ("train", "test"):
        assert not [text for text in _answers("zh", side) if "lb" in text or "磅" not in text]
    zones = _answers("zh", "train", "convert_time", {"city": "New York", "time": "08:30"})
    assert not [text for text in zones if "New York" in text]
    weather = _answers("zh", "train", "get_weather", {"city": "南京", "low": 3, "high": 9, "source": "demo almanac"})
    assert not [text for text in weather if "almanac" in text]


def test_a_code_under_another_key_may_mean_something_else():
    @tool(family="shirts", zh={"description": "量一件衬衫。", "parameters": {"size": "尺寸：s=小，m=中"}})
    def measure(size: Literal["s", "m"]) -> dict:
        """Measure a shirt.

        Args:
            size: Size: s=small, m=medium.
        """
        return {"size": size, "length": 3, "unit": "m"}

    result = ToolResult(json.dumps({"size": "m", "length": 3, "unit": "m"}))
    composer = Composer("zh", "train")
    texts = [answer(measure, {"size": "m"}, result, composer, random.Random(seed)) for seed in range(20)]
    assert all("中" in text and re.search(r"单位.{0,3}m", text) for text in texts)


def test_what_was_done_is_not_told_as_if_it_had_been_looked_up():
    song = {"song": "Ivory", "playlist": "rain mix", "songs": 2}
    for lang, looked_up in (("en", r"Here (it is|you are)|I got this"), ("zh", "查到了|结果")):
        assert not [text for text in _answers(lang, "train", "add_song", song) if re.search(looked_up, text)]
        assert [text for text in _answers(lang, "train") if re.search(looked_up, text)]
    removed = _answers("en", "train", "delete_contact", {"deleted": "Mark Yates"})
    assert set(removed) == {"Mark Yates is deleted.", "I removed Mark Yates."}


def test_a_sentence_of_several_values_begins_with_a_capital_and_agrees_with_its_number():
    for name, result in (("convert_mass", RESULT), ("utc_offset", {"city": "Tokyo", "hours": 9})):
        texts = _answers("en", "train", name, result)
        assert not [text for text in texts if re.search(r"\. [a-z]", text)]
        assert not [text for text in texts if re.search(r"offset are|value are|city are", text.lower())]


def test_a_tools_own_labels_stand_for_the_words_of_its_keys():
    weather = _answers("zh", "train", "get_weather", {"city": "南京", "low": 3, "high": 9, "source": "x"})
    plain = [text for text in weather if "城市" in text]
    assert plain
    assert all("最低气温" in text and "最高气温" in text for text in plain)
    counted = _answers("zh", "train", "count_characters", {"words": 77, "characters": 12})
    assert not [text for text in counted if "77" in text or "12" not in text]
    assert [text for text in counted if "字符数" in text]
