"""A tool that runs Python a model wrote, in an interpreter that has no way out.

The interpreter is pydantic-monty: a subset of Python written anew, in worker processes, without files, network, clock
waits or C extensions. Time, memory, depth and output are limited here. Needs the extra `python`.
"""

import functools
from typing import Any

from agent.errors import UserError
from agent.tools import tool
from agent.tools.running import CallFailedError

try:
    from pydantic_monty import CollectString, Monty, MontyError, ResourceLimits
except ModuleNotFoundError as error:
    raise UserError(f"running Python needs the package {error.name}", mend='pip install "callsmith[python]"') from error

SECONDS = 5.0  # of computing
MEMORY = 64_000_000  # bytes
MAX_CODE = 20_000  # characters
MAX_OUTPUT = 10_000  # characters of what is printed
_LIMITS: ResourceLimits = {
    "max_feed_duration_secs": SECONDS,
    "max_memory": MEMORY,
    "max_recursion_depth": 500,
    "max_suspensions": 10,
    "max_total_sleep_secs": 0.0,
}


@functools.cache
def _workers() -> Monty:
    pool = Monty(request_timeout=SECONDS + 5)  # a worker that no longer answers is killed
    pool.__enter__()
    return pool


@tool(
    family="python",
    timeout=SECONDS + 10,
    zh={
        "description": "运行一段 Python 代码，返回打印的内容和最后一个表达式的值。没有文件、网络和第三方库。",
        "parameters": {"code": "Python 代码"},
    },
)
def run_python(code: str) -> dict[str, Any]:
    """Run Python code and return what it prints and the value of its last expression. There are no files, no network
    and no packages beyond a part of the standard library.

    Args:
        code: Python code
    """
    if len(code) > MAX_CODE:
        raise CallFailedError(f"the code has {len(code)} characters, at most {MAX_CODE} are allowed")
    printed = CollectString()
    try:
        with _workers().checkout(limits=_LIMITS) as session:
            value = session.feed_run(code, print_callback=printed)
    except MontyError as error:
        said = f"; before that it printed: {_shown(printed.output)}" if printed.output else ""
        raise CallFailedError(f"{error}{said}") from error
    result: dict[str, Any] = {}
    if printed.output:
        result["printed"] = _shown(printed.output)
    if value is not None or not printed.output:
        result["value"] = _shown(repr(value))
    return result


def _shown(text: str) -> str:
    return text if len(text) <= MAX_OUTPUT else f"{text[:MAX_OUTPUT]} … ({len(text)} characters)"
