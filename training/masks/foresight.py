"""How far ahead a template looks: where it does not, a conversation's beginnings need no rendering of their own.

A mask needs the text of every beginning of a conversation. Rendering each takes time that grows with the square of the
turns. But where the loop over messages was done with a message before the template had looked at any later one, and
nothing but the generation prompt comes after the loop, the text so far is that of the beginning. Whether it had looked
is watched while it renders (`Watched`); what comes after the loop is read in its syntax tree (`foresight`).

Looks ahead that change nothing are told apart in lookahead.py.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

PROMPT = "add_generation_prompt"


class Watched(list[Any]):
    """The messages as a template gets them, which knows how far it has looked.

    `reach` is shared with slices: `reach[0]` is the number of messages seen. Whatever asks for the number of messages,
    or for any from the end, has seen them all.
    """

    def __init__(self, messages: Iterable[Any], reach: list[int] | None = None, offset: int = 0):
        super().__init__(messages)
        self.reach = [0] if reach is None else reach
        self._offset = offset

    def up_to(self, count: int) -> list[Any]:
        """Those of the first `count` messages of the whole that stand here, not watched."""
        return list(super().__getitem__(slice(0, max(0, count - self._offset))))

    def _saw(self, count: int) -> None:
        self.reach[0] = max(self.reach[0], self._offset + count)

    def _saw_all(self) -> None:
        self.reach[0] = sys.maxsize

    def __iter__(self) -> Iterator[Any]:
        for position in range(super().__len__()):
            self._saw(position + 1)
            yield super().__getitem__(position)
        self._saw_all()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int) and 0 <= key < super().__len__():
            self._saw(key + 1)
            return super().__getitem__(key)
        rest = isinstance(key, slice) and key.stop is None and key.step in (None, 1) and (key.start or 0) >= 0
        if rest and (key.start or 0) < super().__len__():
            return Watched(super().__getitem__(key), self.reach, self._offset + (key.start or 0))
        self._saw_all()
        return super().__getitem__(key)

    def __len__(self) -> int:
        self._saw_all()
        return super().__len__()

    def __reversed__(self) -> Iterator[Any]:
        self._saw_all()
        return super().__reversed__()

    def __contains__(self, value: Any) -> bool:
        self._saw_all()
        return super().__contains__(value)

    def __bool__(self) -> bool:
        return super().__len__() > 0  # no conversation is empty, so this tells nothing

    def __eq__(self, other: object) -> bool:
        self._saw_all()
        return super().__eq__(other)

    def __add__(self, other: Any) -> Any:
        self._saw_all()
        return super().__add__(other)

    __hash__ = None


@dataclass(frozen=True)
class Foresight:
    """What a template's syntax tree says.

    Attributes:
        ends_with_loop: Nothing comes after the last loop where no generation prompt is asked for, and nothing else
            depends on whether one is.
        constant_prompt: And the generation prompt is the same in every conversation.
    """

    ends_with_loop: bool
    constant_prompt: bool


def foresight(tree: nodes.Template, idle: Iterable[nodes.Node] = ()) -> Foresight:
    """Read a template's tree; `idle` are statements of it that change nothing."""
    passed_over = set(map(id, idle))
    body = [node for node in tree.body if id(node) not in passed_over]
    loops = [position for position, node in enumerate(body) if isinstance(node, nodes.For)]
    after = [node for node in body[loops[-1] + 1 :] if not _is_empty(node)] if loops else []
    asked = sum(name.name == PROMPT for name in tree.find_all(nodes.Name))
    ends = bool(loops) and all(_is_prompt(node) for node in after) and asked == len(after)
    changing = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    changing |= {"messages", "tools", "documents"}
    return Foresight(ends, ends and all(_is_constant(node, changing) for node in after))


def _is_empty(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Output) and all(
        isinstance(child, nodes.TemplateData) and not child.data for child in node.nodes
    )


def _is_prompt(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.If)
        and isinstance(node.test, nodes.Name)
        and node.test.name == PROMPT
        and not node.elif_
        and not node.else_
    )


def _is_constant(node: nodes.Node, changing: set[str]) -> bool:
    kinds = (nodes.If, nodes.Output, nodes.Expr)
    inside = list(node.find_all(nodes.Node))
    return all(
        isinstance(each, (*kinds, nodes.Operand)) and not isinstance(each, nodes.Call) for each in inside
    ) and not (changing & {name.name for name in node.find_all(nodes.Name)})
