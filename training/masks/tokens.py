"""Text to token ids, exactly as the tokenizer itself, and cheaply where the same text comes again.

Tokenizers cut a text at their added tokens first, and tokenize what lies between independently. Where that holds (it is
tested, not assumed) each stretch is tokenized once and remembered: rows share their system prompts and tools, and the
prompts of one conversation share nearly everything. Elsewhere whole texts are tokenized, which is slower and as right.
Knows nothing of messages or masks.
"""

import re
from collections.abc import Iterable
from typing import Any

REMEMBERED = 20_000_000  # characters of stretches kept
BEFORE = ("\n", ":", "a", "0", "~", "|")
"""What a text is put after, to see how it goes on: the first that does not merge with its beginning."""


class Tokens:
    """A tokenizer with a memory.

    Args:
        tokenizer: A transformers tokenizer.
        stops: Texts of further tokens that end a turn, such as those of a generation config.
    """

    def __init__(self, tokenizer: Any, stops: Iterable[str] = ()):
        self._tokenizer = tokenizer
        added = {token.content: (index, token) for index, token in tokenizer.added_tokens_decoder.items()}
        special = {text for text, (_, token) in added.items() if token.special} | set(tokenizer.all_special_tokens)
        self.declared_stops = frozenset(stops)
        self.stops = self.declared_stops | ({tokenizer.eos_token} if tokenizer.eos_token else set())
        self._special = _any_of(special | self.stops)
        self._trailing = re.compile(rf"(?:(?:{self._special.pattern})\s*)+\Z")
        self._group = re.compile(rf"(?:{self._special.pattern})+")
        self._last = re.compile(rf"(?:{self._special.pattern})\Z")
        self._added = re.compile(f"({_any_of(added).pattern})")
        self._added_ids = {text: [index] for text, (index, _) in added.items()}
        self._known: dict[str, list[int]] = {}
        self._characters = 0
        self._in_stretches = bool(added) and self._cuts_at_added_tokens([token for _, token in added.values()])

    def prefetch(self, texts: Iterable[str]) -> None:
        """Tokenize what is new in these texts in one call."""
        if self._characters > REMEMBERED:
            self._known.clear()
            self._characters = 0
        if self._in_stretches:
            texts = (stretch for text in texts for stretch in self._added.split(text)[::2])
        new = [text for text in dict.fromkeys(texts) if text and text not in self._known]
        if new:
            tokenize = self._tokenize_stretches if self._in_stretches else self._tokenize
            self._known.update(zip(new, tokenize(new), strict=True))
            self._characters += sum(map(len, new))

    def encode(self, text: str) -> list[int]:
        """The ids of a text as `tokenizer(text, add_special_tokens=False)` gives them."""
        if not self._in_stretches:
            if text not in self._known:
                self.prefetch([text])
            return list(self._known.get(text, []))
        ids: list[int] = []
        for position, stretch in enumerate(self._added.split(text)):
            if position % 2:
                ids += self._added_ids[stretch]
            elif stretch:
                if stretch not in self._known:
                    self.prefetch([stretch])
                ids += self._known[stretch]
        return ids

    def encode_reply(self, text: str) -> list[int]:
        """The ids of a text that goes on after other text: without the blank some tokenizers put at a beginning."""
        if self._in_stretches:
            return self.encode(text)
        for before in BEFORE:
            alone, ids = self._tokenize([before, before + text])
            if ids[: len(alone)] == alone:  # else the two have merged
                return ids[len(alone) :]
        return self.encode(text)

    def stop_after(self, text: str) -> int:
        """End of the special token that `text` begins with; 0 if it begins with none."""
        match = self._special.match(text)
        return match.end() if match else 0

    def last_special(self, text: str) -> str:
        """The special token that `text` ends with, or nothing."""
        match = self._last.search(text)
        return match.group() if match else ""

    def stop_in_tail(self, tail: str) -> int:
        """End of the stop token in the text after a reply's last payload: a known one, else the last special token."""
        known = [tail.find(stop) + len(stop) for stop in self.stops if stop in tail]
        if known:
            return min(known)
        return max((match.end() for match in self._special.finditer(tail)), default=0)

    def groups(self, text: str) -> int:
        """How many groups of special tokens, one right after another, stand in `text`."""
        return len(self._group.findall(text))

    def stop_at_end(self, text: str) -> int:
        """End of the stop token within the special tokens that end `text`; 0 if it ends in none."""
        match = self._trailing.search(text)
        return match.start() + self.stop_in_tail(match.group()) if match else 0

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        encoded = self._tokenizer(texts, add_special_tokens=False, return_attention_mask=False, verbose=False)
        return encoded["input_ids"]

    def _tokenize_stretches(self, texts: list[str]) -> list[list[int]]:
        """As `_tokenize`, without the dictionaries that transformers builds for each of many short texts."""
        backend = self._tokenizer.backend_tokenizer
        if backend.truncation is not None or backend.padding is not None:  # left there by a call of someone else's
            return self._tokenize(texts)
        return [encoding.ids for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)]

    def _cuts_at_added_tokens(self, added: list[Any]) -> bool:
        """Whether added tokens cut a text into stretches of their own for this tokenizer."""
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if backend is None or any(token.lstrip or token.rstrip or token.single_word for token in added):
            return False
        if backend.normalizer is not None and any(token.normalized for token in added):
            return False
        parts = [part.__getstate__() for part in (backend.normalizer, backend.pre_tokenizer) if part is not None]
        if any(word in bytes(part) for part in parts for word in (b"Metaspace", b"Prepend", b'add_prefix_space":true')):
            return False
        for token in added:
            text = f"a {token.content}\n b {token.content}{token.content} c\n"
            in_stretches: list[int] = []
            for position, stretch in enumerate(self._added.split(text)):
                if position % 2:
                    in_stretches += self._added_ids[stretch]
                elif stretch:
                    in_stretches += self._tokenize_stretches([stretch])[0]
            if in_stretches != self._tokenize([text])[0]:
                return False
        return True


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Matches any of the texts, the longest first; nothing where there are none."""
    longest_first = sorted((text for text in texts if text), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
