"""What people say around a form that was made from a frame: how they ask, and how the result is told to them.

Comes in: a `random.Random`, a form with its frame, a language. Goes out: texts and the values they hold.
Knows nothing of how forms are shown and replies are written.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from training.base.corpus.forms import Field, Form, Spoken
from training.base.corpus.frames import expand, fill, slots
from training.base.corpus.values import Value, day_as_said, in_a_row, time_of_day

_ALL_TOLD = 0.8  # of the results hold nothing but what is told: an answer that leaves values out should be rare
_DRAWS = 12  # of a line, until one has the values that are wanted
_RUN_INTO = 0.25  # of the Chinese values before a 的 have a word after them that is not theirs: 北京明天的天气
_WHEN = (
    "今天", "明天", "昨天", "现在", "最近", "目前", "本周", "下周", "上个月",
    "这几天", "今年", "去年", "周末", "上午", "下午", "今晚", "当时", "刚才",
)  # fmt: skip


@dataclass
class Request:
    """One message part asking for one form; `filled` is the right record; `missing` is the required field left out."""

    form: Form
    text: str
    filled: dict[str, Any] = field(default_factory=dict)
    missing: Field | None = None


def asked(
    rng: random.Random, form: Form, lang: str, leave_out: bool, told: dict[str, Value] | None = None
) -> Request | None:
    """One way to ask for `form`, or None where the lines drawn do not have just the values that are wanted.

    `told` gives the values of some fields, by the field's name; every one of them must then be said.
    """
    assert form.spoken is not None
    told = told or {}
    fields = form.spoken.slots
    for _ in range(_DRAWS):
        text = expand(rng, rng.choice(form.spoken.frame.asks[lang]))
        held = set(slots(text))
        if not held <= fields.keys():  # it names a value that this form has no field for
            continue
        missing = [item for slot, item in fields.items() if item.required and slot not in held]
        if len(missing) != leave_out or not told.keys() <= {fields[slot].name for slot in held}:
            continue
        if lang == "zh":
            text = _run_into(rng, text, form.spoken)
        drawn = {slot: told.get(item.name) or item.make(rng, lang) for slot, item in fields.items() if slot in held}
        filled = {fields[slot].name: value.json for slot, value in drawn.items()}
        said = fill(text, {slot: value.said for slot, value in drawn.items()})
        return Request(form, said, filled, missing[0] if missing else None)
    return None


def _run_into(rng: random.Random, text: str, spoken: Spoken) -> str:
    """`text` with a time word after a value now and then, where no field could mean the time."""
    if any(spoken.frame.fields[slot].make in (day_as_said, time_of_day) for slot in spoken.slots):
        return text
    for slot, item in spoken.slots.items():
        if item.schema["type"] == "string" and "enum" not in item.schema and rng.random() < _RUN_INTO:
            joint = rng.choice(("的", ""))  # 北京明天天气
            text = text.replace(f"{{{slot}}}的", f"{{{slot}}}{rng.choice(_WHEN)}{joint}")
    return text


def result(rng: random.Random, form: Form, filled: dict[str, Any], lang: str) -> tuple[dict[str, Any], str] | None:
    """A record that the service may give back, and the sentence that tells it; None where no sentence fits."""
    assert form.spoken is not None
    frame, fields = form.spoken.frame, form.spoken.slots
    record: dict[str, Any] = {}
    for key, source in frame.result.items():
        if not isinstance(source, str):
            record[key] = source(rng, lang).json
        elif source in fields and fields[source].name in filled:
            record[key] = filled[fields[source].name]
    lines = [line for line in frame.tells[lang] if set(slots(line)) <= record.keys()]
    if not lines or not record:
        return None
    said = expand(rng, rng.choices(lines, weights=[1 + len(slots(line)) for line in lines])[0])
    if rng.random() < _ALL_TOLD and slots(said):
        record = {key: value for key, value in record.items() if key in slots(said)}
    return record, fill(said, {key: _spoken(value, lang) for key, value in record.items()})


def _spoken(value: Any, lang: str) -> str:
    if isinstance(value, bool):
        return (("yes", "no"), ("是", "否"))[lang == "zh"][not value]
    if isinstance(value, list):
        return in_a_row([str(item) for item in value], *(("、", "、") if lang == "zh" else (", ", " and ")))
    return str(value)
