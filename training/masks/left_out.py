"""What a template leaves out of a reply where no sentinel can stand for it: keys, numbers and truth values, and tags.

Comes in: a prepared message and the text of its reply. Goes out: what the text does not hold as often as the message.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from training.masks.sentinels import TAG, ways_of

_THOUGHT = ("<think>", "</think>")  # templates write these anew


def left_out_of_calls(message: dict[str, Any], reply: str) -> list[str]:
    """Keys, numbers and truth values of a message's calls that do not stand in its reply as often as there.

    No sentinel can stand for these. A null, with its key, may go: templates that leave it out mean the same.
    """
    wanted: Counter[frozenset[str]] = Counter()
    for call in message.get("tool_calls") or []:
        wanted.update(_plain_ways(call["function"]["arguments"]))
    return [min(ways, key=len) for ways, times in wanted.items() if sum(reply.count(way) for way in ways) < times]


def left_out_tags(message: dict[str, Any], reply: str) -> list[str]:
    """Tags of a message's content, which no sentinel stands for, that its reply does not hold as often."""
    tags = Counter(tag for tag in TAG.findall(message["content"]) if tag not in _THOUGHT)
    return [tag for tag, times in tags.items() if reply.count(tag) < times]


def _plain_ways(value: Any) -> Iterator[frozenset[str]]:
    """For each key, number and truth value in an argument, the ways in which templates write it."""
    if isinstance(value, dict):
        for key, item in value.items():
            if item is not None:
                yield ways_of(key)
                yield from _plain_ways(item)
    elif isinstance(value, list):
        for item in value:
            yield from _plain_ways(item)
    elif isinstance(value, bool | int | float):
        yield frozenset({json.dumps(value), str(value)})
