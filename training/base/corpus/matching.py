"""Telling what belongs together by nothing but shared words: a message and the line it is about, a value and its field.

Choosing a service and filling it both begin here. Half of what is named means nothing otherwise, messages are short,
and a document holds many of them. Goes out: chats.
"""

import random

from training.base.corpus import values
from training.base.corpus.asking import as_wish
from training.base.corpus.document import Document, Turn, chat, exchange
from training.base.corpus.forms import (
    RANDOM_MAKES,
    Field,
    choice_field,
    identifier,
    invented_word,
    make_forms,
    plain_form,
    spoken_form,
)
from training.base.corpus.frames import domains
from training.base.corpus.kinds import GENERIC, ways_to_mention
from training.base.corpus.layouts import show_forms, to_json
from training.base.corpus.values import Make, Value

_ASK_EN = (
    "Name the line that each message is about, or say {n}:",
    "Which entry is meant? Only its name; {n} for nothing.",
    "Say where these words belong. {n} means nowhere.",
)
_ASK_ZH = (
    "每句话说的是哪一项？只写名字，没有就写{n}。",
    "这些词属于哪一条，写出名字；都不是写{n}：",
    "依次写出名字，{n}表示没有。",
)
_NONE = (("none", "-", "nothing"), ("无", "-", "没有"))
_AROUND_EN = ("{x}", "{x}", "{x}.", "please {x}", "I want to {x}", "{x} for me", "{x}, {v}", "{v}: {x}", "can you {x}?")
_AROUND_ZH = ("{x}", "{x}", "{x}。", "请{x}", "帮我{x}", "我想{x}，{v}", "{x}，{v}", "{v}，{x}", "能{x}吗？", "{x}一下")
_JOINT_EN = (" and ", "; ", ", then ", "\n", ". Also ")
_JOINT_ZH = ("，还有", "；", "，然后", "\n", "。另外，")


def nearest(rng: random.Random, lang: str, most: int = 12) -> Document:
    """A list of named lines and up to `most` messages made of their words; the replies are names, or that none fits."""
    zh = lang == "zh"
    entries = _entries(rng, lang)
    nothing = rng.choice(_NONE[zh])
    ask = rng.choice(_ASK_ZH if zh else _ASK_EN).format(n=nothing)
    turns: list[Turn] = []
    for _ in range(rng.randint(min(most, 4), most)):
        if rng.random() < 0.12:
            turns += exchange(_around(rng, values.sentence(rng, lang).said, lang), nothing)
            continue
        picked = [rng.choice(list(entries)) for _ in range(rng.choice((1, 1, 1, 1, 2, 3)))]
        said = [_around(rng, _some_words(rng, name, entries, lang), lang) for name in picked]
        turns += _together(rng, said, picked, lang)
    return chat([Turn("system", f"{_shown(rng, entries, lang)}\n{ask}"), *turns], "nearest")


def name_of(rng: random.Random, lang: str, most: int = 12) -> Document:
    """Names, each beside one to three words, and up to `most` messages that hold a word of one; the replies are names.

    From a word back to what stands before it: so are options declared and services described. Short, since it is one
    step that is the same everywhere; and no word is asked for twice, since the first reply would tell the second.
    """
    zh = lang == "zh"
    beside = _words_beside_names(rng, lang)
    nothing = rng.choice(_NONE[zh])
    key = values.scrap(rng) if rng.random() < 0.25 else None  # the name as a record's value
    asked = [(word, name) for name, told in beside.items() for word in told]
    asked += [(word, nothing) for word in _news(rng, lang, beside)]
    rng.shuffle(asked)
    turns: list[Turn] = []
    while asked and len(turns) < 2 * most:
        part = [asked.pop() for _ in range(min(len(asked), rng.choice((1, 1, 1, 1, 2))))]
        said = [_in_any_case(rng, _around(rng, word, lang)) for word, _ in part]
        turns += _together(rng, said, [to_json({key: name}) if key else name for _, name in part], lang)
    entries = {name: ("" if zh else " ").join(told) for name, told in beside.items()}
    ask = rng.choice(_ASK_ZH if zh else _ASK_EN).format(n=nothing)
    return chat([Turn("system", f"{_pairs(rng, entries, lang)}\n{ask}"), *turns], "name_of")


