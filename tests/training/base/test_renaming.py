"""The laws of renamed services: the same word describes and asks for them, and nothing else of them has changed."""

import random
from dataclasses import replace

import pytest

from training.base.corpus import frames
from training.base.corpus.forms import Form, in_two_languages, make_forms
from training.base.corpus.frames import LANGUAGES, Frame, slots
from training.base.corpus.renaming import plainly, renamed
from training.base.corpus.services import other_service

FRAMES = [frame for domain in frames.domains().values() for frame in domain]
WATER = Frame(
    "vineyard",
    ["water_row"],
    {"en": ["Irrigate one vinerow", "Sends water"], "zh": ["灌溉葡萄藤", "浇水"]},
    {},
    {
        "en": ["Start [to] irrigate {irrigate}", "{irrigate} is dry", "(Irrigate|Soak) it"],
        "zh": ["{row}要灌溉", "太干"],
    },
    {},
    {"en": ["{irrigate}: Irrigate done"], "zh": ["灌溉了"]},
)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nearly_every_service_can_be_renamed(lang: str) -> None:
    assert sum(renamed(random.Random(0), frame, lang) is not None for frame in FRAMES) > 0.9 * len(FRAMES)


def test_lines_and_descriptions_without_the_word_go_and_values_keep_their_names() -> None:
    made = renamed(random.Random(1), WATER, "en")
    assert made is not None
    word = made.known_by
    assert word != "irrigate"
    assert [text.lower() for text in made.about["en"]] == [f"{word} one vinerow"]
    assert [line.lower() for line in made.asks["en"]] == [f"start [to] {word} {{irrigate}}"]
    assert [line.lower() for line in made.tells["en"]] == [f"{{irrigate}}: {word} done"]
    assert made.original == "water_row"
    assert made.about["zh"] == WATER.about["zh"]
    assert made.asks["zh"] == WATER.asks["zh"]


def test_a_chinese_word_is_two_characters_that_description_and_line_share() -> None:
    made = renamed(random.Random(2), WATER, "zh")
    assert made is not None
    assert made.about["zh"] == [f"{made.known_by}葡萄藤"]
    assert made.asks["zh"] == [f"{{row}}要{made.known_by}"]


def test_without_a_shared_word_there_is_nothing_to_rename() -> None:
    mute = replace(WATER, asks={"en": ["{irrigate}, [irrigate] now"], "zh": ["的葡", "萄{row}藤"]})
    assert renamed(random.Random(3), mute, "en") is None
    assert renamed(random.Random(3), mute, "zh") is None


def test_asked_for_plainly_is_with_a_word_of_a_description_that_is_always_said() -> None:
    assert plainly(WATER, "zh").asks == {"en": WATER.asks["en"], "zh": ["{row}要灌溉"]}
    assert plainly(WATER, "en").asks["en"] == [
        "Start [to] irrigate {irrigate}"
    ]  # not a value's name, nor one word of two
    mute = replace(WATER, asks={"en": ["{irrigate} is dry"], "zh": ["太干"]})
    assert plainly(mute, "en") == plainly(mute, "zh") == mute


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_twin_has_another_word_at_the_same_place(lang: str) -> None:
    rng = random.Random(4)
    for frame in rng.sample(FRAMES, 80):
        one = renamed(rng, frame, lang)
        two = one and renamed(rng, one, lang)
        if one and two:
            assert one.original == two.original == frame.names[0]
            assert (len(one.asks[lang]), len(one.about[lang])) == (len(two.asks[lang]), len(two.about[lang])) != (0, 0)
            assert [slots(line) for line in one.asks[lang]] == [slots(line) for line in two.asks[lang]]
            assert all(two.known_by in line.lower() for line in two.asks[lang] + two.about[lang])


def lists(lang: str | None, count: int = 120) -> list[list[Form]]:
    return [make_forms(random.Random(f"list {number}"), 1, 4, lang=lang) for number in range(count)]


def renamed_ones(forms: list[Form]) -> list[Frame]:
    return [form.spoken.frame for form in forms if form.spoken and form.spoken.frame.known_by]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_lists_have_renamed_services_and_twins_but_not_where_two_languages_meet(lang: str) -> None:
    found = [renamed_ones(forms) for forms in lists(lang)]
    assert sum(map(bool, found)) > 30
    assert any(len({frame.original for frame in ones}) < len(ones) for ones in found)
    assert not any(renamed_ones(forms) for forms in lists(None))
    for forms in lists(lang):
        swapped = in_two_languages(random.Random(5), forms)
        assert all(old is new for old, new in zip(forms, swapped, strict=True) if renamed_ones([old]))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_to_be_declined_is_no_service_of_the_list_by_any_of_its_words(lang: str) -> None:
    near = 0
    for forms in lists(lang):
        listed = {(form.spoken.frame.original, form.spoken.frame.known_by) for form in forms if form.spoken}
        known = {form.spoken.frame.original or form.spoken.frame.names[0] for form in forms if form.spoken}
        spoken = other_service(random.Random(repr(sorted(known))), forms, lang).spoken
        assert spoken is not None
        near += spoken.frame.original in known
        if spoken.frame.original in known:
            assert (spoken.frame.original, spoken.frame.known_by) not in listed
        else:
            assert spoken.frame.names[0] not in known
    assert near > 10
