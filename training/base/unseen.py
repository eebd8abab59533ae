"""Requests in domains that no document of the corpus is about: what choosing and filling is worth on other words.

Comes in: a `random.Random`, a language. Goes out: chats of one request, for the probes. Their domains are the files of
`held_out/`, in the format of the corpus' own; nothing is trained on them.
"""

import random
from functools import partial
from pathlib import Path

from training.base.corpus import frames
from training.base.corpus.document import Document, chat, exchange
from training.base.corpus.filling import WHICH_EN, WHICH_ZH, listed
from training.base.corpus.forms import Form, spoken_form
from training.base.corpus.layouts import make_writing
from training.base.corpus.services import prompt
from training.base.corpus.speaking import Request, asked

HELD_OUT = Path(__file__).with_name("held_out")
_SIBLINGS = 3  # forms of the domain that is asked about, beside one of another domain


def call(rng: random.Random, lang: str) -> Document:
    """Four services and a request for one of them, in people's own words; the reply is its record."""
    forms, request = _request(rng, lang)
    writing = make_writing(rng)
    shown = prompt(rng, forms, writing, lang, lang)
    said = exchange(f"{shown}\n\n{request.text}", writing.one(request.form.name, request.filled))
    return chat(said, f"unseen_call_{lang}")


def name(rng: random.Random, lang: str) -> Document:
    """The same; the reply is the service's name alone."""
    forms, request = _request(rng, lang)
    _, ask = rng.choice(WHICH_ZH if lang == "zh" else WHICH_EN)
    asked_of = f"{listed(rng, forms, lang)}\n{ask}\n{request.text}"
    return chat(exchange(asked_of, request.form.name), f"unseen_name_{lang}")


def _request(rng: random.Random, lang: str) -> tuple[list[Form], Request]:
    """The forms, and a request that gives every value the form needs."""
    domains = list(frames.domains(HELD_OUT).values())
    while True:
        own, other = rng.sample(domains, 2)
        taken: set[str] = set()
        make = partial(spoken_form, rng, taken=taken, style="snake")
        forms = [make(frame) for frame in [*rng.sample(own, _SIBLINGS), rng.choice(other)]]
        if request := asked(rng, forms[0], lang, leave_out=False):
            rng.shuffle(forms)
            return forms, request
