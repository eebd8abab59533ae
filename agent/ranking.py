"""Ranks texts by how well they match a query: BM25 over words and character n-grams, in any mixture of languages.

Comes in: texts, then queries. Goes out: the numbers of the best texts with their scores. Chinese is never cut into
words: its single characters and pairs are the terms.
"""

import re
import unicodedata
from collections.abc import Sequence

from bm25s import BM25

N_GRAM = 4  # letters; words are matched by their parts too, so that `converting` finds `convert_units`
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Han, kana and hangul on one side; words of any other script, and digits, on the other.
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
_RUNS = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")


def terms(text: str) -> list[str]:
    """What a text is matched by: `getWeather 天气` → get, weather, its n-grams, 天, 气, 天气."""
    found: list[str] = []
    for run in _RUNS.findall(_CAMEL.sub(" ", unicodedata.normalize("NFKC", text)).casefold()):
        if ord(run[0]) >= 0x3040:
            found += [*run, *(run[at : at + 2] for at in range(len(run) - 1))]
        else:
            marked = f"^{run}"  # how a word begins says more than how it ends
            found.append(f"{run}$")  # the whole word weighs beside its parts
            found += [marked[at : at + N_GRAM] for at in range(max(1, len(marked) - N_GRAM + 1))]
    return found


class Ranking:
    """Texts, ready to be searched."""

    def __init__(self, texts: Sequence[str]):
        self._size = len(texts)
        self._index = BM25()
        listed = [terms(text) or [""] for text in texts]
        if listed:
            self._index.index(listed, show_progress=False)

    def best(self, query: str, count: int) -> list[tuple[int, float]]:
        """At most `count` texts that share a term with `query`, best first, as (number, score); ties by number."""
        wanted = [term for term in dict.fromkeys(terms(query)) if term in self._index.vocab_dict] if self._size else []
        if not wanted:
            return []
        scores = self._index.get_scores(wanted)
        order = sorted(range(self._size), key=lambda number: (-scores[number], number))
        return [(number, float(scores[number])) for number in order[:count] if scores[number] > 0]
