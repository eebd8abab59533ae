"""Reads the dates, times and colours that people write, for all tools. Raises ValueError, worded for the person."""

import re
from datetime import date, time, timedelta

from agent.toolbox.world import world

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?")
_NO_YEAR = re.compile(r"([\d一二三四五六七八九十]{1,3})\s*月\s*([\d一二三四五六七八九十]{1,3})\s*[日号]")
_DAY_FIRST = re.compile(r"(?:the )?(\d{1,2})(?:st|nd|rd|th)?(?: of)?\s+([A-Za-z]+)\.?(?:,?\s+(\d{4}))?")
_MONTH_FIRST = re.compile(r"([A-Za-z]+)\.?\s+(?:the )?(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?")
_DAYS_AWAY = {
    "the day before yesterday": -2, "yesterday": -1, "today": 0, "tomorrow": 1,
    "the day after tomorrow": 2, "day after tomorrow": 2,
    "大前天": -3, "前天": -2, "昨天": -1, "今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2, "大后天": 3,
}  # fmt: skip
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(rf"(this |next )?({'|'.join(_WEEKDAYS)})", re.IGNORECASE)
_WEEKDAY_ZH = re.compile(r"(这|本|下下|下)?个?(?:星期|周|礼拜)([一二三四五六日天])")
_WEEKS_ON = {"this": 0, "next": 1, "这": 0, "本": 0, "下": 1, "下下": 2}
_CLOCK = re.compile(r"(\d{1,2})[:：.](\d{2})\s*([ap])\.?m\.?|(\d{1,2})\s*([ap])\.?m\.?", re.IGNORECASE)
_PLAIN_CLOCK = re.compile(r"(\d{1,2})[:：](\d{2})")
_CLOCK_ZH = re.compile(
    r"(凌晨|半夜|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里)?\s*(?:(\d{1,2})[:：](\d{2})|"
    r"(\d{1,2}|[零一二两三四五六七八九十]{1,3})\s*[点时]"
    r"(?:(半|一刻|三刻|整|钟)|\s*(\d{1,2}|[零一二三四五六七八九十]{1,3})分?)?)"
)
_PARTS_ZH = {"半": 30, "一刻": 15, "三刻": 45}
_DIGITS_ZH = {sign: number for number, sign in enumerate("零一二三四五六七八九")} | {"两": 2}
NOISE = 1e-10  # and less is what floats leave over where amounts of everyday size cancel out


def read_date(text: str) -> date:
    """`2026-03-14`, `2026/3/14`, `2026年3月14日`, `14 March 2026`, `March 14, 2026`; without the year, the day of this
    year; and days as they are told from today: `tomorrow`, `Friday`, `next Monday`, `后天`, `周五`, `下周一`.
    """
    told = text.strip()
    try:
        found = _calendar_day(told) or _day_from_today(told, world().today)
    except ValueError as error:
        raise ValueError(f"{told!r} is not a day of the calendar") from error
    if found is None:
        raise ValueError(f"{told!r} is not a date such as 2026-03-14")
    return found


def _calendar_day(told: str) -> date | None:
    this_year = world().today.year
    if match := _YEAR_FIRST.fullmatch(told):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := _NO_YEAR.fullmatch(told):
        return date(this_year, _number(match[1]), _number(match[2]))
    for pattern, day, month in ((_DAY_FIRST, 1, 2), (_MONTH_FIRST, 2, 1)):
        if (match := pattern.fullmatch(told)) and (number := _month(match[month])):
            return date(int(match[3] or this_year), number, int(match[day]))
    return None


def _month(name: str) -> int:
    """`March`, `mar`, `sept` as a number from 1; 0 for what is no month."""
    known = [number for number, month in enumerate(_MONTHS, 1) if month.startswith(name.lower())]
    return known[0] if known and len(name) >= 3 else 0


