"""How a visit looks in `gr.Chatbot`: thoughts and calls folded under titles, answers as text.

Comes in: a `Visit`. Goes out: the chatbot's messages, each with the index of the transcript message it shows.
Knows nothing of the page around it.
"""

import json
import re
from typing import Any, NamedTuple

from agent.messages import Message, ToolCall
from space.visit import Visit
from space.words import Words

# A result is kept whole in the transcript; the page shows this much of it.
SHOWN_CHARACTERS = 3000
TITLE_CHARACTERS = 64


class Shown(NamedTuple):
    """One message of the chatbot, and `origin`, the transcript message that it shows."""

    origin: int
    message: dict[str, Any]


def shown(visit: Visit, words: Words) -> list[Shown]:
    """The whole visit in the order in which a person reads it; a result stands inside the call it answers."""
    results = {message["tool_call_id"]: message for message in visit.messages if message["role"] == "tool"}
    lines: list[Shown] = []
    for index, message in enumerate(visit.messages):
        if index in visit.questions:
            lines.append(Shown(index, {"role": "user", "content": message["content"]}))
        elif message["role"] == "user":
            lines.append(Shown(index, _folded(message["content"], words.notice, "done")))
        elif message["role"] == "assistant":
            lines.extend(Shown(index, line) for line in _assistant(message, results, visit, words))
    if visit.running:
        lines.extend(Shown(len(visit.messages), line) for line in _being_written(visit, words))
    elif visit.failure:
        lines.append(
            Shown(len(visit.messages), _said(f"{words.failed}{words.reasons.get(visit.failure, visit.failure)}"))
        )
    return lines


def pretty(text: str) -> str:
    """`text` in a fence that its content cannot close; JSON is indented, what is very long is cut."""
    language = ""
    try:
        value = json.loads(text)
        if isinstance(value, dict | list):
            language, text = "json", json.dumps(value, ensure_ascii=False, indent=2)
    except ValueError:
        pass
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[:SHOWN_CHARACTERS]}\n… (+{len(text) - SHOWN_CHARACTERS})"
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def call_title(call: ToolCall) -> str:
    """The call on one line, as `get_weather(city=北京)`, cut where it is long; without backticks and line breaks."""
    function = call["function"]
    values = (f"{name}={_brief(value)}" for name, value in function["arguments"].items())
    title = " ".join(f"{function['name']}({', '.join(values)})".replace("`", "'").split())
    return title if len(title) <= TITLE_CHARACTERS else title[: TITLE_CHARACTERS - 1] + "…"


def _assistant(message: Message, results: dict[str, Message], visit: Visit, words: Words) -> list[dict[str, Any]]:
    lines = []
    calls = message.get("tool_calls", [])
    if message.get("reasoning_content"):
        lines.append(_folded(message["reasoning_content"], words.thought, "done"))
    if message["content"]:
        # What a model says on its way to a call is how it thinks aloud; only its last words are the answer.
        lines.append(_folded(message["content"], words.thought, "done") if calls else _said(message["content"]))
    lines.extend(_call(call, results.get(call["id"]), visit, words) for call in calls)
    return lines


def _call(call: ToolCall, result: Message | None, visit: Visit, words: Words) -> dict[str, Any]:
    note = visit.notes.get(call["id"])
    failed = note is not None and note.is_error
    arguments = json.dumps(call["function"]["arguments"], ensure_ascii=False)
    content = f"{words.arguments}\n{pretty(arguments)}"
    if result is not None:
        heading = words.error_result if failed else words.result
        content = f"{content}\n{heading}\n{pretty(result['content'])}"
    title = f"{words.call} `{call_title(call)}`" + (f" · {words.call_failed}" if failed else "")
    line = _folded(content, title, "pending" if result is None and visit.running else "done")
    if note is not None and note.seconds > 0:
        line["metadata"]["duration"] = round(note.seconds, 3)
    return line


def _being_written(visit: Visit, words: Words) -> list[dict[str, Any]]:
    lines = []
    if visit.thought:
        lines.append(_folded(visit.thought, words.thought, "done" if visit.text else "pending"))
    if visit.text:
        lines.append(_said(visit.text))
    return lines


def _folded(content: str, title: str, status: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "metadata": {"title": title, "status": status}}


def _said(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def _brief(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
