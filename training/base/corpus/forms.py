"""Forms: what a service does and the fields it needs, described in Chinese and in English.

Comes in: a `random.Random` and a language. Goes out: `Form`s with invented names.
Knows nothing of how a form is asked for, shown or answered.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from training.base.corpus import values, words
from training.base.corpus.frames import PATTERNS, Frame, FrameField, about_thing, domains, one_of
from training.base.corpus.kinds import GENERIC, KINDS, SWITCHES
from training.base.corpus.renaming import other_beginning, plainly, renamed
from training.base.corpus.values import Make, Value


@dataclass(frozen=True)
class Field:
    name: str
    label: dict[str, str]  # what people call it, by language
    about: dict[str, str]
    schema: dict[str, Any]
    make: Make
    mentions: tuple[tuple[str, str], ...]
    required: bool


@dataclass(frozen=True)
class Form:
    name: str
    action: tuple[list[str], list[str]]  # words that mean the same, English and Chinese
    described: tuple[str, str]  # those of them that the description uses
    thing: tuple[str, str]
    short: tuple[str, str]  # the thing without its quality
    about: dict[str, str]
    fields: list[Field]
    spoken: "Spoken | None" = None  # of a form made from a frame; one that is invented has none


@dataclass(frozen=True)
class Spoken:
    """What people say around a form: the frame it was made from, and the frame's names of its fields."""

    frame: Frame
    slots: dict[str, Field]


def plain_form(name: str, about: str, lang: str, fields: list[Field]) -> Form:
    """A form that is shown, and never asked for in words of its own."""
    return Form(name, ([], []), ("", ""), ("", ""), ("", ""), {lang: about}, fields)


RANDOM_MAKES: list[tuple[str, Make]] = [
    ("string", values.anything),
    ("string", values.code),
    ("integer", values.count),
    ("number", values.amount),
    ("number", values.signed),
    ("string", values.term),
    ("string", values.title),
]


