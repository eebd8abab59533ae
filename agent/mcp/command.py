"""`callsmith mcp`: offers tools to any program that speaks the Model Context Protocol."""

import contextlib
import socket
import sys
from typing import Annotated, Literal

import typer

from agent.errors import UserError


def mcp(
    tools: Annotated[
        str, typer.Option(help="embedded, a Python file or module with @tool functions, or mcp:… to pass on")
    ] = "embedded",
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP instead of standard input and output.")] = False,
    host: Annotated[str, typer.Option(help="With --http: the address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --http: the port; 0 takes a free one.")] = 8000,
    lang: Annotated[Literal["en", "zh"], typer.Option(help="The language of the tools' descriptions.")] = "en",
) -> None:
    """Offer tools as an MCP server, for editors, assistants and other agents.

    Whoever connects may call every tool; those that change something are marked so, and asking first is the client's
    part. All clients share one state, so this is a server for one person.
    """
    try:
        from agent.mcp import server as offering
    except ModuleNotFoundError as error:
        raise UserError(f"MCP needs the package {error.name}", mend='pip install "callsmith[mcp]"') from error
    import anyio

    from agent.tools import load_tools

    with contextlib.redirect_stdout(sys.stderr):  # on standard output only the protocol may be spoken
        found = load_tools(tools)
    if not any(tool.runnable for tool in found):
        raise UserError("none of these tools can run: they are only schemas", where=tools)
    server = offering.server_of(found, lang)
    if not http:
        anyio.run(offering.serve_stdio, server)
        return
    with _listening(host, port) as listening:
        typer.echo(f"http://{host}:{listening.getsockname()[1]}{offering.PATH}", err=True)
        offering.serve_http(server, listening, host)


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot listen on {host}:{port}: {reason}", mend="choose another --port or --host") from error
