"""Choosing among forms and filling them: the largest part of the corpus.

Goes out: chats in which the system (or the user) shows two to six forms and says how to write them, and the user asks
for one thing, for several, for something no form does, or forgets a needed value. Knows nothing of tool calls.
"""

import random
from dataclasses import dataclass, replace
from typing import Any

from training.base.corpus import values
from training.base.corpus.asking import make_request
from training.base.corpus.document import FREE, Document, Turn, chat, exchange
from training.base.corpus.forms import Field, Form, in_two_languages, make_form, make_forms, spoken_form
from training.base.corpus.frames import Frame, domains, siblings
from training.base.corpus.layouts import Writing, make_writing, show_forms
from training.base.corpus.renaming import renamed
from training.base.corpus.speaking import Request, asked
from training.base.corpus.talk import IDLE_EN, IDLE_ZH
from training.base.corpus.telling import follow_up
from training.base.corpus.values import Value

_LEAD_EN = (
    "You fill forms.",
    "You are a helpful assistant.",
    "Help the user with the forms below.",
    "You work at a desk with these services.",
    "",
    "Be brief.",
)
_LEAD_ZH = (
    "你负责填表。",
    "你是一个乐于助人的助手。",
    "用下面的表单帮助用户。",
    "你在服务台工作，可用的服务如下。",
    "",
    "请简短回答。",
)
_HEAD_EN = (
    "# Forms",
    "Forms:",
    "The forms are:",
    "# Services",
    "Services you can use:",
    "Available forms",
    "# Actions",
)
_HEAD_ZH = ("# 表单", "表单：", "可用的表单有：", "# 服务", "你可以使用的服务：", "可选表单", "# 操作")
_HOW_EN = (
    "Write each one as:\n{x}",
    "Answer with {x}",
    "When a form fits, write\n{x}",
    "Fill one like this: {x}",
    "Use <tags> as shown: {x}",
    "Format: {x}",
)
_HOW_ZH = ("每个都这样写：\n{x}", "按这个格式回答：{x}", "有合适的表单时写\n{x}", "填写方法：{x}", "格式如下：{x}")
REFUSALS_EN = (
    "None of the forms can {a} {t}.",
    "I cannot {a} {t} with these forms.",
    "Sorry, there is no way to {a} {t} here.",
    "I have nothing that can {a} {t}.",
    "Sorry, none of these fits.",
    "That is not something I can do here.",
    "No suitable form is available for that.",
)
REFUSALS_ZH = (
    "没有可以{a}{t}的表单。",
    "抱歉，我这里不能{a}{t}。",
    "这里没有办法{a}{t}。",
    "抱歉，没有合适的表单。",
    "这些都不适用，我做不到。",
    "很抱歉，无法{a}{t}。",
)
QUESTIONS_EN = (
    "What is the {l}?",
    "Please tell me the {l}.",
    "Which {l} should I use?",
    "I still need the {l}.",
    "Could you give me the {l}?",
)
QUESTIONS_ZH = ("请问{l}是什么？", "请告诉我{l}。", "还需要{l}。", "{l}是多少？", "请提供{l}。")
# before the first request, between two of them
_AND_EN = (
    ("", " Also, "), ("", " And "), ("", " Then "), ("", " "), ("", "\n"), ("Both please: ", "; "), ("1. ", "\n2. "),
    ("", ", and "), ("", " Next: "), ("", " Besides, "), ("", " Afterwards, "), ("", "; moreover, "),
    ("I need two things. ", " "), ("- ", "\n- "), ("One: ", " Two: "),
    ("", " On top of that: "), ("", " While you are at it: "), ("At once, please: ", " / "),
)  # fmt: skip
_AND_ZH = (
    ("", "另外，"), ("", "还有，"), ("", "然后"), ("", ""), ("", "\n"), ("两件事：", "；"), ("先", "，再"),
    ("", "，并且"), ("", "，顺便"), ("", "接下来，"), ("", "此外，"), ("", "，同时"), ("一并办理：", "；"),
    ("1、", "\n2、"), ("有几件事，", "，"), ("一是", "，二是"), ("", "；还要"), ("", "做完以后，"),
)  # fmt: skip


def prompt(rng: random.Random, forms: list[Form], writing: Writing, lang: str, shown_in: str) -> str:
    """The forms, and how each is to be written."""
    zh = lang == "zh"
    parts = [
        rng.choice(_LEAD_ZH if zh else _LEAD_EN),
        rng.choice(_HEAD_ZH if zh else _HEAD_EN) + "\n" + show_forms(rng, in_two_languages(rng, forms), shown_in),
    ]
    how = rng.choice(_HOW_ZH if zh else _HOW_EN).format(x=writing.example())
    parts.insert(rng.choice((1, 2)), how)
    return rng.choice(("\n\n", "\n")).join(part for part in parts if part)


_SHORT, _LONG = 400, 880  # tokens of a chat, roughly


