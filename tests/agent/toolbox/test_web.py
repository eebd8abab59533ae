"""The web tools: they reach public addresses only, hold no more than they may, and say what they need."""

import asyncio
import functools
import gzip
import json
import socket
import threading
import time
import zlib

import pytest

from agent.toolbox.web import guard, read_page, search_web
from agent.toolbox.web import search as searching
from tests.agent.toolbox.web_server import serving


def call(tool, **arguments):
    return asyncio.run(tool.call(arguments))


@pytest.fixture
def site():
    with serving() as site:
        yield site


@pytest.fixture
def open_web(monkeypatch):
    """Loopback counts as public, so that pages can be read from a test's own server."""
    monkeypatch.setattr(guard, "fetch", functools.partial(guard.fetch, permitted=lambda address: True))


def read(url):
    return call(read_page, url=url)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.100.100.200", "100.64.0.1", "192.0.0.192", "168.63.129.16"),
        *("192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.5", "192.88.99.1"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "100::1", "5f00::1", "", "localhost", "1.2.3"),
    ],
)
def test_what_only_this_machine_or_its_network_reaches_is_not_public(address):
    assert not guard.is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "114.114.114.114", "2606:4700::1111", "2400:3200::1"])
def test_public_addresses_are_public(address):
    assert guard.is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "0", "[::1]"),
        *("[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "127.0.0.1.", "LOCALHOST", "１２７.0.0.1"),
    ],
)
def test_no_spelling_of_this_machine_is_reached(site, host):
    site.page("/", "secret")
    result = read(f"http://{host}:{site.port}/")
    assert result.is_error
    assert "secret" not in result.content
    assert site.asked == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "not on the public internet"),
        ("http://100.100.100.200/latest/meta-data/", "not on the public internet"),
        ("http://[fd00:ec2::254]/", "not on the public internet"),
        ("file:///etc/passwd", "must start with http"),
        ("ftp://1.1.1.1/", "must start with http"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "must start with http"),
        ("http://user:word@1.1.1.1/", "user or password"),
        ("http://1.1.1.1@127.0.0.1/", "user or password"),
        ("http://", "must start with http"),
        ("http://[::1", "no web address"),
        ("http://1.1.1.1:99999/", "no web address"),
        ("www.example.com", "must start with http"),
        (f"http://{'a' * 70}.com/", "no host"),
        ("http://a..b/", "no host"),
    ],
)
def test_what_is_no_public_web_address_is_refused_with_the_reason(url, reason):
    result = read(url)
    assert result.is_error
    assert reason in result.content


def test_no_line_can_be_smuggled_into_the_request(site, open_web):
    site.page("/a", "text", Content_Type="text/plain")
    read(f"{site.url}/a?x=1\r\nX-Evil: 1\r\n\r\nGET /b HTTP/1.1")
    assert [path for path, _ in site.asked if path.startswith("/b")] == []
    assert all("X-Evil" not in headers for _, headers in site.asked)


def test_a_redirect_into_the_private_network_is_not_followed(site):
    """The first server is permitted here; what it redirects to is another address of this machine."""
    with serving() as inner:
        inner.page("/secret", "secret")
        site.page("/", status=302, Location=f"http://127.0.0.2:{inner.port}/secret")
        with pytest.raises(guard.FetchError, match="not on the public internet"):
            asyncio.run(guard.fetch(site.url, permitted=lambda address: address == "127.0.0.1"))
        assert len(site.asked) == 1
        assert inner.asked == []


def test_a_redirect_to_another_scheme_is_not_followed(site, open_web):
    site.page("/", status=302, Location="file:///etc/passwd")
    assert "must start with http" in read(site.url).content


def test_redirects_are_followed_and_have_an_end(site, open_web):
    site.page("/old", status=301, Location="new")
    site.page("/new", "moved here", Content_Type="text/plain")
    assert json.loads(read(f"{site.url}/old").content) == {"url": f"{site.url}/new", "text": "moved here"}
    site.page("/loop", status=302, Location="/loop")
    assert "redirects" in read(f"{site.url}/loop").content


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_reached(site):
    """A name server that first says a public address and then a private one gains nothing."""
    site.page("/", "page", Content_Type="text/plain")
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    checked = []

    async def resolve(host, port):
        return next(answers)

    def permitted(address):
        checked.append(address)
        return address == "127.0.0.1"

    page = asyncio.run(guard.fetch(f"http://rebind.example:{site.port}/", permitted=permitted, resolve=resolve))
    assert page.body == b"page"
    assert checked == ["127.0.0.1"]
    assert next(answers) == ["169.254.169.254"], "it was asked once"
    assert site.asked[0][1]["Host"] == f"rebind.example:{site.port}"


