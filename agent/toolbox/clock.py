"""A tool that knows what time it is. Unlike the embedded tools, whose day is their world's, it reads the real clock."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.toolbox.reading import weekday_zh
from agent.tools import tool


@tool(
    family="clock",
    zh={
        "description": "现在的日期、星期和时间",
        "parameters": {"zone": "时区，例如 Asia/Shanghai、UTC；默认是本机时区"},
    },
)
def current_time(zone: str | None = None) -> dict[str, Any]:
    """Say the date, the day of the week and the time now.

    Args:
        zone: time zone such as Asia/Shanghai, Europe/Paris or UTC; by default this machine's
    """
    try:
        now = datetime.now(ZoneInfo(zone)) if zone else datetime.now().astimezone()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is no time zone such as Asia/Shanghai, Europe/Paris or UTC") from error
    offset = now.strftime("%z")
    return {
        "date": now.strftime("%Y-%m-%d"),
        "time": now.strftime("%H:%M:%S"),
        "weekday": f"{now:%A}（{weekday_zh(now)}）",
        "utc_offset": f"{offset[:3]}:{offset[3:]}",
        "zone": zone or now.tzname() or "",
    }
