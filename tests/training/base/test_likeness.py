"""Values that begin alike: what changes, what stays, and that a record still holds what was said."""

import random
import re

import pytest

from training.base.corpus import filling, services, values
from training.base.corpus.forms import make_forms
from training.base.corpus.likeness import like, like_each_other
from training.base.corpus.values import same

SEEDS = range(200)


@pytest.mark.parametrize("text", ["TR-4471", "wq_93814", "137-5520-8816", "沈青梅", "x70"])
def test_what_is_made_of_signs_gets_another_end_of_the_same_shape(text: str) -> None:
    def shape(one: str) -> str:
        return re.sub("[\u4e00-\u9fff]", "字", re.sub("[A-Z]", "A", re.sub("[a-z]", "a", re.sub(r"\d", "0", one))))

    made = {like(random.Random(seed), "zh", values.code, same(text)).json for seed in SEEDS}
    assert len(made) > 10
    for one in made:
        assert one[0] == text[0]
        assert shape(one) == shape(text)


@pytest.mark.parametrize("make", [values.day_as_said, values.time_of_day, values.count, values.amount, values.date])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_of_dates_and_numbers_one_that_could_be_drawn_is_taken(make: values.Make, lang: str) -> None:
    shared, drawn = 0, 0
    for seed in SEEDS:
        rng = random.Random(seed)
        model, other = make(rng, lang), make(rng, lang)
        found = like(rng, lang, make, model)
        drawn += other.said[:1] == model.said[:1]
        shared += found.said[:1] == model.said[:1]
        if make is values.day_as_said and "-" in found.said:
            _, month, day = map(int, found.said.split("-"))
            assert month <= 12
            assert day <= 28
        if make is values.count and found.said.isdecimal():
            assert found.json == int(found.said)
    assert shared > drawn + 0.15 * (len(SEEDS) - drawn)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_form_keeps_its_fields_and_its_options(lang: str) -> None:
    for seed in SEEDS:
        rng = random.Random(seed)
        forms = make_forms(rng, 2, 4, lang=lang)
        for form, other in zip(forms, like_each_other(forms), strict=True):
            assert [item.name for item in other.fields] == [item.name for item in form.fields]
            if other.spoken:
                assert all(any(item is field for field in other.fields) for item in other.spoken.slots.values())
            for item in other.fields:
                for _ in range(4):
                    value = item.make(rng, lang)
                    assert value.json in item.schema.get("enum", [value.json])


def _beginnings(document: str) -> tuple[int, int]:
    """How many codes of three signs and more a document's replies hold, and how many begin as another one does."""
    replies = re.findall(r"assistant\n(.*?)<\|im_end\|>", document, re.DOTALL)
    codes = {code for reply in replies for code in re.findall(r'"([A-Za-z]*[-_]?\d{2,})"', reply)}
    alike = sum(any(one != other and one[:2] == other[:2] for other in codes) for one in codes)
    return len(codes), alike


def test_codes_of_one_document_often_begin_alike() -> None:
    counts = [
        _beginnings(task(random.Random(f"{seed}"), "en").text)
        for seed in SEEDS
        for task in (filling.fill, services.choose)
    ]
    codes, alike = map(sum, zip(*counts, strict=True))
    assert codes > 100
    assert alike / codes > 0.12  # of values drawn each by itself, one or two in a hundred
