"""A chat template whose output knows, piece by piece, the message it was written for.

The template's syntax tree is instrumented: a loop over messages says which one it is at, by empty strings that carry
a note. They change no output, survive macros and `{% set %}` blocks, and vanish in any join. Comes in: a template and,
later, the pieces it yields. Goes out: the text, cut into spans with their owners. Knows nothing of replies and tokens.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer

from training.masks.foresight import Watched, foresight
from training.masks.lookahead import Watch, as_if_last, idle_statements, unwatched
from training.masks.owners import Rendering, Span

Act = Literal["open", "close", "at", "done", "set"]


class _Note(str):
    """An empty string in the output that says what the template is doing."""

    __slots__ = ("act", "owner")
    act: Act
    owner: int | None

    def __new__(cls, act: Act, owner: int | None = None) -> "_Note":
        note = super().__new__(cls, "")
        note.act, note.owner = act, owner
        return note

    def __str__(self) -> str:
        return self


class _Noted(str):
    """What a macro or block wrote, still knowing its pieces."""

    __slots__ = ("pieces",)
    pieces: list[str]

    def __str__(self) -> str:
        return self


def _concat(pieces: Iterable[str]) -> str:
    """Jinja's join for macros and blocks, which keeps the notes where a message was named."""
    pieces = list(pieces)
    text = "".join(pieces)
    telling = [piece for piece in pieces if type(piece) is not str]
    if not any(isinstance(each, _Noted) or (isinstance(each, _Note) and each.owner is not None) for each in telling):
        return text
    noted = _Noted(text)
    noted.pieces = pieces
    return noted


class _Instrument(NodeTransformer):
    """Adds notes before and after each loop, at each step of it, and where a name is set to a message.

    Questions that look ahead become those of lookahead.py; `idle` statements are not watched.
    """

    def __init__(self, idle: Iterable[nodes.Node]):
        self._idle = set(map(id, idle))
        self._targets: list[str] = []

    def visit_For(self, node: nodes.For) -> list[nodes.Node]:  # noqa: N802 - Jinja's naming
        if id(node) in self._idle:
            return unwatched(node)
        self._targets.append(node.target.name if isinstance(node.target, nodes.Name) else "")
        self.generic_visit(node)
        self._targets.pop()
        targets = [node.target] if isinstance(node.target, nodes.Name) else list(node.target.find_all(nodes.Name))
        node.body[:0] = [_noting("note_at", target.name) for target in targets]
        node.body.extend(_noting("note_done", target.name) for target in targets)
        opened, closed = nodes.EnvironmentAttribute("note_open"), nodes.EnvironmentAttribute("note_close")
        return [nodes.Output([opened]), node, nodes.Output([closed])]

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        """`{% generation %}` marks for TRL what is learned and writes its body as it is."""
        self.generic_visit(node)
        what = node.call.node
        if isinstance(what, nodes.ExtensionAttribute) and what.name == "_generation_support":
            return nodes.Scope(node.body)
        return node

    def visit_If(self, node: nodes.If) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if self._targets and self._targets[-1]:
            node.test = as_if_last(node.test, self._targets[-1])
        return node

    def visit_Assign(self, node: nodes.Assign) -> list[nodes.Node] | nodes.Node:  # noqa: N802
        if id(node) in self._idle:
            return unwatched(node)
        may_be_message = isinstance(node.node, nodes.Getitem | nodes.Filter | nodes.Name)
        if not isinstance(node.target, nodes.Name) or not may_be_message:
            return node
        return [node, _noting("note_set", node.target.name)]


def _noting(what: str, name: str) -> nodes.Output:
    """An output of the note that filter `what` makes of the variable `name`; filters need no check by the sandbox."""
    return nodes.Output([nodes.Filter(nodes.Name(name, "load"), what, [], [], None, None)])


