"""Counts of right and wrong, and how sure one may be of a share.

Comes in: judged decisions. Goes out: for each measure and group the number, the right ones, the share in per cent and a
95 % Wilson interval. Knows nothing of what the measures mean.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

Z = 1.959963984540054  # the normal distribution's 97.5 % point


class Share(TypedDict):
    """`right` of `n`, as per cent (`rate`) with the ends of its 95 % interval; no rate where n is 0."""

    n: int
    right: int
    rate: float | None
    low: float | None
    high: float | None


def share(right: int, n: int) -> Share:
    """Wilson's score interval (1927): unlike the textbook one it stays within 0–100 % and holds for small n."""
    if not n:
        return {"n": 0, "right": 0, "rate": None, "low": None, "high": None}
    p, z2 = right / n, Z * Z
    middle, half = p + z2 / (2 * n), Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = (middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)
    return {"n": n, "right": right, **_per_cent(rate=p, low=max(0.0, low), high=min(1.0, high))}  # type: ignore[typeddict-item]


def count(judged: Iterable[Mapping[str, bool]], measures: Sequence[str]) -> dict[str, Share]:
    """A share for each measure, over the decisions that it applies to."""
    verdicts = list(judged)
    counted = {}
    for measure in measures:
        applies = [verdict[measure] for verdict in verdicts if measure in verdict]
        counted[measure] = share(sum(applies), len(applies))
    return counted


def _per_cent(**shares: float) -> dict[str, float]:
    return {name: round(100 * value, 2) for name, value in shares.items()}
