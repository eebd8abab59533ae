"""Batches in their order, made by worker processes ahead of the steps that train on them, or each when it is asked for.

Comes in: a corpus, a tokenizer, which batches are wanted next. Goes out: the batches, the same whatever the number of
workers. One process makes some 200,000 tokens a second, which a CPU never trains on, and a GPU many times.
"""

import os
import signal
from collections.abc import Generator, Iterable
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerFast

from agent.errors import UserError
from training.base.batches import Batch, make_batch
from training.base.corpus.mixture import Corpus

_AHEAD = 4  # batches that each worker may be ahead


@dataclass(frozen=True)
class Wanted:
    """Which batch: its step, its rows and their length in tokens, its stage of the mixture (0 to 1)."""

    step: int
    rows: int
    length: int
    stage: float


@dataclass(frozen=True)
class Feed(Dataset[Batch | UserError]):
    """The batches of a run; what cannot be made is handed on as the error that says so, whole, out of any process."""

    tokenizer: PreTrainedTokenizerFast
    corpus: Corpus
    learn_all: float
    decision_weight: float

    def __getitem__(self, wanted: Wanted) -> Batch | UserError:
        try:
            return make_batch(
                self.tokenizer,
                corpus=self.corpus,
                step=wanted.step,
                rows=wanted.rows,
                length=wanted.length,
                stage=wanted.stage,
                learn_all=self.learn_all,
                decision_weight=self.decision_weight,
            )
        except UserError as error:
            return error

    def serve(self, wanted: Iterable[Wanted], workers: int) -> Generator[Batch]:
        """A batch for each of `wanted`, which is read ahead of them where there are workers. Closing it ends these.

        Raises:
            UserError: A batch could not be made.
        """
        loader: DataLoader[Batch | UserError] = DataLoader(
            self,
            sampler=wanted,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=_AHEAD if workers else None,
            worker_init_fn=_begin_work,
        )
        for made in loader:
            if isinstance(made, UserError):
                raise made
            yield made


def _begin_work(number: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # who told the whole group to stop gets a saved run
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)
