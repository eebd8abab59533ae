"""Copying, looking up and converting: short texts in which every learned token stands earlier in the text.

This is where a small model finds out that it can copy. Knows nothing of forms.
"""

import random

from training.base.corpus import values, words
from training.base.corpus.document import LEARNED, READ, Document, Turn, chat, plain
from training.base.corpus.layouts import to_json

_SAY_EN = ("Repeat: {x}", "Say exactly: {x}", 'Copy "{x}"', "Write this again: {x}", "{x}\nRepeat it.", "Echo {x}")
_SAY_ZH = ("重复：{x}", "照抄：{x}", "请原样写出“{x}”", "再写一遍：{x}", "{x}\n重复一遍。", "复述：{x}")


def repeat(rng: random.Random, lang: str) -> Document:
    make = rng.choice(
        (
            values.scraps,
            values.scraps,
            values.scraps,
            values.anything,
            values.anything,
            values.code,
            values.address,
            values.sentence,
            values.email,
            values.url,
            values.path,
            values.amount,
        )
    )
    said = make(rng, lang).said
    ask = rng.choice(_SAY_ZH if lang == "zh" else _SAY_EN).format(x=said)
    return chat([Turn("user", ask), Turn("assistant", said)], "repeat")


def twice(rng: random.Random, lang: str) -> Document:
    """A row of values, then the same row again: plain text, the second half learned."""
    joint = rng.choice((" ", "\n", ", ", " | ")) if lang == "en" else rng.choice(("，", "\n", "、", " "))
    row = joint.join(rng.choice((values.anything, values.scraps))(rng, lang).said for _ in range(rng.randint(2, 6)))
    return plain([(row + "\n", READ), (row + "\n", LEARNED)], "twice")


def look_up(rng: random.Random, lang: str) -> Document:
    """Pairs of a label and a value in some layout; then the value of some of the labels."""
    zh = lang == "zh"
    count = rng.randint(2, 8)
    if rng.random() < 0.6:
        keys = [thing[zh] for thing in rng.sample(words.THINGS, count)]
    else:
        keys = list(
            dict.fromkeys(
                values.han(rng)
                if zh and rng.random() < 0.7
                else rng.choice((values.scrap(rng), values.letters(rng, 2, 7)))
                for _ in range(count)
            )
        )
    made = [
        rng.choice((values.anything, values.code, values.count, values.amount, values.person))(rng, lang).json
        for _ in keys
    ]
    record = dict(zip(keys, made, strict=True))
    said = {key: value if isinstance(value, str) else to_json(value) for key, value in record.items()}
    if rng.random() < 0.5:
        table = to_json(record)
    else:
        line = rng.choice(
            ("{k}：{v}", "{k}是{v}", "{k} = {v}") if zh else ("{k}: {v}", "{k} is {v}", "{k} = {v}", "- {k}: {v}")
        )
        table = "\n".join(line.format(k=key, v=said[key]) for key in keys)
    asked = rng.sample(keys, min(len(keys), rng.randint(1, 6)))
    turns: list[Turn] = []
    for place, key in enumerate(asked):
        ask = rng.choice(("{k}？", "{k}是什么？", "读出{k}") if zh else ("{k}?", "What is {k}?", "Give me {k}")).format(
            k=key
        )
        turns += [Turn("user", f"{table}\n{ask}" if place == 0 else ask), Turn("assistant", said[key])]
    return chat(turns, "look_up")


def convert(rng: random.Random, lang: str) -> Document:
    """Numbers in words as digits, dates as YYYY-MM-DD, lists as JSON, yes and no as true and false."""
    zh = lang == "zh"
    roll = rng.random()
    if roll < 0.45:
        number = rng.randint(0, 99 if not zh else 10 ** rng.randint(1, 4) - 1)
        said, answer = (values.chinese_number(number) if zh else values.english_number(number)), str(number)
        ask = rng.choice(
            ("{x}写成数字", "{x}是多少？", "用阿拉伯数字写{x}")
            if zh
            else ("{x} in digits", "Write {x} as a number", "{x} = ?")
        )
    elif roll < 0.65:
        value = values.date(rng, lang)
        said, answer = value.said, value.json
        ask = rng.choice(("把{x}写成YYYY-MM-DD", "日期{x}") if zh else ("Write {x} as YYYY-MM-DD", "Date: {x}"))
    elif roll < 0.9:
        value = values.several(rng.choice((values.person, values.term, values.reading, values.place)))(rng, lang)
        said, answer = value.said, to_json(value.json)
        ask = rng.choice(
            ("把“{x}”写成JSON列表", "{x}\nJSON列表：") if zh else ("Write {x} as a JSON list", "{x}\nAs a JSON list:")
        )
    else:
        pairs = words.CURRENCIES if rng.random() < 0.5 else words.COLORS + words.LANGUAGES + words.CITIES
        left, right = rng.choice(pairs)
        said, answer = (right, left) if zh else (left, right)
        ask = "{x}用英文怎么写？" if zh else "{x} in Chinese?"
    return chat([Turn("user", ask.format(x=said)), Turn("assistant", answer)], "convert")


def pick_item(rng: random.Random, lang: str) -> Document:
    """The n-th of a list, the first or the last."""
    zh = lang == "zh"
    items = [values.anything(rng, lang).said for _ in range(rng.randint(2, 6))]
    place = rng.randrange(len(items))
    listed = "\n".join(f"{index + 1}. {item}" for index, item in enumerate(items))
    ask = f"第{values.chinese_number(place + 1)}个是什么？" if zh else f"What is number {place + 1}?"
    return chat([Turn("user", f"{listed}\n{ask}"), Turn("assistant", items[place])], "pick_item")
