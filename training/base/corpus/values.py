"""Values and the ways people say them: names, numbers, dates, addresses, codes, each drawn from a huge space.

Comes in: a `random.Random` and a language. Goes out: `Value`s, whose `json` belongs in a record and whose `said` is how
a message says it (often the same text, sometimes `三个` for 3). Knows nothing of forms or tasks.
"""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from training.base.corpus import signs, words
from training.base.corpus.han import ALL, COMMON

# Without the word that, in quotes, is a key of tool calls: no document shows a part of one.
_ENGLISH = sorted(
    {part for text in words.all_english() for part in text.replace("_", " ").split() if part.isalpha()} - {"arguments"}
)
_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnprstvwz"
_SMALL_EN = words.listed("zero one two three four five six seven eight nine ten eleven twelve")
_MONTHS = words.listed("January February March April May June July August September October November December")


@dataclass(frozen=True)
class Value:
    json: Any
    said: str


Make = Callable[[random.Random, str], Value]


SIGN_SHARE = 0.25  # of the free texts hold a sign or a foreign letter


def same(text: str) -> Value:
    """Said as it is kept."""
    return Value(text, text)


def free(rng: random.Random, text: str, lang: str) -> Value:
    """Said as it is kept, at times with a sign in it."""
    return same(signs.signed(rng, text, lang) if rng.random() < SIGN_SHARE else text)


def syllables(rng: random.Random, low: int = 2, high: int = 4) -> str:
    return "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randint(low, high)))


def han(rng: random.Random, low: int = 2, high: int = 4) -> str:
    """Characters at random; a third of the words are of any, most of which are written as three bytes each."""
    return "".join(rng.choices(COMMON if rng.random() < 0.65 else ALL, k=rng.randint(low, high)))


def chinese_number(number: int) -> str:
    """0 to 9999 as people write it: 35 is 三十五, 107 is 一百零七."""
    if number == 0:
        return "零"
    digits, units = "零一二三四五六七八九", ["", "十", "百", "千"]
    text, gap = "", False
    for power in (3, 2, 1, 0):
        digit = number // 10**power % 10
        if digit:
            text += ("零" if gap and text else "") + digits[digit] + units[power]
        gap = digit == 0
    return text[1:] if 10 <= number < 20 else text


