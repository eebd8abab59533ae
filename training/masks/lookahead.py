"""Looks ahead that change nothing, so that they need not count as looks.

Many templates ask of a tool's result "is it the last message, or is the next one no tool's?" before they close its
turn. For a conversation that ends here the answer is yes; where it is yes in the longer one too, the look changed
nothing. So such a question is asked twice: as it stands, and as if the conversation ended here. And templates that were
cut down from others compute what nothing reads; statements of that kind are not watched at all.

Comes in: a template's syntax tree, before it is compiled, and while it renders the calls that were put into the tree.
Goes out: a `Watch`, which knows how far the template has looked. Knows nothing of owners and text.
"""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, nodes
from jinja2.runtime import LoopContext

from training.masks.foresight import Watched

AHEAD = frozenset({"last", "nextitem", "length", "revindex", "revindex0"})
PURE_CALLS = frozenset({"namespace", "range", "dict"})


class Watch:
    """How far a template has looked, kept while it renders.

    Args:
        environment: The template's own; the calls that `as_if_last` and `unwatched` put into the tree become filters of
            it.
    """

    def __init__(self, environment: Environment):
        self._undefined = environment.undefined
        self._owner_of: dict[int, int] = {}
        self._at = -1
        self._reach = [0]
        self._before = self._after = 0
        self._judging = False
        filters: dict[str, Callable[..., Any]] = {
            "watch_wanted": self._wanted,
            "watch_ask": self._ask,
            "watch_ask_again": self._ask_again,
            "watch_same": self._same,
            "watch_cut": self._cut,
            "watch_loop": self._as_last,
            "watch_off": self._ask,
            "watch_on": self._forget,
        }
        environment.filters.update(filters)

    def start(self, messages: Watched, owner_of: dict[int, int], judging: bool) -> None:
        """A rendering begins; without `judging` no question is asked twice."""
        self._owner_of, self._at, self._reach, self._judging = owner_of, -1, messages.reach, judging

    def looked_past(self, owner: int) -> bool:
        """Whether any message after this one was looked at."""
        return self._reach[0] > owner + 1

    def _wanted(self, target: Any) -> bool:
        """Whether a question of a loop over `target` is to be asked twice."""
        self._at = self._owner_of.get(id(target), -1) if self._judging else -1
        return self._at >= 0

    def _ask(self, _messages: Any) -> str:
        self._before = self._reach[0]
        return ""

    def _ask_again(self, _messages: Any) -> str:
        self._after, self._reach[0] = self._reach[0], 0
        return ""

    def _same(self, answers: list[Any]) -> Any:
        """The first answer; the look is forgotten where the second, which saw nothing after this message, is alike."""
        _, found, _, as_if_last = answers
        if bool(found) == bool(as_if_last) and self._reach[0] <= self._at + 1:
            self._reach[0] = self._before
        else:
            self._reach[0] = max(self._before, self._after, self._reach[0])
        return found

    def _forget(self, _messages: Any) -> str:
        self._reach[0] = self._before
        return ""

    def _cut(self, messages: Any) -> Any:
        """The messages up to this one."""
        return messages.up_to(self._at + 1) if isinstance(messages, Watched) else messages

    def _as_last(self, loop: Any, target: Any) -> Any:
        """The loop as it were if this message were its last; loops over other things stay as they are."""
        if not isinstance(loop, LoopContext) or id(target) not in self._owner_of:
            return loop
        return _AtItsEnd(loop, self._undefined(name="nextitem"))


class _AtItsEnd:
    """What a template may ask of a loop, for one that has come to its last item."""

    last, revindex, revindex0 = True, 1, 0

    def __init__(self, loop: LoopContext, nothing: Any):
        self._loop, self.nextitem = loop, nothing

    @property
    def length(self) -> int:
        return self._loop.index

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


def as_if_last(test: nodes.Node, target: str) -> nodes.Node:
    """A question in a loop over `target`, asked twice where it looks ahead; unchanged where it does not."""
    names = {name.name for name in test.find_all(nodes.Name)}
    asks_loop = any(
        isinstance(part.node, nodes.Name) and part.node.name == "loop" and part.attr in AHEAD
        for part in test.find_all(nodes.Getattr)
    )
    if not (asks_loop or "messages" in names) or not all(map(_is_pure, test.find_all(nodes.Call))):
        return test
    swapped = {"messages": _filter("messages", "watch_cut"), "loop": _filter("loop", "watch_loop", target)}
    again = _copy(test, swapped)
    asked = nodes.List([_filter("messages", "watch_ask"), test, _filter("messages", "watch_ask_again"), again])
    same = nodes.Filter(asked, "watch_same", [], [], None, None)
    return nodes.CondExpr(_filter(target, "watch_wanted"), same, _copy(test, {}))


def idle_statements(tree: nodes.Template) -> list[nodes.Node]:
    """What stands at the top of the template, writes nothing, and sets what nothing else reads."""
    idle = [node for node in tree.body if _sets(node)]
    while True:
        inside = {id(name) for node in idle for name in node.find_all(nodes.Name)}
        read = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "load" and id(name) not in inside}
        still = [node for node in idle if not _sets(node) & read]
        if len(still) == len(idle):
            return idle
        idle = still


def unwatched(node: nodes.Node) -> list[nodes.Node]:
    """A statement during which nothing counts as a look."""
    off, on = _filter("messages", "watch_off"), _filter("messages", "watch_on")
    return [nodes.Output([off]), node, nodes.Output([on])]


def _sets(node: nodes.Node) -> set[str]:
    """The names whose values a statement changes for those after it; none where it does anything else."""
    if isinstance(node, nodes.Assign):
        target = node.target
        names = {target.name} if isinstance(target, nodes.Name | nodes.NSRef) else set()
    elif isinstance(node, nodes.For):
        if any(_writes(output) for output in node.find_all((nodes.Output, nodes.CallBlock, nodes.FilterBlock))):
            return set()
        names = {target.name for target in node.find_all(nodes.NSRef)}
    else:
        return set()
    return names if all(map(_is_pure, node.find_all(nodes.Call))) else set()


def _writes(node: nodes.Node) -> bool:
    return not isinstance(node, nodes.Output) or any(
        not isinstance(child, nodes.TemplateData) or child.data.strip() for child in node.nodes
    )


def _is_pure(call: nodes.Call) -> bool:
    """Whether a call can do no more than give a value: a method of a string, or a constructor."""
    if isinstance(call.node, nodes.Name):
        return call.node.name in PURE_CALLS
    of = call.node.node if isinstance(call.node, nodes.Getattr) else None
    return of is not None and not (isinstance(of, nodes.Name) and of.name == "loop")


def _filter(name: str, what: str, argument: str = "") -> nodes.Filter:
    arguments: list[nodes.Expr] = [nodes.Name(argument, "load")] if argument else []
    return nodes.Filter(nodes.Name(name, "load"), what, arguments, [], None, None)


def _copy(node: Any, swapped: dict[str, nodes.Filter]) -> Any:
    """A copy of a piece of the tree with other expressions for some names."""
    if isinstance(node, list):
        return [_copy(each, swapped) for each in node]
    if not isinstance(node, nodes.Node):
        return node
    if isinstance(node, nodes.Name) and node.name in swapped:
        return _copy(swapped[node.name], {})
    return type(node)(*(_copy(getattr(node, field), swapped) for field in node.fields), lineno=node.lineno)
