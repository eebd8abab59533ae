"""One document of the corpus: a chat or a plain text, as pieces of which each is to be learned or only read.

Goes out: `Document(pieces, task)`; a piece is `(text, weight)`, a weight of 0 being for what is only read. Chats use
the plain turns of the chat template, with the roles system, user and assistant alone.
"""

from dataclasses import dataclass

from training.base.tokenizer import TURN_END, TURN_START

READ, LEARNED = 0.0, 1.0
HEARD = 0.05  # what people say: which words go with which description is learned by expecting them
TOLD = 0.5  # a result in a sentence: the values must be the record's, the words around them could be others
FREE = 0.2  # words that could as well be others: what cannot be known is not what most should be learned from


@dataclass(frozen=True)
class Turn:
    """`weight` is that of an assistant's words; the others' are only read, or else heard."""

    role: str
    text: str
    weight: float = LEARNED
    heard: bool = False


@dataclass(frozen=True)
class Document:
    """`pieces` in order; a learned piece can be told from what stands before it, the others are mostly news."""

    pieces: tuple[tuple[str, float], ...]
    task: str

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


def exchange(question: str, reply: str, weight: float = LEARNED, heard: bool = False) -> list[Turn]:
    return [Turn("user", question, heard=heard), Turn("assistant", reply, weight)]


def chat(turns: list[Turn], task: str) -> Document:
    """The turns as the chat template renders them; the assistant's words and its stop token are learned, and what is
    heard a little.
    """
    pieces: list[tuple[str, float]] = []
    for turn in turns:
        if turn.role == "assistant" or turn.heard:
            weight = turn.weight if turn.role == "assistant" else HEARD
            pieces += [(f"{TURN_START}{turn.role}\n", READ), (turn.text + TURN_END, weight), ("\n", READ)]
        else:
            pieces.append((f"{TURN_START}{turn.role}\n{turn.text}{TURN_END}\n", READ))
    return Document(tuple(pieces), task)


def plain(pieces: list[tuple[str, float]], task: str) -> Document:
    return Document(tuple(pieces), task)
