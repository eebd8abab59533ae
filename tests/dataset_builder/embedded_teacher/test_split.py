"""Laws of the split: no family, no sentence and no word stands on both sides, in the files and in the rows."""

import pytest

from agent.toolbox import all_tools
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.embedded_teacher.phrases import chat_topics, phrases_for, sentences_of, shared_sentences
from dataset_builder.embedded_teacher.sequences import all_pairs
from dataset_builder.embedded_teacher.split import FAMILY_SHARE, SIDES, family_sides, keep
from dataset_builder.embedded_teacher.values import DIVIDED_FROM, Values, value_patterns, word_lists

LANGUAGES = ("en", "zh")


def normal(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum() or character in "{}")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_word_stands_on_both_sides(lang):
    words = {side: {word.casefold() for words in Values(lang, side).lists.values() for word in words} for side in SIDES}
    assert not words["train"] & words["test"]
    assert words["train"] | words["test"] == {w.casefold() for words in word_lists(lang).values() for w in words}
    assert len(words["test"]) > 0.15 * len(words["train"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_pattern_of_values_stands_on_both_sides(lang):
    for name, patterns in value_patterns(lang).items():
        if len(patterns) >= DIVIDED_FROM:
            sides = [set(Values(lang, side)._patterns[name]) for side in SIDES]
            assert all(sides), name
            assert not sides[0] & sides[1], name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_stands_on_both_sides(lang):
    """The shared sentences, the tools' own and the small talk, all together."""
    teacher = EmbeddedTeacher(all_tools(), seed=0)
    said: dict[str, set[str]] = {side: set() for side in SIDES}
    for side in SIDES:
        said[side] |= {normal(line) for lines in sentences_of(lang, side).values() for line in lines}
    for tool in all_tools():
        phrases = phrases_for(tool)
        assert phrases is not None
        side = teacher.side_of(tool.family)
        for lines in (phrases.requests, phrases.both, phrases.answers, phrases.failures):
            said[side] |= {normal(line) for line in lines.get(lang, [])}
    for pair in all_pairs():
        sides = {teacher.side_of(tool.family) for tool in all_tools() if tool.name in (pair.first, pair.second)}
        if len(sides) == 1:  # else it is never used
            said[sides.pop()] |= {normal(line) for line in pair.requests[lang]}
    for topic, exchanges in chat_topics(lang).items():
        said[teacher.side_of(topic)] |= {normal(line) for exchange in exchanges for line in exchange}
    assert not said["train"] & said["test"]
    assert all(said.values())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_purpose_has_sentences_on_both_sides(lang):
    for purpose, lines in shared_sentences(lang).items():
        kept = [set(sentences_of(lang, side)[purpose]) for side in SIDES]
        assert all(kept), purpose
        assert kept[0] | kept[1] == set(lines), purpose


def test_rows_hold_tools_of_one_side_only(questions, teacher):
    held_out = 0
    for question in questions:
        assert teacher.side_of(question.family) == question.split
        for tool in question.tools:
            assert teacher.side_of(tool.family) == question.split, (question.id, tool.name)
        held_out += question.split == "test"
    assert 0.1 * len(questions) < held_out < 0.2 * len(questions)


def test_held_out_tools_are_shown_as_they_are(questions):
    originals = {tool.name: tool for tool in all_tools()}
    renamed = 0
    for question in questions:
        for tool in question.tools:
            if question.split == "test":
                assert tool.schema == originals[tool.name].localized(question.lang)
            renamed += tool.name not in originals
    assert renamed > 1000


def test_about_a_fifth_to_a_quarter_of_the_families_is_held_out():
    sides = family_sides({tool.family for tool in all_tools()})
    share = sum(side == "test" for side in sides.values()) / len(sides)
    assert 0.2 <= share <= 0.25
    assert abs(FAMILY_SHARE - share) < 0.05


def test_a_family_keeps_its_side_when_others_join():
    before = family_sides([f"family {number}" for number in range(60)])
    after = family_sides([f"family {number}" for number in range(200)])
    assert all(after[family] == side for family, side in before.items())
    assert family_sides(["a", "b", "c", "d"], seed=1) != family_sides(["a", "b", "c", "d"], seed=4)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_neither_side_is_left_empty(count):
    for seed in range(20):
        sides = list(family_sides([f"tool {number}" for number in range(count)], seed).values())
        assert "train" in sides
        assert sides.count("test") >= (count > 1)
        assert sides.count("test") <= max(count // 3, 1)


def test_a_list_too_short_to_divide_is_refused():
    with pytest.raises(ValueError, match="cannot be divided"):
        keep(["only one"], "train"), keep(["only one"], "test")
