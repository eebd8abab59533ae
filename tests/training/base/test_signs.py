"""Signs and foreign letters stand in the corpus's values, each of them often enough to be learned."""

import json
import random
import string
from collections import Counter

import pytest

from training.base.corpus import signs, values
from training.base.corpus.mixture import document

TELL_WHERE_A_VALUE_ENDS = set("\"'()[]{}<>,;`")  # the corpus has these around its values


@pytest.mark.parametrize(("lang", "extra"), [("en", "&€£–°é"), ("zh", "·～—％")])
def test_free_values_hold_every_sign_that_people_type(lang: str, extra: str) -> None:
    rng = random.Random(0)
    seen = Counter(letter for _ in range(20_000) for letter in set(str(values.anything(rng, lang).json)))
    typed = set(string.punctuation) - TELL_WHERE_A_VALUE_ENDS if lang == "en" else {"%", "#", "+"}
    assert {letter for letter in typed | set(extra) if seen[letter] < 5} == set()


def test_documents_hold_the_signs_that_values_do() -> None:
    seen = Counter(letter for index in range(400) for letter in set(document(3, index).text))
    assert all(seen[sign] for sign in "&~·–+%")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_sign_is_added_and_all_else_stays(lang: str) -> None:
    rng = random.Random(1)
    text = "saddle robin" if lang == "en" else "马鞍知更鸟"
    for _ in range(500):
        with_sign = signs.signed(rng, text, lang)
        assert with_sign != text
        assert json.loads(json.dumps(with_sign, ensure_ascii=False)) == with_sign
        gone = Counter(text) - Counter(with_sign)
        assert gone.total() <= 2, "a space, or the letters that are foreign now"
        assert not set(with_sign) & set('"()[]{},;')


def test_a_text_without_letters_that_change_stays() -> None:
    assert signs.foreign(random.Random(0), "42") == "42"
