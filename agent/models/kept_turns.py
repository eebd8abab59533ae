"""Keys and values of conversations that may go on, so that their next turn costs only its new tokens.

Comes in: a prompt's token ids. Goes out: the cache of the longest beginning that an earlier turn had in common with it,
token by token, cut to that length; what differs is computed anew. Bounded in conversations and in memory, the longest
unused go first. One caller at a time: the model's generation takes turns. Knows nothing of text.
"""

import copy
from dataclasses import dataclass
from typing import Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


@dataclass
class _Turn:
    ids: list[int]
    cache: DynamicCache


class KeptTurns:
    """The caches of the last turns.

    Args:
        conversations: How many are kept at most.
        memory: How many bytes all of them may take together.
    """

    def __init__(self, *, conversations: int = 4, memory: int = 2 << 30):
        self._conversations = conversations
        self._memory = memory
        self._turns: list[_Turn] = []  # the last used stands last

    def take(self, ids: list[int]) -> DynamicCache | None:
        """A cache of some first tokens of `ids` (never all: the last one must be computed); None where there is none.

        Where the conversation goes on its cache is given away, to be kept again; where only a beginning is shared (the
        same tools for another visitor) it is copied.
        """
        best, shared = None, 0
        for turn in self._turns:
            if (length := _common(turn.ids, ids[:-1])) > shared:
                best, shared = turn, length
        if best is None:
            return None
        if shared < len(best.ids) // 2:
            cache = copy.deepcopy(best.cache)
        else:
            self._turns.remove(best)
            cache = best.cache
        if shared < (length := cache.get_seq_length()):
            cache.crop(shared - length)
        return cache

    def keep(self, ids: list[int], cache: Any) -> None:
        """Keep what was computed for `ids`, where the cache is one that can be cut."""
        if not isinstance(cache, DynamicCache) or not all(type(layer) is DynamicLayer for layer in cache.layers):
            return  # sliding windows and recurrent states have forgotten what cutting would need
        length = cache.get_seq_length()
        self._turns.append(_Turn(ids[:length], cache))
        while len(self._turns) > self._conversations or sum(map(_bytes, self._turns)) > self._memory:
            del self._turns[0]


def can_keep(model: Any) -> bool:
    """Whether the model generates with a cache of keys and values that can be given to it, and cut."""
    supports = getattr(model, "_supports_default_dynamic_cache", None)
    own = getattr(getattr(model, "generation_config", None), "cache_implementation", None)
    return bool(supports and supports()) and not own


def _bytes(turn: _Turn) -> int:
    layers: Any = turn.cache.layers  # all of them `DynamicLayer`s, as `keep` has seen
    return sum(layer.keys.nbytes + layer.values.nbytes for layer in layers if layer.is_initialized)


def _common(one: list[int], other: list[int]) -> int:
    """How many first tokens the two have in common."""
    limit = min(len(one), len(other))
    if one[:limit] == other[:limit]:
        return limit
    low, high = 0, limit  # the first difference lies in between
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle)
    return low
