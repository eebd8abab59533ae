"""Answering from a given record or text, and writing a record from a text: the values asked for, and no others."""

import random
from typing import Any

from training.base.corpus import values, words
from training.base.corpus.document import Document, Turn, chat
from training.base.corpus.layouts import invented_tag, to_json
from training.base.corpus.telling import state

_MAKES = (
    values.amount,
    values.signed,
    values.count,
    values.term,
    values.code,
    values.place,
    values.person,
    values.date,
    values.time_of_day,
    values.anything,
)


def report(rng: random.Random, lang: str) -> Document:
    """Tell what one or two records say in a sentence, or only the parts asked for."""
    zh = lang == "zh"
    if rng.random() < 0.4:
        shown, labels, values_of = _shown_record(rng, lang, 6)
        asked = sorted(rng.sample(range(len(labels)), rng.randint(1, min(3, len(labels)))))
        wanted = ("、" if zh else ", ").join(labels[index][zh] for index in asked)
        ask = rng.choice(_ASK_ZH if zh else _ASK_EN).format(w=wanted)
        answer = state(rng, {str(index): values_of[index] for index in asked}, [labels[index] for index in asked], lang)
    else:
        records = [_shown_record(rng, lang, 4) for _ in range(rng.choices((1, 2), weights=(3, 1))[0])]
        shown = "\n".join(text for text, _, _ in records)
        ask = rng.choice(
            ("说说结果。", "用一句话告诉我。", "") if zh else ("Tell me the result.", "Say it in a sentence.", "")
        )
        answers = [state(rng, dict(enumerate(made)), labels, lang) for _, labels, made in records]
        answer = ("" if zh else " ").join(answers)
    parts = [ask, shown] if rng.random() < 0.5 else [shown, ask]
    return chat([Turn("user", "\n".join(part for part in parts if part)), Turn("assistant", answer)], "report")


_ASK_EN = ("Tell me the {w}.", "{w}?", "What does it say about {w}?", "I only need the {w}.")
_ASK_ZH = ("告诉我{w}。", "{w}？", "这里的{w}是什么？", "我只要{w}。")


def _shown_record(rng: random.Random, lang: str, most: int) -> tuple[str, list[tuple[str, str]], list[Any]]:
    """A record as JSON (often between tags), its labels and its values."""
    labels = rng.sample(words.THINGS, rng.randint(1, most))
    chinese_keys = lang == "zh" and rng.random() < 0.4
    made = [rng.choice(_MAKES)(rng, lang).json for _ in labels]
    keys = [label[1] if chinese_keys else label[0].replace(" ", "_") for label in labels]
    shown = to_json(dict(zip(keys, made, strict=True)))
    if rng.random() < 0.5:
        tag = invented_tag(rng)
        shown = f"<{tag}>\n{shown}\n</{tag}>"
    return shown, labels, made


def passage(rng: random.Random, lang: str) -> Document:
    """A short text with a few facts in it and questions about them."""
    zh = lang == "zh"
    who, where, when = values.person(rng, lang).said, values.place(rng, lang).said, values.date(rng, lang).said
    what, code = rng.choice(words.THINGS)[zh], values.code(rng, lang).said
    price = values.amount(rng, lang).said
    facts = (
        [
            (f"{who}住在{where}。", f"{who}住在哪里？", where),
            (f"{when}，{who}买了一个{what}。", "是哪一天买的？", when),
            (f"{what}的价格是{price}元。", f"{what}多少钱？", price + "元"),
            (f"编号是{code}。", "编号是什么？", code),
            (f"{who}买的东西是{what}。", f"{who}买了什么？", what),
        ]
        if zh
        else [
            (f"{who} lives in {where}.", f"Where does {who} live?", where),
            (f"On {when} {who} bought a {what}.", "When was it bought?", when),
            (f"The {what} costs {price}.", f"How much is the {what}?", price),
            (f"The code is {code}.", "What is the code?", code),
            (f"{who} likes the {what}.", f"What does {who} like?", f"the {what}"),
        ]
    )
    rng.shuffle(facts)
    facts = facts[: rng.randint(2, 5)]
    text = ("" if zh else " ").join(fact for fact, _, _ in facts)
    asked = rng.sample(facts, rng.randint(1, 2))
    turns = [Turn("user", f"{text}\n{asked[0][1]}"), Turn("assistant", asked[0][2])]
    for _, question, answer in asked[1:]:
        turns += [Turn("user", question), Turn("assistant", answer)]
    return chat(turns, "passage")


def record(rng: random.Random, lang: str) -> Document:
    """Write a JSON object from lines of labels and values, with the keys in the order asked for."""
    zh = lang == "zh"
    labels = rng.sample(words.THINGS, rng.randint(2, 6))
    made = [rng.choice(_MAKES)(rng, lang) for _ in labels]
    keys = [label[0].replace(" ", "_") for label in labels]
    shuffled = list(zip(labels, made, strict=True))
    rng.shuffle(shuffled)
    line = rng.choice(("{k}：{v}", "{k}是{v}") if zh else ("{k}: {v}", "the {k} is {v}"))
    joint = rng.choice(("，", "\n", "；") if zh else (", ", "\n", "; "))
    text = joint.join(line.format(k=label[zh], v=value.said) for label, value in shuffled)
    listed = ", ".join(keys)
    ask = rng.choice(
        (f"写成JSON，键依次为{listed}：", f"用JSON写出{listed}。")
        if zh
        else (f"As JSON with the keys {listed}:", f"Write JSON with {listed}.")
    )
    answer = to_json({key: value.json for key, value in zip(keys, made, strict=True)})
    return chat([Turn("user", f"{ask}\n{text}"), Turn("assistant", answer)], "record")
