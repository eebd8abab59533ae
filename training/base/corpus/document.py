"""One document of the corpus: a chat or a plain text, as pieces of which each is to be learned or only read.

Goes out: `Document(pieces, task)`; a piece is `(text, learned)`. Chats use the plain turns of the chat template, with
the roles system, user and assistant alone.
"""

from dataclasses import dataclass

from training.base.tokenizer import TURN_END, TURN_START


@dataclass(frozen=True)
class Turn:
    role: str
    text: str


@dataclass(frozen=True)
class Document:
    """`pieces` in order; a learned piece can be told from what stands before it, the others are mostly news."""

    pieces: tuple[tuple[str, bool], ...]
    task: str

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


def exchange(question: str, reply: str) -> list[Turn]:
    return [Turn("user", question), Turn("assistant", reply)]


def chat(turns: list[Turn], task: str) -> Document:
    """The turns as the chat template renders them; the assistant's words and its stop token are learned."""
    pieces: list[tuple[str, bool]] = []
    for turn in turns:
        if turn.role == "assistant":
            pieces += [(f"{TURN_START}assistant\n", False), (turn.text + TURN_END, True), ("\n", False)]
        else:
            pieces.append((f"{TURN_START}{turn.role}\n{turn.text}{TURN_END}\n", False))
    return Document(tuple(pieces), task)


def plain(pieces: list[tuple[str, bool]], task: str) -> Document:
    return Document(tuple(pieces), task)
