"""How calls are written: what stands before, within, between and after them.

Comes in: a function that renders a conversation by its chat template, or the name of a text format. Goes out: a
`Layout`, found by rendering two calls and looking what is around their names and arguments. Knows nothing of grammars.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.errors import UserError
from agent.formats.prompting import render_reply
from agent.formats.react_words import WORDS
from agent.messages import Message, ToolSchema, tool_call

_NAMES = ("probe_tool_za", "probe_tool_zb")
_ARGUMENTS = re.compile(r'\{"probe_key":( ?)"probe_value"\}')
_ASK: Message = {"role": "user", "content": "probe"}
_TOOLS: list[ToolSchema] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "A probe.",
            "parameters": {"type": "object", "properties": {"probe_key": {"type": "string", "description": "A key."}}},
        },
    }
    for name in _NAMES
]


@dataclass(frozen=True)
class Layout:
    """The text of calls: `opening`, then `before NAME between ARGUMENTS after` with `separator`s, then `closing`.

    `colon` is what stands between a key of the arguments and its value. `content_end` stands between text and calls.
    """

    opening: str
    before: str
    between: str
    after: str
    separator: str
    closing: str
    colon: str = ": "
    content_end: str = "\n"

    @property
    def start(self) -> str:
        """What the first call begins with: it does not occur in the text before it."""
        return self.opening + self.before


def text_layout(form: str) -> Layout:
    """The layout of a text format."""
    if form == "hermes":
        calls: list[Message] = [_calls(count) for count in (1, 2)]
        one, two = (render_reply(message, "hermes") for message in calls)
        return _layout(one, two)
    words = WORDS["zh" if form == "react_zh" else "en"]
    return Layout(
        "", f"{words.action}{words.blank}", f"\n{words.action_input}{words.blank}", "", "\n", f"\n{words.observation}"
    )


def template_layout(
    render: Callable[[Sequence[Message], Sequence[ToolSchema], bool], str], stops: Sequence[str], name: str
) -> Layout:
    """The layout of a chat template.

    Args:
        render: Renders messages and tools; the flag asks for the beginning of a reply at the end.
        stops: The texts of tokens that end a reply.
        name: The model's, for errors.

    Raises:
        UserError: The template writes calls in no way that a grammar can follow.
    """
    prompt = render([_ASK], _TOOLS, True)
    replies = []
    for count in (1, 2):
        text = render([_ASK, _calls(count)], _TOOLS, False)
        if not text.startswith(prompt):
            raise _no_layout(name)
        reply = text[len(prompt) :]
        end = min((reply.find(stop) for stop in stops if stop in reply), default=len(reply))
        replies.append(reply[:end].rstrip("\n"))
    try:
        return _layout(*replies)
    except ValueError as error:
        raise _no_layout(name) from error


def _no_layout(name: str) -> UserError:
    mend = 'load the model with format="hermes", which asks for calls in text'
    return UserError(f"calls in the chat template of {name} cannot be constrained", mend=mend)


def _calls(count: int) -> Message:
    # One id for both: templates that write ids would differ in them otherwise.
    calls = [tool_call(name, {"probe_key": "probe_value"}, "probe1234") for name in _NAMES[:count]]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def _layout(one: str, two: str) -> Layout:
    """The layout of a reply with one call and the same with two; raises `ValueError` where they do not fit."""
    single = _ARGUMENTS.search(one)
    found = list(_ARGUMENTS.finditer(two))
    if single is None or len(found) != 2 or any(two.count(name) != 1 for name in _NAMES):
        raise ValueError("the calls are not all there")
    first, second = (two.index(name) for name in _NAMES)
    head, tail = two[:first], two[found[1].end() :]
    middle = two[found[0].end() : second]
    between = two[first + len(_NAMES[0]) : found[0].start()]
    if two[second + len(_NAMES[1]) : found[1].start()] != between:
        raise ValueError("the calls are not written alike")
    before = _common_end(head, middle)
    after = _common_start(middle[: len(middle) - len(before)], tail)
    separator = middle[len(after) : len(middle) - len(before)]
    layout = Layout(
        opening=head[: len(head) - len(before)],
        before=before,
        between=between,
        after=after,
        separator=separator,
        closing=tail[len(after) :],
        colon=":" + found[0].group(1),
    )
    if one != f"{layout.start}{_NAMES[0]}{between}{single.group()}{after}{layout.closing}":
        raise ValueError("one call is written otherwise than two")
    return layout


def _common_start(one: str, other: str) -> str:
    length = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]


def _common_end(one: str, other: str) -> str:
    return _common_start(one[::-1], other[::-1])[::-1]
