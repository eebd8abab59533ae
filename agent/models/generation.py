"""The small parts of generating with transformers: tokens handed to an event loop, stops, text from tokens, seeds.

Comes in: token ids as `generate` draws them. Goes out: the same to whoever waits, or the word to stop. Knows nothing of
conversations.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import torch
from transformers import StoppingCriteria
from transformers.generation.streamers import BaseStreamer

_TAIL = 24  # tokens in which a text to stop at is looked for


class Sender:
    """Hands values from the generating thread to the event loop that waits for them."""

    def __init__(self, queue: "asyncio.Queue[int | BaseException | None]"):
        self._queue = queue
        self._loop = asyncio.get_running_loop()

    def send(self, value: int | BaseException | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it whoever waited
            self._loop.call_soon_threadsafe(self._queue.put_nowait, value)


class TokenStreamer(BaseStreamer):
    """Passes on each new token; what `generate` hands over first is the prompt."""

    def __init__(self, sender: Sender):
        self._sender = sender
        self._prompt_seen = False

    def put(self, value: torch.Tensor) -> None:
        if self._prompt_seen:
            for token in value.flatten().tolist():
                self._sender.send(token)
        self._prompt_seen = True

    def end(self) -> None: ...


class Stopped(StoppingCriteria):
    """Stops every row once the event is set."""

    def __init__(self, event: threading.Event):
        self._event = event

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), self._event.is_set(), device=input_ids.device)


class StopsAtText(StoppingCriteria):
    """Stops a row whose reply has come to one of the texts; `width` is the length of the prompts in tokens."""

    def __init__(self, tokenizer: Any, texts: tuple[str, ...], width: int):
        self._tokenizer = tokenizer
        self._texts = texts
        self._width = width

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        tails = input_ids[:, max(self._width, input_ids.shape[1] - _TAIL) :].tolist()
        done = [any(text in self._tokenizer.decode(tail) for text in self._texts) for tail in tails]
        return torch.tensor(done, device=input_ids.device)


class Decoder:
    """Tokens to text one by one: a character of several tokens is shown when it is whole."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._start = self._shown = 0  # decoding from a little earlier keeps the spaces right

    def add(self, token: int) -> str:
        self._ids.append(token)
        before, now = self._decode(self._start, self._shown), self._decode(self._start, len(self._ids))
        if now.endswith("\N{REPLACEMENT CHARACTER}"):
            return ""
        self._start, self._shown = self._shown, len(self._ids)
        return now[len(before) :]

    def rest(self) -> str:
        return self._decode(self._start, len(self._ids))[len(self._decode(self._start, self._shown)) :]

    def _decode(self, start: int, end: int) -> str:
        ids = self._ids[start:end]
        return str(self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Draw by `seed` without disturbing anybody else's random numbers."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
