"""An MCP server that misbehaves on request: what the client is tested with. Run as a script; `die` makes it end at
once, `noise` makes it speak something else, `mute` nothing at all.
"""

import asyncio
import os
import sys
import time

import anyio

from agent.mcp.server import serve_stdio, server_of
from agent.tools import Tool


def crash():
    print("out of coffee", file=sys.stderr, flush=True)
    os._exit(3)


def environment():
    return sorted(os.environ)


def chatter():
    print("this is no JSON")
    return "said"


CANCELLED = []


async def wait(seconds):
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        CANCELLED.append(seconds)
        raise
    return "waited"


def cancelled():
    return str(CANCELLED)


def fail(how):
    raise ValueError(how)


def described(function, side_effects=False, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    function_schema = {"name": function.__name__, "description": "Odd.", "parameters": parameters}
    schema = {"type": "function", "function": function_schema}
    return Tool(function, schema=schema, zh={"description": "怪。"}, side_effects=side_effects)


TOOLS = [
    *(described(crash), described(environment), described(chatter), described(cancelled)),
    described(wait, seconds={"type": "number"}),
    described(fail, side_effects=True, how={"type": "string"}),
]

if __name__ == "__main__":
    if "die" in sys.argv:
        sys.exit("no licence found")
    if "mute" in sys.argv:
        time.sleep(60)
    if "noise" in sys.argv:
        print("Welcome to my server!", flush=True)
    anyio.run(serve_stdio, server_of(TOOLS))