def english_number(number: int) -> str:
    """0 to 99 in words."""
    tens = words.listed("twenty thirty forty fifty sixty seventy eighty ninety")
    teens = words.listed("thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
    if number <= 12:
        return _SMALL_EN[number]
    if number < 20:
        return teens[number - 13]
    return tens[number // 10 - 2] + (f"-{_SMALL_EN[number % 10]}" if number % 10 else "")


def in_words(rng: random.Random, number: int, lang: str) -> str:
    """0 to 99 as it is said with a thing that is counted: in Chinese, two of them are mostly 两."""
    if lang == "en":
        return english_number(number)
    return "两" if number == 2 and rng.random() < 0.8 else chinese_number(number)


def scrap(rng: random.Random) -> str:
    """A word that nobody knows, made of pieces of English ones, so that every token is copied somewhere, after any."""
    return "".join(_piece(rng, 0.5, 0.35) for _ in range(rng.randint(1, 3)))


def _piece(rng: random.Random, beginnings: float, capitals: float) -> str:
    """The beginning or the end of an English word; the shares of those that are a beginning, and that get a capital."""
    word = rng.choice(_ENGLISH)
    length = rng.randint(1, len(word))
    piece = word[:length] if rng.random() < beginnings else word[-length:]
    return piece.capitalize() if rng.random() < capitals else piece


def unknown_noun(rng: random.Random) -> tuple[str, str]:
    """A word of each language that stands in no list of things: what matches it is the same word and nothing else."""
    word = rng.choice(_ENGLISH) if rng.random() < 0.4 else scrap(rng)
    return word.lower(), han(rng, 2, 3)


def coined(rng: random.Random) -> str:
    """A name that nobody knows: syllables, open and closed, or pieces of words.

    A token is copied the worse, the less often it has begun a value, and names begin with any.
    """
    if rng.random() < 0.5:
        return scrap(rng).capitalize()
    ends = ("", "", *_CONSONANTS)
    made = [rng.choice(_CONSONANTS) + rng.choice(_VOWELS) + rng.choice(ends) for _ in range(rng.randint(1, 3))]
    return "".join(made)[rng.choice((1, 0)) :].capitalize()  # half of them begin with a vowel


def brief(rng: random.Random, lang: str) -> Value:
    """A piece of a word or two, or a few common characters: every token as often as any other begins a value.

    What is found in the right place is not yet copied: a token that has seldom begun a value is taken for another.
    """
    if lang == "zh" and rng.random() < 0.85:
        return free(rng, "".join(rng.choices(COMMON, k=rng.choice((1, 2, 2, 3)))), lang)
    return free(rng, _piece(rng, 0.65, 0.5) + (scrap(rng).lower() if rng.random() < 0.5 else ""), "en")


def scraps(rng: random.Random, lang: str) -> Value:
    """A few such words, or as many characters of any kind."""
    count_ = rng.randint(1, 6)
    if lang == "zh":
        return free(rng, han(rng, count_, 3 * count_), lang)
    joint = rng.choice((" ", " ", " ", "_", ", ", "-", "/", ""))
    return free(rng, joint.join(scrap(rng) for _ in range(count_)), lang)


def person(rng: random.Random, lang: str) -> Value:
    if lang == "zh":
        size = rng.choice((1, 2, 2))
        given = "".join(rng.choices(words.GIVEN_ZH, k=size)) if rng.random() < 0.5 else han(rng, size, size)
        if rng.random() < 0.06:  # a foreigner
            return same(f"{given}·{han(rng, 2, 3)}")
        return same(rng.choice(words.FAMILY_ZH) + given)
    first = rng.choice(words.GIVEN_EN) if rng.random() < 0.35 else coined(rng)
    last = rng.choice(words.FAMILY_EN) if rng.random() < 0.35 else coined(rng)
    name = first if rng.random() < 0.4 else f"{first} {last}"
    return same(signs.foreign(rng, name) if rng.random() < 0.08 else name)


def place(rng: random.Random, lang: str) -> Value:
    if rng.random() < 0.4:
        return same(rng.choice(words.CITIES)[1 if lang == "zh" else 0])
    if lang == "zh":
        return same(han(rng, 2, 3) + rng.choice(("", "", "市", "县", "镇", "村")))
    return same(coined(rng) + rng.choice(("", "", "ville", "ton", " City", " Bay")))


def date(rng: random.Random, lang: str) -> Value:
    year, month, day = rng.randint(1950, 2049), rng.randint(1, 12), rng.randint(1, 28)
    iso = f"{year}-{month:02d}-{day:02d}"
    if rng.random() < 0.6:
        return same(iso)
    return Value(iso, f"{year}年{month}月{day}日" if lang == "zh" else f"{_MONTHS[month - 1]} {day}, {year}")


def day_as_said(rng: random.Random, lang: str) -> Value:
    """A date that is kept as it is written."""
    return same(date(rng, lang).said)


def time_of_day(rng: random.Random, lang: str) -> Value:
    return same(f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}")


def count(rng: random.Random, lang: str) -> Value:
    number = rng.randint(1, 12) if rng.random() < 0.4 else rng.randint(1, 10 ** rng.randint(1, 5))
    if number < 100 and rng.random() < 0.35:
        return Value(number, in_words(rng, number, lang))
    return Value(number, str(number))


def amount(rng: random.Random, lang: str) -> Value:
    places = rng.choice((1, 2, 2, 3))
    number = round(rng.uniform(0, 10 ** rng.randint(1, 5)), places)
    return Value(number, repr(number))


def signed(rng: random.Random, lang: str) -> Value:
    number = rng.randint(-60, 120) if rng.random() < 0.6 else round(rng.uniform(-180, 180), rng.randint(1, 4))
    return Value(number, repr(number))


def email(rng: random.Random, lang: str) -> Value:
    user = rng.choice(
        (syllables(rng), rng.choice(words.GIVEN_EN).lower() + str(rng.randint(1, 999)), letters(rng, 3, 7))
    )
    return same(f"{user}@{syllables(rng)}.{rng.choice(('com', 'cn', 'org', 'net', 'io'))}")


def phone(rng: random.Random, lang: str) -> Value:
    if rng.random() < 0.5:
        return same("1" + "".join(rng.choices(string.digits, k=10)))
    return same(f"{rng.randint(200, 999)}-{rng.randint(1000, 9999)}-{rng.randint(1000, 9999)}")


def url(rng: random.Random, lang: str) -> Value:
    return same(
        f"https://{syllables(rng)}.{rng.choice(('com', 'cn', 'org'))}/{letters(rng, 2, 6)}{rng.choice(('', '/'))}"
    )


def letters(rng: random.Random, low: int, high: int) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(low, high)))


def code(rng: random.Random, lang: str) -> Value:
    upper = "".join(rng.choices(string.ascii_uppercase, k=rng.randint(1, 4)))
    digits = "".join(rng.choices(string.digits, k=rng.randint(2, 7)))
    mixed = "".join(rng.choices(string.ascii_letters + string.digits, k=rng.randint(4, 9)))
    # Of a few signs again and again: what stood before tells less of what comes next.
    few = "".join(rng.choices(rng.sample(string.ascii_uppercase + string.digits, rng.randint(2, 4)), k=len(mixed)))
    return same(rng.choice((f"{upper}-{digits}", upper + digits, mixed, f"{letters(rng, 2, 5)}_{digits}", digits, few)))


