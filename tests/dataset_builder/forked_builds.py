"""Builds in processes of their own that can be killed: forked from one that has imported everything already."""

import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

from huggingface_hub import AsyncInferenceClient

from agent.models.endpoint import EndpointModel
from agent.tools import load_tools
from dataset_builder.build import Settings, build
from dataset_builder.llm_teacher import LLMTeacher

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


def start(output: Path, url: str, **changes: Any) -> multiprocessing.process.BaseProcess:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["forked_builds"])
    # The process that forks is started with this one's environment, not with its sys.path.
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    process = processes.Process(target=build_rows, args=(output, url), kwargs=changes)
    process.start()
    return process