def bound(rng: random.Random, lang: str, most: int = 8) -> Document:
    """Labelled fields and up to `most` messages of labels and values in any order; the replies are records."""
    fields = _fields(rng, lang)
    turns = [Turn("system", f"{rng.choice(RECORD_ZH if lang == 'zh' else RECORD_EN)}\n{_described(rng, fields, lang)}")]
    listing = _listing(rng, lang)
    for _ in range(rng.randint(min(most, 3), most)):
        given = [item for item in fields if rng.random() < 0.7] or [rng.choice(fields)]
        made = {item.name: item.make(rng, lang) for item in given}
        message = listing.join(_said(rng, {item.label[lang]: made[item.name] for item in given}, lang))
        turns += exchange(message, to_json({name: value.json for name, value in made.items()}))
    return chat(turns, "bound")


def missing(rng: random.Random, lang: str, most: int = 8) -> Document:
    """The same fields and messages; the replies are the labels that a message lacks, or that it lacks none."""
    zh = lang == "zh"
    fields = _fields(rng, lang)
    nothing = rng.choice(_NONE[zh])
    ask = rng.choice(_LACKS_ZH if zh else _LACKS_EN).format(n=nothing)
    turns = [Turn("system", f"{ask}\n{_described(rng, fields, lang)}")]
    listing, joint = _listing(rng, lang), "、" if zh else ", "
    for _ in range(rng.randint(min(most, 3), most)):
        lacking = rng.sample(fields, min(len(fields), rng.choice((0, 1, 1, 1, 2))))
        labels = [item.label[lang] for item in fields if item in lacking]
        given = {item.label[lang]: _without(rng, item, lang, labels) for item in fields if item not in lacking}
        message = listing.join(_said(rng, given, lang)) or values.anything(rng, lang).said
        turns += exchange(message, joint.join(labels) or nothing)
    return chat(turns, "missing")


_DRAWS = 20  # of a value, until one is free of what it should not say


def _without(rng: random.Random, item: Field, lang: str, labels: list[str]) -> Value:
    """A value of the field that says none of the labels, where it has one: every Chinese address says 号."""
    value = item.make(rng, lang)
    for _ in range(_DRAWS):
        if not any(label.casefold() in value.said.casefold() for label in labels):
            break
        value = item.make(rng, lang)
    return value


_LACKS_EN = (
    "Every field is needed. Say which ones a message lacks, or {n}:",
    "What is still missing? Only its label; {n} for a whole record.",
    "Name what I did not give, {n} if it is all there.",
)
_LACKS_ZH = (
    "每一项都要填。每条消息还缺哪些？不缺写{n}。",
    "说出没有给出的项目，都给了写{n}：",
    "还差什么？只写名称，齐了写{n}。",
)


def _described(rng: random.Random, fields: list[Field], lang: str) -> str:
    form, shown = plain_form(values.scrap(rng), values.term(rng, lang).said, lang, fields), ""
    while any(item.about[lang] not in shown for item in fields):  # a signature tells no labels
        shown = show_forms(rng, [form], lang)
    return shown


def _said(rng: random.Random, given: dict[str, Value], lang: str) -> list[str]:
    """Each label with its value, in any order."""
    ways = ways_to_mention(rng, [GENERIC] * len(given))
    said = [
        way[lang == "zh"].format(l=label, v=value.said) for way, (label, value) in zip(ways, given.items(), strict=True)
    ]
    rng.shuffle(said)
    return said


def _listing(rng: random.Random, lang: str) -> str:
    return rng.choice(("，", "，", "；", "\n") if lang == "zh" else (", ", ", ", "; ", " and ", "\n"))


RECORD_EN = ("Write what is given as JSON.", "Put every value into its field:", "A record of each message, as JSON:")
RECORD_ZH = ("把给出的写成JSON。", "每个值填到它的字段里：", "每条消息写一个JSON：")


