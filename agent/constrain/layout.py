"""How calls are written: what stands before, within, between and after them.

Comes in: a function that renders a conversation by its chat template, or the name of a text format. Goes out: a
`Layout`, found by rendering two calls (one, where a template takes no two) and looking what is around their names and
arguments. Knows nothing of grammars.
"""

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jinja2.exceptions import TemplateError

from agent.errors import UserError
from agent.formats.prompting import render_reply
from agent.formats.react_words import WORDS
from agent.messages import Message, ToolSchema, tool_call

_NAMES = ("probe_tool_za", "probe_tool_zb")
_CONTENT = "probe text zc"
_ARGUMENTS = re.compile(r'\{"probe_key":( ?)"probe_value"\}')
# Some templates write an empty thought before the last reply, or close the one that the prompt has begun. It is none of
# the call's own text.
_NO_THOUGHT = re.compile(r"\A\s*(<think>)?\s*</think>\s*")
# A tag or a keyword, by which a call is known before its name is.
_WORD = re.compile(r"\s*[^\s{]{3,}")
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
Render = Callable[[Sequence[Message], Sequence[ToolSchema], bool], str]
_REFUSALS = (TemplateError, TypeError, KeyError)  # what templates raise for what they do not take


@dataclass(frozen=True)
class Layout:
    """The text of calls: `opening`, then `before NAME between ARGUMENTS after` with `separator`s, then `closing`.

    `colon` is what stands between a key of the arguments and its value. `content_end` stands between text and calls;
    None where no text may come before them. `several` tells whether calls may follow each other. `turn_end` is what a
    model may write behind all of it, where somebody else should speak.
    """

    opening: str
    before: str
    between: str
    after: str
    separator: str
    closing: str
    colon: str = ": "
    content_end: str | None = "\n"
    several: bool = True
    turn_end: str = ""

    @property
    def start(self) -> str:
        """What the first call begins with."""
        return self.opening + self.before

    @property
    def mark(self) -> str:
        """What a call is known by: the beginning of `start`, which is not written but for a call."""
        word = _WORD.match(self.start)
        return word.group() if word else self.start

    @property
    def lead(self) -> str | None:
        """What must stand before `mark` in a text, if it is to be a call; None where none can come behind a text.

        A tag is one wherever it stands, while a word or a brace may well occur within a line.
        """
        is_tag = _WORD.match(self.start) and not self.mark.lstrip()[0].isalnum()
        return "" if is_tag and self.content_end is not None else self.content_end

    def find(self, text: str) -> int:
        """Where the first call begins in what is no thought; -1 where none does."""
        if text.startswith(self.mark):
            return 0
        if self.lead is None:
            return -1
        at = text.find(self.lead + self.mark)
        return at + len(self.lead) if at >= 0 else -1


def text_layout(form: str) -> Layout:
    """The layout of a text format."""
    if form == "hermes":
        calls: list[Message] = [_calls(count) for count in (1, 2)]
        one, two = (render_reply(message, "hermes") for message in calls)
        return _layout(one, two)
    words = WORDS["zh" if form == "react_zh" else "en"]
    before, between = f"{words.action}{words.blank}", f"\n{words.action_input}{words.blank}"
    return Layout("", before, between, "", "\n", "", turn_end=f"\n{words.observation}")


def template_layout(render: Render, stops: Sequence[str], name: str) -> Layout:
    """The layout of a chat template.

    Args:
        render: Renders messages and tools; the flag asks for the beginning of a reply at the end.
        stops: The texts of tokens that end a reply.
        name: The model's, for errors.

    Raises:
        UserError: The template writes calls in no way that a grammar can follow.
    """
    try:
        prompt = _rendered(render, [], True)
        one = _reply(render, prompt, stops, _calls(1))
        two = _refused_or(lambda: _reply(render, prompt, stops, _calls(2)))
        with_text = _refused_or(lambda: _reply(render, prompt, stops, {**_calls(1), "content": _CONTENT}))
        layout = _single(one) if two is None else _layout(one, two)
        if not layout.start.strip():
            raise ValueError("nothing but a tool's name begins a call")
    except (*_REFUSALS, ValueError) as error:
        raise _no_layout(name) from error
    return replace(layout, content_end=_content_end(with_text or "", one))


def _rendered(render: Render, replies: Sequence[Message], generation: bool) -> str:
    # Copies: a few public templates write into what they are given.
    return render(copy.deepcopy([_ASK, *replies]), copy.deepcopy(_TOOLS), generation)


def _reply(render: Render, prompt: str, stops: Sequence[str], message: Message) -> str:
    """What a model writes for a message; raises `ValueError` where the template writes it into another prompt."""
    text = _rendered(render, [message], False)
    if not text.startswith(prompt):
        raise ValueError("the prompt is written otherwise before a reply")
    reply = text[len(prompt) :]
    end = min((reply.find(stop) for stop in stops if stop in reply), default=len(reply))
    return _NO_THOUGHT.sub("", reply[:end].rstrip("\n"))


def _refused_or(reply: Callable[[], str]) -> str | None:
    """A reply, or None where the template refuses it."""
    try:
        return reply()
    except _REFUSALS:
        return None


def _content_end(with_text: str, one: str) -> str | None:
    """What stands between text and a call: None where it is left out or put behind."""
    if not (with_text.startswith(_CONTENT) and with_text.endswith(one)):
        return None
    return with_text[len(_CONTENT) : len(with_text) - len(one)]


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


def _single(one: str) -> Layout:
    """The layout of a reply that can hold one call alone; raises `ValueError` where it is not there."""
    found = list(_ARGUMENTS.finditer(one))
    if len(found) != 1 or one.count(_NAMES[0]) != 1 or one.index(_NAMES[0]) > found[0].start():
        raise ValueError("the call is not there")
    before, _, rest = one.partition(_NAMES[0])
    between = rest[: found[0].start() - len(before) - len(_NAMES[0])]
    colon = ":" + found[0].group(1)
    return Layout("", before, between, one[found[0].end() :], "", "", colon, several=False)


def _common_start(one: str, other: str) -> str:
    length = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]


def _common_end(one: str, other: str) -> str:
    return _common_start(one[::-1], other[::-1])[::-1]
