"""Values that only reading decides: an option by the word that its description declares, a number by what it counts.

A description says `grade: a=light, b=strong`, and whoever says `strong` wants `b`: from the word to its place in the
list, and from there to what stands beside it. Or there are two numbers, and only the nouns beside them tell which is
which. Each is one step that is the same everywhere, so documents are short and ask for it many times. Goes out: chats
whose replies are records.
"""

import random
from dataclasses import dataclass

from training.base.corpus import values, words
from training.base.corpus.document import Document, Turn, chat, exchange
from training.base.corpus.forms import Field, identifier, invented_word, option_words, plain_form, short_codes
from training.base.corpus.kinds import GENERIC, ways_to_mention
from training.base.corpus.layouts import show_forms, to_json
from training.base.corpus.matching import RECORD_EN, RECORD_ZH

_AROUND_EN = (
    "{x}", "{x}", "{x}.", "{x}, please", "I want {x}", "{x} for me", "{v}: {x}", "please take {x}", "it is {x}",
    "make it {x}", "{x} this time, {v}",
)  # fmt: skip
_AROUND_ZH = ("{x}", "{x}", "{x}。", "要{x}", "{x}，谢谢", "我想{x}", "{v}，{x}", "请用{x}", "是{x}", "这次{x}，{v}")


@dataclass(frozen=True)
class _Options:
    """A field that takes one of a few values, and each value with the word that is said for it."""

    field: Field
    words: list[tuple[str, str]]


