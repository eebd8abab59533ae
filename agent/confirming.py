"""Asks before a tool changes something outside: what may stand between a model and a call with side effects.

Comes in: a call, its arguments already checked and mended, and its tool. Goes out: True where it may run, else False or
the reason why not, which the model reads as the call's result. Knows nothing of the loop and of pages.
"""

import json
import sys
from collections.abc import Awaitable, Callable

from agent.messages import ToolCall
from agent.tools import Tool

# Called only for tools with `side_effects=True`, one call at a time, in the order of the calls. May be async; a plain
# function runs in a thread, so that it may wait for a person.
Confirm = Callable[[ToolCall, Tool], bool | str | Awaitable[bool | str]]


def allow(call: ToolCall, tool: Tool) -> bool:
    """Every call may run."""
    return True


def refuse(call: ToolCall, tool: Tool) -> str:
    """No call with side effects may run: for agents that nobody watches."""
    return "tools that change something are switched off here"


def allow_only(*names: str) -> Confirm:
    """Calls of the named tools may run, all others with side effects may not."""

    def confirm(call: ToolCall, tool: Tool) -> bool | str:
        return tool.name in names or f"only these may change something here: {', '.join(names) or 'none'}"

    return confirm


def ask_in_terminal(call: ToolCall, tool: Tool) -> bool | str:
    """Show the call and wait for a `y`; anything else refuses, and so does standard input that is no terminal."""
    if not sys.stdin.isatty():
        return "nobody is there to ask"
    shown = json.dumps(call["function"]["arguments"], ensure_ascii=False)
    # Escape sequences and text that runs backwards could make the line look like another one.
    shown = "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in shown)
    print(f"{tool.name} {shown}\nRun it? [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip().casefold()
    return answer in ("y", "yes", "是") or "the person said no"
