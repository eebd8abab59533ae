"""Builds in processes of their own that can be killed: forked from one that has imported everything already."""

import contextlib
import ctypes
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import AsyncInferenceClient

from agent.cli import main
from agent.models.endpoint import EndpointModel
from agent.tools import load_tools
from dataset_builder.build import Settings, build
from dataset_builder.llm_teacher import LLMTeacher

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2  # Linux's numbers
TOOLS = Path(__file__).with_name("my_tools.py")
# Reading tools brings torch, and a client brings a thousand types: seconds that each process would spend again.
for _tool in load_tools(str(TOOLS)):
    assert _tool.schema
PAID_FOR = (AsyncInferenceClient, EndpointModel, LLMTeacher)


def build_rows(output: Path, url: str, rows: int = 16, log: Path | None = None) -> None:
    """Rows with the teacher at `url`; with `log`, by tools with side effects that note each call there."""
    if log is not None:
        os.environ["PAID_LOG"] = str(log)
    build(
        Settings(
            tools=str(TOOLS if log is None else TOOLS.with_name("paying_tools.py")),
            teacher=f"{url}#rules",
            output=output,
            rows=rows,
            languages=("zh", "en"),
            seed=0,
            license="unknown",
            place="set",
            concurrency=8,
            mix=dict.fromkeys(("single_call", "parallel_calls", "no_suitable_tool", "missing_parameter", "chat"), 1),
        )
    )


def command_held_by_permissions(arguments: list[str], said: Path) -> None:
    """`callsmith build` for which permissions hold, also where root runs the tests."""
    with said.open("w", encoding="utf-8") as file:
        _give_up_overriding_permissions()
        with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
            main(["build", *arguments])


def _give_up_overriding_permissions() -> None:
    """Drop from this thread, and those it starts, the two capabilities by which root may open every file."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the version of the interface, and this thread
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice, as there are more than 32 capabilities
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    sets[0] &= ~((1 << CAP_DAC_OVERRIDE) | (1 << CAP_DAC_READ_SEARCH))
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


def run_held_by_permissions(arguments: Sequence[object], said: Path) -> tuple[int | None, str]:
    """The exit code of `callsmith build` with these arguments, and all that it said (kept in the file `said`)."""
    process = _process(command_held_by_permissions, (list(map(str, arguments)), said), {})
    process.join(timeout=300)
    return process.exitcode, said.read_text(encoding="utf-8")


def start(output: Path, url: str, **changes: Any) -> multiprocessing.process.BaseProcess:
    return _process(build_rows, (output, url), changes)


def _process(
    target: Callable[..., None], arguments: tuple[Any, ...], changes: dict[str, Any]
) -> multiprocessing.process.BaseProcess:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["forked_builds"])
    # The process that forks is started with this one's environment, not with its sys.path.
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    process = processes.Process(target=target, args=arguments, kwargs=changes)
    process.start()
    return process
