"""Chooses the tools that a model is shown, where there are more than it can hold.

Comes in: tools, and a conversation. Goes out: the few tools nearest to what the person asks, by BM25 over words and
character n-grams of names, descriptions and parameters in both languages.
"""

from collections.abc import Sequence
from typing import Any

from agent.messages import Message
from agent.ranking import Ranking
from agent.tools import Tool

REMEMBERED = 2  # user messages that count: "and in Shanghai?" says little by itself


class Selector:
    """Tools, ready to be chosen from."""

    def __init__(self, tools: Sequence[Tool]):
        self._tools = list(tools)
        self._ranking = Ranking([described(tool) for tool in self._tools])

    def nearest(self, text: str, count: int) -> list[Tool]:
        """The `count` tools nearest to `text`, best first; where fewer share a word with it, the first ones fill up."""
        numbers = [number for number, _ in self._ranking.best(text, count)]
        chosen = set(numbers)
        numbers += [number for number in range(len(self._tools)) if number not in chosen][: count - len(numbers)]
        return [self._tools[number] for number in numbers]

    def for_conversation(self, messages: Sequence[Message], count: int) -> list[Tool]:
        """The `count` tools nearest to the last questions, and every tool called so far; in the tools' own order, so
        that a prompt changes as little as it can.
        """
        asked = [message["content"] for message in messages if message["role"] == "user"]
        wanted = {call["function"]["name"] for message in messages for call in message.get("tool_calls", [])}
        wanted |= {tool.name for tool in self.nearest("\n".join(asked[-REMEMBERED:]), count)}
        return [tool for tool in self._tools if tool.name in wanted]


def described(tool: Tool) -> str:
    """All that is said of a tool, in every language it speaks."""
    function = tool.schema["function"]
    texts: list[str] = [function["name"], function["description"], tool.zh.get("description", "")]
    properties: dict[str, Any] = function["parameters"].get("properties", {})
    for name, schema in properties.items():
        texts += [name, str(schema.get("description", "")) if isinstance(schema, dict) else ""]
    texts += tool.zh.get("parameters", {}).values()
    return "\n".join(texts)
