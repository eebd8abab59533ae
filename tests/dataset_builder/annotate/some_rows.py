"""A few rows to annotate: one to accept, one with a call to correct, one whose answer is wrong, and more like them."""

import json
from pathlib import Path
from typing import Any

from scripted_model import TOOLS

from agent.messages import tool_call, tool_message


def row(number: int, question: str, city: str) -> dict[str, Any]:
    """A row in which the model looks up the weather of `city` and says it."""
    call = tool_call("get_weather", {"city": city}, f"call{number:05d}")
    result = json.dumps({"city": city, "temperature": 22, "sky": "晴"}, ensure_ascii=False)
    return {
        "id": f"row-{number}",
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": "", "reasoning_content": "要查天气。", "tool_calls": [call]},
            tool_message(call, result),
            {"role": "assistant", "content": f"{city}今天晴，22 度。"},
        ],
        "tools": [tool.localized("zh") for tool in TOOLS],
        "scenario": "single call",
        "lang": "zh",
        "split_key": "weather",
        "quality": {},
        "provenance": {"teacher": "test"},
        "schema_version": 1,
    }


def rows(count: int = 5) -> list[dict[str, Any]]:
    cities = ["北京", "上海", "广州", "成都", "西安", "杭州", "武汉"]
    return [
        row(number, f"{city}今天天气怎么样？", city) for number, city in enumerate((cities * count)[:count], start=1)
    ]


def write_rows(file: Path, count: int = 5) -> Path:
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows(count)), encoding="utf-8")
    return file
