"""Asks before a tool changes something outside: what may stand between a model and such a call.

Comes in: a call, its arguments already checked and mended, and its tool. Goes out: True where it may run, else False or
the reason why not, which the model reads as the call's result. Knows nothing of the loop and of pages.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent.messages import ToolCall, tool_call
from agent.tools import Tool

# Called only for tools that act outside, with the call as `as_it_will_run` gives it; one call at a time, in the order
# of the calls. May be async; a plain function runs in a thread, so that it may wait for a person.
Confirm = Callable[[ToolCall, Tool], bool | str | Awaitable[bool | str]]


def as_it_will_run(call: ToolCall, tool: Tool) -> ToolCall | None:
    """The call with its arguments mended, where somebody is to be asked before it runs; None where it does nothing
    outside, and where its arguments are wrong, so that it will not run.
    """
    if not tool.acts_outside:
        return None
    arguments, _, errors = tool.checker.check(call["function"]["arguments"])
    return None if errors else tool_call(tool.name, arguments, call["id"])


def readable(arguments: Mapping[str, Any], *, indent: int | None = None) -> str:
    """The arguments as a person may be shown them: JSON in which no letter hides or turns the line around."""
    text = json.dumps(arguments, ensure_ascii=False, indent=indent)
    # Escape sequences and text that runs backwards could make the arguments look like others.
    return "".join(letter if letter.isprintable() or letter == "\n" else f"\\u{ord(letter):04x}" for letter in text)


def allow(call: ToolCall, tool: Tool) -> bool:
    """Every call may run: for programs that chose their tools themselves."""
    return True


def refuse(call: ToolCall, tool: Tool) -> str:
    """No call that acts outside may run: for agents that nobody watches."""
    return "tools that change something are switched off here"


def allow_only(*names: str) -> Confirm:
    """Calls of the named tools may run, all others that act outside may not."""

    def confirm(call: ToolCall, tool: Tool) -> bool | str:
        return tool.name in names or f"only these may change something here: {', '.join(names) or 'none'}"

    return confirm


def ask_in_terminal(call: ToolCall, tool: Tool) -> bool | str:
    """Show the call and wait for a `y`; anything else refuses, and so does standard input that is no terminal."""
    if not sys.stdin.isatty():
        return "nobody is there to ask"
    print(f"{tool.name} {readable(call['function']['arguments'])}\nRun it? [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip().casefold()
    return answer in ("y", "yes", "是") or "the person said no"
