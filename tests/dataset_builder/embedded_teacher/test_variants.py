"""Laws of the renamed tools: names keep the sense of the original, and people are not spoken to in them."""

import random

import pytest

from agent.toolbox import all_tools
from dataset_builder.embedded_teacher.reading import lexicon, name_words, parameters_of
from dataset_builder.embedded_teacher.values import Values
from dataset_builder.embedded_teacher.variants import variant

TOOLS = {tool.name: tool for tool in all_tools()}


def _shown(name, lang="en"):
    tool = TOOLS[name]
    used = [one.name for one in parameters_of(tool.schema)]
    return [variant(tool, lang, random.Random(seed), used=used) for seed in range(200)]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("borrow_book", {"reserve", "schedule"}),
        ("body_mass_index", {"text", "content", "score"}),
        ("max_heart_rate", {"score", "cardiac"}),
        ("prime_factors", {"primary"}),
        ("to_roman", {"latin"}),
        ("set_volume", {"capacity"}),
        ("sort_numbers", {"purchase"}),
        ("draft_email", {"location", "place"}),
    ],
)
def test_no_new_name_takes_a_word_in_another_sense(name: str, wrong: set[str]) -> None:
    shown = _shown(name)
    said = {word for one in shown for text in (one.name, *one.names) for word in name_words(text)}
    assert not said & wrong
    assert len({one.name for one in shown}) > 15


def test_the_lexicon_is_in_order():
    assert list(lexicon()) == sorted(lexicon())


def test_a_parameter_is_called_by_its_description_or_as_the_original_is():
    for one in _shown("mean"):
        assert one.label(next(iter(one.names)), "en") == "list of numbers"  # shown or not
        assert one.label(next(iter(one.names)), "zh") == "一组数"  # though it is described in English


def test_a_word_to_replace_is_a_whole_one_in_english():
    values = Values("en", "train")
    noun = next(word for word in values.lists["noun"] if len(word) == 3)
    for seed in range(20):
        assert values.word_of(f"The {noun}es are here", random.Random(seed)).value == "here"
        assert values.word_of(f"The {noun} is here", random.Random(seed)).value == noun


def test_one_of_a_few_numbers_is_drawn():
    drawn = {Values("zh", "train").draw("one_of:2:8:16", random.Random(seed)).value for seed in range(40)}
    assert drawn == {2, 8, 16}
