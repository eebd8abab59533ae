"""The tools of an MCP server as tools of ours.

Comes in: `COMMAND …` or `http://…`. Goes out: `list[Tool]` whose calls go to the server. Its texts come from another
program: they are offered to the model as they are, so name only servers you trust.
"""

import functools
import json
from typing import Any

from mcp.types import CallToolResult, TextContent
from mcp.types import Tool as Described

from agent.errors import UserError
from agent.mcp.connection import Connection, ServerError
from agent.messages import ToolSchema
from agent.tools import Tool
from agent.tools.running import CallFailedError
from agent.tools.validation import standard_schema

_MEND = "write `mcp:` and the command that starts the server, or `mcp:` and its http:// address"


def tools_of_server(target: str) -> list[Tool]:
    """Connect to the server at `target` and take over what it offers; it stays connected until the program ends.

    A tool has side effects unless the server says that it only reads.

    Raises:
        UserError: There is no such server, it does not speak MCP, or it offers nothing.
    """
    if not target.strip():
        raise UserError("no MCP server is named", mend=_MEND)
    try:
        connection = Connection(target.strip())
    except ValueError as error:  # quotes or brackets that do not close
        raise UserError(f"{target.strip()!r} names no MCP server: {error}", mend=_MEND) from error
    try:
        described = connection.tools()
    except ServerError as error:
        connection.close()
        raise UserError(f"the MCP server {error}", mend=_MEND) from error
    if not described:
        connection.close()
        raise UserError(f"the MCP server {connection} offers no tools")
    return [_tool(connection, one) for one in described]


def _tool(connection: Connection, described: Described) -> Tool:
    parameters = standard_schema({"properties": {}, **described.input_schema, "type": "object"})
    schema: ToolSchema = {
        "type": "function",
        "function": {
            "name": described.name,
            "description": described.description or described.title or "",
            "parameters": {key: value for key, value in parameters.items() if key != "$schema"},
        },
    }
    reads_only = described.annotations is not None and described.annotations.read_only_hint is True
    function = functools.partial(_call, connection, described.name)
    return Tool(
        function, name=described.name, schema=schema, family=connection.server_name, side_effects=not reads_only
    )


async def _call(connection: Connection, called: str, /, **arguments: Any) -> str:
    try:
        result = await connection.call(called, arguments)
    except ServerError as error:
        raise CallFailedError(f"the MCP server {error}") from error
    text = _text(result)
    if result.is_error:
        raise CallFailedError(text.removeprefix("Error: ") or "the tool failed and did not say why")
    return text


def _text(result: CallToolResult) -> str:
    """What a model can read of a result; of anything but text it learns that it was there."""
    parts = [block.text if isinstance(block, TextContent) else f"[{block.type}]" for block in result.content]
    if not parts and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join(parts)