_REAL_SHARE = 0.4  # of the fields are those of real services, with the labels that people give them
_BRIEF_SHARE = 0.3  # of the lists
_CODED_SHARE = 0.35  # of the others, in a fourth of the lists, take codes whose words their descriptions declare


def _fields(rng: random.Random, lang: str) -> list[Field]:
    """Two to six fields, no two with one label; half of the lists have fields of one type, where the label alone can
    tell, and most of those many that take brief values.
    """
    roll, most = rng.random(), 6
    alike = rng.choice(RANDOM_MAKES) if roll < 0.5 else None
    if roll < _BRIEF_SHARE:
        alike, most = ("string", values.brief), 9
    coded = _CODED_SHARE if not alike and rng.random() < 0.5 else 0.0
    style = rng.choice(("snake", "snake", "camel"))
    fields: dict[str, Field] = {}
    for _ in range(rng.randint(2, most)):
        if rng.random() < coded:
            made = choice_field(rng, style, rng.random() < 0.5, declared=True)
        else:
            real = _real_field(rng, style, lang) if not alike and rng.random() < _REAL_SHARE else None
            made = real or _invented_field(rng, style, lang, *(alike or rng.choice(RANDOM_MAKES)))
        fields.setdefault(made.label[lang].casefold().removeprefix("the "), made)
    return list({item.name: item for item in fields.values()}.values())


def _invented_field(rng: random.Random, style: str, lang: str, type_: str, make: Make) -> Field:
    label = values.term(rng, lang).said
    name = identifier(rng, [invented_word(rng), *([values.scrap(rng)] if rng.random() < 0.4 else [])], style)
    return Field(name, {lang: label}, {lang: label}, {"type": type_}, make, GENERIC, rng.random() < 0.5)


def _real_field(rng: random.Random, style: str, lang: str) -> Field | None:
    """A field of a service drawn at random; None where it has none that a label and a value could give."""
    form = spoken_form(rng, rng.choice(domains()[rng.choice(list(domains()))]), set(), style)
    able = [item for item in form.fields if item.schema["type"] != "boolean" and '"' not in item.about[lang]]
    return rng.choice([item for item in able if item.about[lang]] or [None])


def _entries(rng: random.Random, lang: str) -> dict[str, str]:
    """Names and what is said of each: services, or words at random, where only the words themselves can tell."""
    roll = rng.random()
    if roll < 0.5:
        return {form.name: form.about[lang] for form in make_forms(rng, 2, 8, 1, lang=lang)}
    joint = "" if lang == "zh" else " "
    style = rng.choice(("snake", "snake", "camel", "pascal"))
    short = roll > 0.8  # as the options of a field are
    entries = {}
    for _ in range(rng.randint(2, 8)):
        parts = [invented_word(rng)] if short else [values.scrap(rng), values.scrap(rng)]
        length = 1 if short else rng.randint(2, 4)
        entries[identifier(rng, parts, style)] = joint.join(values.term(rng, lang).said for _ in range(length))
    return entries


def _words_beside_names(rng: random.Random, lang: str) -> dict[str, list[str]]:
    """Three to twelve names with words of their own: no word is, or holds, another's or a name."""
    make = rng.choice((_code, invented_word, _identifier))
    names = list(dict.fromkeys(make(rng) for _ in range(rng.randint(3, 12))))
    known = [] if make is _code else [name for name in names if len(name) > 2]
    longest = rng.choice((1, 1, 2, 3))
    shared = values.term(rng, lang).said if rng.random() < _SHARED_SHARE else ""
    if any(name.casefold() in shared.casefold() for name in known):
        shared = ""  # no word could end with it
    beside: dict[str, list[str]] = {}
    for name in names:
        beside[name] = _new_words(rng, lang, rng.randint(1, longest), known, shared)
        known += beside[name]
    return beside


_SHARED_SHARE = 0.25  # of the lists have words that are alike but for their beginnings


