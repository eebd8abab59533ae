"""Laws of what is said about a result: a tool's own sentence, or every value beside its name."""

import random

import pytest

from agent.toolbox import all_tools
from agent.tools import ToolResult
from dataset_builder.embedded_teacher.answering import PLAIN_SHARE, answer
from dataset_builder.embedded_teacher.composing import Composer

TOOL = next(tool for tool in all_tools() if tool.name == "convert_mass")
RESULT = ToolResult('{"value": 1.6, "unit": "lb"}')
NAMES = {"en": ("value", "unit"), "zh": ("值", "单位")}

COUNT = 400


def _answers(lang, side):
    composer = Composer(lang, side)
    return [answer(TOOL, {}, RESULT, composer, random.Random(seed)) for seed in range(COUNT)]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_training_side_tells_half_of_its_results_by_their_names(lang):
    plain = [text for text in _answers(lang, "train") if all(name in text for name in NAMES[lang])]
    assert abs(len(plain) / COUNT - PLAIN_SHARE) < 0.1
    assert all("1.6" in text and "lb" in text for text in plain)
    assert len(set(plain)) > 15  # in several manners


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_held_out_results_are_told_in_the_tools_own_sentences(lang):
    assert not [text for text in _answers(lang, "test") if any(name in text for name in NAMES[lang])]


def test_a_plain_answer_ends_as_a_sentence_of_its_language():
    assert all(text.endswith("。") for text in _answers("zh", "train"))
    assert all(text.endswith(".") for text in _answers("en", "train"))
