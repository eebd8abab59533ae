"""A tool that searches the web, by whichever engine the person has.

The environment variable CALLSMITH_SEARCH names it: `duckduckgo` (the default, without a key), `searxng:https://HOST`
(an instance with its JSON format switched on), or `bing:https://ENDPOINT` (Bing's API and those built like it, with
CALLSMITH_SEARCH_KEY). Comes in: a query. Goes out: titles, addresses and snippets; or what is missing.
"""

import html
import os
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from agent.tools import tool
from agent.tools.running import CallFailedError

SECONDS = 20.0
MAX_FOUND = 10
MAX_ANSWER = 2_000_000  # bytes
DUCKDUCKGO = "https://html.duckduckgo.com/html/"
NEEDED = (
    "set CALLSMITH_SEARCH to duckduckgo (no key), searxng:https://HOST (an instance that answers in JSON), "
    "or bing:https://ENDPOINT (with its key in CALLSMITH_SEARCH_KEY)"
)

Found = list[dict[str, str]]
Engine = Callable[[str, str, int], Awaitable[Found]]


@tool(
    family="web",
    timeout=SECONDS + 10,
    zh={
        "description": "在互联网上搜索",
        "parameters": {"query": "搜索词", "count": "最多返回几条（1 到 10）"},
    },
)
async def search_web(query: str, count: int = 5) -> dict[str, Any]:
    """Search the web.

    Args:
        query: what to search for
        count: how many results at most, 1 to 10
    """
    name, _, address = (os.environ.get("CALLSMITH_SEARCH") or "duckduckgo").partition(":")
    engine = _ENGINES.get(name)
    if engine is None:
        raise CallFailedError(f"there is no search engine named {name!r}: {NEEDED}")
    if not address and name != "duckduckgo":
        raise CallFailedError(f"{name} needs an address: {NEEDED}")
    found = await engine(query, address, max(1, min(count, MAX_FOUND)))
    return {"engine": name, "results": found}


async def _duckduckgo(query: str, address: str, count: int) -> Found:
    text = (await _asked("duckduckgo", address or DUCKDUCKGO, {"q": query})).text
    found = []
    for title_and_rest in re.split(r'<a[^>]*class="result__a"', text)[1:]:
        link = re.search(r'href="([^"]+)"[^>]*>(.*?)</a>', title_and_rest, re.DOTALL)
        snippet = re.search(r'class="result__snippet"[^>]*>(.*?)</a>', title_and_rest, re.DOTALL)
        if link and (target := _target(html.unescape(link[1]))):
            found.append({"title": _plain(link[2]), "url": target, "snippet": _plain(snippet[1]) if snippet else ""})
    if not found and "no-results" not in text:
        raise CallFailedError(f"duckduckgo answered with something else than results; another engine may do: {NEEDED}")
    return found[:count]


def _target(link: str) -> str:
    """The address behind the engine's own link to it; `""` for advertisements."""
    parts = urlsplit(link)
    if "uddg" in (query := parse_qs(parts.query)):
        link = query["uddg"][0]
    return link if link.startswith(("http://", "https://")) and "duckduckgo.com/y.js" not in link else ""


async def _searxng(query: str, address: str, count: int) -> Found:
    answer = await _asked("searxng", f"{address.rstrip('/')}/search", {"q": query, "format": "json"})
    return _results("searxng", answer, ("results",), {"title": "title", "url": "url", "snippet": "content"})[:count]


async def _bing(query: str, address: str, count: int) -> Found:
    key = os.environ.get("CALLSMITH_SEARCH_KEY")
    if not key:
        raise CallFailedError("bing needs a key: set CALLSMITH_SEARCH_KEY")
    headers = {"Ocp-Apim-Subscription-Key": key}
    answer = await _asked("bing", address, {"q": query, "count": str(count)}, headers)
    names = {"title": "name", "url": "url", "snippet": "snippet"}
    return _results("bing", answer, ("webPages", "value"), names)[:count]


_ENGINES: dict[str, Engine] = {"duckduckgo": _duckduckgo, "searxng": _searxng, "bing": _bing}


async def _asked(engine: str, address: str, query: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    """The engine's answer. No redirects, so that a key goes to nobody else; no reason ever quotes it."""
    sent = {"User-Agent": "Mozilla/5.0 (compatible; callsmith)", **(headers or {})}
    try:
        async with httpx2.AsyncClient(timeout=SECONDS) as client:
            answer = await client.get(address, params=query, headers=sent)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise CallFailedError(f"{engine} cannot be reached ({type(error).__name__}): {NEEDED}") from error
    if answer.status_code in (401, 403):
        raise CallFailedError(f"{engine} refused (status {answer.status_code}): is the key right, is JSON switched on?")
    if answer.status_code != 200 or len(answer.content) > MAX_ANSWER:
        raise CallFailedError(f"{engine} answered with status {answer.status_code}; try again later or: {NEEDED}")
    return answer


def _results(engine: str, answer: Any, path: tuple[str, ...], names: dict[str, str]) -> Found:
    try:
        entries = answer.json()
        for key in path:
            entries = entries.get(key, {})
        return [{ours: _plain(str(entry.get(theirs) or "")) for ours, theirs in names.items()} for entry in entries]
    except (ValueError, AttributeError, TypeError) as error:
        raise CallFailedError(f"{engine} answered in a form that is not its own: {NEEDED}") from error


def _plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())
