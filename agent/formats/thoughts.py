"""Tells a model's thought from what it says: `<think>` and its like, wherever they stand, closed or not.

Comes in: a reply. Goes out: what is said, what is thought, and where a thought that was never closed begins. A thought
is not acted on: calls in it are none. Knows nothing of how calls are written, but for the tag that a thought in a
call's own arguments stands behind.
"""

import re
from dataclasses import dataclass

from agent.formats.calls import Reading

_NAMES = r"(?:think|thinking|thought|reasoning|思考)"
OPEN = re.compile(rf"[<＜]\s*{_NAMES}\s*[>＞]", re.IGNORECASE)
CLOSE = re.compile(rf"[<＜]\s*[/／]\s*{_NAMES}\s*[>＞]", re.IGNORECASE)
# Where a thought may begin within a reply: not in the middle of a sentence that mentions the tag.
STARTS = re.compile(r"(?:\A|[\n>＞。！？.!?])[ \t]*\Z")
_PLAIN = re.compile(r"</?think(?:ing)?>\Z", re.IGNORECASE)
_CALL_OPEN, _CALL_CLOSE = "<tool_call>", "</tool_call>"


@dataclass(frozen=True)
class Split:
    """What is said, what is thought, and what stands in a thought at the end that was never closed."""

    said: str
    thought: str
    unclosed: str = ""


def split_thoughts(text: str, reading: Reading) -> Split:
    """Take every thought out of `text`; one whose opening tag stood in the prompt counts."""
    thoughts: list[str] = []
    close = CLOSE.search(text)
    open_ = OPEN.search(text)
    if close and (open_ is None or close.start() < open_.start()) and not in_call(text, close.start()):
        thoughts.append(text[: close.start()].strip())
        text = text[close.end() :].strip()
    position = 0
    while match := OPEN.search(text, position):
        if not STARTS.search(text[: match.start()]) or in_call(text, match.start()):
            position = match.end()
            continue
        close = CLOSE.search(text, match.end())
        for tag in filter(None, (match, close)):
            if not _PLAIN.match(tag.group()):
                reading.repaired("tag spelling")
        if close is None:
            return Split(text[: match.start()].strip(), "\n".join(thoughts), text[match.end() :].strip())
        thoughts.append(text[match.end() : close.start()].strip())
        position = match.start()
        before, after = text[:position], text[close.end() :]
        text = before + after if before.strip() else after.strip()
        position = min(position, len(text))
    return Split(text, "\n".join(filter(None, thoughts)))


def in_call(text: str, position: int) -> bool:
    """Whether a call is open there: a tag in its arguments is text."""
    return text.rfind(_CALL_OPEN, 0, position) > text.rfind(_CALL_CLOSE, 0, position)