def _day_from_today(told: str, today: date) -> date | None:
    """A weekday alone is the next one, today included; with `next` or 下 it is that of the week after this, from Monday
    on, and with `this` or 这 that of this week.
    """
    if (away := _DAYS_AWAY.get(told.lower())) is not None:
        return today + timedelta(days=away)
    if match := _WEEKDAY.fullmatch(told):
        weekday = _WEEKDAYS.index(match[2].lower())
    elif match := _WEEKDAY_ZH.fullmatch(told):
        weekday = "一二三四五六日".index(match[2].replace("天", "日"))
    else:
        return None
    away = weekday - today.weekday()
    which = (match[1] or "").lower().strip()
    return today + timedelta(days=away + 7 * _WEEKS_ON[which] if which else away % 7)


def read_time(text: str) -> time:
    """A time of day: `07:45`, `18:30`, `7 am`, `3:30 p.m.`, `noon`, `下午3点半`, `晚上八点二十`, `15点20分`."""
    told = text.strip()
    hour, minute = _clock(told) or (24, 0)
    if hour > 23 or minute > 59:
        raise ValueError(f"{told!r} is not a time of day such as 18:30")
    return time(hour, minute)


def _clock(told: str) -> tuple[int, int] | None:
    if named := {"noon": (12, 0), "正午": (12, 0), "midnight": (0, 0)}.get(told.lower()):
        return named
    if match := _PLAIN_CLOCK.fullmatch(told):
        return int(match[1]), int(match[2])
    if match := _CLOCK.fullmatch(told):
        return _of_half(int(match[1] or match[4]), match[3] or match[5]), int(match[2] or 0)
    if match := _CLOCK_ZH.fullmatch(told):
        hour, minutes = _number(match[2] or match[4]), match[3] or match[6]
        minute = _number(minutes) if minutes else _PARTS_ZH.get(match[5] or "", 0)
        return _of_part(hour, match[1] or ""), minute
    return None


def _of_half(hour: int, half: str) -> int:
    """The hour of 24 from one of 12 with its `a` or `p`; 24 where no clock shows it."""
    return hour % 12 + (12 if half.lower() == "p" else 0) if 1 <= hour <= 12 else 24


def _of_part(hour: int, part: str) -> int:
    """The hour of 24 from one told with its part of the day: 晚上8点 is 20, 晚上12点 midnight, 夜里2点 stays."""
    if part in ("下午", "中午"):
        return hour + 12 if 1 <= hour < (11 if part == "中午" else 12) else hour or 24
    if part in ("傍晚", "晚上", "夜里"):
        return hour + 12 if 5 <= hour < 12 else hour % 12 if hour <= 12 else hour
    return 0 if part in ("凌晨", "半夜") and hour == 12 else hour


def _number(text: str) -> int:
    """`20`, `二十`, `十五`, `零五` as a number; 99 for what is none."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        digits = [_DIGITS_ZH.get(sign, 99) for sign in text.lstrip("零") or "零"]
        return digits[0] if len(digits) == 1 else 99
    return 10 * _DIGITS_ZH.get(tens or "一", 99) + (_DIGITS_ZH.get(ones, 99) if ones else 0)


def read_color(text: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255 each, from `#1e90ff`."""
    match = re.fullmatch(r"#?([0-9a-fA-F]{6})", text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a colour code such as #1e90ff")
    value = int(match[1], 16)
    return value >> 16, value >> 8 & 255, value & 255


def weekday_zh(day: date) -> str:
    """The day of the week, as 星期一."""
    return f"星期{'一二三四五六日'[day.weekday()]}"


def tidy(value: float, digits: int = 2, *, noise: float = NOISE) -> float | int:
    """Rounded as a person would write it: to `digits` after the point, six where it is below 1, none where it is whole.

    Below 0.001 the six are those that tell something; what is smaller than `noise` is 0.

    Raises ValueError where the value is infinite or no number.
    """
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("the result is not a finite number")
    if noise < abs(value) < 0.001:
        return float(f"{value:.6g}")
    rounded = round(value, digits) if abs(value) >= 1 else round(value, max(6, digits))
    return int(rounded) if rounded == int(rounded) else rounded