def invented_word(rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.65:
        return rng.choice(words.THINGS)[0]
    if roll < 0.8:
        return rng.choice(words.QUALITIES)[0]
    return values.scrap(rng) if roll < 0.97 else values.syllables(rng, 1, 3)


def identifier(rng: random.Random, parts: list[str], style: str) -> str:
    pieces = [piece.replace("'", "") for part in parts for piece in part.replace("_", " ").split()]
    if style == "camel":
        return pieces[0].lower() + "".join(piece.capitalize() for piece in pieces[1:])
    if style == "pascal":
        return "".join(piece.capitalize() for piece in pieces)
    return {"snake": "_", "kebab": "-", "dot": "."}[style].join(piece.lower() for piece in pieces)


def make_field(rng: random.Random, style: str, unknown: bool) -> Field:
    roll, required = rng.random(), rng.random() < 0.7
    if roll < 0.52:
        kind = rng.choice(KINDS)
        name, about = rng.choice(kind.names), rng.choice(kind.about)
        schema: dict[str, Any] = {"type": kind.type}
        if kind.type == "array":
            schema["items"] = {"type": "number" if "numbers" in kind.names else "string"}
        made, mentions, label = kind.make, kind.mentions, (name.replace("_", " "), about[1])
        if rng.random() < 0.65:
            mentions = GENERIC
        if "YYYY" not in about[0]:
            label = (_short(about[0]), about[1])
    elif roll < 0.68:
        return choice_field(rng, style, required, rng.random() < _DECLARED_SHARE)
    elif roll < 0.76:
        return _switch_field(rng, style)
    else:
        first, second = rng.choice(words.QUALITIES + words.THINGS), _noun(rng, unknown)
        label = (f"{first[0]} {second[0]}", first[1] + second[1]) if rng.random() < 0.65 else second
        type_, made = rng.choice(RANDOM_MAKES)
        name, schema, mentions = label[0], {"type": type_}, GENERIC
        about = rng.choice((label, (f"The {label[0]}", f"{label[1]}的值"), (f"Value of the {label[0]}", label[1])))
    name = _renamed(rng, name)
    if rng.random() < 0.12 and schema["type"] in ("integer", "string"):
        schema["default"] = made(rng, rng.choice(("en", "zh"))).json
        required = False
    return Field(
        identifier(rng, [name], style),
        {"en": label[0], "zh": label[1]},
        _described(rng, {"en": about[0], "zh": about[1]}) if name == label[0] else {"en": about[0], "zh": about[1]},
        schema,
        made,
        mentions,
        required,
    )


_OTHER_BEGINNING_SHARE = 0.35  # of the names: what most begin with is expected, and then not read


def _name(rng: random.Random, name: str, style: str) -> str:
    if rng.random() < _OTHER_BEGINNING_SHARE:
        name = other_beginning(rng, name.replace(" ", "_"))
    return identifier(rng, [name], style)


_UNKNOWN_SHARE = 0.5  # of the nouns; without them, choosing would be learned for the listed words alone


def _noun(rng: random.Random, unknown: bool) -> tuple[str, str]:
    return values.unknown_noun(rng) if unknown and rng.random() < _UNKNOWN_SHARE else rng.choice(words.THINGS)


def _short(about: str) -> str:
    """`The city or place` as people would say it in a sentence: `city or place`."""
    return about.removeprefix("The ").lower() if about.startswith("The ") else about[:1].lower() + about[1:]


def _renamed(rng: random.Random, name: str) -> str:
    """Mostly `name`; at times with something before or behind it, or nothing like it, so only the description tells."""
    roll = rng.random()
    if roll < 0.78:
        return name
    if roll < 0.86:
        return rng.choice(("the", "p", "given", "in", "user", "new")) + " " + name
    if roll < 0.94:
        return name + " " + rng.choice(("value", "arg", "in", "text", "field", "param"))
    return rng.choice((invented_word(rng), invented_word(rng), values.letters(rng, 1, 6)))


def choice_field(rng: random.Random, style: str, required: bool, declared: bool) -> Field:
    """One of a few values; where `declared`, the description says the word of each: `size: s=small, l=large`."""
    label = rng.choice(words.THINGS)
    options = option_words(rng, rng.randint(2, 4), declared)
    lang = rng.choice(("en", "en", "zh"))
    listed = short_codes(rng, options) if declared else [option[lang == "zh"] for option in options]

    def make(inner: random.Random, spoken: str) -> Value:
        chosen = inner.randrange(len(options))
        own_word = declared or inner.random() < 0.2
        return Value(listed[chosen], options[chosen][spoken == "zh"] if own_word else listed[chosen])

    kind = rng.choice((("kind", "种类"), ("type", "类型"), ("mode", "方式"), ("level", "级别"), ("style", "样式")))
    name = (f"{label[0]} {kind[0]}", label[1] + kind[1])
    about = rng.choice(
        (name, (f"Which {name[0]}", f"哪种{name[1]}"), (f"One of {', '.join(listed)}", f"{'、'.join(listed)}之一"))
    )
    if declared:
        about = _saying_which(name, dict(zip(listed, options, strict=True)), "=")
    schema: dict[str, Any] = {"type": "string", "enum": listed}
    if not required and rng.random() < 0.3:
        schema["default"] = rng.choice(listed)
    labels = {"en": name[0], "zh": name[1]}
    return Field(
        identifier(rng, [name[0]], style), labels, {"en": about[0], "zh": about[1]}, schema, make, GENERIC, required
    )


_UNKNOWN_OPTIONS_SHARE = 0.3
_ALIKE_OPTIONS_SHARE = 0.35


def option_words(rng: random.Random, count: int, declared: bool) -> list[tuple[str, str]]:
    """What options mean, in English and in Chinese. Where they are declared, at times in words that nobody knows, and
    at times alike but for one word, as `light water` and `strong water` are.
    """
    if declared and rng.random() < _UNKNOWN_OPTIONS_SHARE:
        options = list(dict(values.unknown_noun(rng) for _ in range(count)).items())
    else:
        options = rng.sample(rng.choice((words.QUALITIES, words.QUALITIES, words.THINGS, words.COLORS)), count)
    if declared and rng.random() < _ALIKE_OPTIONS_SHARE:
        thing = rng.choice(words.THINGS)
        options = [(f"{en} {thing[0]}", zh + thing[1]) for en, zh in options]
    return options


def _saying_which(label: tuple[str, str], options: Mapping[str, Sequence[str]], joint: str) -> tuple[str, str]:
    """English and Chinese descriptions of a field that say the word each of its options stands for."""
    en, zh = ([f"{value}{joint}{said[at]}" for value, said in options.items()] for at in (0, 1))
    return f"{label[0]}: {', '.join(en)}", f"{label[1]}：{'，'.join(zh)}"


def short_codes(rng: random.Random, options: list[tuple[str, str]]) -> list[str]:
    """Short values that stand for the options' words: their English word, its first letters, another word, or letters.

    Most are any letters, at times all with one beginning: what stands for a word is to be looked up, and not guessed.
    """
    length = rng.choice((1, 2, 3))
    firsts = [en.split()[0] for en, _ in options]
    codes = [
        rng.choice((word, word[:length], values.scrap(rng).lower(), *[values.letters(rng, 1, 4)] * 3))
        for word in firsts
    ]
    if rng.random() < 0.3:
        beginning = values.letters(rng, 1, 2)
        codes = [beginning + values.letters(rng, 1, 3) for _ in options]
    if rng.random() < 0.2:
        codes = [code.upper() for code in codes]
    return codes if len(set(codes)) == len(codes) else [option[0] for option in options]


def _switch_field(rng: random.Random, style: str) -> Field:
    label, yes, no = rng.choice(SWITCHES)

    def make(inner: random.Random, spoken: str) -> Value:
        on = inner.random() < 0.5
        return Value(on, (yes if on else no)[spoken == "zh"])

    words_ = label[0].replace("_", " ")
    about = {"en": f"Whether it is {words_}", "zh": f"是否{label[1]}"}
    return Field(
        identifier(rng, [label[0]], style),
        {"en": words_, "zh": label[1]},
        about,
        {"type": "boolean"},
        make,
        (("{v}", "{v}"),),
        False,
    )


_UNDESCRIBED_SHARE = 0.08  # of the fields say no more than their name
_UNTOLD = {"en": "", "zh": ""}


def _described(rng: random.Random, about: dict[str, str]) -> dict[str, str]:
    return _UNTOLD if rng.random() < _UNDESCRIBED_SHARE else about


_SPOKEN_SHARE = 0.86  # of the lists of forms are real services, the others invented ones
_MORE = (
    ("Returns the result.", "返回结果。"),
    ("The result comes back as JSON.", "结果以JSON返回。"),
    ("Works for any city.", "任何城市都可以。"),
    ("Say all the details.", "请给出所有细节。"),
    ("Only for members.", "仅限会员。"),
    ("It may take a while.", "可能需要一点时间。"),
    ("Prices are in euro.", "价格以欧元计。"),
    ("Use it when the user asks for it.", "用户要求时使用。"),
)
_ABOUT_EN = (
    "{A} {t}", "{A} the {t}", "{A} a {t}.", "Use this to {a} the {t}.", "{A} one {t} for the user", "Can {a} a {t}",
    "{A} {t} by its fields.", "A way to {a} the {t}.", "Service that can {a} {t}", "{a} a {t}", "It will {a} the {t}.",
)  # fmt: skip
_ABOUT_ZH = (
    "{a}{t}", "{a}{t}。", "用来{a}{t}", "可以{a}{t}", "按给出的条件{a}{t}", "帮用户{a}{t}。", "此服务会{a}{t}",
    "能{a}{t}。", "{t}：{a}",
)  # fmt: skip


def make_form(rng: random.Random, taken: set[str], style: str, most_fields: int = 4, unknown: bool = True) -> Form:
    """A form whose name is not in `taken` (and is added to it).

    With `unknown`, half of the things are words that nobody knows. They mean nothing in the other language, so it is
    for forms that are shown in the language of the requests.
    """
    while True:
        action = rng.choice(words.ACTIONS)
        quality = rng.choice(words.QUALITIES) if rng.random() < 0.4 else ("", "")
        noun = _noun(rng, unknown)
        thing = (f"{quality[0]} {noun[0]}".strip(), quality[1] + noun[1])
        said = (rng.choice(action[0]), rng.choice(action[1]))
        roll = rng.random()
        if roll < 0.72:
            parts = [said[0], thing[0]]
        elif roll < 0.82:
            parts = [thing[0], said[0]]
        elif roll < 0.92:
            parts = [noun[0], rng.choice(("service", "tool", "helper", "lookup", "form", "desk", "api"))]
            if rng.random() < 0.4:
                parts = [rng.choice(("do", "run", "my", "call", "v2")), noun[0], rng.choice(words.THINGS)[0]]
        else:
            parts = [rng.choice((values.letters(rng, 3, 7), values.scrap(rng)))]
        name = _name(rng, " ".join(parts), style)
        if name not in taken:
            break
    taken.add(name)
    fields: dict[str, Field] = {}
    for _ in range(rng.choices(range(most_fields + 1), weights=(1, 5, 6, 4, 2, 1, 1)[: most_fields + 1])[0]):
        made = make_field(rng, "snake" if style in ("kebab", "dot", "pascal") else style, unknown)
        fields.setdefault(made.name, made)
    en, zh = said if rng.random() < 0.6 else (rng.choice(action[0]), rng.choice(action[1]))
    about = {
        "en": rng.choice(_ABOUT_EN).format(a=en, A=en.capitalize(), t=thing[0]),
        "zh": rng.choice(_ABOUT_ZH).format(a=zh, t=thing[1]),
    }
    if rng.random() < 0.25:
        more = rng.choice(_MORE)
        about = {"en": about["en"].rstrip(".") + ". " + more[0], "zh": about["zh"].rstrip("。") + "。" + more[1]}
    return Form(name, action, (en, zh), thing, noun, about, list(fields.values()))


_DECLARED_SHARE = 0.6  # of the fields with options of their own words say which word stands for which
_CODED_SHARE = 0.12  # of the fields of any text take one of a few codes instead, whose words are declared
_OTHER_OPTIONS_SHARE = 0.7  # of those have options that nobody would expect, so that only what is said tells


def _named(about: str) -> str:
    """What a description calls its field, without what it says of its values: `size: small or large` is of a size."""
    return re.split("[:：（(]", about)[0].strip()


def _declared(rng: random.Random, given: FrameField) -> FrameField:
    """A field of options at times says the word of each in its description: `size: s=small, l=large`."""
    options = given.options
    plain = given.schema == {"type": "string"} and given.make not in (values.day_as_said, values.time_of_day)
    if options is None and not (plain and rng.random() < _CODED_SHARE):
        return given
    if options is not None and rng.random() > _DECLARED_SHARE:
        return given
    if options is None or rng.random() < _OTHER_OPTIONS_SHARE:
        chosen = option_words(rng, len(options or "abc"), declared=True)
        options = dict(zip(short_codes(rng, chosen), map(list, chosen), strict=True))
    joint = rng.choice(("=", "=", " ", ": "))
    labels = (_named(rng.choice(given.about["en"])), _named(rng.choice(given.about["zh"])))
    en, zh = _saying_which(labels, options, joint)
    about = {"en": [en], "zh": [zh]}
    return replace(given, about=about, schema={**given.schema, "enum": list(options)}, make=one_of(options))


def spoken_form(rng: random.Random, frame: Frame, taken: set[str], style: str) -> Form:
    """A form made from a frame, under one of its names and descriptions, at times without some field that it does not
    need; its name is added to `taken`.
    """
    names = [_name(rng, name, style) for name in frame.names]
    name = next((name for name in rng.sample(names, len(names)) if name not in taken), f"{names[0]}_{len(taken)}")
    taken.add(name)
    fields: dict[str, Field] = {}
    used: set[str] = set()
    for slot, given in frame.fields.items():
        if not given.required and rng.random() < 0.25:
            continue
        own = [_renamed(rng, text) if rng.random() < 0.25 else text for text in given.names]
        given = _declared(rng, given)
        spelled = identifier(rng, [rng.choice(own)], "snake" if style in ("kebab", "dot", "pascal") else style)
        spelled = spelled if spelled not in used else f"{spelled}_{len(used)}"
        used.add(spelled)
        about = {lang: rng.choice(texts) for lang, texts in given.about.items()}
        label = {lang: _short(_named(text)) for lang, text in about.items()}
        shown = about if "enum" in given.schema else _described(rng, about)
        fields[slot] = Field(spelled, label, shown, dict(given.schema), given.make, GENERIC, given.required)
    about = {lang: rng.choice(texts) for lang, texts in frame.about.items()}
    return Form(name, ([], []), ("", ""), ("", ""), ("", ""), about, list(fields.values()), Spoken(frame, fields))


_RENAMED_SHARE = 0.25  # of the real services, where list and requests are in one language
_PLAIN_SHARE = 0.35  # of the others are asked for with words of their descriptions
_TWIN_SHARE = 0.35  # of the lists with a renamed one have another like it, with another word for the same


_THING_SHARE = 0.45  # of the lists have services of one pattern, which only what they do tells apart


def spoken_forms(rng: random.Random, count: int, taken: set[str], style: str, lang: str | None) -> list[Form]:
    """Up to `count` forms of one to three domains, so that some of them deal with the same things; and maybe a twin.

    With `lang`, some of them are renamed in it.
    """
    frames: list[Frame] = []
    if rng.random() < _THING_SHARE:
        pattern = rng.choice(list(domains(PATTERNS).values()))
        thing = _noun(rng, lang is not None)
        chosen = rng.sample(pattern, min(len(pattern), rng.randint(1, count)))
        frames = [about_thing(frame, thing) for frame in chosen]
    for domain in rng.sample(list(domains()), min(3, len(domains()))):
        known = domains()[domain]
        chosen = rng.sample(known, min(len(known), count - len(frames), rng.randint(1, 4)))
        frames += [_asked_for(rng, frame, lang) for frame in chosen] if lang else chosen
    if lang:
        twins = [renamed(rng, frame, lang) for frame in frames if frame.known_by and rng.random() < _TWIN_SHARE]
        frames += [twin for twin in twins[:1] if twin]
    return [spoken_form(rng, frame, taken, style) for frame in frames]


def _asked_for(rng: random.Random, frame: Frame, lang: str) -> Frame:
    """`frame` renamed, or asked for plainly, or as it is."""
    if rng.random() < _RENAMED_SHARE and (other := renamed(rng, frame, lang)):
        return other
    return plainly(frame, lang) if rng.random() < _PLAIN_SHARE else frame


def in_two_languages(rng: random.Random, forms: list[Form]) -> list[Form]:
    """The same forms, at times some of them described in the other language than the rest."""
    if rng.random() < 0.9:
        return forms
    return [
        _swapped(form) if form.spoken and _in_both_languages(form.spoken.frame) and rng.random() < 0.4 else form
        for form in forms
    ]


def _in_both_languages(frame: Frame) -> bool:
    """Whether its words mean the same in both: a word that nobody knows means nothing in the other."""
    return not frame.known_by and (frame.thing is None or frame.thing in words.THINGS)


def _swapped(form: Form) -> Form:
    def swap(about: dict[str, str]) -> dict[str, str]:
        return {"en": about["zh"], "zh": about["en"]}

    return replace(form, about=swap(form.about), fields=[replace(item, about=swap(item.about)) for item in form.fields])


def make_forms(rng: random.Random, low: int, high: int, most_fields: int = 4, *, lang: str | None) -> list[Form]:
    """`low` to `high` forms or one more, named in one style, in any order; at times two of them have the same fields.

    `lang` is the one language of list and requests, where words that nobody knows may stand for things; else None.
    """
    unknown = lang is not None
    style = rng.choices(("snake", "camel", "pascal", "kebab", "dot"), weights=(70, 20, 4, 3, 3))[0]
    taken: set[str] = set()
    if rng.random() < _SPOKEN_SHARE:
        forms = spoken_forms(rng, rng.randint(low, high), taken, style, lang)
        if rng.random() < 0.1:
            forms.append(make_form(rng, taken, style, most_fields, unknown))
        rng.shuffle(forms)
        return forms
    forms = [make_form(rng, taken, style, most_fields, unknown) for _ in range(rng.randint(low, high))]
    if rng.random() < 0.3 and len(forms) > 2:  # a near neighbour: it takes the same fields
        forms[-1] = replace(make_form(rng, taken, style, most_fields, unknown), fields=forms[0].fields)
    rng.shuffle(forms)
    return forms
