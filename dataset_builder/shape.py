"""The shape of a dataset: how long its conversations are, how many turns they have and how many tools they offer.

Comes in: rows, one after the other. Goes out: counts by size, and the same drawn as bars of text, which show wherever a
card is read. Knows nothing of cards.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from dataset_builder.rows import Row

# The greatest value of each bar; what is beyond the last has a bar of its own.
LIMITS = {
    "characters": (250, 500, 1000, 2000, 4000, 8000, 16000),
    "messages": (2, 4, 6, 8, 12, 16, 24),
    "tools": (0, 1, 2, 4, 6, 8, 12, 24),
}
TITLES = {
    "characters": "characters of a conversation",
    "messages": "messages of a conversation",
    "tools": "tools offered in it",
}
WIDTH = 40  # characters of the longest bar

Shape = dict[str, dict[str, int]]


def measured(rows: Iterable[Row]) -> Shape:
    """How many rows there are of each size, by what is measured; sizes that no row has are left out at both ends."""
    counts = {name: Counter[int]() for name in LIMITS}
    for row in rows:
        sizes = {
            "characters": sum(len(message["content"]) for message in row["messages"]),
            "messages": len(row["messages"]),
            "tools": len(row["tools"]),
        }
        for name, size in sizes.items():
            counts[name][bisect_left(LIMITS[name], size)] += 1
    return {
        name: {_label(name, place): found[place] for place in range(min(found), max(found) + 1)}
        for name, found in counts.items()
        if found
    }


def plotted(shape: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str]]:
    """A title and a drawing for each thing measured."""
    for name, sizes in shape.items():
        most, wide = max(sizes.values()), max(map(len, sizes))
        bars = (
            f"{label.rjust(wide)} │{'█' * max(round(WIDTH * count / most), count > 0)} {count}"
            for label, count in sizes.items()
        )
        yield TITLES[name], "\n".join(bars)


def _label(name: str, place: int) -> str:
    limits = LIMITS[name]
    if place == len(limits):
        return f"> {limits[-1]}"
    low = limits[place - 1] + 1 if place else 0
    return str(low) if low == limits[place] else f"{low}–{limits[place]}"
