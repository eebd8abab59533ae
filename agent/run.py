"""A run as a value: what was said and done, and why it ended. Edits make new values; nothing is changed in place.

Comes in: a run, or a row. Goes out: runs to continue (`agent.run(edited.messages)`), and
rows of the canonical format. Branching is keeping more than one value. Knows nothing of models and of execution.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agent.messages import Message, ToolSchema, tool_call

EDITABLE = {
    "system": {"content"},
    "user": {"content"},
    "assistant": {"content", "reasoning_content", "train", "weight"},
    "tool": {"content"},
}
_SCHEMA_VERSION = 1  # of the row


@dataclass(frozen=True)
class Run:
    """The conversation, the tool schemas the model saw, and why it ended (see `agent.events.Done`; "edited" after an
    edit).
    """

    messages: list[Message]
    tools: list[ToolSchema]
    reason: str

    def edited(self, index: int, **fields: Any) -> "Run":
        """The run with other fields in `messages[index]`; a field given as None is taken out.

        What follows stays as it is: cut it where it no longer holds. Calls are edited by `with_call`.

        Raises:
            IndexError: There is no such message.
            ValueError: It has no such field, or `content` is taken out.
        """
        messages = copy.deepcopy(self.messages)
        message: dict[str, Any] = messages[_checked(index, len(messages) - 1)]  # type: ignore[assignment]
        allowed = EDITABLE[message["role"]]
        if strangers := set(fields) - allowed:
            raise ValueError(f"a {message['role']} message has {sorted(allowed)} to edit, not {sorted(strangers)}")
        if fields.get("content", "") is None:
            raise ValueError('content is always a string: write "" for none')
        message.update(copy.deepcopy(fields))
        for field in [name for name, value in fields.items() if value is None]:
            del message[field]
        return replace(self, messages=messages, reason="edited")

    def with_call(
        self, call_id: str, *, name: str | None = None, arguments: Mapping[str, Any] | None = None, rerun: bool = True
    ) -> "Run":
        """The run with another name or other arguments in one call.

        Its result no longer holds, nor does what was said after it: both are dropped, while the results of calls beside
        it stay, so that continuing runs this call alone. With `rerun=False` everything stays; only the result is named
        after the call again.

        Raises:
            KeyError: There is no such call.
        """
        messages = copy.deepcopy(self.messages)
        place, number = _place_of(messages, call_id)
        old = messages[place]["tool_calls"][number]["function"]
        new_name = old["name"] if name is None else name
        new_arguments = old["arguments"] if arguments is None else copy.deepcopy(dict(arguments))
        messages[place]["tool_calls"][number] = tool_call(new_name, new_arguments, call_id)
        if rerun:
            end = place + 1
            while end < len(messages) and messages[end]["role"] == "tool":
                end += 1
            messages = [message for message in messages[:end] if message.get("tool_call_id") != call_id]
        else:
            for message in messages:
                if message.get("tool_call_id") == call_id:
                    message["name"] = new_name
        return replace(self, messages=messages, reason="edited")

    def cut(self, index: int) -> "Run":
        """The run without `messages[index]` and everything after it; `index` may be the number of messages, too.

        A cut among the results of one message leaves the others unanswered: continuing runs those calls again.
        """
        return replace(
            self, messages=copy.deepcopy(self.messages[: _checked(index, len(self.messages))]), reason="edited"
        )

    def to_row(
        self, *, lang: str, scenario: str = "agent", split_key: str = "", provenance: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The run as a row of the canonical format.

        Args:
            lang: "en" or "zh".
            scenario: What kind of conversation it is.
            split_key: Keeps rows that belong together on one side of a split; by default the tools called.
            provenance: Where it comes from: the model, the seed, versions.
        """
        called = {call["function"]["name"] for message in self.messages for call in message.get("tool_calls", [])}
        value = {"messages": copy.deepcopy(self.messages), "tools": copy.deepcopy(self.tools)}
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        return {
            "id": hashlib.sha256(text.encode()).hexdigest()[:16],
            **value,
            "scenario": scenario,
            "lang": lang,
            "split_key": split_key or "+".join(sorted(called)) or scenario,
            "quality": {"reason": self.reason},
            "provenance": dict(provenance or {}),
            "schema_version": _SCHEMA_VERSION,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Run":
        """The run that a row holds, whoever made the row."""
        reason = row.get("quality", {}).get("reason", "")
        return cls(copy.deepcopy(list(row["messages"])), copy.deepcopy(list(row["tools"])), reason)


def _checked(index: int, last: int) -> int:
    if not 0 <= index <= last:
        raise IndexError(f"the messages are numbered 0 to {last}, got {index}")
    return index


def _place_of(messages: list[Message], call_id: str) -> tuple[int, int]:
    for place, message in enumerate(messages):
        for number, call in enumerate(message.get("tool_calls", [])):
            if call["id"] == call_id:
                return place, number
    raise KeyError(f"no call has the id {call_id!r}")
