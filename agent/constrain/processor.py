"""Masks the tokens that a grammar does not allow, and brings a call to its end before the tokens run out.

Comes in: one matcher for each row of a batch. Goes out: a logits processor. Near the limit no further call is begun;
and where a call would not be whole otherwise, only tokens that lead to its end are left: a string is closed, then
brackets. Knows nothing of tools.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessor

FREE = 0.05  # of the vocabulary: where more tokens are allowed, text or a string is being written


@dataclass(frozen=True)
class Room:
    """What is left of the tokens for bringing one row's call to its end, in tokens.

    Args:
        call: A whole call; where less is left, none is begun.
        option: By how much the way to the end may grow with one step, when a property that may be left out is begun.
    """

    call: int
    option: int


@dataclass(frozen=True)
class Ends:
    """Which tokens of a vocabulary lead to an end: arrays of bool over all ids."""

    stop: np.ndarray
    bracket: np.ndarray
    comma: np.ndarray
    quote: np.ndarray


def ends_of(texts: Sequence[bytes], stop_ids: set[int]) -> Ends:
    """The ends among the tokens whose texts are given, by id."""

    def begins_with(*letters: bytes) -> np.ndarray:
        return np.fromiter((text[:1] in letters for text in texts), dtype=bool, count=len(texts))

    stop = np.zeros(len(texts), dtype=bool)
    stop[sorted(token for token in stop_ids if token < len(texts))] = True
    return Ends(
        stop,
        begins_with(b"}", b"]"),
        begins_with(b","),
        begins_with(b'"'),
    )


class Opener:
    """Knows the tokens with which a text would become a call.

    Args:
        texts: Of all tokens, by id.
        mark: What a call is known by.
        lead: What must stand before it, but at the beginning of a reply.
    """

    def __init__(self, texts: Sequence[bytes], mark: str, lead: str):
        self._texts = texts
        self._lead = lead.encode()
        self._mark = self._lead + mark.encode()
        self._last = [token for token, text in enumerate(texts) if self._mark[-1:] in text]

    def marks(self, written: Sequence[int]) -> np.ndarray:
        """The tokens that would complete the mark behind those that are written: an array of bool over all ids."""
        text = self._lead + b"".join(self._texts[token] for token in written[-len(self._mark) :])
        tail = text[1 - len(self._mark) :] if len(self._mark) > 1 else b""
        found = np.zeros(len(self._texts), dtype=bool)
        found[[token for token in self._last if self._mark in tail + self._texts[token]]] = True
        return found


class Constraint(LogitsProcessor):
    """The processor of one call of `generate`.

    Args:
        matchers: llguidance's, one for each row.
        width: Length of the prompts in tokens.
        limit: How many tokens may be written.
        rooms: What is left for bringing a call to its end, one for each row.
        ends: Which tokens do so.
        opener: Which tokens begin one in a text.
    """

    def __init__(
        self, matchers: Sequence[Any], *, width: int, limit: int, rooms: Sequence[Room], ends: Ends, opener: Opener
    ):
        self._matchers = list(matchers)
        self._opener = opener
        self._width = self._seen = width
        self._last = width + limit
        self._rooms = list(rooms)
        self._ends = ends

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        length = input_ids.shape[1]
        for matcher, tokens in zip(self._matchers, input_ids[:, self._seen :].tolist(), strict=True):
            for token in tokens:
                if not matcher.is_stopped():
                    matcher.consume_token(token)
        self._seen = length
        left = self._last - length
        for row, (matcher, room) in enumerate(zip(self._matchers, self._rooms, strict=True)):
            if matcher.is_stopped():  # nothing may follow but the end
                allowed = _fit(self._ends.stop, scores.shape[1])
            else:
                allowed = self._allowed(matcher, scores.shape[1])
                if left <= room.call:
                    allowed = self._hurried(matcher, allowed, left, room, input_ids[row, self._width :])
            scores[row, torch.from_numpy(~allowed).to(scores.device)] = -torch.inf
        return scores

    def _hurried(self, matcher: Any, allowed: np.ndarray, left: int, room: Room, written: torch.Tensor) -> np.ndarray:
        """Those of the allowed tokens after which the reply can still be whole; all of them while there is room."""
        size = len(allowed)
        if (stops := allowed & _fit(self._ends.stop, size)).any():
            # Text that is cut is cut; behind a call nothing more is begun.
            return allowed & ~_fit(self._opener.marks(written.tolist()), size) if self._is_free(allowed) else stops
        if left > self._way_to_the_end(matcher, size, room.call) + room.option:
            return allowed
        return self._towards_the_end(allowed)

    def _way_to_the_end(self, matcher: Any, width: int, most: int) -> int:
        """How many tokens end the reply from here where every one leads there; `most`, if they are more."""
        ahead = matcher.deep_copy()
        for count in range(most):
            if ahead.is_stopped():
                return count
            allowed = self._allowed(ahead, width)
            if (allowed & _fit(self._ends.stop, width)).any():
                return count + 1
            ahead.consume_token(int(self._towards_the_end(allowed).argmax()))
        return most

    def _allowed(self, matcher: Any, width: int) -> np.ndarray:
        allowed = np.zeros(width, dtype=bool)
        # Where the grammar leaves no choice of text, the tokens are those the tokenizer itself would make of it.
        if forced := matcher.compute_ff_tokens():
            allowed[forced[0]] = True
            return allowed
        bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8), bitorder="little")
        count = min(width, len(bits))
        allowed[:count] = bits[:count]
        if not allowed.any():
            raise RuntimeError(f"the grammar allows nothing more: {matcher.get_error() or matcher.stop_reason()}")
        return allowed

    def _towards_the_end(self, allowed: np.ndarray) -> np.ndarray:
        """Those of the allowed tokens that lead to the end of a call."""
        ends = self._ends
        for wanted in (ends.quote,) if self._is_free(allowed) else (ends.bracket, ends.comma, ends.quote):
            if (kept := allowed & _fit(wanted, len(allowed))).any():
                return kept
        return allowed

    def _is_free(self, allowed: np.ndarray) -> bool:
        return bool(allowed.sum() > FREE * len(allowed))


def _fit(marks: np.ndarray, size: int) -> np.ndarray:
    """The array in the width of the scores, which may be wider than the vocabulary."""
    return marks[:size] if len(marks) >= size else np.pad(marks, (0, size - len(marks)))