class Instrumented:
    """A template whose pieces carry notes.

    Args:
        environment: An environment of this template's own; it is changed.
        source: The chat template.
    """

    def __init__(self, environment: Environment, source: str):
        self._owner_of: dict[int, int] = {}
        self._watch = Watch(environment)
        self._ends_early: set[int] = set()
        environment.note_open, environment.note_close = _Note("open"), _Note("close")  # type: ignore[attr-defined]
        for act in ("at", "set"):
            environment.filters[f"note_{act}"] = self._noter(act)
        environment.filters["note_done"] = self._done
        environment.concat = _concat  # type: ignore[method-assign]
        tree = environment.parse(source)
        idle = idle_statements(tree)
        self.foresight = foresight(tree, idle)
        tree = _Instrument(idle).visit(tree)
        tree.set_environment(environment)
        code = environment.compile(tree)
        template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        self._generate: Callable[..., Iterator[str]] = template.generate

    def __call__(self, messages: list[dict[str, Any]], *, ends: bool = False, **variables: Any) -> Rendering:
        """Render; raises what the template raises. With `ends` the rendering has its `ends`, which takes longer."""
        watched = Watched(messages)
        self._owner_of = {id(message): index for index, message in enumerate(messages)}
        self._watch.start(watched, self._owner_of, ends)
        self._ends_early = set()
        rendering = _read_pieces(self._generate(messages=watched, **variables))
        found = {index: end for index, end in rendering.ends.items() if index in self._ends_early}
        return Rendering(rendering.text, rendering.spans, found if ends else {})

    def _noter(self, act: Literal["at", "set"]) -> Callable[[Any], str]:
        notes = [_Note(act, index) for index in range(256)]

        def note(value: Any) -> str:
            owner = self._owner_of.get(id(value))
            if owner is None:
                return ""
            return notes[owner] if owner < len(notes) else _Note(act, owner)

        return note

    def _done(self, value: Any) -> str:
        owner = self._owner_of.get(id(value))
        if owner is None:
            return ""
        if self._watch.looked_past(owner):
            self._ends_early.discard(owner)
        else:
            self._ends_early.add(owner)
        return _Note("done", owner)


def _read_pieces(pieces: Iterable[str]) -> Rendering:
    """Join what the template yielded, following the notes."""
    texts: list[str] = []
    reader = _Reader()
    for piece in _flat(pieces):
        if type(piece) is not str and isinstance(piece, _Note):
            reader.follow(piece)
        else:
            texts.append(piece)
            reader.position += len(piece)
    reader.cut(None)
    return Rendering("".join(texts), reader.spans, reader.ends)


class _Reader:
    """Whose text is being written, and what was whose so far."""

    def __init__(self) -> None:
        self.position = self._start = 0
        self.spans: list[Span] = []
        self.ends: dict[int, int] = {}
        self._owner: int | None = None
        self._in_loop = False
        self._stack: list[tuple[int | None, bool]] = []

    def follow(self, note: _Note) -> None:
        if note.act == "done":
            self.ends[note.owner or 0] = self.position
        elif note.act == "at":
            self.cut(note.owner)
            self._in_loop = True
        elif note.act == "open":
            self._stack.append((self._owner, self._in_loop))
        elif note.act == "close":
            before, self._in_loop = self._stack.pop()
            self.cut(before)
        elif not self._in_loop and self._stack:  # a name set to a message counts only in a loop over something else
            self.cut(note.owner)

    def cut(self, owner: int | None) -> None:
        """What follows is `owner`'s; neighbouring text of one owner is one span."""
        if self.position > self._start:
            if self.spans and self.spans[-1].owner == self._owner:
                self.spans[-1] = self.spans[-1]._replace(end=self.position)
            else:
                self.spans.append(Span(self._start, self.position, self._owner))
            self._start = self.position
        self._owner = owner


def _flat(pieces: Iterable[str]) -> list[str]:
    """The pieces, and those of macros and blocks in their places."""
    flat = list(pieces)
    if _Noted not in set(map(type, flat)):
        return flat
    return [inner for piece in flat for inner in (_flat(piece.pieces) if isinstance(piece, _Noted) else (piece,))]
