"""Why a conversation is not learned as it stands: what refuses it, and what is only worth knowing.

A *refusal* means that no sequence is made. A *finding* travels with the sequences: what the template left out, or a
reply that no stop token ends. Both are counted by the audit.
"""

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal["dropped_call", "dropped_content", "dropped_reasoning", "missing_stop"]
RefusalKind = Literal["render", "unanswered", "disagreement", "prompt", "dropped_call", "stop_inside"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with what would be learned of `messages[message]`."""

    kind: FindingKind
    message: int
    what: str


class MaskRefused(Exception):  # noqa: N818 - named for what happened, as it is read in reports
    """No mask, and why.

    Args:
        reason: One sentence for the person who reads it.
        kind: `render` (the template raises), `unanswered` (a method cannot say), `disagreement` (the two methods
            differ), `prompt` (the generation prompt is not how the template renders the turn), `dropped_call`, or
            `stop_inside` (a stop token stands in the middle of the reply).
        message: Index of the message, where there is one.
    """

    def __init__(self, reason: str, kind: RefusalKind, message: int | None = None):
        self.reason, self.kind, self.message = reason, kind, message
        super().__init__(reason if message is None else f"messages[{message}]: {reason}")


class Unanswered(Exception):  # noqa: N818
    """One method cannot say where a reply lies; the sentence says why."""


class PromptMismatch(Unanswered):
    """What the generation prompt supplies is not what the template writes before this reply.

    At inference the model would read the one, in training the other.

    Args:
        supplied: The generation prompt.
        start: Where the two part, in characters.
        written: What the template writes in its place, where that is known.
    """

    def __init__(self, supplied: str, start: int, written: str = ""):
        self.start = start
        instead = f"{supplied!r} against {written!r}" if written else repr(supplied)
        super().__init__(f"the generation prompt is not how the template begins this reply ({instead})")
