"""Runs one function under a time limit: a coroutine in the event loop, anything else in a thread.

Comes in: a function and checked arguments. Goes out: its value, or `CallFailedError` with words for the model. Knows
nothing of schemas.
"""

import asyncio
import contextlib
import contextvars
import inspect
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

MAX_IDLE = 16  # threads kept for the next call: starting one takes longer than most tools


class CallFailedError(Exception):
    """The function raised or ran out of time; the message says so to the model. A function that raises this one itself
    has its message passed on as it is.
    """


async def call_function(function: Callable[..., Any], arguments: dict[str, Any], timeout: float) -> Any:
    """`function(**arguments)`, awaited if it is async; raises `CallFailedError`, and `CancelledError` from outside."""
    try:
        async with asyncio.timeout(timeout) as limit:
            if inspect.iscoroutinefunction(inspect.unwrap(function)):
                return await function(**arguments)
            value = await in_thread(function, arguments)
            return await value if inspect.isawaitable(value) else value
    except CallFailedError:
        raise
    except TimeoutError as error:
        if limit.expired():
            raise CallFailedError(f"gave up after {timeout:g} seconds") from error
        raise CallFailedError(_described(error)) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise CallFailedError("the tool cancelled itself") from error
    except (Exception, SystemExit) as error:
        raise CallFailedError(_described(error)) from error


def _described(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


async def in_thread(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Run a sync function beside the event loop, in the caller's context variables."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.done():  # given up or cancelled in the meantime
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def work() -> None:
        value: Any = None
        error: BaseException | None = None
        try:
            value = context.run(function, **arguments)
        except (StopIteration, SystemExit, KeyboardInterrupt) as raised:  # a future cannot carry these on
            error = RuntimeError(_described(raised))
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the event loop is gone, and with it whoever asked
            loop.call_soon_threadsafe(settle, value, error)

    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    worker.jobs.put(work)
    return await future


class _Worker(threading.Thread):
    """A thread that runs one job after the other and waits among the idle ones in between.

    A daemon: `asyncio.to_thread` uses a pool that the interpreter waits for at its end, so one hanging tool would keep
    the whole program from ending. A hanging job keeps its own thread and no other.
    """

    def __init__(self) -> None:
        super().__init__(name="tool", daemon=True)
        self.jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            self.jobs.get()()
            if len(_idle) >= MAX_IDLE:
                return
            _idle.append(self)


_idle: list[_Worker] = []  # appending and popping are atomic
os.register_at_fork(after_in_child=_idle.clear)  # threads do not survive a fork
