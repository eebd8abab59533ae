"""Filling one form, and naming the form that suits: the two halves of choosing among services, each by itself."""

import random

from training.base.corpus.asking import make_request
from training.base.corpus.document import Document, Turn, chat, exchange
from training.base.corpus.forms import make_forms
from training.base.corpus.layouts import show_forms, to_json


def fill(rng: random.Random, lang: str, most: int = 5) -> Document:
    """One form and up to `most` messages; the replies are the records alone."""
    zh = lang == "zh"
    form = make_forms(rng, 1, 1, 6)[0]
    request = make_request(rng, form, lang)
    ask = rng.choice(
        (
            "按下面的表单把这句话填好：",
            "从消息中取出各项，写成JSON。",
            "填写这个表单，只写JSON。",
            "把消息里的值填进表里。",
        )
        if zh
        else (
            "Fill this form from the message.",
            "Take the fields out of the message and write JSON.",
            "Write the record as JSON only.",
            "Which values does the message give?",
        )
    )
    head = rng.choice(("表单：\n", "") if zh else ("Form:\n", ""))
    shown = f"{ask}\n{head}{show_forms(rng, [form], lang)}"
    quote = rng.choice((("消息：", ""), ("“", "”"), ("\n", "")) if zh else (("Message: ", ""), ('"', '"'), ("\n", "")))
    if rng.random() < 0.5:
        turns = [Turn("system", shown), Turn("user", request.text)]
    else:
        turns = [Turn("user", f"{shown}\n{quote[0]}{request.text}{quote[1]}")]
    turns.append(Turn("assistant", to_json(request.filled)))
    for _ in range(rng.randint(0, most - 1)):
        request = make_request(rng, form, lang)
        turns += exchange(request.text, to_json(request.filled))
    return chat(turns, "fill")


def which(rng: random.Random, lang: str, most: int = 6) -> Document:
    """Name the form that suits, for up to `most` messages; nothing more."""
    zh = lang == "zh"
    forms = make_forms(rng, 3, 7, 1)
    asked = [rng.choice(forms) for _ in range(rng.randint(1, most))]
    requests = [make_request(rng, form, lang) for form in asked]
    shown_in = lang if rng.random() < 0.85 else ("en" if zh else "zh")
    lines = "\n".join(rng.choice(("- ", "")) + f"{item.name}: {item.about[shown_in]}" for item in forms)
    ask = rng.choice(
        ("用哪一个？只写名字。", "选一个合适的：") if zh else ("Which one suits? Write its name only.", "Pick one:")
    )
    turns = exchange(f"{lines}\n{ask}\n{requests[0].text}", asked[0].name)
    for form, request in zip(asked[1:], requests[1:], strict=True):
        turns += exchange(request.text, form.name)
    return chat(turns, "which")
