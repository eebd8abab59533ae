"""Tools for text, days and chance. Families: text, dates, time_zones, random."""

import re
import string
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from agent.toolbox.reading import read_date, read_time, weekday_zh
from agent.toolbox.world import world, world_tool
from agent.tools import tool

MAX_TEXT = 20_000  # characters
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LIKE_ONEILL = re.compile(r"([^\W\d_]['’])([^\W\d_]{3,})")


@tool(family="text", zh={"description": "统计字数", "parameters": {"text": "文本"}})
def count_characters(text: str) -> dict[str, Any]:
    """Count words and characters.

    Args:
        text: text
    """
    return {"words": len(text.split()), "characters": len(text)}


@tool(family="text", zh={"description": "把文本倒过来", "parameters": {"text": "文本"}})
def reverse_text(text: str) -> dict[str, Any]:
    """Reverse a text.

    Args:
        text: text
    """
    return {"reversed": text[::-1]}


@tool(family="text", zh={"description": "替换文本里的词", "parameters": {"text": "文本", "old": "旧词", "new": "新词"}})
def replace_text(text: str, old: str, new: str) -> dict[str, Any]:
    """Replace a word in a text.

    Args:
        text: text
        old: old word
        new: new word
    """
    if not old or old not in text:
        raise ValueError(f"{old!r} does not occur in the text")
    replaced = text.replace(old, new)
    if len(replaced) > MAX_TEXT:
        raise ValueError(f"the text would have more than {MAX_TEXT} characters")
    return {"text": replaced}


@tool(
    family="text",
    zh={
        "description": "改变字母大小写",
        "parameters": {"text": "文本", "style": "样式：upper=大写，lower=小写，title=首字母大写"},
    },
)
def change_case(text: str, style: Literal["upper", "lower", "title"]) -> dict[str, Any]:
    """Change the case of a text.

    Args:
        text: text
        style: style: upper=upper case, lower=lower case, title=title case
    """
    return {"text": {"upper": text.upper, "lower": text.lower, "title": lambda: _WORD.sub(_capitalized, text)}[style]()}


def _capitalized(word: re.Match[str]) -> str:
    """A word with its first letter large, and a name such as O'Neill with two; it's and 3rd have no other."""
    name = _LIKE_ONEILL.fullmatch(word[0])
    return name[1].capitalize() + name[2].capitalize() if name else word[0].capitalize()


@tool(family="dates", zh={"description": "查询某天是星期几", "parameters": {"date": "日期"}})
def weekday_of(date: str) -> dict[str, Any]:
    """Find the weekday of a date.

    Args:
        date: date
    """
    day = read_date(date)
    named = {"weekday": f"{day:%A}", "weekday_zh": weekday_zh(day)}
    return {"date": day.isoformat(), **named, "day_of_week": day.isoweekday()}


@tool(
    family="dates", zh={"description": "计算两个日期相差几天", "parameters": {"start": "开始日期", "end": "结束日期"}}
)
def days_between(start: str, end: str) -> dict[str, Any]:
    """Count the days between two dates.

    Args:
        start: start date
        end: end date
    """
    return {"days": (read_date(end) - read_date(start)).days}


@tool(family="dates", zh={"description": "计算若干天后的日期", "parameters": {"date": "日期", "days": "天数"}})
def add_days(date: str, days: int) -> dict[str, Any]:
    """Add days to a date.

    Args:
        date: date
        days: number of days
    """
    try:
        return {"date": (read_date(date) + timedelta(days=days)).isoformat()}
    except OverflowError as error:
        raise ValueError("that is outside the calendar") from error


City = Literal["Beijing", "Tokyo", "London", "Paris", "New York", "Sydney"]
ZONES = {
    "Beijing": "Asia/Shanghai",
    "Tokyo": "Asia/Tokyo",
    "London": "Europe/London",
    "Paris": "Europe/Paris",
    "New York": "America/New_York",
    "Sydney": "Australia/Sydney",
}
_ZH_CITIES = "Beijing=北京，Tokyo=东京，London=伦敦，Paris=巴黎，New York=纽约，Sydney=悉尼"


@world_tool(
    family="time_zones",
    zh={
        "description": "换算两地时间",
        "parameters": {"time": "时间", "source": f"出发城市：{_ZH_CITIES}", "target": f"目标城市：{_ZH_CITIES}"},
    },
)
def convert_time(time: str, source: City, target: City) -> dict[str, Any]:
    """Convert a time of day between cities.

    Args:
        time: time
        source: city of that time
        target: city to convert to
    """
    there = datetime.combine(world().today, read_time(time), ZoneInfo(ZONES[source]))
    return {"city": target, "time": f"{there.astimezone(ZoneInfo(ZONES[target])):%H:%M}"}


@world_tool(family="time_zones", zh={"description": "查询城市的时差", "parameters": {"city": f"城市：{_ZH_CITIES}"}})
def utc_offset(city: City) -> dict[str, Any]:
    """Find how many hours a city is ahead of UTC.

    Args:
        city: city
    """
    noon = datetime(world().today.year, world().today.month, world().today.day, 12, tzinfo=ZoneInfo(ZONES[city]))
    offset = noon.utcoffset() or timedelta()
    return {"city": city, "hours": int(offset.total_seconds() // 3600)}


@world_tool(family="random", zh={"description": "掷骰子", "parameters": {"count": "骰子个数", "sides": "面数"}})
def roll_dice(count: int, sides: int = 6) -> dict[str, Any]:
    """Roll dice.

    Args:
        count: number of dice
        sides: sides of a die
    """
    if not 1 <= count <= 50 or not 2 <= sides <= 1000:
        raise ValueError("1 to 50 dice with 2 to 1000 sides can be rolled")
    rolls = [world().rng.randint(1, sides) for _ in range(count)]
    return {"rolls": rolls, "sum": sum(rolls)}


@world_tool(family="random", zh={"description": "生成随机数", "parameters": {"low": "最小值", "high": "最大值"}})
def random_number(low: int, high: int) -> dict[str, Any]:
    """Draw a random number.

    Args:
        low: lowest value
        high: highest value
    """
    if low > high:
        raise ValueError("the lowest value is above the highest")
    return {"number": world().rng.randint(low, high)}


@world_tool(family="random", zh={"description": "随机挑选一个", "parameters": {"options": "选项"}})
def pick_one(options: list[str]) -> dict[str, Any]:
    """Pick one option at random.

    Args:
        options: options
    """
    if not 1 <= len(options) <= 100:
        raise ValueError("between 1 and 100 options are needed")
    return {"picked": world().rng.choice(options)}


@world_tool(
    family="random",
    zh={"description": "生成密码", "parameters": {"length": "长度", "symbols": "符号：true=带符号，false=不带符号"}},
)
def make_password(length: int, symbols: bool = False) -> dict[str, Any]:
    """Make a password.

    Args:
        length: length
        symbols: symbols: true=with symbols, false=without symbols
    """
    if not 4 <= length <= 64:
        raise ValueError("a password has 4 to 64 characters")
    alphabet = string.ascii_letters + string.digits + ("!?@#%+" if symbols else "")
    return {"password": "".join(world().rng.choices(alphabet, k=length))}
