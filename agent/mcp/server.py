"""Our tools offered to other programs as an MCP server.

Comes in: tools. Goes out: a server for standard input and output, or for HTTP. Arguments are checked and mended and
failures worded as for our own agent. Everybody who connects shares one state: it is a server for one person.
"""

import socket
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import uvicorn
from mcp import stdio_server
from mcp.server import Server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp.types import Tool as Described

from agent.tools import Tool

PATH = "/mcp"


def server_of(tools: Sequence[Tool], lang: str = "en") -> Server[Any]:
    """A server that offers those of `tools` that can run, described in `lang`."""
    offered = {tool.name: tool for tool in tools if tool.runnable}

    async def on_list(context: Any, parameters: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_described(tool, lang) for tool in offered.values()])

    async def on_call(context: Any, parameters: CallToolRequestParams) -> CallToolResult:
        tool = offered.get(parameters.name)
        if tool is None:
            text = f"there is no tool named {parameters.name!r}; the tools are: {', '.join(offered)}"
            return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
        result = await tool.call(parameters.arguments)
        return CallToolResult(content=[TextContent(type="text", text=result.content)], is_error=result.is_error)

    return Server("callsmith", version=version("callsmith"), on_list_tools=on_list, on_call_tool=on_call)


def _described(tool: Tool, lang: str) -> Described:
    function = tool.localized(lang)["function"]
    return Described(
        name=tool.name,
        description=function["description"],
        input_schema=function["parameters"],
        annotations=ToolAnnotations(read_only_hint=not tool.side_effects),
    )


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client over standard input and output, until it closes them."""
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def serve_http(server: Server[Any], listening: socket.socket, host: str) -> None:
    """Serve over streamable HTTP at `PATH` on a socket that is bound already, until interrupted."""
    app = server.streamable_http_app(streamable_http_path=PATH, host=host)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on")).run(sockets=[listening])
