"""Values as people say them: whatever is said for a day, an hour or a sum is what the tools read."""

import random
import re
from collections import Counter

import pytest

from agent.toolbox import all_tools
from agent.toolbox.calculation import calculate
from agent.toolbox.reading import read_date, read_time
from dataset_builder.embedded_teacher import EmbeddedTeacher
from dataset_builder.embedded_teacher.composing import Composer
from dataset_builder.embedded_teacher.values import LANGUAGES, Values, article
from dataset_builder.embedded_teacher.variants import as_it_is

TOOLS = {tool.name: tool for tool in all_tools()}


def drawn(kind, lang, count=400):
    values, rng = Values(lang, "train"), random.Random(7)
    said = [values.draw(kind, rng) for _ in range(count)]
    assert all(one.text == one.value for one in said)
    return [one.text for one in said]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("kind", "read"), [("near_day", read_date), ("spoken_clock", read_time)])
def test_the_tools_read_every_day_and_hour_that_is_said(lang, kind, read):
    said = drawn(kind, lang)
    for text in said:
        read(text)
    plain = sum(bool(re.fullmatch(r"[\d:-]+", text)) for text in said)
    assert 0.1 * len(said) < plain < 0.7 * len(said)


@pytest.mark.parametrize(
    ("lang", "told"), [("zh", ("明天", "后天", "下周一")), ("en", ("tomorrow", "next Monday", "Friday"))]
)
def test_days_are_told_from_today_now_and_then(lang, told):
    found = Counter(drawn("near_day", lang, 2000))
    assert all(found[day] for day in told)


@pytest.mark.parametrize(("lang", "word"), [("zh", "加"), ("en", " plus ")])
def test_the_calculator_works_out_every_sum_that_is_said(lang, word):
    said = drawn("spoken_expression", lang)
    for text in said:
        calculate(text)
    in_words = sum(bool(re.search(r"[a-z\u4e00-\u9fff]", text)) for text in said)
    assert 0.15 * len(said) < in_words < 0.35 * len(said)
    assert any(word in text for text in said)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_units_are_called_by_their_codes_now_and_then(lang):
    composer, shown = Composer(lang, "train"), as_it_is(TOOLS["convert_length"], lang)
    codes = 0
    for number in range(300):
        rng = random.Random(number)
        request = composer.request(
            TOOLS["convert_length"], shown.schema, shown.names, "{value} {source} → {target}", rng
        )
        assert request.arguments["source"] in ("m", "km", "mi", "ft")
        codes += request.said["source"] == request.arguments["source"]
    assert 45 < codes < 110


@pytest.mark.parametrize(
    ("word", "said"),
    [
        *[("8%", "an"), ("80", "an"), ("11", "an"), ("18.5", "an"), ("110", "a"), ("7", "a"), ("algebra", "an")],
        *[("university", "a"), ("umbrella", "an"), ("honest", "an"), ("hourly", "an"), ("house", "a"), ("one", "a")],
        *[("honey", "a"), ("usual", "a"), ("unusual", "an"), ("11am", "an"), ("118", "a"), ("euro", "a")],
    ],
)
def test_the_article_is_that_of_the_word_as_it_is_spoken(word, said):
    assert article("a", word) == said
    assert article("A", word) == said.capitalize()


def test_a_value_gets_its_article_and_keeps_its_distance():
    english, chinese = Composer("en", "train"), Composer("zh", "train")
    assert english.fitted("a {tip}% tip for a {label}", {"tip": "8", "label": "river"}) == "an {tip}% tip for a {label}"
    assert chinese.fitted("{date}{time}开会", {"date": "2026-03-14", "time": "09:30"}) == "{date} {time}开会"
    assert chinese.fitted("{date}{time}开会", {"date": "明天", "time": "09:30"}) == "{date}{time}开会"


@pytest.mark.parametrize(
    ("pattern", "value", "fitted"),
    [
        ("{x} bags", "1", "{x} bag"),
        ("{x} boxes, please", "1", "{x} box, please"),
        ("{x} people", "1", "{x} person"),
        ("{x} bags", "2", "{x} bags"),
        ("{x} is the number", "1", "{x} is the number"),
        ("{x} as the rate, on {x}", "1", "{x} as the rate, on {x}"),
        ("On {x} at home", "next Friday", "{x} at home"),
        ("on {x}", "Friday", "on {x}"),
    ],
)
def test_a_pattern_fits_its_value(pattern, value, fitted):
    assert Composer("en", "train").fitted(pattern, {"x": value}) == fitted


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("side", ["train", "test"])
def test_a_list_is_never_said_to_be_nothing(lang, side):
    values = Values(lang, side)
    for number in range(50):
        said = values.draw("list:free", random.Random(number))
        assert said.value
        assert all(value in said.text for value in said.value)


def test_nobody_goes_on_tomorrow():
    said = [question.user for question in EmbeddedTeacher(all_tools(), seed=3, languages=("en",)).questions(1500)]
    assert any("tomorrow" in text for text in said)
    assert not [text for text in said if re.search(r"\b[Oo]n (today|tomorrow)\b", text)]