def _new_words(rng: random.Random, lang: str, count: int, known: list[str], shared: str = "") -> list[str]:
    """`count` words that none of `known` holds, and that hold none of them; all end with `shared`."""
    end = shared if lang == "zh" or not shared else f" {shared}"
    found: list[str] = []
    while len(found) < count:
        word = values.term(rng, lang).said + end
        low = word.casefold()
        if not any(low in other or other in low for other in map(str.casefold, known + found)):
            found.append(word)
    return found


def _code(rng: random.Random) -> str:
    code = values.letters(rng, 1, 4)
    return code.upper() if rng.random() < 0.5 else code


def _identifier(rng: random.Random) -> str:
    return identifier(rng, [invented_word(rng), values.scrap(rng)], rng.choice(("snake", "camel", "pascal")))


def _news(rng: random.Random, lang: str, beside: dict[str, list[str]]) -> list[str]:
    """A word or two that stand beside no name, or none."""
    known = [word for name, told in beside.items() for word in (name, *told)]
    return _new_words(
        rng, lang, rng.choice((0, 1, 1, 2)), [word for word in known if len(word) > 2 or not word.isascii()]
    )


def _in_any_case(rng: random.Random, text: str) -> str:
    return text[:1].upper() + text[1:] if rng.random() < 0.3 else text


def _pairs(rng: random.Random, entries: dict[str, str], lang: str) -> str:
    if rng.random() < 0.3:
        return _shown(rng, entries, lang)
    zh = lang == "zh"
    pair = rng.choice(
        ("{n}={a}", "{n}：{a}", "{n}（{a}）", "{n}{a}") if zh else ("{n}={a}", "{n}: {a}", "{n} {a}", "{n} ({a})")
    )
    joint = rng.choice(("，", "，", "；", "/", "\n") if zh else (", ", ", ", "; ", " / ", "\n"))
    return _listed({name: _in_any_case(rng, about) for name, about in entries.items()}, pair, joint)


def _shown(rng: random.Random, entries: dict[str, str], lang: str) -> str:
    zh = lang == "zh"
    if max(map(len, entries.values())) < 8 and rng.random() < 0.8:
        head, joint = rng.choice(("", "种类：") if zh else ("", "kind: ")), "，" if zh else ", "
        return head + _listed(entries, "{n}={a}", joint)
    if rng.random() < 0.5:
        return show_forms(rng, [plain_form(name, about, lang, []) for name, about in entries.items()], lang)
    line = rng.choice(("{n}: {a}", "- {n}: {a}", "{n}（{a}）" if zh else "{n} ({a})", "{n} - {a}"))
    return _listed(entries, line, "\n")


def _listed(entries: dict[str, str], pair: str, joint: str) -> str:
    return joint.join(pair.format(n=name, a=about) for name, about in entries.items())


def _some_words(rng: random.Random, name: str, entries: dict[str, str], lang: str) -> str:
    """All or part of what is said of `name`, in order or not; a part that another entry has too is not enough, and
    none that is all signs.
    """
    whole = as_wish(entries[name]) or entries[name]
    pieces = list(whole) if lang == "zh" else whole.split()
    joint = "" if lang == "zh" else " "
    others = [about.casefold() for other, about in entries.items() if other != name]
    for _ in range(3):
        size = rng.randint(min(len(pieces), 2), len(pieces))
        start = rng.randint(0, len(pieces) - size)
        part = pieces[start : start + size]
        if lang == "en" and rng.random() < 0.3:
            rng.shuffle(part)
        text = joint.join(part)
        elsewhere = any(text.casefold() in other for other in others)
        if size < len(pieces) and any(map(str.isalnum, text)) and not elsewhere:
            return text
    return whole


def _together(rng: random.Random, said: list[str], replies: list[str], lang: str) -> list[Turn]:
    """Several messages as one, and their replies, a line each."""
    return exchange(rng.choice(_JOINT_ZH if lang == "zh" else _JOINT_EN).join(said), "\n".join(replies))


def _around(rng: random.Random, text: str, lang: str) -> str:
    around = rng.choice(_AROUND_ZH if lang == "zh" else _AROUND_EN)
    return around.format(x=text, v=values.anything(rng, lang).said)
