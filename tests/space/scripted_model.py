"""A model that follows a script, and three tools that really run: what the pages are tested with, without weights.

It writes in small pieces, with a thought before each call, and answers from the results it finds in the conversation.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from agent.messages import Message, ToolSchema
from agent.models import Reply, Sampling, TextDelta, Usage
from agent.tools import Tool, tool

PIECE_SECONDS = 0.02


@tool(family="weather", zh={"description": "查询一个城市的天气。", "parameters": {"city": "城市"}})
def get_weather(city: str) -> dict:
    """Look up the weather of a city.

    Args:
        city: The city.
    """
    if city == "nowhere":
        raise ValueError("no such city")
    return {"city": city, "temperature": 20 + len(city), "sky": "晴"}


@tool(family="arithmetic", zh={"description": "把两个整数相加。", "parameters": {"a": "第一个数", "b": "第二个数"}})
def add(a: int, b: int) -> dict:
    """Add two whole numbers.

    Args:
        a: The first number.
        b: The second number.
    """
    return {"sum": a + b}


@tool(
    family="post",
    side_effects=True,
    zh={"description": "寄一封信。", "parameters": {"to": "收信人", "text": "内容"}},
)
def post_letter(to: str, text: str) -> dict:
    """Post a letter.

    Args:
        to: Who gets it.
        text: What it says.
    """
    with OUTBOX[0].open("a", encoding="utf-8") as outbox:
        outbox.write(f"{to}\n")
    return {"posted": to}


TOOLS: list[Tool] = [get_weather, add]
OUTBOX: list[Path] = []  # the file in which a posted letter leaves its line: an effect outside of any visit


GATED = "北京今天天气怎么样？"


class ScriptedModel:
    """Calls `get_weather` for weather, `add` for two numbers, `post_letter` for each letter.

    Tells an endless story, counts, or breaks, when asked to.

    Args:
        gate: In the midst of its answer to the question `GATED`, the model waits until this file is there, so that a
            test can look at half an answer however slow the machine is.
    """

    name = "scripted"

    def __init__(self, gate: Path | None = None):
        self.gate = gate
        self.count = 0

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], sampling: Sampling
    ) -> AsyncIterator[TextDelta | Reply]:
        last, offered = messages[-1], {tool["function"]["name"] for tool in tools}
        if "break" in last["content"]:
            raise RuntimeError("secret detail of the inside")
        message = self._message(last, offered, messages)
        for text, thought in ((message.get("reasoning_content", ""), True), (message["content"], False)):
            for piece in re.findall(r".{1,4}", text, re.DOTALL):
                await asyncio.sleep(PIECE_SECONDS)
                yield TextDelta(piece, thought)
                if last["role"] == "tool" and messages[0]["content"] == GATED:
                    await self._wait_at_gate()
        yield Reply(message, Usage(len(messages), 8))

    async def _wait_at_gate(self) -> None:
        while self.gate is not None and not self.gate.exists():
            await asyncio.sleep(PIECE_SECONDS)

    def _message(self, last: Message, offered: set[str], messages: Sequence[Message]) -> Message:
        if last["role"] == "tool":
            return {"role": "assistant", "content": f"结果是：{last['content']}"}
        question = last["content"]
        numbers = [int(number) for number in re.findall(r"\d+", question)]
        if letters := re.findall(r"(?:寄信给|letter to )(\w+?)(?=[，。,.]|$)", question):
            said = {"text": "<b>${7*7}</b> {{value}}\u202e"}
            return _calls("要寄信。", *(("post_letter", {"to": name, **said}) for name in letters))
        if ("天气" in question or "weather" in question) and "get_weather" in offered:
            city = re.split(r"[今的]|weather in ", question)[0 if "天气" in question else -1].strip(" ?？")
            return _calls("要查天气。", ("get_weather", {"city": city}))
        if len(numbers) == 2 and "add" in offered:
            return _calls("要做加法。", ("add", {"a": numbers[0], "b": numbers[1]}))
        if "story" in question:
            return {"role": "assistant", "content": "Once upon a time there was a tool. " * 2000}
        if "第几次" in question:
            self.count += 1
            return {"role": "assistant", "content": f"第 {self.count} 次"}
        return {"role": "assistant", "content": f"没有合适的工具，收到：{question}"}


def _calls(thought: str, *calls: tuple[str, dict]) -> Message:
    made = [
        {"id": f"aaaaaaaa{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls)
    ]
    return {
        "role": "assistant",
        "content": "",
        "reasoning_content": thought,
        "tool_calls": json.loads(json.dumps(made)),
    }
