"""Values as people say them: names, addresses, dates, amounts, notes, out of word lists that are divided by side.

Comes in: a kind of value (see kinds.py) and a random generator. Goes out: `Said`, the words and the JSON value, where
the value is those words, or a number or list readable from them. Knows nothing of tools.
"""

import functools
import math
import random
import re
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from dataset_builder.embedded_teacher.split import Side, keep

LANGUAGES = ("en", "zh")
DIVIDED_FROM = 4  # so many patterns of one kind are divided by side too; fewer are no more than the shape of a thing
_FOLDER = Path(__file__).parent / "words"
_ARTICLE = re.compile(r"\b([Aa]) (?=(\w+))")
_WITH_AN = re.compile(  # eight, eleven, algebra, honest
    r"8|1[18](?!\d)|(?!uni(?![mn])|us[eu]|uti|uru|once|one\b|eu|ufo)[aeiou]|honest|hono|hour|heir", re.IGNORECASE
)
_IRREGULAR = {"people": "person", "children": "child", "feet": "foot", "calories": "calorie", "movies": "movie"}
_REFERENCE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Said:
    """A value and how the user says it."""

    text: str
    value: Any


@functools.cache
def word_lists(lang: str) -> dict[str, list[str]]:
    """Every word list of a language, undivided."""
    lists = yaml.safe_load((_FOLDER / f"{lang}.yaml").read_text(encoding="utf-8"))["lists"]
    return {name: [word.strip() for word in text.split(",") if word.strip()] for name, text in lists.items()}


@functools.cache
def value_patterns(lang: str) -> dict[str, list[str]]:
    """For each kind of value, how it is put together from the lists, undivided."""
    patterns: dict[str, list[str]] = yaml.safe_load((_FOLDER / f"{lang}.yaml").read_text(encoding="utf-8"))["patterns"]
    return patterns


class Values:
    """The values of one language and one side.

    Args:
        lang: "en" or "zh".
        side: Which part of each word list to draw from.
        seed: Of the split.
    """

    def __init__(self, lang: str, side: Side, seed: int = 0):
        self.lang, self.side = lang, side
        self.lists = {name: keep(words, side, seed) for name, words in word_lists(lang).items()}
        self._patterns = {
            name: keep(patterns, side, seed) if len(patterns) >= DIVIDED_FROM else patterns
            for name, patterns in value_patterns(lang).items()
        }

    def draw(self, kind: str, rng: random.Random) -> Said:
        """One value of `kind`: a pattern or list of the word file, or one of the kinds below, as `integer:1:99`,
        `number:0:100`, `one_of:2:8:16`, `list:person`. Raises KeyError for an unknown kind.
        """
        name, _, rest = kind.partition(":")
        if name == "list":
            return self._several(rest, rng)
        if name == "one_of":
            chosen = rng.choice(rest.split(":"))
            return Said(chosen, int(chosen))
        if name in ("integer", "number"):
            low, high = (float(part) for part in rest.split(":"))
            value = rng.randint(int(low), int(high)) if name == "integer" else _decimal(low, high, rng)
            return Said(str(value), value)
        if name in _MADE:
            text = _MADE[name](rng, self)
            return Said(text, text)
        if name not in self._patterns and name not in self.lists:
            raise KeyError(kind)
        text = self._expand(name, rng)
        return Said(text, text)

    def word_of(self, text: str, rng: random.Random) -> Said:
        """A word that stands in `text`, and stands there once."""
        known = [word for name in ("noun", "adjective") for word in self.lists[name]]
        edge = r"\b" if self.lang == "en" else ""  # in Chinese no space shows where a word ends
        whole = [word for word in known if re.search(f"{edge}{re.escape(word)}{edge}", text)]
        words = [word for word in whole if text.count(word) == 1] or [text.split()[-1]]
        word = rng.choice(words)
        return Said(word, word)

    def _expand(self, name: str, rng: random.Random, inside: str = "") -> str:
        if name in self._patterns and name != inside:
            pattern = rng.choice(self._patterns[name])
            text = _REFERENCE.sub(lambda match: self._part(match[1], rng, name), pattern)
            if self.lang == "en":
                return _ARTICLE.sub(lambda match: f"{article(match[1], match[2])} ", text)
            return text
        return rng.choice(self.lists[name])

    def _part(self, part: str, rng: random.Random, inside: str) -> str:
        if part.startswith("#"):
            low, high = part[1:].split("-")
            return str(rng.randint(int(low), int(high)))
        text = self._expand(part.lstrip("^"), rng, inside)
        return text[:1].upper() + text[1:] if part.startswith("^") else text

    def _several(self, kind: str, rng: random.Random) -> Said:
        items: list[Said] = []
        wanted = rng.randint(2, 4) if kind.startswith(("integer", "number")) is False else rng.randint(3, 6)
        for _ in range(20):
            item = self.draw(kind, rng)
            if all(item.value != other.value for other in items) and not re.search(r"[,、，]| and |和", item.text):
                items.append(item)
            if len(items) == wanted:
                break
        # A kind whose words all hold an `and` makes no list.
        items = items or [Said(word, word) for word in rng.sample(self.lists["noun"], 2)]
        return Said(join_words([item.text for item in items], self.lang, rng), [item.value for item in items])


