"""Which document comes n-th: the mixture of all tasks, seeded document by document.

`document(seed, index)` depends on nothing else, so any part of the corpus can be made again, in any order, anywhere.
`stage` moves from short copying (0.0) to the full mixture (1.0). A `Corpus` may hold conversations of a dataset, too.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.base.corpus import conversations, copying, deciding, filling, matching, reading, services, talk
from training.base.corpus.document import Document

Task = Callable[[random.Random, str], Document]

# task, weight at the start, weight in the full mixture (weights count documents, not tokens)
TASKS: list[tuple[Task, float, float]] = [
    (copying.repeat, 12, 1),
    (copying.twice, 10, 2),
    (copying.look_up, 14, 2),
    (copying.convert, 4, 2),
    (copying.pick_item, 4, 1),
    (reading.report, 6, 5),
    (reading.passage, 6, 1),
    (reading.record, 8, 3),
    (filling.fill, 14, 24),
    (filling.which, 8, 45),
    (services.choose, 12, 80),
    (services.same_but, 2, 10),
    (matching.nearest, 6, 4),
    (matching.bound, 6, 18),
    (matching.missing, 6, 4),
    (matching.name_of, 6, 10),
    (deciding.coded, 6, 32),
    (deciding.counted, 6, 24),
    (talk.story, 4, 1),
    (talk.small_talk, 4, 4),
    (talk.synonyms, 6, 3),
]


def document(seed: int, index: int, stage: float = 1.0) -> Document:
    rng = random.Random(f"{seed}:{index}")
    weights = [start + (full - start) * stage for _, start, full in TASKS]
    task = rng.choices(TASKS, weights=weights)[0][0]
    return task(rng, "zh" if rng.random() < 0.5 else "en")


@dataclass(frozen=True)
class Corpus:
    """The mixture of a seed, and rows of a dataset (`messages`, `tools`, `lang`) as a `share` of its full stage."""

    seed: int
    rows: Sequence[Mapping[str, Any]] = ()
    share: float = 0.0

    def document(self, index: int, stage: float = 1.0) -> Document:
        if self.rows:
            rng = random.Random(f"{self.seed}:rows:{index}")
            if rng.random() < self.share * stage:
                return conversations.about_forms(rng, self.rows[rng.randrange(len(self.rows))])
        return document(self.seed, index, stage)
