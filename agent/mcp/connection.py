"""One MCP server, kept connected beside the program, so that any number of event loops may call it.

Comes in: a command line or an address. Goes out: what the server says it has, and the results of calls. A server that
is gone is started, or called on, again by the next call. Knows nothing of tools as we see them.
"""

import asyncio
import atexit
import contextlib
import logging
import os
import re
import shlex
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, TextIO
from urllib.parse import urlsplit, urlunsplit

from anyio.from_thread import start_blocking_portal
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.types import CONNECTION_CLOSED, INVALID_REQUEST, CallToolResult, Tool
from pydantic import ValidationError

CONNECT_TIMEOUT = 20.0  # seconds for a server to start and to shake hands
CLOSE_TIMEOUT = 8.0  # seconds; a server that does not end by itself is killed after about four
MAX_PAGES = 100  # of a list of tools
_LAST_WORDS = 1000  # characters kept of what a server writes to its standard error
# How a server over HTTP says that it was restarted, or has waited too long: the code is that of the Python package or
# that of the TypeScript one, and either is used for other refusals too, so the words must say it.
_SESSION_CODES = (INVALID_REQUEST, -32001)
_SESSION_LOST = re.compile(r"session (?:not found|terminated|expired)", re.IGNORECASE)

# What goes wrong is said by `ServerError`; without a handler the package's own tracebacks would be printed too.
logging.getLogger("mcp").addHandler(logging.NullHandler())


class ServerError(Exception):
    """The server could not be reached, is gone, or refused; the message says which."""


class Connection:
    """A client of one server; connects when it is first asked for something.

    Args:
        target: `http://…` or `https://…` (streamable HTTP), else a command line that is started here and spoken to
            over its standard input and output. It sees only the plainest environment variables (`PATH`, `HOME`, …):
            no key of ours reaches a program of others.

    Raises:
        ValueError: The target can be read as neither.
    """

    def __init__(self, target: str):
        self.is_http = target.startswith(("http://", "https://"))
        self._target = target
        self._command = [] if self.is_http else shlex.split(target)
        parts = urlsplit(target)
        self._shown = (
            urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
            if self.is_http
            else os.path.basename(self._command[0])
        )
        self._said: deque[str] = deque(maxlen=_LAST_WORDS)
        self._client: Client | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._connecting = asyncio.Lock()
        self._thread = start_blocking_portal("asyncio", name="mcp")
        self._portal = self._thread.__enter__()
        atexit.register(self.close)

    def __str__(self) -> str:
        """The target without what may be secret in it: a user, a password, a query, arguments."""
        return self._shown

    @property
    def server_name(self) -> str:
        """What the connected server calls itself."""
        info = self._client.server_info if self._client else None
        return info.name if info else self._shown

    def tools(self) -> list[Tool]:
        """Everything the server offers. Blocks for as long as that takes; raises `ServerError`."""
        return self._portal.call(self._list)

    async def call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool from whatever event loop runs; cancelling this cancels the call. Raises `ServerError`."""
        return await asyncio.wrap_future(self._portal.start_task_soon(self._call, name, arguments))

    def close(self) -> None:
        """End the connection, and with it a server that was started here. The connection cannot be used again."""
        atexit.unregister(self.close)
        with contextlib.suppress(RuntimeError):  # closed before
            self._portal.call(self._disconnect)
            self._thread.__exit__(None, None, None)

    async def _list(self) -> list[Tool]:
        client = await self._connected()
        found: list[Tool] = []
        cursor: str | None = None
        async with self._failures_worded(client):
            for _ in range(MAX_PAGES):
                page = await asyncio.wait_for(client.list_tools(cursor=cursor), CONNECT_TIMEOUT)
                found += page.tools
                cursor = page.next_cursor
                if not cursor:
                    break
        return found

    async def _call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        client = await self._connected()
        async with self._failures_worded(client):
            return await client.call_tool(name, arguments)

    @contextlib.asynccontextmanager
    async def _failures_worded(self, client: Client) -> AsyncIterator[None]:
        """Whatever fails is a `ServerError`; unless it was an answer of the server, the connection is given up.

        The package raises `RuntimeError` for an answer that breaks the tool's own output schema: the server is there.
        """
        try:
            yield
        except MCPError as error:
            if error.error.code == CONNECTION_CLOSED:
                await self._give_up(client)
                raise ServerError(f"{self} ended during the call{self._last_words()}") from error
            if self.is_http and error.error.code in _SESSION_CODES and _SESSION_LOST.search(error.error.message):
                await self._give_up(client)
                raise ServerError(f"{self} no longer knows us ({_worded(error)}); call again") from error
            raise ServerError(f"{self} refused: {_worded(error)}") from error
        except (RuntimeError, ValidationError) as error:
            raise ServerError(f"{self} answered wrongly: {_worded(error)}") from error
        except Exception as error:
            await self._give_up(client)
            raise ServerError(f"{self} is out of reach: {_worded(error)}{self._last_words()}") from error

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._keeper is None or self._keeper.done() or self._client is None:
                await self._disconnect()
                self._stop.clear()
                ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
                self._keeper = asyncio.create_task(self._keep(ready))
                await asyncio.wait([ready], timeout=CONNECT_TIMEOUT)
                if not ready.done():
                    await self._disconnect()
                    raise ServerError(f"{self} said nothing for {CONNECT_TIMEOUT:g} seconds{self._last_words()}")
                if failure := ready.exception():
                    raise ServerError(f"{self} cannot be used: {_worded(failure)}{self._last_words()}") from failure
                self._client = ready.result()
            return self._client

    async def _keep(self, ready: asyncio.Future[Client]) -> None:
        """Hold the connection open until `_stop`: it must be left by the task that entered it."""
        try:
            with self._listening() as errlog:
                async with Client(self._transport(errlog)) as client:
                    ready.set_result(client)
                    await self._stop.wait()
        except Exception as error:
            if not ready.done():
                ready.set_exception(error)

    def _transport(self, errlog: TextIO) -> Any:
        if self.is_http:
            return self._target
        command, *arguments = self._command
        return stdio_client(StdioServerParameters(command=command, args=arguments), errlog=errlog)

    @contextlib.contextmanager
    def _listening(self) -> Any:
        """A file for the server's standard error, of which the last words are kept for error messages."""
        reading, writing = os.pipe()

        def listen() -> None:
            with open(reading, encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    self._said.extend(line)

        threading.Thread(target=listen, name="mcp-stderr", daemon=True).start()
        with open(writing, "w", encoding="utf-8") as errlog:
            yield errlog

    def _last_words(self) -> str:
        lines = [line.strip() for line in "".join(self._said).splitlines() if line.strip()]
        return f"; it said: {lines[-1]}" if lines else ""

    async def _give_up(self, client: Client) -> None:
        """End the connection of `client`, unless another call has done so: the one after it may serve already."""
        if self._client is client:
            await self._disconnect()

    async def _disconnect(self) -> None:
        keeper, connected = self._keeper, self._client is not None
        self._client = self._keeper = None
        self._stop.set()
        if keeper is not None:
            if not connected:  # it waits for a server that has not spoken yet
                keeper.cancel()
            await asyncio.wait([keeper], timeout=CLOSE_TIMEOUT)


def _worded(error: BaseException) -> str:
    """The innermost cause in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return " ".join(str(error).split()) or type(error).__name__
