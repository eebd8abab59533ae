"""Reads the dates, times and colours that people write, for all tools. Raises ValueError, worded for the person."""

import re
from datetime import date, time

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s+([A-Za-z]+)\.?,?\s+(\d{4})")
_MONTH_FIRST = re.compile(r"([A-Za-z]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_CLOCK = re.compile(r"(\d{1,2})[:：](\d{2})")
NOISE = 1e-10  # and less is what floats leave over where amounts of everyday size cancel out


def read_date(text: str) -> date:
    """`2026-03-14`, `2026/3/14`, `2026年3月14日`, `14 March 2026`, `March 14, 2026`."""
    text = text.strip()
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = (int(part) for part in match.groups())
    elif match := _DAY_FIRST.fullmatch(text):
        year, month, day = int(match[3]), _month(match[2]), int(match[1])
    elif match := _MONTH_FIRST.fullmatch(text):
        year, month, day = int(match[3]), _month(match[1]), int(match[2])
    else:
        raise ValueError(f"{text!r} is not a date such as 2026-03-14")
    try:
        return date(year, month, day)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a day of the calendar") from error


def _month(name: str) -> int:
    short = name[:3].lower()
    if short not in _MONTHS:
        raise ValueError(f"{name!r} is not a month")
    return _MONTHS.index(short) + 1


def read_time(text: str) -> time:
    """A time of day on the 24-hour clock: `07:45`, `18:30`."""
    match = _CLOCK.fullmatch(text.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError(f"{text!r} is not a time of day such as 18:30")
    return time(int(match[1]), int(match[2]))


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
