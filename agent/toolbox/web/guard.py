"""Fetches what an address on the public internet holds, and nothing else.

Threat: a model, or a page it read, names an address that only this machine can reach: itself, its network, a cloud's
metadata service. So a name is resolved once, every address it has must be public, and the connection goes to exactly
the address that was checked, for each redirect anew. Environment proxies are not used, since they would resolve for
themselves. What comes back is bounded after decompression, too.

Comes in: an address. Goes out: a `Page` of bytes, or `FetchError` with a reason. Tables: IANA's special-purpose
registries (RFC 6890), and prefixes that carry an IPv4 address inside.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore2

MAX_BYTES = 2_000_000  # of a page, after decompression
MAX_REDIRECTS = 5
CONNECT_SECONDS = 10.0
READ_SECONDS = 15.0  # without a single byte

_REFUSED = [
    ipaddress.ip_network(network)
    for network in (
        # Beyond what `is_global` knows in every Python that we run on.
        *("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4"),
        "168.63.129.16/32",  # a cloud's own service behind a public address
        *("fec0::/10", "100::/64", "2001::/23", "5f00::/16", "3fff::/20"),
    )
]
_CARRIES_IPV4_LAST = [ipaddress.ip_network(network) for network in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48")]
_6TO4 = ipaddress.ip_network("2002::/16")

Resolve = Callable[[str, int], Any]  # awaited; gives the addresses of a name as texts


class FetchError(Exception):
    """The address was refused, or nothing usable came from it; the message says which."""


@dataclass(frozen=True)
class Page:
    """What came back: the address after redirects, the status, the content type with its parameters, the bytes."""

    url: str
    status: int
    content_type: str
    body: bytes


def is_public(text: str) -> bool:
    """Whether an IP address is one that anybody on the internet may reach."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # a zone, as in fe80::1%eth0
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if any(address in network for network in _CARRIES_IPV4_LAST):
            # A gateway would turn it into an IPv4 address; whether one is there, nobody here knows.
            return False
        if address in _6TO4:
            return False
    if address.is_multicast or any(address in network for network in _REFUSED if network.version == address.version):
        return False
    return address.is_global


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, as the system's resolver gives them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens connections to checked addresses only: every request, redirects included, comes through here."""

    def __init__(self, permitted: Callable[[str], bool], resolve: Resolve):
        self._permitted = permitted
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise FetchError(f"there is no host named {host!r}") from error
        if not addresses or not all(map(self._permitted, addresses)):
            raise FetchError(f"{host!r} is not on the public internet; only public addresses may be read")
        # Many a name has an IPv6 address first, and many a machine no way there.
        *others, last = dict.fromkeys(addresses)
        for address in others:
            with contextlib.suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


@cache
def _certificates() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


async def fetch(url: str, *, permitted: Callable[[str], bool] = is_public, resolve: Resolve = resolve) -> Page:
    """What `url` holds. Raises `FetchError`.

    Args:
        url: `http://` or `https://`, without user and password.
        permitted: Which IP addresses may be reached; tests permit loopback.
        resolve: Finds the addresses of a name.
    """
    network = _CheckedNetwork(permitted, resolve)
    async with httpcore2.AsyncConnectionPool(ssl_context=_certificates(), network_backend=network) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            page, location = await _one(pool, checked_url(url))
            if not location:
                return page
            url = urljoin(page.url, location)
    raise FetchError(f"more than {MAX_REDIRECTS} redirects")


def checked_url(url: str) -> str:
    """`url` in a form that may be asked for; raises `FetchError`."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise FetchError(f"{url[:200]!r} is no web address: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise FetchError(f"{url[:200]!r} is no web address: it must start with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise FetchError("a web address with a user or password in it is not opened")
    try:
        name = host.encode("ascii" if host.isascii() else "idna").decode("ascii")
    except UnicodeError as error:
        raise FetchError(f"{host[:200]!r} is no host name") from error
    if ":" in name:
        name = f"[{name}]"
    port = f":{parts.port}" if parts.port else ""
    path = "".join(_quoted(letter) for letter in (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    return f"{parts.scheme}://{name}{port}{path}"


def _quoted(letter: str) -> str:
    if 0x20 < ord(letter) < 0x7F:
        return letter
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace"))


async def _one(pool: httpcore2.AsyncConnectionPool, url: str) -> tuple[Page, str]:
    """One request; the second value is where it redirects to, if it does."""
    headers = [
        ("Host", urlsplit(url).netloc),
        ("User-Agent", "Mozilla/5.0 (compatible; callsmith)"),
        ("Accept", "text/html,application/xhtml+xml,text/plain,application/json;q=0.9,*/*;q=0.1"),
        ("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8"),
        ("Accept-Encoding", "gzip, deflate, identity"),
    ]
    limits = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": CONNECT_SECONDS, "pool": CONNECT_SECONDS}
    try:
        async with pool.stream("GET", url, headers=headers, extensions={"timeout": limits}) as response:
            said = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            location = said.get("location", "") if response.status in (301, 302, 303, 307, 308) else ""
            body = b"" if location else await _body(response, said.get("content-encoding", ""))
            return Page(url, response.status, said.get("content-type", ""), body), location
    except httpcore2.TimeoutException as error:
        raise FetchError("the server did not answer in time") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, OSError) as error:
        raise FetchError(f"the server cannot be reached: {error or type(error).__name__}") from error


async def _body(response: httpcore2.Response, encoding: str) -> bytes:
    """The body, decompressed, up to `MAX_BYTES`: what is longer is cut and never held in memory."""
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise FetchError(f"the page is compressed as {encoding!r}, which was not asked for")
    unpacking = zlib.decompressobj(wbits=47) if encoding not in ("", "identity") else None  # 47: gzip or zlib header
    body = bytearray()
    async for chunk in response.aiter_stream():
        try:
            body += unpacking.decompress(chunk, MAX_BYTES + 1 - len(body)) if unpacking else chunk
        except zlib.error as error:
            raise FetchError("the page is compressed in a way that cannot be read") from error
        if len(body) > MAX_BYTES:
            break
    return bytes(body[:MAX_BYTES])
