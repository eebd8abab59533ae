"""Prompts and replies to training sequences: the fewest that show every reply after its true prompt.

Comes in: for each reply its prompt's ids and its own. Goes out: sequences with labels and weights. A sequence goes on
with the next reply while the next prompt begins with the sequence, id for id; a template that rewrites history breaks
that, and a new sequence is opened. Every reply is learned exactly once. Knows nothing of templates or text.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from training.masks.reasons import Finding

IGNORED = -100

Rule = Literal["prompt", "reply", "stop"]


@dataclass(frozen=True)
class Segment:
    """Tokens `start:end` of a sequence and why they are learned or not: `prompt` is not, `reply` and `stop` are.

    `message` is the index of the message that a reply or stop belongs to; None for a prompt.
    """

    start: int
    end: int
    rule: Rule
    message: int | None = None


@dataclass(frozen=True)
class Turn:
    """One reply that is learned: its true prompt, its ids with the stop token last (`stop` ids of them)."""

    message: int
    prompt_ids: list[int]
    reply_ids: list[int]
    stop: int
    weight: float


@dataclass(frozen=True)
class MaskedSequence:
    """One training sequence.

    Attributes:
        input_ids: Token ids.
        labels: As long; the id where it is learned, else -100.
        weights: As long; what the loss at this token is multiplied by, 0.0 where nothing is learned.
        segments: The sequence cut by rule, without gaps.
        findings: What is wrong with the replies learned here.
    """

    input_ids: list[int]
    labels: list[int]
    weights: list[float]
    segments: list[Segment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def trained(self) -> int:
        """Number of tokens that are learned."""
        return len(self.labels) - self.labels.count(IGNORED)


def build_sequences(turns: Iterable[Turn], findings: Iterable[Finding] = ()) -> list[MaskedSequence]:
    """The fewest sequences that hold every reply once, after its true prompt.

    Prefixes of one another form a forest, so going on with the longest sequence that the prompt begins with is enough
    for the smallest number.
    """
    sequences: list[MaskedSequence] = []
    about = list(findings)
    for turn in turns:
        fitting = [s for s in sequences if turn.prompt_ids[: len(s.input_ids)] == s.input_ids]
        if fitting:
            sequence = max(fitting, key=lambda s: len(s.input_ids))
        else:
            sequence = MaskedSequence([], [], [])
            sequences.append(sequence)
        _append(sequence, turn)
        sequence.findings.extend(finding for finding in about if finding.message == turn.message)
    return sequences


def _append(sequence: MaskedSequence, turn: Turn) -> None:
    known = len(sequence.input_ids)
    new_prompt = turn.prompt_ids[known:]
    start, end = known + len(new_prompt), known + len(new_prompt) + len(turn.reply_ids)
    sequence.input_ids.extend(new_prompt + turn.reply_ids)
    sequence.labels.extend([IGNORED] * len(new_prompt) + turn.reply_ids)
    sequence.weights.extend([0.0] * len(new_prompt) + [turn.weight] * len(turn.reply_ids))
    if new_prompt:
        sequence.segments.append(Segment(known, start, "prompt"))
    if end - turn.stop > start:
        sequence.segments.append(Segment(start, end - turn.stop, "reply", turn.message))
    if turn.stop:
        sequence.segments.append(Segment(end - turn.stop, end, "stop", turn.message))
