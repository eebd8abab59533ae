"""Small rows made by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
    },
}


def conversation(number: int, lang: str = "en") -> dict[str, Any]:
    """A question, a call, its result and an answer."""
    question = f"What is {number} plus 2?" if lang == "en" else f"{number}加2等于多少？"
    call = {"id": "abcdefgh1", "type": "function", "function": {"name": "add", "arguments": {"a": number, "b": 2}}}
    return {
        "id": f"row-{number}",
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": str(number + 2), "name": "add", "tool_call_id": "abcdefgh1"},
            {"role": "assistant", "content": f"It is {number + 2}." if lang == "en" else f"等于{number + 2}。"},
        ],
        "tools": [ADD],
        "scenario": "single_call",
        "lang": lang,
        "split_key": "arithmetic",
    }


def write_jsonl(file: Path, rows: list[Any]) -> str:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(file)


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return [conversation(number, lang) for number in range(10) for lang in ("en", "zh")]


@pytest.fixture
def rows_file(rows: list[dict[str, Any]], tmp_path: Path) -> str:
    return write_jsonl(tmp_path / "rows.jsonl", rows)
