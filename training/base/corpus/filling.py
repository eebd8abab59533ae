"""Filling one form, and naming the form that suits: the two halves of choosing among services, each by itself."""

import random

from training.base.corpus.asking import make_request
from training.base.corpus.document import Document, Turn, chat, exchange
from training.base.corpus.forms import Form, make_forms
from training.base.corpus.layouts import show_forms, to_json
from training.base.corpus.services import joined, other_service


def fill(rng: random.Random, lang: str, most: int = 8) -> Document:
    """One form and up to `most` messages; the replies are the records alone."""
    zh = lang == "zh"
    form = max(make_forms(rng, 2, 2, 6, lang=lang), key=lambda form: len(form.fields))
    if form.spoken:  # a line that comes again is learned from the reply above
        most = min(most, len(form.spoken.frame.asks[lang]))
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
        turns += exchange(request.text, to_json(request.filled), heard=True)
    return chat(turns, "fill")


def which(rng: random.Random, lang: str, most: int = 10) -> Document:
    """Name the form that suits, for up to `most` messages; some ask for several, some for what no form does."""
    zh = lang == "zh"
    shown_in = lang if rng.random() < 0.85 else ("en" if zh else "zh")
    forms = make_forms(rng, 2, 7, 1, lang=lang if shown_in == lang else None)
    lines = listed(rng, forms, shown_in)
    nothing, ask = rng.choice(WHICH_ZH if zh else WHICH_EN)
    turns: list[Turn] = []
    for _ in range(rng.randint(1, most)):
        if rng.random() < 0.2:
            turns += exchange(make_request(rng, other_service(rng, forms, lang), lang).text, nothing, heard=True)
            continue
        picked = [rng.choice(forms) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
        text = joined(rng, [make_request(rng, form, lang).text for form in picked], lang)
        turns += exchange(text, "\n".join(form.name for form in picked), heard=True)
    turns[0] = Turn("user", f"{lines}\n{ask}\n{turns[0].text}")
    return chat(turns, "which")


def listed(rng: random.Random, forms: list[Form], lang: str) -> str:
    """A line for each form: its name and its description."""
    return "\n".join(rng.choice(("- ", "")) + f"{item.name}: {item.about[lang]}" for item in forms)


WHICH_EN = (  # what is written where none suits, and the instruction that says so
    ("none", "Which one suits? Write its name only; none if there is none."),
    ("none", "Pick from the list, one name a line, or say none:"),
    ("-", "Name what is needed, in order; - for nothing."),
)
WHICH_ZH = (
    ("无", "用哪一个？只写名字，没有就写无。"),
    ("没有", "选合适的，一行一个名字；都不合适写没有："),
    ("-", "依次写出要用的名字，不需要则写-。"),
)
