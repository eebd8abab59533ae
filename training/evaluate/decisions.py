"""The places in a conversation where a model must decide, each with the true prompt and what is right there.

Comes in: conversations. Goes out: `Decision`s. Two kinds: *act* is the assistant turn after a user turn (call which
tools, with what, or none) and a further call after true tool results, *answer* is the text after them. The prompt is
always the gold one, so that one mistake is counted once. Knows nothing of models.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agent.messages import Message, ToolSchema


@dataclass(frozen=True)
class Decision:
    """One reply to be given.

    Args:
        row: Index of the conversation; `turn` is the index of the message that `gold` is.
        prompt: Every message before it.
        results: The contents of the tool turns since the last user turn.
    """

    row: int
    turn: int
    kind: Literal["act", "answer"]
    prompt: list[Message]
    tools: list[ToolSchema]
    gold: Message
    results: list[str]
    scenario: str
    lang: str

    @property
    def gold_calls(self) -> list[dict[str, Any]]:
        """The right calls, as `{"name", "arguments"}`; `[]` where calling nothing is right."""
        return [dict(call["function"]) for call in self.gold.get("tool_calls", [])]


def decisions_of(rows: Iterable[Mapping[str, Any]]) -> list[Decision]:
    """Every decision whose right answer the rows hold; turns with `"train": false` hold none."""
    return [decision for index, row in enumerate(rows) for decision in _in_row(index, row)]


def _in_row(index: int, row: Mapping[str, Any]) -> Iterable[Decision]:
    messages: list[Message] = row["messages"]
    for turn, message in enumerate(messages):
        if message["role"] != "assistant" or not message.get("train", True) or turn == 0:
            continue
        before = messages[turn - 1]["role"]
        if before in ("user", "tool"):
            yield Decision(
                row=index,
                turn=turn,
                kind="answer" if before == "tool" and not message.get("tool_calls") else "act",
                prompt=messages[:turn],
                tools=row["tools"],
                gold=message,
                results=_results(messages[:turn]),
                scenario=row.get("scenario") or "",
                lang=row.get("lang") or "",
            )


def _results(messages: list[Message]) -> list[str]:
    """What the tools said since the last user turn, if anything."""
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] == "user":
            break
        if message["role"] == "tool":
            results.insert(0, message["content"])
    return results