@dataclass(frozen=True)
class Desk:
    """What stays the same through one chat: the forms, the language, how replies are written, refused and asked back.

    Which of many wordings comes cannot be known, but it can be kept to: so that little is learned from it.
    """

    forms: list[Form]
    lang: str
    writing: Writing
    refusal: str
    refusal_of: str
    question: str


def choose(rng: random.Random, lang: str, most: int = 12) -> Document:
    """Two or more forms and up to `most` messages: for one of them, two, none, or one whose needed value is left out.

    Many messages to one list are many decisions for the price of reading it once.
    """
    return _chat(rng, lang, rng.choice(((1, 3), (2, 3), (2, 3), (2, 4), (3, 6))), most)


def same_but(rng: random.Random, lang: str, most: int = 12) -> Document:
    """The same, but for fewer forms, and the first message asks one form for several values of one field."""
    return _chat(rng, lang, (1, 3), most, "same")


def _chat(rng: random.Random, lang: str, count: tuple[int, int], most: int, first: str | None = None) -> Document:
    shown_in = lang if rng.random() < 0.85 else ("en" if lang == "zh" else "zh")
    forms, writing = make_forms(rng, *count, lang=lang if shown_in == lang else None), make_writing(rng)
    desk = _desk(rng, forms, lang, writing)
    system = prompt(rng, forms, writing, lang, shown_in)
    room = rng.choice((_SHORT, _LONG, _LONG)) - rough_tokens(system)
    kinds: list[str] = []
    turns: list[Turn] = []
    for _ in range(most):
        kind, more = _exchange(rng, desk, None if kinds else first)
        room -= sum(rough_tokens(turn.text) + 5 for turn in more)
        if turns and room < 0:
            break
        kinds.append(kind)
        turns += more
    if rng.random() < 0.7:
        turns.insert(0, Turn("system", system))
    else:
        turns[0] = Turn("user", system + "\n\n" + turns[0].text)
    return chat(turns, f"choose_{kinds[0]}")


def _desk(rng: random.Random, forms: list[Form], lang: str, writing: Writing) -> Desk:
    zh = lang == "zh"
    refusals = REFUSALS_ZH if zh else REFUSALS_EN
    plain = [reply for reply in refusals if "{" not in reply]
    question = rng.choice(QUESTIONS_ZH if zh else QUESTIONS_EN)
    return Desk(forms, lang, writing, rng.choice(plain), rng.choice(refusals), question)


def rough_tokens(text: str) -> float:
    """About how many tokens a text has, without cutting it."""
    ascii_ = sum(character.isascii() for character in text)
    return 0.36 * ascii_ + 0.95 * (len(text) - ascii_)


_KINDS = {"one": 40, "many": 24, "none": 16, "ask": 26, "same": 8}  # of a message, and how often in a hundred or so


def _exchange(rng: random.Random, desk: Desk, kind: str | None) -> tuple[str, list[Turn]]:
    """One message and its reply, at times with what follows; of a kind drawn where `kind` is None."""
    kind = kind or rng.choices(list(_KINDS), list(_KINDS.values()))[0]
    if kind == "none":
        return kind, exchange(*_unsuited(rng, desk), FREE, heard=True)
    if kind == "ask" and (turns := _forgetful(rng, desk)):
        return kind, turns
    if kind == "same" and (turns := _several_values(rng, desk)):
        return kind, turns
    if kind == "many":
        return kind, _many(rng, desk)
    request = make_request(rng, rng.choice(desk.forms), desk.lang)
    turns = exchange(request.text, desk.writing.one(request.form.name, request.filled), heard=True)
    return "one", turns + (follow_up(rng, desk.lang, [request]) if rng.random() < 0.45 else [])


def _unsuited(rng: random.Random, desk: Desk) -> tuple[str, str]:
    zh = desk.lang == "zh"
    if rng.random() < 0.3:
        return rng.choice(IDLE_ZH if zh else IDLE_EN)
    if rng.random() < 0.65:
        return make_request(rng, other_service(rng, desk.forms, desk.lang), desk.lang).text, desk.refusal
    things = {form.thing[0].split()[-1] for form in desk.forms if not form.spoken}
    while True:
        other = make_form(rng, set(), "snake", 2)
        if other.thing[0].split()[-1] not in things:
            break
    request = make_request(rng, other, desk.lang)
    thing = other.thing[zh] if zh else f"the {other.thing[0]}"
    return request.text, desk.refusal_of.format(a=rng.choice(other.action[zh]), t=thing)


def other_service(rng: random.Random, forms: list[Form], lang: str) -> Form:
    """A real service that is not on the list, often one that is the harder to decline: of a domain that is on the
    list, or a renamed one of the list with yet another word.
    """
    frames = [form.spoken.frame for form in forms if form.spoken]
    known_by_words = [frame for frame in frames if frame.known_by]
    if known_by_words and rng.random() < 0.4:
        return _asked_by_another_word(rng, rng.choice(known_by_words), lang)
    listed, near = {frame.original or frame.names[0] for frame in frames}, {frame.domain for frame in frames}
    if frames and rng.random() < 0.5:
        unlisted = [frame for frame in siblings(rng.choice(frames)) if frame.names[0] not in listed]
        if unlisted:
            return spoken_form(rng, rng.choice(unlisted), set(), "snake")
    far = rng.choice(domains()[rng.choice([name for name in domains() if name not in near])])
    return _asked_by_another_word(rng, far, lang) if known_by_words else spoken_form(rng, far, set(), "snake")


