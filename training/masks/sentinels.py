"""Method 2: what a template does with a reply, seen by sending marked words through it.

The strings of the last message (content, thought, names and values of calls) are replaced by sentinels; the rendering
then shows what is the template's and what is the reply's, and must give the true text when the true strings are put
back. The boundary to the prompt is found locally. Comes in: a way to render, a conversation that ends with the reply.
Goes out: where the reply lies in the true text, and which parts of it the template left out. Uses no owners.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from training.masks.owners import common_prefix
from training.masks.reasons import PromptMismatch, Unanswered

Messages = list[dict[str, Any]]
Render = Callable[[Messages, bool], str]
"""Text of prepared messages; the second argument asks for the generation prompt."""

_SENTINEL = "Qz{:05d}vK"
_SENTINELS = re.compile(r"Qz\d{5}vK")
TAG = re.compile(r"(<[^<>\n]{1,40}>)")  # kept: templates look for tags such as </think> in contents


@dataclass
class Marked:
    """A message with sentinels for its strings.

    `first` is the number of its first sentinel; `strings` gives the true string behind each, `parts` the part of the
    message that each stands in.
    """

    message: dict[str, Any]
    first: int = 0
    strings: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    def put(self, text: str, part: str) -> str:
        """`text` with a sentinel for each stretch between tags; blanks at the edges stay.

        A text of nothing but tags stands for itself as a whole: there is nothing else to see it by.
        """
        pieces = TAG.split(text)
        if not "".join(pieces[::2]).strip():
            return self.put_whole(text, part)
        for position in range(0, len(pieces), 2):
            core = pieces[position].strip()
            if core:
                pieces[position] = pieces[position].replace(core, self._next(core, part), 1)
        return "".join(pieces)

    def put_whole(self, text: str, part: str) -> str:
        """A sentinel for the whole of `text`, or `text` where it is blank."""
        return self._next(text, part) if text.strip() else text

    def _next(self, text: str, part: str) -> str:
        sentinel = _SENTINEL.format(self.first + len(self.strings))
        self.strings[sentinel], self.parts[sentinel] = text, part
        return sentinel


def mark(message: dict[str, Any], first: int = 0) -> Marked:
    """A copy of a prepared message in which sentinels, numbered from `first`, stand for its strings."""
    marked = Marked(dict(message), first)
    reasoning = message.get("reasoning_content")
    if isinstance(reasoning, str):
        put = marked.put(reasoning, "reasoning")
        for key in ("reasoning_content", "thinking", "reasoning"):
            if message.get(key) == reasoning:
                marked.message[key] = put
    if isinstance(message.get("content"), str):
        marked.message["content"] = marked.put(message["content"], "content")
    if message.get("tool_calls"):
        marked.message["tool_calls"] = [
            _mark_call(call, marked, f"call {position}") for position, call in enumerate(message["tool_calls"])
        ]
    return marked


def _mark_call(call: dict[str, Any], marked: Marked, part: str) -> dict[str, Any]:
    function = call["function"]
    name = marked.put_whole(function["name"], part)
    return {
        **call,
        "function": {**function, "name": name, "arguments": _mark_values(function["arguments"], marked, part)},
    }


def _mark_values(value: Any, marked: Marked, part: str) -> Any:
    if isinstance(value, str):
        return marked.put_whole(value, part)
    if isinstance(value, dict):
        return {key: _mark_values(item, marked, part) for key, item in value.items()}
    if isinstance(value, list):
        return [_mark_values(item, marked, part) for item in value]
    return value


@dataclass(frozen=True)
class Skeleton:
    """A rendering in which sentinels stand for strings: `literals` around `sentinels`, in order.

    `missing` names the parts of the last message of which a string did not come through: `content`, `reasoning`,
    `call 0`…
    """

    literals: list[str]
    sentinels: list[str]
    missing: frozenset[str]


def skeleton(text: str, marked: Marked) -> Skeleton:
    """Take apart what the template wrote of a conversation that ends with the marked message."""
    found = _SENTINELS.findall(text)
    missing = frozenset(marked.parts[sentinel] for sentinel in marked.parts.keys() - set(found))
    return Skeleton(_SENTINELS.split(text), found, missing)


def reply_region(
    render: Render, messages: Messages, turn: str, prompt: str, marked: Marked, seen: Skeleton, strings: dict[str, str]
) -> tuple[int, int]:
    """Where the reply of the last message lies in `turn`.

    Args:
        render: The template.
        messages: Prepared messages up to and including the reply.
        turn: Their true text.
        prompt: The true text of the messages before it, with the generation prompt.
        marked: The last message with sentinels.
        seen: What the template did with it.
        strings: The true string behind every sentinel, those of earlier messages included.

    Returns:
        Start of the reply and end of its last string, in characters.

    Raises:
        Unanswered: Where putting the true strings back does not give the true text, or nothing came through.
        PromptMismatch: Where the generation prompt is not what the template writes before the reply.
    """
    if not seen.sentinels or seen.sentinels[-1] not in marked.strings:
        raise Unanswered("no string of this message appears in the text")
    if "Qz" in turn and _SENTINELS.search(turn):
        raise Unanswered("the conversation itself holds a sentinel")
    places = _places(turn, seen, strings)
    if places is None:
        raise Unanswered("the template does not write these strings as they are, so marked words cannot stand for them")
    own = next(place for place, sentinel in zip(places, seen.sentinels, strict=True) if sentinel in marked.strings)
    payload_end = len(turn) - len(seen.literals[-1])
    if len(prompt) <= own and turn.startswith(prompt):
        return len(prompt), payload_end
    return _start_after_last_message(render, messages, marked, turn[:own], prompt), payload_end


def _start_after_last_message(render: Render, messages: Messages, marked: Marked, head: str, prompt: str) -> int:
    """The boundary seen from the message before: what follows it in the prompt must follow it before the reply."""
    if len(messages) < 2:
        raise PromptMismatch(prompt[-40:], common_prefix(prompt, head))
    before = mark(messages[-2])
    # Other words than the reply's, so that the two cannot be taken for each other.
    renamed = {old: old.replace("Qz", "Qy") for old in before.strings}
    previous = json.loads(_replaced(json.dumps(before.message), renamed))
    with_reply = render([*messages[:-2], previous, marked.message], False)
    alone = render([*messages[:-2], previous], True)
    last = max((alone.rfind(sentinel) + len(sentinel) for sentinel in renamed.values() if sentinel in alone), default=0)
    if not last:
        raise Unanswered("the message before it does not appear in the prompt")
    sentinel = alone[last - len(_SENTINEL.format(0)) : last]
    generation = alone[last:]
    first = _SENTINELS.search(with_reply)
    place = with_reply.rfind(sentinel, 0, first.start() if first else 0)
    if place < 0:
        raise Unanswered("the message before it does not appear before the reply")
    between = with_reply[place + len(sentinel) : first.start() if first else 0]
    shared = common_prefix(generation, between)
    start = len(head) - len(between) + shared
    if shared < len(generation):
        raise PromptMismatch(generation, start)
    return start


def _replaced(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def _places(turn: str, seen: Skeleton, strings: dict[str, str]) -> list[int] | None:
    """Where each sentinel's true string begins in the true text; None where they do not give it.

    Each string may be written in one of the ways that templates know; the literals between must follow exactly.
    """
    if not turn.startswith(seen.literals[0]):
        return None
    count = len(seen.sentinels)
    open_places = [[len(seen.literals[0])]]
    while open_places:
        step = len(open_places) - 1
        if not open_places[-1]:
            open_places.pop()
            if open_places:
                open_places[-1].pop()
            continue
        place = open_places[-1][-1]
        if step == count:
            if place == len(turn):
                return [places[-1] for places in open_places[:-1]]
            open_places[-1].pop()
            continue
        literal = seen.literals[step + 1]
        ways = ways_of(strings.get(seen.sentinels[step], seen.sentinels[step]))
        open_places.append([place + len(way) + len(literal) for way in ways if turn.startswith(way + literal, place)])
    return None


@lru_cache(1024)
def ways_of(text: str) -> frozenset[str]:
    """A string as templates write it: plain, in JSON, in JSON with ASCII only, in a Python literal."""
    in_json = json.dumps(text, ensure_ascii=False)[1:-1]
    in_ascii = json.dumps(text)[1:-1]
    in_python = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    in_html = in_json.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("'", "\\u0027")
    return frozenset({text, in_json, in_ascii, in_python, repr(text)[1:-1], in_html})
