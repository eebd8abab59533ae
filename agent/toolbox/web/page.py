"""A tool that reads a web page as text.

Comes in: an address. Goes out: the title and the text that matters, without menus and scripts. Knows nothing of
addresses and what they may be; that is `agent.toolbox.web.guard`.
"""

import re
from typing import Any

from agent.errors import UserError
from agent.toolbox.web import guard
from agent.tools import tool
from agent.tools.running import CallFailedError, in_thread

try:
    import trafilatura
except ModuleNotFoundError as error:
    raise UserError(f"reading web pages needs the package {error.name}", mend='pip install "callsmith[web]"') from error

SECONDS = 40.0  # for everything: connecting, redirects, reading
MAX_TEXT = 12_000  # characters
_CHARSET = re.compile(rb"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)


@tool(
    family="web",
    timeout=SECONDS,
    zh={"description": "阅读一个网页的正文", "parameters": {"url": "以 http:// 或 https:// 开头的网址"}},
)
async def read_page(url: str) -> dict[str, Any]:
    """Read the text of a web page.

    Args:
        url: address that starts with http:// or https://
    """
    try:
        page = await guard.fetch(url)
    except guard.FetchError as error:
        raise CallFailedError(str(error)) from error
    if page.status >= 400:
        raise CallFailedError(f"the server answered with status {page.status}")
    # Taking a page apart is computing, and a page may be made to make it long: not in the event loop, nor in the pool
    # of `asyncio.to_thread`, for which the interpreter waits at its end.
    title, text = await in_thread(readable, {"page": page})
    shown = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n[cut here: {MAX_TEXT} of {len(text)} characters]"
    return {"url": page.url, **({"title": title} if title else {}), "text": shown}


def readable(page: guard.Page) -> tuple[str, str]:
    """Title and text of a page; raises `CallFailedError` where it is no text."""
    kind = page.content_type.partition(";")[0].strip().lower()
    if kind and not (kind.startswith("text/") or re.search(r"\b(json|xml|xhtml\+xml|javascript)$", kind)):
        raise CallFailedError(f"what is there is no text but {kind}")
    if b"\0" in page.body[:1000]:
        raise CallFailedError("what is there is no text")
    text = decoded(page)
    if "html" not in kind and not re.match(r"\s*<(!doctype html|html)", text[:500], re.IGNORECASE):
        return "", text
    found = trafilatura.bare_extraction(text, include_comments=False, with_metadata=True, as_dict=False)
    title = str(getattr(found, "title", "") or "")
    body = str(getattr(found, "text", "") or "") or str(trafilatura.html2txt(text) or "")
    if not body.strip():
        raise CallFailedError("the page holds no text that can be read without running its scripts")
    return title, body


def decoded(page: guard.Page) -> str:
    """The text of a page in the charset that it names, else UTF-8, else GB 18030, in which Chinese pages were written
    for long.
    """
    named = _CHARSET.search(page.content_type.encode("latin-1", "ignore")) or _CHARSET.search(page.body[:2000])
    names = [named[1].decode("ascii", "ignore")] if named else []
    # Pages that say GB2312 mostly mean its larger successor.
    names = ["gb18030" if name.lower() in ("gb2312", "gbk") else name for name in names]
    for name in (*names, "utf-8", "gb18030"):
        try:
            return page.body.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return page.body.decode(names[0] if names and _known(names[0]) else "utf-8", "replace")


def _known(name: str) -> bool:
    try:
        return bool("".encode(name) or True)
    except LookupError:
        return False
