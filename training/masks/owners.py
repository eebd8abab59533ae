"""Method 1: every piece of a template's output knows the message it came from.

Comes in: renderings whose spans have owners (see instrument.py). Goes out: where a reply lies in one. Knows nothing of
tokens.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

from training.masks.reasons import PromptMismatch, Unanswered


class Span(NamedTuple):
    """`text[start:end]` (characters) was written for `messages[owner]`, or by the template itself (None)."""

    start: int
    end: int
    owner: int | None


@dataclass(frozen=True)
class Rendering:
    """What a template wrote, with its spans in order and without gaps.

    `ends` says for a message where the loop over messages was done with it, if until then the template had looked at
    no message after it: up to there, any conversation that begins with the same messages gives the same text.
    """

    text: str
    spans: list[Span]
    ends: dict[int, int] = field(default_factory=dict)

    def until(self, end: int) -> "Rendering":
        """The rendering cut off at a character."""
        spans = self.spans[: bisect_left(self.spans, end, key=lambda span: span.start)]
        if spans and spans[-1].end > end:
            spans[-1] = spans[-1]._replace(end=end)
        return Rendering(self.text[:end], spans)


def reply_region(turn: Rendering, prompt: Rendering, index: int) -> tuple[int, int]:
    """Where the reply of the last message lies in `turn.text`: after what the generation prompt supplies.

    Args:
        turn: The conversation up to and including `messages[index]`.
        prompt: The conversation before it, with the generation prompt.
        index: The message.

    Returns:
        Start and end in characters; the end is that of the message's own output, closing tokens included.

    Raises:
        Unanswered: Where the output does not say.
        PromptMismatch: Where the generation prompt is not what the template writes before the reply.
    """
    owned = [span for span in turn.spans if span.owner == index]
    if not owned:
        raise Unanswered("no output comes from this message")
    first, end = owned[0].start, owned[-1].end
    for span in turn.spans:
        if span.owner not in (None, index) and span.end > first:
            raise Unanswered(f"the template writes messages[{span.owner}] after it")
    generation = prompt.text[max((span.end for span in prompt.spans if span.owner is not None), default=0) :]
    for inside in range(len(generation), -1, -1):
        before = first - (len(generation) - inside)
        if before >= 0 and turn.text[before : first + inside] == generation:
            return first + inside, end
    raise PromptMismatch(generation, first + common_prefix(generation, turn.text[first:]))


def common_prefix(left: str, right: str) -> int:
    """Number of characters that both begin with."""
    shortest = min(len(left), len(right))
    if left[:shortest] == right[:shortest]:
        return shortest
    low, high = 0, shortest
    while high - low > 1:
        middle = (low + high) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle
    return low
