"""Telling in a sentence what a record or an error says: its values, and no others.

Comes in: a `random.Random`, a record and the words for its keys. Goes out: the sentence, or the two turns of a chat.
"""

import random
from collections.abc import Sequence
from typing import Any

from training.base.corpus import values, words
from training.base.corpus.document import TOLD, Turn
from training.base.corpus.layouts import invented_tag, to_json
from training.base.corpus.speaking import Request, result
from training.base.corpus.values import Make


def follow_up(rng: random.Random, lang: str, requests: Sequence[Request] = ()) -> list[Turn]:
    """What came of it, one record or error for each request, and the sentences that tell the user: what they say and
    nothing more. Requests to real services mostly get their own results.
    """
    told = [_outcome(rng, lang, request) for request in requests] or [_outcome(rng, lang, None)]
    shown = [record for record, _ in told]
    if len(shown) > 1 or rng.random() < 0.85:
        tag = invented_tag(rng)
        shown = [f"<{tag}>\n{record}\n</{tag}>" for record in shown]
    return [
        Turn("user", "\n".join(shown)),
        Turn("assistant", ("" if lang == "zh" else " ").join(said for _, said in told), TOLD),
    ]


def _outcome(rng: random.Random, lang: str, request: Request | None) -> tuple[str, str]:
    """A record or an error as it is shown, and what is said of it."""
    if request and request.form.spoken and rng.random() < _OWN_SHARE:
        own = result(rng, request.form, request.filled, lang)
        if own is not None:
            return to_json(own[0]), own[1]
    zh = lang == "zh"
    if rng.random() < 0.15:
        wrong = values.sentence(rng, rng.choice(("en", lang))).said
        return f"Error: {wrong}", rng.choice(_FAILED_ZH if zh else _FAILED_EN).format(e=wrong)
    labels = rng.sample(words.THINGS, rng.randint(1, 4))
    chinese_keys = zh and rng.random() < 0.3
    keys = [label[1] if chinese_keys else label[0].replace(" ", "_") for label in labels]
    record = {key: rng.choice(_RESULTS)(rng, lang).json for key in keys}
    return to_json(record), state(rng, record, labels, lang)


_OWN_SHARE = 0.8
_RESULTS: tuple[Make, ...] = (
    values.amount, values.signed, values.count, values.term, values.code, values.place, values.anything,
    values.title, values.numbers, values.several(values.term), values.several(values.person),
)  # fmt: skip
_FAILED_EN = ("That did not work: {e}.", "It failed: {e}.", "Sorry, an error came up: {e}.")
_FAILED_ZH = ("没成：{e}。", "失败了：{e}。", "不好意思，出了问题：{e}。")


def state(rng: random.Random, record: dict[Any, Any], labels: list[tuple[str, str]], lang: str) -> str:
    """The values of a record as one plain sentence."""
    zh = lang == "zh"
    pairs = [(label[zh], _text(value, lang)) for label, value in zip(labels, record.values(), strict=True)]
    if len(pairs) == 1 and rng.random() < 0.4:
        return pairs[0][1] + ("。" if zh else ".")
    if zh:
        is_, joint, start = (
            rng.choice(("是", "为", "：")),
            rng.choice(("，", "；")),
            rng.choice(("", "", "好了，", "结果：")),
        )
        return start + joint.join(f"{label}{is_}{value}" for label, value in pairs) + "。"
    start = rng.choice(("", "", "Done: ", "Well, ", "Found: "))
    is_, the = rng.choice(((" is ", "the "), (": ", ""), (" ", "")))
    sentence = start + ", ".join(f"{the}{label}{is_}{value}" for label, value in pairs)
    return sentence[:1].upper() + sentence[1:] + "."


def _text(value: Any, lang: str) -> str:
    if isinstance(value, list):
        return values.in_a_row(
            [_text(item, lang) for item in value], *(("、", "和") if lang == "zh" else (", ", " and "))
        )
    return value if isinstance(value, str) else to_json(value)