def test_a_name_with_one_private_address_among_its_addresses_is_refused(site):
    async def resolve(host, port):
        return ["1.1.1.1", "127.0.0.1"]

    with pytest.raises(guard.FetchError, match="not on the public internet"):
        asyncio.run(guard.fetch("http://two.example/", resolve=resolve))


def test_each_address_of_a_name_is_tried(site):
    site.page("/", "page", Content_Type="text/plain")

    async def resolve(host, port):
        return ["127.0.0.9", "127.0.0.9", "127.0.0.1", "127.0.0.8"]

    url = f"http://many.example:{site.port}/"
    page = asyncio.run(guard.fetch(url, permitted=lambda address: True, resolve=resolve))
    assert page.body == b"page"

    async def nowhere(host, port):
        return ["127.0.0.9", "127.0.0.8"]

    with pytest.raises(guard.FetchError, match="cannot be reached"):
        asyncio.run(guard.fetch(url, permitted=lambda address: True, resolve=nowhere))


def test_a_page_is_taken_apart_in_a_thread_that_nobody_waits_for_at_the_end(site, open_web, monkeypatch):
    site.page("/", "page", Content_Type="text/plain")
    read_in = []

    def readable(page):
        read_in.append(threading.current_thread())
        return "", "text"

    monkeypatch.setattr("agent.toolbox.web.page.readable", readable)
    assert json.loads(read(site.url).content)["text"] == "text"
    assert [thread.name for thread in read_in] == ["tool"]


def test_the_environments_proxy_is_not_used(site, open_web, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", site.url)
    monkeypatch.setenv("http_proxy", site.url)
    with serving() as other:
        other.page("/", "the page itself")
        assert "the page itself" in read(other.url).content
        assert len(other.asked) == 1
    assert site.asked == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_page_that_unpacks_to_many_times_its_size_is_cut(site, encoding):
    pressed = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    body = b"".join(pressed.compress(b"a" * 10_000_000) for _ in range(6)) + pressed.flush()
    site.page("/", body, Content_Type="text/plain", Content_Encoding=encoding)
    started = time.monotonic()
    page = asyncio.run(guard.fetch(site.url, permitted=lambda address: True))
    assert len(page.body) == guard.MAX_BYTES
    assert time.monotonic() - started < 3


def test_compressed_pages_are_read_and_unknown_compression_is_refused(site, open_web):
    site.page("/", gzip.compress("压缩的".encode()), Content_Type="text/plain; charset=utf-8", Content_Encoding="gzip")
    assert "压缩的" in read(site.url).content
    site.page("/br", b"x", Content_Encoding="br")
    site.page("/lie", b"this is not gzip", Content_Encoding="gzip")
    assert "compressed as 'br'" in read(f"{site.url}/br").content
    assert "cannot be read" in read(f"{site.url}/lie").content


def test_a_server_that_never_answers_is_given_up(monkeypatch, open_web):
    monkeypatch.setattr(guard, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert "did not answer in time" in read(f"http://127.0.0.1:{mute.getsockname()[1]}/").content


ARTICLE = """<html><head><title>茶的历史</title><script>steal()</script></head><body><nav><a href="/">首页</a></nav>
<article><h1>茶的历史</h1><p>{}</p><p>The second paragraph says that tea came to Europe in ships, which took months.</p>
</article><footer>版权所有</footer></body></html>""".format(
    "龙井茶产于杭州，历史悠久，历代都有人称赞它的香气和味道。" * 5
)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ARTICLE.encode(), "text/html; charset=utf-8"),
        (ARTICLE.encode("gb18030"), "text/html; charset=gb2312"),
        (ARTICLE.replace("<head>", '<head><meta charset="gbk">').encode("gb18030"), "text/html"),
        (ARTICLE.encode("gb18030"), "text/html"),
        (ARTICLE.encode(), ""),
    ],
)
def test_a_page_is_read_as_its_text_whatever_it_is_encoded_in(site, open_web, body, content_type):
    site.page("/", body, Content_Type=content_type)
    page = json.loads(read(site.url).content)
    assert page["title"] == "茶的历史"
    assert "龙井茶产于杭州" in page["text"]
    assert "tea came to Europe" in page["text"]
    assert "steal()" not in page["text"]


def test_a_long_page_is_cut_and_says_so(site, open_web):
    site.page("/", "字" * 50_000, Content_Type="text/plain; charset=utf-8")
    assert "[cut here: 12000 of 50000 characters]" in read(site.url).content


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"%PDF-1.7", "application/pdf", 200, "no text but application/pdf"),
        (b"\x00\x01\x02", "text/plain", 200, "is no text"),
        (b"<html><body><script>run()</script></body></html>", "text/html", 200, "without running its scripts"),
        (b"gone", "text/html", 410, "status 410"),
    ],
)
def test_what_cannot_be_read_is_said(site, open_web, body, content_type, status, reason):
    site.page("/", body, status, Content_Type=content_type)
    result = read(site.url)
    assert result.is_error
    assert reason in result.content