def _asked_by_another_word(rng: random.Random, frame: Frame, lang: str) -> Form:
    return spoken_form(rng, renamed(rng, frame, lang) or frame, set(), "snake")


def _forgetful(rng: random.Random, desk: Desk) -> list[Turn]:
    """A request without a needed value, the question for it, and often the value and then the filled form.

    Nothing where no form needs a value. The more it needs, the oftener it is asked for: one of many is easily missed.
    """
    lang, zh = desk.lang, desk.lang == "zh"
    needs = [sum(item.required for item in form.fields) for form in desk.forms]
    if not any(needs):
        return []
    request = make_request(rng, rng.choices(desk.forms, needs)[0], lang, leave_out=True)
    assert request.missing is not None
    turns = exchange(request.text, desk.question.format(l=request.missing.label[lang]), FREE, heard=True)
    if rng.random() < 0.6:
        value = request.missing.make(rng, lang)
        given = rng.choice(
            ("{v}", "{v}。", "{l}是{v}", "用{v}") if zh else ("{v}", "{v}.", "The {l} is {v}.", "{l}: {v}", "Use {v}")
        )
        filled = {**request.filled, request.missing.name: value.json}
        ordered = {item.name: filled[item.name] for item in request.form.fields if item.name in filled}
        said = given.format(v=value.said, l=request.missing.label[lang])
        turns += exchange(said, desk.writing.one(request.form.name, ordered))
    return turns


def _many(rng: random.Random, desk: Desk) -> list[Turn]:
    """Two or three requests in one message, often of one form with other values; one object each, in their order."""
    count = rng.choice((2, 2, 2, 3))
    picked = [rng.choice(desk.forms)] * count if rng.random() < 0.4 else [rng.choice(desk.forms) for _ in range(count)]
    requests: list[Request] = [make_request(rng, form, desk.lang) for form in picked]
    question = joined(rng, [request.text for request in requests], desk.lang)
    reply = "\n".join(desk.writing.one(request.form.name, request.filled) for request in requests)
    return exchange(question, reply, heard=True) + (follow_up(rng, desk.lang, requests) if rng.random() < 0.5 else [])


def joined(rng: random.Random, asked_for: list[str], lang: str) -> str:
    """Several requests as one message."""
    before, joint = rng.choice(_AND_ZH if lang == "zh" else _AND_EN)
    if any(mark in joint for mark in "，；,;"):  # within one sentence: the marks between go
        asked_for = [text.rstrip("。.") for text in asked_for[:-1]] + asked_for[-1:]
    return before + joint.join(asked_for)


def _several_values(rng: random.Random, desk: Desk) -> list[Turn]:
    """One form for several values of one field in a row, `the weather in Paris, Rome and Oslo`; none without fields."""
    able = [form for form in desk.forms if form.fields]
    if not able:
        return []
    form, lang = rng.choice(able), desk.lang
    varied = rng.choice([item for item in form.fields if item.schema["type"] != "boolean"] or form.fields)
    said = _natural_same(rng, form, varied, lang) if form.spoken else None
    question, records = said or _labelled_same(rng, form, varied, lang)
    return exchange(question, "\n".join(desk.writing.one(form.name, record) for record in records), heard=True)


def _labelled_same(rng: random.Random, form: Form, varied: Field, lang: str) -> tuple[str, list[dict[str, Any]]]:
    rest = replace(form, fields=[item for item in form.fields if item is not varied])
    base = make_request(rng, rest, lang, labelled=True)
    chosen = [varied.make(rng, lang) for _ in range(rng.choice((2, 2, 3)))]
    listing = values.listed(rng, [value.said for value in chosen], lang)
    joint = rng.choice(varied.mentions)[lang == "zh"].format(v=listing, l=varied.label[lang])
    question = base.text.rstrip("。？.?") + ("，" if lang == "zh" else ", ") + joint
    order = [item.name for item in form.fields]
    records: list[dict[str, Any]] = []
    for value in chosen:
        record = {**base.filled, varied.name: value.json}
        records.append({name: record[name] for name in order if name in record})
    return question, records


def _natural_same(rng: random.Random, form: Form, varied: Field, lang: str) -> tuple[str, list[dict[str, Any]]] | None:
    """In people's own words, with several values at the place of one; None where no line of the frame serves."""
    chosen = [varied.make(rng, lang) for _ in range(rng.choice((2, 2, 3)))]
    listing = values.listed(rng, [value.said for value in chosen], lang)
    said = asked(rng, form, lang, leave_out=False, told={varied.name: Value(None, listing)})
    if said is None:
        return None
    return said.text, [{**said.filled, varied.name: value.json} for value in chosen]
