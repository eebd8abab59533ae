"""Messages that ask for a form: an opening and the fields' values, woven into a sentence in some order.

Comes in: a `random.Random`, a `Form`, a language. Goes out: a `Request`: its text, and the record that fills the form.
Knows nothing of how a form is shown or answered.
"""

import random
import re
from dataclasses import replace
from typing import Any

from training.base.corpus.forms import Form
from training.base.corpus.kinds import ways_to_mention
from training.base.corpus.speaking import Request, asked

_OPEN_EN = (
    "{a} the {t}", "please {a} a {t}", "I want to {a} a {t}", "can you {a} the {t}", "{a} {t}", "I need to {a} the {t}",
    "help me {a} a {t}", "could you {a} my {t}", "would you {a} a {t}", "my wish is to {a} the {t}",
    "time to {a} the {t}", "let us {a} the {t}", "{a} a {t} for me", "{t}, {a} it", "I have to {a} one {t}",
    "what is the {t}", "any {t}", "I need the {t}", "what about the {t}", "{t}", "show me the {t}", "new {t}",
    "which {t}",
)  # fmt: skip
_OPEN_ZH = (
    "{a}{t}", "请{a}{t}", "我想{a}{t}", "帮我{a}{t}", "能不能{a}{t}", "麻烦{a}一下{t}", "我要{a}{t}", "请帮忙{a}{t}",
    "把{t}{a}", "替我{a}{t}", "我得{a}{t}", "{t}帮我{a}", "想请你{a}{t}", "是时候{a}{t}了", "给我{a}{t}",
    "{t}是多少", "{t}呢", "我要{t}", "{t}", "{t}怎么样", "说说{t}", "有没有{t}", "来个{t}",
)  # fmt: skip


_NAMED_EN = (  # `{p}` is what a description says
    "{p}", "please {p}", "{p} please", "I want to {p}", "can you {p}", "I need this: {p}", "next: {p}", "help me {p}",
    "let us {p}", "now {p}", "would you {p} for me", "go and {p}", "{p}, with these details",
)  # fmt: skip
_NAMED_ZH = (
    "{p}", "请{p}", "我想{p}", "帮我{p}", "能不能{p}", "麻烦你{p}", "现在{p}", "我需要{p}", "下一件：{p}", "想请你{p}",
    "替我{p}", "{p}，按下面的来",
)  # fmt: skip
_NATURAL_SHARE = 0.9  # of the requests for real services are in people's own words


def make_request(rng: random.Random, form: Form, lang: str, leave_out: bool = False, labelled: bool = False) -> Request:
    """A request for `form`; with `leave_out`, one required field's value is not given (where the form has one).

    `labelled` keeps to the pattern of labels and values, instead of people's own words.
    """
    if form.spoken:
        needy = leave_out and any(item.required for item in form.fields)
        if not labelled and rng.random() < _NATURAL_SHARE and (said := asked(rng, form, lang, needy)):
            return replace(said, text=_dressed(rng, said.text, said.filled, lang))
        opening = rng.choice(_NAMED_ZH if lang == "zh" else _NAMED_EN).format(p=as_wish(form.about[lang]))
        return _labelled(rng, form, lang, leave_out, opening)
    thing = (form.thing if rng.random() < 0.75 else form.short)[lang == "zh"]
    action = rng.choice(form.action[lang == "zh"])
    if rng.random() < 0.75:
        action = form.described[lang == "zh"]
    opening = rng.choice(_OPEN_ZH if lang == "zh" else _OPEN_EN).format(a=action, t=thing)
    return _labelled(rng, form, lang, leave_out, opening)


def _labelled(rng: random.Random, form: Form, lang: str, leave_out: bool, opening: str) -> Request:
    """`opening` and then every value beside its field's label, in any order."""
    needed = [item for item in form.fields if item.required]
    missing = rng.choice(needed) if leave_out and needed else None
    said = [item for item in form.fields if item is not missing and (item.required or rng.random() >= 0.4)]
    filled: dict[str, Any] = {}
    mentions: list[str] = []
    for item, way in zip(said, ways_to_mention(rng, [item.mentions for item in said]), strict=True):
        value = item.make(rng, lang)
        mentions.append(way[lang == "zh"].format(v=value.said, l=item.label[lang]))
        filled[item.name] = value.json
    rng.shuffle(mentions)
    text, end = _compose(rng, opening, mentions, lang)
    return Request(form, _dressed(rng, text, filled, lang, end), filled, missing)


def _compose(rng: random.Random, opening: str, mentions: list[str], lang: str) -> tuple[str, str]:
    """The sentence, and the mark that ends it."""
    comma, stop = ("，", "。") if lang == "zh" else (", ", ".")
    listing = rng.choice((comma, comma, "；" if lang == "zh" else "; ", comma if lang == "zh" else " and "))
    style = rng.random()
    if style < 0.2 and mentions:
        text = listing.join(mentions) + rng.choice((comma, stop if lang == "zh" else ". ", comma)) + opening
    elif style < 0.45 and mentions:
        pause = rng.choice((stop, "：") if lang == "zh" else (". ", ": ", " - "))
        text = opening + pause + listing.join(mentions)
    elif lang == "en" and style < 0.7:
        text = " ".join([opening, *mentions])
    else:
        text = listing.join([opening, *mentions])
    return text, rng.choice(("", stop, "？" if lang == "zh" else "?", "", stop))


def _dressed(rng: random.Random, text: str, filled: dict[str, Any], lang: str, end: str | None = None) -> str:
    """With a greeting before it and a thank-you behind it at times; `end` is its last mark (None: its own).

    A value that begins the sentence keeps its small letter: what is filled in is what is said.
    """
    begins_with_value = any(text.startswith(str(part)) for value in filled.values() for part in _parts(value))
    if rng.random() < 0.12:
        text, begins_with_value = rng.choice(_BEFORE)[lang == "zh"] + text, False
    if lang == "en" and not begins_with_value and rng.random() < 0.7:
        text = text[:1].upper() + text[1:]
    if end is None:
        end = "" if text[-1:] in ".?!。？！" or rng.random() < 0.5 else ("。" if lang == "zh" else ".")
    return text + end + (rng.choice(_AFTER)[lang == "zh"] if rng.random() < 0.12 else "")


def _parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def as_wish(about: str) -> str:
    """A description as part of a sentence: without its stop and its capital."""
    about = re.split(r"[.。;；:：(（]", about)[0].strip()
    return about if about[1:2].isupper() else about[:1].lower() + about[1:]


_BEFORE = (
    ("hello, ", "你好，"),
    ("well, ", "那么，"),
    ("a small thing: ", "有件小事："),
    ("listen, ", "听着，"),
    ("hey, ", "嘿，"),
    ("good evening, ", "晚上好！"),
    ("right, ", "好，"),
    ("excuse me, ", "打扰一下，"),
    ("one more thing: ", "还有个事，"),
)
_AFTER = (
    (" Thanks!", "谢谢！"),
    (" please", "，谢谢"),
    (" Cheers!", "辛苦了！"),
    (" That would be great.", "拜托了。"),
    (" I am in a hurry.", "我赶时间。"),
    (" It is for work.", "工作要用。"),
    (" Thank you.", "多谢。"),
)