def search(**arguments):
    return call(search_web, **arguments)


def test_a_searxng_instance_is_asked(site, monkeypatch):
    results = [{"title": f"<b>{n}</b> 号", "url": f"https://e.example/{n}", "content": "a &amp; b"} for n in range(9)]
    site.page("/search", json.dumps({"results": results}))
    monkeypatch.setenv("CALLSMITH_SEARCH", f"searxng:{site.url}/")
    found = json.loads(search(query="茶", count=2).content)
    first = {"title": "0 号", "url": "https://e.example/0", "snippet": "a & b"}
    assert (found["engine"], len(found["results"]), found["results"][0]) == ("searxng", 2, first)
    assert site.asked[0][0] == "/search?q=%E8%8C%B6&format=json"


def test_a_bing_style_engine_gets_its_key_and_nobody_else_does(site, monkeypatch):
    monkeypatch.setenv("CALLSMITH_SEARCH", f"bing:{site.url}/v7.0/search")
    monkeypatch.delenv("CALLSMITH_SEARCH_KEY", raising=False)
    assert "set CALLSMITH_SEARCH_KEY" in search(query="tea").content
    monkeypatch.setenv("CALLSMITH_SEARCH_KEY", "sk-secret")
    pages = [{"name": "Tea", "url": "https://tea.example", "snippet": "All about it."}]
    site.page("/v7.0/search", json.dumps({"webPages": {"value": pages}}))
    assert json.loads(search(query="tea").content)["results"] == [
        {"title": "Tea", "url": "https://tea.example", "snippet": "All about it."}
    ]
    assert site.asked[-1][1]["Ocp-Apim-Subscription-Key"] == "sk-secret"
    with serving() as other:
        site.page("/v7.0/search", status=302, Location=other.url)
        assert "sk-secret" not in search(query="tea").content
        assert other.asked == []
    site.page("/v7.0/search", "sk-secret is wrong", status=401)
    refused = search(query="tea").content
    assert "is the key right" in refused
    assert "sk-secret" not in refused


DUCK = """<div class="result results_links web-result"><h2 class="result__title">
<a rel="nofollow" class="result__a" href="//duckduckgo.com/l/?uddg=https%3A%2F%2Ftea.example%2F%3Fa%3D1&amp;rut=x">All
about <b>tea</b></a></h2><a class="result__snippet" href="//x">Green &amp; <b>black</b>.</a></div>
<div class="result result--ad"><a class="result__a" href="https://duckduckgo.com/y.js?ad_provider=x">Buy</a></div>"""


def test_without_any_setting_the_engine_without_a_key_is_asked(site, monkeypatch):
    monkeypatch.delenv("CALLSMITH_SEARCH", raising=False)
    monkeypatch.setattr(searching, "DUCKDUCKGO", site.page("/html/", DUCK))
    found = json.loads(search(query="tea").content)
    assert found == {
        "engine": "duckduckgo",
        "results": [{"title": "All about tea", "url": "https://tea.example/?a=1", "snippet": "Green & black."}],
    }
    site.page("/html/", "<p>Please solve this puzzle</p>")
    assert "another engine may do: set CALLSMITH_SEARCH" in search(query="tea").content
    site.page("/html/", '<div class="no-results">No results.</div>')
    assert json.loads(search(query="tea").content)["results"] == []


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("altavista", "no search engine named 'altavista'"),
        ("searxng", "searxng needs an address"),
        ("bing:", "bing needs an address"),
        ("searxng:http://127.0.0.1:9", "searxng cannot be reached"),
        ("searxng:not an address", "searxng cannot be reached"),
    ],
)
def test_a_search_without_an_engine_says_what_it_needs(monkeypatch, setting, words):
    monkeypatch.setenv("CALLSMITH_SEARCH", setting)
    result = search(query="tea")
    assert result.is_error
    assert words in result.content
    assert "set CALLSMITH_SEARCH to duckduckgo (no key), searxng:https://HOST" in result.content


@pytest.mark.parametrize("body", ["no json", "[]", '{"results": 5}', '{"results": [5]}', '{"results": [{"url": 5}]}'])
def test_an_engine_that_answers_in_another_form_is_an_observation(site, monkeypatch, body):
    site.page("/search", body)
    monkeypatch.setenv("CALLSMITH_SEARCH", f"searxng:{site.url}")
    assert isinstance(search(query="tea").content, str)
    site.page("/search", "busy", status=429)
    assert "status 429" in search(query="tea").content
