"""Every value of the two tasks can be told from its message and its description alone, in both languages."""

import json
import random
import re

import pytest

from training.base.corpus import deciding
from training.base.corpus.forms import spoken_form
from training.base.corpus.frames import domains

TURN = re.compile(r"<\|im_start\|>user\n(.*?)<\|im_end\|>\n<\|im_start\|>assistant\n(.*?)<\|im_end\|>", re.DOTALL)


def exchanges(document):
    """Messages with the record that is written for each."""
    return [(said, json.loads(record)) for said, record in TURN.findall(document.text)]


@pytest.fixture
def options(monkeypatch):
    """The fields of options that a document is made of, by name."""
    made, make = {}, deciding._options

    def watched(*arguments):
        found = make(*arguments)
        made[found.field.name] = found
        return found

    monkeypatch.setattr(deciding, "_options", watched)
    return made


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_is_written_is_the_option_whose_word_was_said(lang, options):
    seen = other = 0
    for seed in range(60):
        options.clear()
        for message, record in exchanges(deciding.coded(random.Random(seed), lang)):
            for name, value in record.items():
                if name in options:
                    said = [word for code, word in options[name].words if code == value]
                    assert len(said) == 1
                    assert said[0] in message
                    seen += 1
                    other += value not in message
    assert seen > 400
    assert other > seen / 2  # most are to be looked up, and not copied


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_description_declares_each_option_beside_its_word(lang, options):
    for seed in range(60):
        document = deciding.coded(random.Random(seed), lang)
        for one in options.values():
            about = one.field.about[lang]
            assert json.dumps(about, ensure_ascii=False)[1:-1] in document.text or about in document.text
            for code, word in one.words:
                either = f"{re.escape(code)}.{{0,7}}{re.escape(word)}|{re.escape(word)}.{{0,3}}{re.escape(code)}"
                assert code == word or re.search(either, about)
        options.clear()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_words_of_two_fields_do_not_hold_each_other(lang):
    for seed in range(60):
        rng, taken = random.Random(seed), set()
        fields = [deciding._options(rng, lang, "snake", taken) for _ in range(4)]
        for one in fields:
            assert len({code for code, _ in one.words}) == len(one.words)
            for other in (other for other in fields if other is not one):
                assert not any(a in b for _, a in one.words for _, b in other.words)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_number_stands_beside_its_noun_and_one_that_belongs_nowhere_is_left_out(lang):
    lonely = 0
    for seed in range(60):
        document = deciding.counted(random.Random(seed), lang)
        for message, record in exchanges(document):
            assert record
            lonely += len(re.findall(r"(?<![A-Za-z\d@.])\d+(?:\.\d+)?(?![A-Za-z\d@])", message)) > len(record)
    assert lonely > 5


def test_services_ask_for_declared_options_where_any_text_would_do():
    coded = plain = 0
    frames = [frame for known in domains().values() for frame in known]
    for seed, frame in enumerate(frames[:600]):
        for slot, shown in spoken_form(random.Random(seed), frame, set(), "snake").spoken.slots.items():
            if frame.fields[slot].options is None and frame.fields[slot].schema == {"type": "string"}:
                coded += "enum" in shown.schema
                plain += "enum" not in shown.schema
                if "enum" in shown.schema:
                    value = shown.make(random.Random(1), "en")
                    assert value.json in shown.schema["enum"]
                    assert value.said in shown.about["en"]
    assert 0.05 < coded / (coded + plain) < 0.2
