"""Requests in domains apart from the corpus: what they show, what is asked, what the reply is."""

import random

import pytest

from training.base import unseen
from training.base.corpus import frames
from training.base.corpus.document import LEARNED, Document
from training.base.probes import PROBES

DRAWN = 60


def parts(document: Document) -> tuple[str, str]:
    """What is shown and asked, and the reply."""
    replies = [text for text, weight in document.pieces if weight == LEARNED]
    assert len(replies) == 1
    return document.text.split(replies[0])[0], replies[0].removesuffix("<|im_end|>")


@pytest.mark.parametrize("lang", frames.LANGUAGES)
def test_the_reply_names_the_service_of_the_request_and_nothing_else(lang: str) -> None:
    names = {name for frame in _frames() for name in frame.names}
    seen = set()
    for index in range(DRAWN):
        document = unseen.name(random.Random(index), lang)
        shown, reply = parts(document)
        assert document.task == f"unseen_name_{lang}"
        assert f"{reply}: " in shown  # its line is in the list
        seen.add(reply)
    assert len(seen & names) > 15  # the others begin with another word for the same


@pytest.mark.parametrize("lang", frames.LANGUAGES)
def test_a_call_holds_the_values_that_are_said(lang: str) -> None:
    values = 0
    for index in range(DRAWN):
        rng = random.Random(index)
        forms, request = unseen._request(rng, lang)
        assert len(forms) == len({form.name for form in forms}) == 4
        domains = [form.spoken.frame.domain for form in forms if form.spoken]
        assert len(set(domains)) == 2  # its siblings, and one that has nothing to do with it
        assert request.missing is None
        shown, reply = parts(unseen.call(random.Random(index), lang))
        assert request.text in shown
        assert request.form.name in reply
        for value in request.filled.values():
            if isinstance(value, str):
                assert value in reply
                values += 1
    assert values > DRAWN / 2


def test_both_are_probed_and_the_corpus_has_neither() -> None:
    assert {PROBES["unseen_name"], PROBES["unseen_call"]} == {unseen.name, unseen.call}
    assert not {frame.domain for frame in _frames()} & frames.domains().keys()


def _frames() -> list[frames.Frame]:
    return [frame for domain in frames.domains(unseen.HELD_OUT).values() for frame in domain]