def address(rng: random.Random, lang: str) -> Value:
    """A road and a number; every third one with its town."""
    number, town = rng.randint(1, 999), place(rng, lang).said if rng.random() < 0.35 else ""
    if lang == "zh":
        road = rng.choice(words.ROADS_ZH) if rng.random() < 0.6 else han(rng, 2, 2)
        return same(f"{town}{road}{rng.choice(('路', '街', '大道', '巷'))}{number}号")
    road = rng.choice(words.ROADS_EN) if rng.random() < 0.4 else coined(rng)
    return same(f"{number} {road} {rng.choice(words.ROAD_KINDS_EN)}" + (f", {town}" if town else ""))


_TITLES_EN = (  # `and` also stands between two values, so that what follows it has to be read
    "The {a} {b}", "{a} {b}", "{a} of the {b}", "A {a} for {b}", "{b}", "{a} in {b}", "No {a} {b}", "{a} and {b}",
    "{a} and {b}", "{a} & {b}",
)  # fmt: skip


def title(rng: random.Random, lang: str) -> Value:
    """What a work, a place or a thing is called: several words, said plain, in quotes or in the marks of a title."""
    if rng.random() < 0.25:
        text = phrase(rng, lang).said
        return Value(text, rng.choice(("《{v}》", "“{v}”", "{v}") if lang == "zh" else ('"{v}"', "{v}")).format(v=text))
    if lang == "zh":
        text = rng.choice(("", "", "的", "与", "之", "和", "·")).join(_chinese_pieces(rng, rng.randint(1, 3)))
        return Value(text, rng.choice(("《{v}》", "“{v}”", "「{v}」", "{v}", "{v}")).format(v=text))
    one, two = (_title_word(rng), _title_word(rng))
    text = rng.choice(_TITLES_EN).format(a=one, b=two)
    if rng.random() < 0.3:
        text = text.lower()
    return Value(text, rng.choice(('"{v}"', "'{v}'", "“{v}”", "{v}", "{v}", "{v}")).format(v=text))


def _chinese_pieces(rng: random.Random, count_: int) -> list[str]:
    """Listed things and characters in any order, half of each."""
    return [rng.choice(words.THINGS)[1] if rng.random() < 0.5 else han(rng, 1, 3) for _ in range(count_)]


def _title_word(rng: random.Random) -> str:
    word = rng.choice((rng.choice(words.THINGS)[0], rng.choice(words.WORDS_EN), scrap(rng)))
    return word.replace("_", " ").title() if word.islower() else word


_PHRASES_EN = (
    "{n} with {p}", "{n} for {p} and {p}", "{n} at the {m}", "{n} and {m}", "{q} {n} near {c}", "the {n} is {q}",
    "the {n} needs a {m}", "{p} has the {n}", "call {p} before {t}", "come to the {n} at {t}", "{n} of {c}",
    "we are out of {n}", "do not forget the {m}", "take {k} {n} along on {d}", "back by {t}", "who brings the {n}",
    "leave the {n} by the {m}", "no {n} today", "is the {n} {q} yet", "{k} more {n}", "first {n}, then {m}",
    "{p} said: no {n}", "{n} - {m} - {c}", "from {c} to {n}", "{q} {n} {m}", "see the {n} in {c}", "{n} {k}",
    "how to {w} a {n}", "{w} the {n} with {p}", "why {n} is not {m}",
)  # fmt: skip
_PHRASES_ZH = (
    "和{p}谈{n}", "{n}在{p}手里", "{t}到{n}旁边集合", "{n}坏了", "{n}要换{q}的", "带上{n}和{m}", "{p}的{n}", "{c}的{n}",
    "{n}还没到", "今天不用{n}", "谁去拿{n}", "先把{n}还给{p}", "关于{n}的{m}", "{n}与{m}的安排", "{k}个{n}够不够",
    "{n}放在{m}上面", "{d}前交{n}", "去{c}见{p}", "跟{p}、{p}一起{w}{n}", "{n}，还有{m}", "不是{n}，是{m}", "{q}{n}",
    "怎么{w}{n}", "{n}比{m}{q}", "从{c}带来的{n}", "{p}说{n}不行", "给{p}的{m}", "{n}第{k}期", "{w}{n}的人",
    "没有{n}的{c}",
)  # fmt: skip


