"""What came of requests, and how it is told: one record for each, every value said, and none that is not shown."""

import json
import random
import re

import pytest

from training.base.corpus.asking import make_request
from training.base.corpus.document import TOLD
from training.base.corpus.forms import make_forms
from training.base.corpus.telling import follow_up

SEEDS = range(150)


def _outcomes(text: str) -> list[str]:
    """The records and errors of a message, without the tags around them."""
    return [line for line in text.splitlines() if not re.fullmatch(r"</?\w+>", line)]


def _said(value: object) -> list[str]:
    if isinstance(value, list):
        return [word for item in value for word in _said(item)]
    return [value if isinstance(value, str) else json.dumps(value)]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_every_request_has_its_outcome_and_every_value_of_it_is_said(lang: str, count: int) -> None:
    lists = 0
    for seed in SEEDS:
        rng = random.Random(f"{seed}{lang}{count}")
        forms = make_forms(rng, 2, 3, lang=lang)
        requests = [make_request(rng, rng.choice(forms), lang) for _ in range(count)]
        shown, told = follow_up(rng, lang, requests)
        assert (shown.role, told.role, told.weight) == ("user", "assistant", TOLD)
        outcomes = _outcomes(shown.text)
        assert len(outcomes) == max(count, 1)
        generic = not any(request.form.spoken for request in requests)
        assert len(outcomes) == 1 or shown.text.count("\n</") == len(outcomes)
        for outcome in outcomes:
            if outcome.startswith("Error: "):
                assert outcome.removeprefix("Error: ") in told.text
                continue
            record = json.loads(outcome)
            lists += any(isinstance(value, list) for value in record.values())
            if generic:
                for word in _said(list(record.values())):
                    assert word in told.text, (outcome, told.text)
    assert lists


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_number_is_told_that_is_not_shown(lang: str) -> None:
    for seed in SEEDS:
        shown, told = follow_up(random.Random(f"{seed}{lang}"), lang)
        known = set(re.findall(r"\d+", shown.text))
        assert set(re.findall(r"\d+", told.text)) <= known, (shown.text, told.text)
