"""Grounding: can every argument of a call, and every number of an answer, be traced to something that was said?

Comes in: a value and the texts that came before it. Goes out: what of it nobody said. A value nobody mentioned is one
the model made up, and a row that teaches making up values is worse than no row. Knows nothing of conversations.

What counts as said: the same words after Unicode and case folding; for numbers also thousands separators, percent,
Chinese numerals (三天, 两百, 3.5万), English number words (twenty-five) and rounding; for longer text (a search query)
all its numbers and most of its words, in Chinese its pairs of characters.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

BARE = 4  # letters and digits of a value that may be said with other marks between them
MOST = 0.6  # share of a longer text's words that must have been said

_BIG = {
    "百": 1e2,
    "千": 1e3,
    "万": 1e4,
    "百万": 1e6,
    "千万": 1e7,
    "亿": 1e8,
    "k": 1e3,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "%": 0.01,
    "percent": 0.01,
}
_NUMBER = re.compile(
    r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:e([+-]?\d{1,3})(?!\w))?"
    r"\s*([百千]?万|亿|百|千|k\b|thousand\b|million\b|billion\b|%|percent\b)?"
)
_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+")
_CHINESE_RUN = re.compile(r"[\u3400-\u9fff]+")
_NUMERAL = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?")
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_NEXT = {"百": 10, "千": 100, "万": 1000, "亿": 10_000_000}  # what a last digit counts behind each
_UP_TO_NINETEEN = [
    *["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
    *["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"],
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ENGLISH = {word: value for value, word in enumerate(_UP_TO_NINETEEN)}
_ENGLISH |= {word: 10 * value for value, word in enumerate(_TENS, 2)}
_ENGLISH |= {"once": 1, "twice": 2, "double": 2, "dozen": 12}
_OLD = str.maketrans("萬億兩點", "万亿两点")  # as Hong Kong and Taiwan write them
_CLOCK = re.compile(r"([零〇一二两三四五六七八九十]+)点(?:(一刻|三刻)|([零〇一二三四五六七八九十]+)分?)")
_HUNDREDTHS = re.compile(r"百分之([零〇一二两三四五六七八九十百]+(?:点[零〇一二三四五六七八九]+)?|\d+(?:\.\d+)?)")
_QUARTERS = {"一刻": 15.0, "三刻": 45.0}
_HOURS_AND_A_HALF = re.compile(r"([零一二两三四五六七八九十]+|\d+)个半(小时|钟头)?")
_DIGITS_ONLY = re.compile(r"[\d\s-]*\d")
_AFTERNOON = re.compile(r"\d\s*p\.?m|下午|晚上|傍晚")


class Said:
    """What was said so far: text to trace values in. Grows by `add`."""

    def __init__(self, texts: Iterable[str] = ()):
        self._text = ""
        self._words: set[str] = set()
        self._numbers: set[float] = set()
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        text = _folded(text)
        self._text += "\n" + text
        self._words |= set(_words(text))
        self._numbers |= _numbers(text)

    def add_counts(self, result: str) -> None:
        """A tool result also says how many things it lists."""
        try:
            value = json.loads(result)
        except (ValueError, RecursionError):
            return
        lists = [value, *value.values()] if isinstance(value, dict) else [value]
        self._numbers |= {float(len(each)) for each in lists if isinstance(each, list)}

    def unsaid(self, value: Any) -> Any | None:
        """The first part of a JSON value that was not said; None if all of it was."""
        if value is None or isinstance(value, bool) or value == "":
            return None
        if isinstance(value, int | float):
            return None if self._has_number(abs(float(value)), 12) else value
        if isinstance(value, str):
            return None if self._has_text(value) else value
        parts = value.values() if isinstance(value, dict) else value
        return next((part for part in map(self.unsaid, parts) if part is not None), None)

    def unsaid_number(self, answer: str) -> str | None:
        """The first number of an answer that was not said; list numbering ("1. ", "2、", "①") and what belongs to a
        word (PM2.5, H2O) are passed over.
        """
        answer = re.sub(r"[①-⑳]", " ", answer)
        answer = re.sub(r"(?m)^\s*(?:#+\s*)?\**\d+[.)、]\**(?=\D)", "", _folded(answer))
        later = bool(_AFTERNOON.search(answer))
        for match in _NUMBER.finditer(answer):
            if answer[max(0, match.start() - 1) : match.start()].isalpha() and answer[match.start() - 1].isascii():
                continue
            decimals = len(match[1].partition(".")[2])
            readings = _readings(match)
            readings += [value + 12 for value in readings if later and value < 12]  # 下午3点 is 15:00
            if not any(self._has_number(value, decimals) for value in readings):
                return match[0].strip()
        return None

    def _has_number(self, value: float, decimals: int) -> bool:
        if value in self._numbers:
            return True
        return any(abs(round(said, decimals) - value) < 1e-9 * max(1.0, value) for said in self._numbers)

    def _has_text(self, value: str) -> bool:
        value = _folded(value)
        if _DIGITS_ONLY.fullmatch(value):
            together = re.sub(r"(?<=\d)[\s-](?=\d)", "", self._text)  # 138 0013 8000 is a telephone's number
            bare = re.sub(r"[\s-]", "", value)
            if _stands_in(value.strip(), self._text) or (len(bare) >= BARE and _stands_in(bare, together)):
                return True
        elif _stands_in(value.strip(), self._text) or self._has_bare(value):
            return True
        value = re.sub(r"(?<=\d):00\b", "", value)  # nobody says the minutes of a full hour
        words = _words(value)
        numbers_said = all(
            any(self._has_number(reading, 12) for reading in _readings(match)) for match in _NUMBER.finditer(value)
        )
        return numbers_said and (not words or sum(word in self._words for word in words) >= MOST * len(words))

    def _has_bare(self, value: str) -> bool:
        """Whether its letters and digits stand there in a row, with other marks between them."""
        bare = _bare(value)
        return len(bare) >= BARE and _stands_in(bare, _bare(self._text))


def _stands_in(value: str, text: str) -> bool:
    """Whether `value` stands in `text` and cuts no number and no Latin word in two: 3小时 is not said by 13小时."""
    before = r"(?<![0-9a-z])(?<!\d[.:])" if value[:1].isascii() and value[:1].isalnum() else ""
    after = r"(?![0-9a-z])(?![.:]\d)" if value[-1:].isascii() and value[-1:].isalnum() else ""
    return re.search(before + re.escape(value) + after, text) is not None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(_OLD)


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _words(text: str) -> list[str]:
    """Words, and of Chinese each pair of neighbouring characters: where words begin there, only a dictionary knows."""
    pairs = [run[at : at + 2] for run in _CHINESE_RUN.findall(text) for at in range(max(1, len(run) - 1))]
    return _WORD.findall(text) + pairs


def _numbers(text: str) -> set[float]:
    found = {value for match in _NUMBER.finditer(text) for value in _readings(match)}
    found |= {float(part) for match in _NUMBER.finditer(text) if "," in match[1] for part in match[1].split(",")}
    found |= {value for run in _NUMERAL.findall(text) for value in _chinese_readings(run)}
    found |= _times_and_shares(text)
    words = [_ENGLISH.get(word) for word in _WORD.findall(text)]
    found |= {float(value) for value in words if value is not None}
    for tens, ones in pairwise(words):
        if tens is not None and ones is not None and tens >= 20 and 0 < ones < 10:
            found.add(float(tens + ones))
    for word, unit in pairwise(_WORD.findall(text)):
        if word in _ENGLISH and unit in ("hundred", *_BIG):
            found.add(_ENGLISH[word] * (100.0 if unit == "hundred" else _BIG[unit]))
    if _AFTERNOON.search(text):
        found |= {value + 12 for value in found if value < 12}
    if "半" in text or "half" in text:
        found |= {0.5, 30.0}
    return found


def _readings(match: re.Match[str]) -> list[float]:
    """What a written number may mean: "25%" is 25 and 0.25, "3万" is 3 and 30,000."""
    value = float(match[1].replace(",", ""))
    if match[2]:
        value = float(f"{match[1].replace(',', '')}e{match[2]}")
    return [value, value * _BIG[match[3]]] if match[3] else [value]


def _times_and_shares(text: str) -> set[float]:
    """What 八点二十, 三点一刻, 百分之五 and 一个半小时 say beside the numerals that stand in them."""
    found: set[float] = set()
    for match in _CLOCK.finditer(text):
        found |= {_chinese_number(match[1]), _QUARTERS[match[2]] if match[2] else _chinese_number(match[3])}
    for match in _HUNDREDTHS.finditer(text):
        share = float(match[1]) if match[1][0].isdigit() and match[1].isascii() else _chinese_number(match[1])
        found |= {share, share / 100}
    for match in _HOURS_AND_A_HALF.finditer(text):
        whole = float(match[1]) if match[1].isascii() else _chinese_number(match[1])
        found |= {whole + 0.5} | ({60 * (whole + 0.5)} if match[2] else set())
    return found


def _chinese_readings(run: str) -> set[float]:
    """A numeral's value, and of one such as 三千五 or 一万二 the one that people mean: the last digit is of the next
    smaller unit.
    """
    found = {_chinese_number(run)}
    if len(run) > 2 and run[-1] in _DIGITS and run[-2] in _NEXT and "点" not in run:
        found.add(_chinese_number(run[:-1]) + _DIGITS[run[-1]] * _NEXT[run[-2]])
    return found


def _chinese_number(run: str) -> float:
    """The value of a Chinese numeral: 二十五, 两百零三, 三千万, 二〇二六, 三点五."""
    whole, _, fraction = run.partition("点")
    if not set(whole) & {*_UNITS, "万", "亿"}:
        value = float("".join(str(_DIGITS[character]) for character in whole) or 0)
    else:
        total = section = digit = 0
        for character in whole:
            if character in _DIGITS:
                digit = _DIGITS[character]
            elif character in _UNITS:
                section += (digit or 1) * _UNITS[character]
                digit = 0
            elif character == "亿":  # of all that stands before it, 万 of what stands after it
                total = (total + section + digit or 1) * 100_000_000
                section = digit = 0
            else:
                above = total - total % 100_000_000
                total = above + (total - above + section + digit or 1) * 10_000
                section = digit = 0
        value = float(total + section + digit)
    return value + float("0." + ("".join(str(_DIGITS[character]) for character in fraction) or "0"))