def phrase(rng: random.Random, lang: str) -> Value:
    """What people write down for others: with names, places, times and joining words in it, yet one value."""
    zh = lang == "zh"
    shape = rng.choice(_PHRASES_ZH if zh else _PHRASES_EN)
    while "{p}" in shape:
        shape = shape.replace("{p}", person(rng, lang).said, 1)
    noun, other = (rng.choice(words.THINGS)[zh] if rng.random() < 0.7 else unknown_noun(rng)[zh] for _ in range(2))
    return same(
        shape.format(
            n=noun,
            m=other,
            q=rng.choice(words.QUALITIES)[zh],
            w=rng.choice(rng.choice(words.ACTIONS)[zh]),
            c=place(rng, lang).said,
            d=date(rng, lang).said,
            t=time_of_day(rng, lang).said,
            k=rng.randint(2, 60),
        )
    )


def sentence(rng: random.Random, lang: str) -> Value:
    """Some words of free text: a note, a message, or words in no order at all."""
    if rng.random() < 0.6:
        return phrase(rng, lang)
    count_ = rng.randint(2, 5)
    if lang == "zh":
        return free(rng, "".join(_chinese_pieces(rng, count_)), lang)
    makes = (lambda: rng.choice(words.THINGS)[0], lambda: rng.choice(words.WORDS_EN), lambda: scrap(rng))
    return free(rng, " ".join(rng.choices(makes, (4, 3, 3))[0]() for _ in range(count_)), lang)


def term(rng: random.Random, lang: str) -> Value:
    """A word or two: a topic, a product, a title."""
    quality, thing = rng.choice(words.QUALITIES), rng.choice(words.THINGS)
    if rng.random() < 0.45:
        text = han(rng) if lang == "zh" else rng.choice((syllables, scrap, scrap, coined))(rng)
    elif lang == "zh":
        text = rng.choice(("", quality[1])) + thing[1]
    else:
        text = rng.choice(("", quality[0] + " ")) + thing[0]
    return free(rng, text, lang)


def _from_pairs(pairs: list[tuple[str, str]]) -> Make:
    return lambda rng, lang: same(rng.choice(pairs)[1 if lang == "zh" else 0])


color, language, dish = _from_pairs(words.COLORS), _from_pairs(words.LANGUAGES), _from_pairs(words.DISHES)


def currency(rng: random.Random, lang: str) -> Value:
    return same(rng.choice(words.CURRENCIES)[0])


def path(rng: random.Random, lang: str) -> Value:
    folder = "/".join(syllables(rng, 1, 2) for _ in range(rng.randint(1, 2)))
    return same(f"/{folder}/{letters(rng, 3, 6)}.{rng.choice(('txt', 'csv', 'pdf', 'png', 'json', 'py'))}")


def anything(rng: random.Random, lang: str) -> Value:
    """Any short text at all, the other language included."""
    other = lang if rng.random() < 0.85 else ("en" if lang == "zh" else "zh")
    makes = (person, place, date, time_of_day, code, term, sentence, email, address, color, scraps, scraps, title)
    return rng.choice(makes)(rng, other)


def reading(rng: random.Random, lang: str) -> Value:
    """A number of a list: whole or not, of any size, now and then below zero."""
    top = 10 ** rng.randint(1, 3)
    number = rng.randint(0, top) if rng.random() < 0.55 else round(rng.uniform(0, top), rng.choice((1, 1, 2)))
    number = -number if rng.random() < 0.1 else number
    return Value(number, repr(number))


_LENGTHS = (2, 2, 3, 3, 3, 4, 4, 5, 6)


def several(make: Make, lengths: tuple[int, ...] = _LENGTHS) -> Make:
    """A list, said as lists are: with marks alone, or the last one joined by a word."""

    def make_list(rng: random.Random, lang: str) -> Value:
        items = [make(rng, lang) for _ in range(rng.choice(lengths))]
        return Value([item.json for item in items], listed(rng, [item.said for item in items], lang))

    return make_list


numbers = several(reading, (3, 3, 4, 4, 5, 5, 6, 7))


def listed(rng: random.Random, said: list[str], lang: str) -> str:
    """Several things in one breath."""
    return in_a_row(said, *rng.choice(_LIST_ZH if lang == "zh" else _LIST_EN))


def in_a_row(said: list[str], mark: str, last: str) -> str:
    """`said` with `mark` between them, and `last` before the last one."""
    return mark.join(said[:-1]) + last + said[-1] if len(said) > 1 else said[0]


_LIST_EN = ((", ", " and "), (", ", " and "), (", ", ", "), (", ", ", and "), (" and ", " and "))
_LIST_ZH = (("、", "、"), ("、", "、"), ("、", "和"), ("，", "，"), ("、", "还有"), ("和", "和"))