def coded(rng: random.Random, lang: str, most: int = 9) -> Document:
    """One to four fields of a few options each, whose words their descriptions declare, and up to `most` messages."""
    style = rng.choice(("snake", "snake", "camel"))
    taken: set[str] = set()
    fields = [_options(rng, lang, style, taken) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
    others = [_free(rng, lang, style) for _ in range(rng.choice((0, 0, 1, 2)))]
    turns = [_asked(rng, [*(one.field for one in fields), *others], lang)]
    joint = rng.choice(("，", "，", "；", "、") if lang == "zh" else (", ", ", ", "; ", " and "))
    for _ in range(rng.randint(min(most, 4), most)):
        given = [one for one in fields if rng.random() < 0.75] or [rng.choice(fields)]
        record: dict[str, object] = {}
        said: list[str] = []
        for one, way in zip(given, ways_to_mention(rng, [GENERIC] * len(given)), strict=True):
            record[one.field.name], word = rng.choice(one.words)
            bare = rng.random() < _BARE_SHARE
            said.append(word if bare else way[lang == "zh"].format(l=one.field.label[lang], v=word))
        for item in others:
            if rng.random() < 0.5:
                value = item.make(rng, lang)
                record[item.name] = value.json
                said.append(rng.choice(GENERIC)[lang == "zh"].format(l=item.label[lang], v=value.said))
        turns += exchange(_around(rng, _shuffled(rng, said, joint), lang), to_json(record))
    return chat(turns, "coded")


def counted(rng: random.Random, lang: str, most: int = 8) -> Document:
    """Two to four fields of numbers that count or measure something, and up to `most` messages that say each number
    beside its noun; at times one more number that belongs nowhere.
    """
    ways, joints = (_COUNTS_ZH, _JOINTS_ZH) if lang == "zh" else (_COUNTS_EN, _JOINTS_EN)
    style = rng.choice(("snake", "snake", "camel"))
    *nouns, other = _nouns(rng, lang, rng.randint(2, 4) + 1)
    named = {item.name: (item, noun) for noun in nouns for item in [_number(rng, lang, style, noun)]}
    fields = list(named.values())
    turns = [_asked(rng, [item for item, _ in fields], lang)]
    for _ in range(rng.randint(min(most, 4), most)):
        record: dict[str, object] = {}
        said: list[str] = []
        way = rng.choice(ways)
        for item, noun in [pair for pair in fields if rng.random() < 0.8] or fields[:1]:
            value = item.make(rng, lang)
            record[item.name] = value.json
            said.append((way if rng.random() < 0.7 else rng.choice(ways)).format(v=value.said, n=noun))
        if rng.random() < 0.15:
            said.append(way.format(v=values.count(rng, lang).said, n=other))
        turns += exchange(_around(rng, _shuffled(rng, said, rng.choice(joints)), lang), to_json(record))
    return chat(turns, "counted")


_BARE_SHARE = 0.5  # of the options are said without the label of their field
_WORDS_SHARE = 0.15  # of the lists of options are the words themselves: what is said is found, and written as it is
_NUMBERED_SHARE = 0.15  # of them are numbers
_PAIRS_EN = (
    "{c}={w}", "{c}={w}", "{c}: {w}", "{c} {w}", "{c} - {w}", "{c} for {w}", "{w} ({c})", "{w}={c}", "{w}: {c}",
    "{c} ({w})", "{c} means {w}",
)  # fmt: skip
_PAIRS_ZH = (
    "{c}={w}", "{c}={w}", "{c}：{w}", "{c}{w}", "{c}-{w}", "{c}表示{w}", "{w}（{c}）", "{w}={c}", "{w}：{c}",
    "{c}（{w}）", "{w}用{c}",
)  # fmt: skip
_PAIR_JOINTS_EN, _PAIR_JOINTS_ZH = (", ", ", ", "; ", " / ", " or "), ("，", "，", "；", "/", "、")


def _options(rng: random.Random, lang: str, style: str, taken: set[str]) -> _Options:
    """A field of two to six options; the words of no two fields hold each other (those of one may: 香水, 淡香水)."""
    zh = lang == "zh"
    label = values.term(rng, lang).said if rng.random() < 0.4 else rng.choice(words.THINGS)[zh]
    count = rng.choice((2, 3, 3, 3, 4, 5, 6))
    chosen: dict[str, tuple[str, str]] = {}
    while len(chosen) < count:
        drawn = option_words(rng, count, declared=True)
        chosen |= {pair[zh]: pair for pair in drawn if not any(pair[zh] in old or old in pair[zh] for old in taken)}
    pairs = list(chosen.values())[:count]
    taken |= {pair[zh] for pair in pairs}
    codes = _numbers(rng, count) if rng.random() < _NUMBERED_SHARE else short_codes(rng, pairs)
    if rng.random() < _WORDS_SHARE:
        codes = [pair[zh] for pair in pairs]
    told = [(code, pair[zh]) for code, pair in zip(codes, pairs, strict=True)]
    shape = rng.choice(_PAIRS_ZH if zh else _PAIRS_EN)
    listed = rng.choice(_PAIR_JOINTS_ZH if zh else _PAIR_JOINTS_EN).join(
        word if code == word else shape.format(c=code, w=word) for code, word in told
    )
    about = f"{label}{'：' if zh else ': '}{listed}" if rng.random() < 0.8 else listed
    name = identifier(rng, [invented_word(rng), *([values.scrap(rng)] if rng.random() < 0.3 else [])], style)
    schema = {"type": "string", **({"enum": codes} if rng.random() < 0.8 else {})}
    return _Options(
        Field(name, {lang: label}, {lang: about}, schema, values.anything, GENERIC, rng.random() < 0.6), told
    )


def _numbers(rng: random.Random, count: int) -> list[str]:
    first = rng.choice((0, 1, 1, 10))
    found = [str(first + place) for place in range(count)]
    return rng.sample(found, count) if rng.random() < 0.5 else found


def _free(rng: random.Random, lang: str, style: str) -> Field:
    """A field that takes what is said for its label."""
    label, name = values.term(rng, lang).said, identifier(rng, [invented_word(rng)], style)
    type_, make = rng.choice(
        (("string", values.anything), ("integer", values.count), ("number", values.amount), ("string", values.brief))
    )
    return Field(name, {lang: label}, {lang: label}, {"type": type_}, make, GENERIC, rng.random() < 0.5)


_COUNTS_EN = (
    "{v} {n}", "{v} {n}", "{v} {n}s", "{n}: {v}", "{n} {v}", "for {v} {n}", "with {v} {n}", "{v} of the {n}",
    "{v} by {n}",
)  # fmt: skip
_COUNTS_ZH = (
    "{v}个{n}",
    "{v}{n}",
    "{v}个{n}",
    "{n}{v}个",
    "{n}{v}",
    "{n}有{v}个",
    "共{v}个{n}",
    "{v}位{n}",
    "{v}次{n}",
)
_JOINTS_EN, _JOINTS_ZH = (", ", " and ", ", ", " for ", " with ", " in "), ("，", "，", "、", "")
_NUMBER_EN = (
    "Number of {n}s", "How many {n}s", "{n}s", "The {n} count", "Count of {n}s", "{n}s that are needed", "in {n}s",
    "Amount in {n}s",
)  # fmt: skip
_NUMBER_ZH = ("{n}的数量", "多少{n}", "{n}数", "几个{n}", "{n}的个数", "需要的{n}数", "以{n}计", "数额（{n}）")
_UNITS = (
    ("euro", "欧元"), ("yuan", "元"), ("metre", "米"), ("kilometre", "公里"), ("kilo", "公斤"), ("gram", "克"),
    ("litre", "升"), ("minute", "分钟"), ("hour", "小时"), ("day", "天"), ("night", "晚"), ("week", "周"),
    ("month", "个月"), ("degree", "度"), ("page", "页"), ("person", "人"), ("point", "分"), ("percent", "%"),
    ("centimetre", "厘米"), ("mile", "英里"), ("bottle", "瓶"), ("cup", "杯"), ("box", "盒"), ("step", "步"),
)  # fmt: skip


def _nouns(rng: random.Random, lang: str, count: int) -> list[str]:
    """Nouns none of which holds another: units, things, and words that nobody knows."""
    found: list[str] = []
    while len(found) < count:
        roll = rng.random()
        pair = (
            rng.choice(_UNITS) if roll < 0.4 else rng.choice(words.THINGS) if roll < 0.7 else values.unknown_noun(rng)
        )
        noun = pair[lang == "zh"]
        if not any(noun in other or other in noun for other in found):
            found.append(noun)
    return found


def _number(rng: random.Random, lang: str, style: str, noun: str) -> Field:
    """A field that counts or measures the noun, and is mostly called by something else."""
    about = rng.choice(_NUMBER_ZH if lang == "zh" else _NUMBER_EN).format(n=noun)
    own = noun if rng.random() < 0.4 and noun.isascii() else invented_word(rng)
    name = identifier(rng, [own, *(["count"] if rng.random() < 0.2 else [])], style)
    type_, make = ("integer", values.count) if rng.random() < 0.75 else ("number", values.amount)
    return Field(name, {lang: about}, {lang: about}, {"type": type_}, make, GENERIC, rng.random() < 0.6)


def _asked(rng: random.Random, fields: list[Field], lang: str) -> Turn:
    """The instruction and the fields, in any order."""
    form = plain_form(values.scrap(rng), values.term(rng, lang).said, lang, rng.sample(fields, len(fields)))
    shown = ""
    while any(item.about[lang] not in shown for item in fields):  # a signature tells nothing of a field
        shown = show_forms(rng, [form], lang)
    return Turn("system", f"{rng.choice(RECORD_ZH if lang == 'zh' else RECORD_EN)}\n{shown}")


def _shuffled(rng: random.Random, said: list[str], joint: str) -> str:
    return joint.join(rng.sample(said, len(said)))


def _around(rng: random.Random, text: str, lang: str) -> str:
    around = rng.choice(_AROUND_ZH if lang == "zh" else _AROUND_EN)
    return around.format(x=text, v=values.anything(rng, lang).said)