def article(a: str, word: str) -> str:
    """`a`, or `an` where `word` wants that."""
    return f"{a}n" if _WITH_AN.match(word) else a


def one_of(plural: str) -> str:
    """`bags` → `bag`, `boxes` → `box`, `berries` → `berry`, each at the end of what stands before it."""
    before, space, word = plural.rpartition(" ")
    if word in _IRREGULAR:
        return f"{before}{space}{_IRREGULAR[word]}"
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    return plural[:-2] if plural.endswith(("xes", "ches", "shes", "sses")) else plural[:-1]


def join_words(words: list[str], lang: str, rng: random.Random | None = None) -> str:
    """`a, b and c` or `a、b和c`; with `rng`, now and then without the last word between."""
    if len(words) < 2:
        return "".join(words)
    comma, last = (", ", " and ") if lang == "en" else ("、", "和")
    if rng is not None and rng.random() < 0.4:
        last = comma
    return comma.join(words[:-1]) + last + words[-1]


def _decimal(low: float, high: float, rng: random.Random) -> float | int:
    """A number as people say one: often a whole one, else with one or two digits after the point."""
    least, most = math.ceil(low), math.floor(high)
    if least <= most and rng.random() < 0.45:
        return rng.randint(least, most)
    digits = rng.choice((1, 1, 2)) if high - low >= 1 else 2
    value = min(max(round(rng.uniform(low, high), digits), low), high)
    return int(value) if value == int(value) else value


def _date(rng: random.Random, values: Values) -> str:
    day = _day(rng)
    if rng.random() < 0.5:
        return day.isoformat()
    if values.lang == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {day:%B} {day.year}" if rng.random() < 0.5 else f"{day:%B} {day.day}, {day.year}"


def _day(rng: random.Random) -> date:
    return date(2020, 1, 1) + timedelta(days=rng.randrange(3650))


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _near_day(rng: random.Random, values: Values) -> str:
    """A day as one says it who plans: `tomorrow`, `next Friday`, `March 14`, or a whole date."""
    roll, day = rng.random(), _day(rng)
    if roll < 0.5:
        return _date(rng, values)
    if (day.month, day.day) == (2, 29):  # without its year it may be no day
        day += timedelta(days=1)
    if values.lang == "zh":
        if roll < 0.6:
            return rng.choice(
                (f"{day.year} 年 {day.month} 月 {day.day} 日", f"{day.month}月{day.day}{rng.choice('日号')}")
            )
        if roll < 0.85:
            return rng.choice(("明天", "明天", "后天", "今天", "大后天"))
        return rng.choice(("", "下", "这")) + rng.choice(("周", "星期")) + rng.choice("一二三四五六")
    if roll < 0.65:
        return f"{day:%B} {day.day}"
    if roll < 0.8:
        return rng.choice(("tomorrow", "tomorrow", "today"))
    return rng.choice(("", "", "next ")) + rng.choice(_WEEKDAYS)


