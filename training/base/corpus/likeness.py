"""Values that begin alike within one document: two dates of a year, two codes of a series, two people of a family.

What is copied is continued by what stands after the same beginning, and where two values have that beginning only their
places tell which. Comes in: forms or fields. Goes out: the same, drawing from one memory. Knows nothing of tasks.
"""

import random
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from training.base.corpus.forms import Field, Form
from training.base.corpus.han import COMMON
from training.base.corpus.values import Make, Value, same

_ALIKE_SHARE = 0.35  # of the values that have an earlier one of their kind
_DRAWS = 8  # of which the one most alike is taken
_OF_SIGNS = re.compile(r"(?=.*[\d\u4e00-\u9fff])(?!\d{4}-\d\d-\d\d$|\d\d:\d\d$|.*年)\S{2,}")  # no words, dates or times


def like_each_other(forms: Sequence[Form]) -> list[Form]:
    """The forms, whose values at times begin as an earlier one of the same kind began."""
    before: dict[Make, list[Value]] = {}
    return [_likened_form(form, before) for form in forms]


def _likened_form(form: Form, before: dict[Make, list[Value]]) -> Form:
    fields = likened(form.fields, before)
    if form.spoken is None:
        return replace(form, fields=fields)
    named = {item.name: item for item in fields}
    slots = {slot: named[item.name] for slot, item in form.spoken.slots.items()}
    return replace(form, fields=fields, spoken=replace(form.spoken, slots=slots))


def likened(fields: Sequence[Field], before: dict[Make, list[Value]]) -> list[Field]:
    """The fields, whose values at times begin as one in `before` began, by makers; what they make is added to it."""
    return [item if "enum" in item.schema else replace(item, make=_Likened(item.make, before)) for item in fields]


@dataclass(frozen=True)
class _Likened:
    make: Make
    before: dict[Make, list[Value]]  # by their makers; one memory for all that a document asks for

    def __call__(self, rng: random.Random, lang: str) -> Value:
        earlier = self.before.setdefault(self.make, [])
        alike = earlier and rng.random() < _ALIKE_SHARE
        value = like(rng, lang, self.make, rng.choice(earlier)) if alike else self.make(rng, lang)
        earlier.append(value)
        return value


def like(rng: random.Random, lang: str, make: Make, model: Value) -> Value:
    """`model` with another end where it is made of signs, as codes and Chinese names are; else the one of a few values
    that begins most as it does.
    """
    if isinstance(model.json, str) and model.json == model.said and _OF_SIGNS.fullmatch(model.said):
        return same(_with_other_end(rng, model.said))
    drawn = [make(rng, lang) for _ in range(_DRAWS)]
    return max(drawn, key=lambda value: (value != model, _in_common(value.said, model.said)))


def _in_common(one: str, other: str) -> int:
    """How many signs two texts begin with together."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _with_other_end(rng: random.Random, text: str) -> str:
    kept = rng.randint(1, len(text) - 1)
    return text[:kept] + "".join(_other_sign(rng, sign) for sign in text[kept:])


def _other_sign(rng: random.Random, sign: str) -> str:
    for signs in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if sign in signs:
            return rng.choice(signs)
    return rng.choice(COMMON) if sign > "\u3400" and sign.isalpha() else sign
