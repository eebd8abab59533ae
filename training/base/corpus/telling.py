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


def follow_up(rng: random.Random, lang: str, requests: Sequence[Request] = ()) -> list[Turn]:
    """What came of it, as a record or an error, and the sentence that tells the user: what it says and nothing more.

    Requests to real services get their own results, one for each.
    """
    zh = lang == "zh"
    told = [result(rng, request.form, request.filled, lang) for request in requests if request.form.spoken]
    known = [one for one in told if one is not None]
    if known and len(known) == len(requests) and rng.random() < 0.85:
        tag = invented_tag(rng)
        shown = "\n".join(f"<{tag}>\n{to_json(record)}\n</{tag}>" for record, _ in known)
        return [Turn("user", shown), Turn("assistant", ("" if zh else " ").join(said for _, said in known), TOLD)]
    if rng.random() < 0.15:
        wrong = values.sentence(rng, rng.choice(("en", lang))).said
        shown, said = f"Error: {wrong}", rng.choice(_FAILED_ZH if zh else _FAILED_EN).format(e=wrong)
    else:
        labels = rng.sample(words.THINGS, rng.randint(1, 4))
        makes = (
            values.amount, values.signed, values.count, values.term, values.code, values.place, values.anything,
        )  # fmt: skip
        made = [rng.choice(makes)(rng, lang).json for _ in labels]
        chinese_keys = zh and rng.random() < 0.3
        keys = [label[1] if chinese_keys else label[0].replace(" ", "_") for label in labels]
        record = dict(zip(keys, made, strict=True))
        shown, said = to_json(record), state(rng, record, labels, lang)
    if rng.random() < 0.7:
        tag = invented_tag(rng)
        shown = f"<{tag}>\n{shown}\n</{tag}>"
    return [Turn("user", shown), Turn("assistant", said, TOLD)]


_FAILED_EN = ("That did not work: {e}.", "It failed: {e}.", "Sorry, an error came up: {e}.")
_FAILED_ZH = ("没成：{e}。", "失败了：{e}。", "不好意思，出了问题：{e}。")


def state(rng: random.Random, record: dict[Any, Any], labels: list[tuple[str, str]], lang: str) -> str:
    """The values of a record as one plain sentence."""
    zh = lang == "zh"
    pairs = [(label[zh], _text(value)) for label, value in zip(labels, record.values(), strict=True)]
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


def _text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)