def _spoken_clock(rng: random.Random, values: Values) -> str:
    """A time of day, now and then as it is said: `7 am`, `下午3点半`."""
    if rng.random() < 0.6:
        return _clock(rng)
    if values.lang == "en":
        return f"{rng.randint(1, 12)}{rng.choice(('', ':15', ':30', ':45'))}{rng.choice((' ', ''))}{rng.choice('ap')}m"
    part, hours = rng.choice((("早上", (6, 9)), ("上午", (8, 11)), ("下午", (1, 6)), ("晚上", (6, 11)), ("", (7, 22))))
    return f"{part}{rng.randint(*hours)}点{rng.choice(('', '', '半', '一刻', '20分'))}"


def _spoken_expression(rng: random.Random, values: Values) -> str:
    """An expression, now and then in words: `128 plus 4`, `128加4`."""
    if rng.random() < 0.75:
        return _expression(rng, values)
    zh = values.lang == "zh"
    space = rng.choice(("", " ")) if zh else " "
    words = ("加", "减", "乘以", "除以", "乘", "加上", "减去") if zh else ("plus", "minus", "times", "divided by")
    text = str(rng.randint(2, 999))
    for _ in range(rng.choice((1, 1, 1, 2))):
        text += f"{space}{rng.choice(words)}{space}{rng.randint(2, 999)}"
    return text


def _moment(rng: random.Random) -> str:
    return f"{_day(rng).isoformat()}T{_clock(rng)}:00"


def _clock(rng: random.Random) -> str:
    return f"{rng.randrange(24):02d}:{rng.randrange(0, 60, 5):02d}"


def _phone(rng: random.Random, values: Values) -> str:
    if values.lang == "zh":
        return f"1{rng.choice('3578')}{rng.randrange(10**9):09d}"
    return f"{rng.randrange(200, 1000)}-{rng.randrange(200, 1000)}-{rng.randrange(10000):04d}"


def _latin(rng: random.Random, values: Values) -> str:
    words = values.lists["latin" if values.lang == "zh" else "noun"]
    return rng.choice(words)


def _email(rng: random.Random, values: Values) -> str:
    name = (
        _latin(rng, values) + rng.choice(("", ".", "_")) + rng.choice((_latin(rng, values), str(rng.randrange(1000))))
    )
    return f"{name}@{_latin(rng, values)}.{rng.choice(('com', 'org', 'net', 'cn', 'io'))}"


def _url(rng: random.Random, values: Values) -> str:
    return (
        f"https://{_latin(rng, values)}.{rng.choice(('com', 'org', 'net'))}/{_latin(rng, values)}{rng.randrange(1000)}"
    )


def _code(rng: random.Random, values: Values) -> str:
    letters = "".join(rng.choices(string.ascii_uppercase, k=rng.randint(1, 3)))
    return f"{letters}{rng.choice(('', '-'))}{rng.randrange(100, 10 ** rng.randint(4, 7))}"


def _expression(rng: random.Random, values: Values) -> str:
    space = rng.choice(("", " "))
    text = str(rng.randint(2, 999))
    for _ in range(rng.randint(1, 3)):
        text += f"{space}{rng.choice('+-*+-*/')}{space}{rng.randint(2, 999)}"
    if rng.random() < 0.35:
        text = f"({text}){space}{rng.choice('*+-')}{space}{rng.randint(2, 99)}"
    return text


def _no_date(rng: random.Random, values: Values) -> str:
    year, month = rng.randrange(2020, 2030), rng.choice((2, 4, 6, 9, 11))
    return f"{year}年{month}月31日" if values.lang == "zh" and rng.random() < 0.5 else f"{year}-{month:02d}-31"


_MADE: dict[str, Callable[[random.Random, Values], str]] = {
    "date": _date,
    "iso_date": lambda rng, values: _day(rng).isoformat(),
    "moment": lambda rng, values: _moment(rng),
    "time": lambda rng, values: _clock(rng),
    "phone": _phone,
    "email": _email,
    "url": _url,
    "code": _code,
    "expression": _expression,
    "near_day": _near_day,
    "spoken_clock": _spoken_clock,
    "spoken_expression": _spoken_expression,
    "division_by_zero": lambda rng, values: f"{rng.randint(2, 999)}{rng.choice('+-*')}{rng.randint(2, 99)}/0",
    "no_date": _no_date,
    "letters": lambda rng, values: "".join(rng.choices(string.ascii_uppercase, k=rng.randint(4, 8))),
    "hex_color": lambda rng, values: f"#{rng.randrange(16**6):06x}",
    "uuid": lambda rng, values: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
}
