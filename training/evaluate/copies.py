"""Copies of the models that are compared, each in a process of its own, which take batches of prompts as they get
free.

Comes in: models by name, and batches. Goes out: the replies to each batch, as soon as it is written. One copy is in
this very process. Knows nothing of what is asked, and nothing of endpoints, which need no copies.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

import torch
from tqdm import tqdm
from transformers.utils.logging import disable_progress_bar

from agent.errors import UserError
from agent.models import Reply, Sampling
from agent.models.transformers_model import TransformersModel
from training.evaluate.contender import Contender, contenders


@dataclass(frozen=True)
class Batch:
    """Prompts, each a conversation with its tools, that one contender answers at once."""

    contender: str
    asked: Sequence[tuple[Any, Any]]
    sampling: Sampling


class Copies:
    """As many copies as there are processes; a context, at whose end the other processes are gone.

    Args:
        judged: The contenders, as this process has them.
        model: How the others load theirs; `adapter` likewise.
        processes: With 1 there is only this process. Where there are GPUs each process takes one.

    Raises:
        UserError: There are fewer GPUs than processes, or the model is none of which transformers can load a copy.
    """

    def __init__(self, judged: Mapping[str, Contender], model: str, adapter: str | None, processes: int = 1):
        if processes > 1 and not isinstance(judged["base"].model, TransformersModel):
            what = "--processes is for models that transformers runs here"
            raise UserError(what, where=model, mend="leave it out: an endpoint is asked several things at once anyhow")
        if torch.cuda.is_available() and processes > torch.cuda.device_count():
            what = f"{processes} processes want a GPU each, and there are {torch.cuda.device_count()}"
            raise UserError(what, mend="give --processes as many as there are GPUs, or fewer")
        self.judged = judged
        self._stop = threading.Event()
        self._others: list[_Elsewhere] = []
        self._wanted = [(model, adapter, number) for number in range(1, processes)]

    def __enter__(self) -> "Copies":
        return self

    def __exit__(self, *_: object) -> None:
        for other in self._others:
            other.end()

    def replies(self, batches: Sequence[Batch]) -> Iterator[tuple[int, list[Reply]]]:
        """The index of each batch with its replies, as they come.

        Raises:
            UserError: A prompt is longer than the model takes, or a process is gone.
        """
        if batches and not self._others:  # not before: where all is kept, nobody waits for them
            self._others = [_Elsewhere(*wanted) for wanted in self._wanted]
        if not self._others:
            for index, batch in enumerate(batches):
                yield index, self._here(batch)
            return
        free: SimpleQueue[Callable[[Batch], list[Reply]]] = SimpleQueue()
        free.put(self._here)
        for other in self._others:
            free.put(other)

        def answer(batch: Batch) -> list[Reply]:
            copy = free.get()
            try:
                return copy(batch)
            finally:
                free.put(copy)

        with ThreadPoolExecutor(1 + len(self._others)) as threads:
            futures = {threads.submit(answer, batch): index for index, batch in enumerate(batches)}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BaseException:  # an interrupt must not wait until every copy has written its batch
                threads.shutdown(wait=False, cancel_futures=True)
                self._stop.set()
                for other in self._others:
                    other.end()
                raise

    def _here(self, batch: Batch) -> list[Reply]:
        return _written(self.judged, batch, self._stop)


class _Elsewhere:
    """A copy in another process, asked and answered through a pipe."""

    def __init__(self, model: str, adapter: str | None, number: int):
        context = get_context("spawn")  # a fork would share the threads and the GPU of this one
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, model, adapter, number), daemon=True)
        with _deaf_to_interrupts():
            self._process.start()
        theirs.close()
        self._ready = False

    def __call__(self, batch: Batch) -> list[Reply]:
        if not self._ready:  # before anything is sent: what went wrong there would not be read any more
            self._heard()
            self._ready = True
        replies: list[Reply] = self._heard(batch)
        return replies

    def _heard(self, batch: Batch | None = None) -> Any:
        """What the other process says, to a batch or by itself; what it raised is raised here."""
        try:
            if batch is not None:
                self._pipe.send(batch)
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            mend = "memory may not suffice for so many copies: give fewer --processes"
            raise UserError("a process that evaluates has ended before its time", mend=mend) from error
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def end(self) -> None:
        self._process.terminate()  # it holds nothing that is not told
        self._process.join()


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process that is started within ignores Ctrl-C from its first moment: the one that asks makes an end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _serve(pipe: Connection, model: str, adapter: str | None, number: int) -> None:
    """What the other process does: answer batches until it is ended."""
    disable_progress_bar()
    tqdm.set_lock(threading.RLock())  # one between processes would be told as leaked when this one is ended
    try:
        if torch.cuda.is_available():
            torch.cuda.set_device(number)
        judged = contenders(model, adapter)
        pipe.send(None)
        while True:
            batch = pipe.recv()
            pipe.send(_written(judged, batch, None))
    except (EOFError, BrokenPipeError):  # nobody asks any more
        return
    except Exception as error:
        pipe.send(error)


def _written(judged: Mapping[str, Contender], batch: Batch, stop: threading.Event | None) -> list[Reply]:
    contender = judged[batch.contender]
    assert isinstance(contender.model, TransformersModel)
    with contender.switched_on():
        return contender.model.generate_batch(batch.asked, batch.sampling, batch_size=len(batch.asked), stop=stop)
