"""No key reaches a log, an event, a message or a row, whatever goes wrong."""

import asyncio
import json
import logging
import os

import pytest

from agent.errors import UserError
from agent.loop import Agent
from agent.models import load_model
from agent.safety import secrets
from agent.toolbox.web import read_page, search_web
from agent.tools import load_tools, tool
from tests.agent.toolbox.web_server import serving

SECRETS = {
    "OPENAI_API_KEY": "sk-secret-openai",
    "HF_TOKEN": "hf_secret_token",
    "CALLSMITH_SEARCH_KEY": "secret-search-key",
}


@pytest.fixture
def watched(monkeypatch, caplog, capfd):
    """Everything that can be read afterwards: a list to add to, logs at every level, both streams."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.DEBUG)
    said = []
    yield said
    streams = capfd.readouterr()
    everything = "\n".join([*map(str, said), caplog.text, streams.out, streams.err])
    assert [name for name, value in SECRETS.items() if value in everything] == []


def test_an_endpoint_that_echoes_the_key_gives_it_to_nobody(watched):
    with serving() as site:
        site.page("/v1/models", json.dumps({"data": [{"id": "m"}]}))
        site.page("/v1/chat/completions", f"wrong key {SECRETS['OPENAI_API_KEY']}", status=401)
        with pytest.raises(UserError) as caught:
            Agent(load_model(f"{site.url}/v1"), []).run([{"role": "user", "content": "hi"}])
        watched.append(caught.value)
        watched.append(caught.getrepr())


@pytest.mark.parametrize("status", [200, 302, 401, 500])
def test_a_search_that_fails_or_succeeds_shows_no_key_in_its_row(watched, monkeypatch, scripted, status):
    with serving() as site:
        answer = {"webPages": {"value": [{"name": "n", "url": "https://u.example", "snippet": "s"}]}}
        site.page("/search", json.dumps(answer), status=status, Location="/elsewhere")
        monkeypatch.setenv("CALLSMITH_SEARCH", f"bing:{site.url}/search")
        text = '<tool_call>\n{"name": "search_web", "arguments": {"query": "tea"}}\n</tool_call>'
        agent = Agent(scripted(text, "ok"), [search_web, read_page])

        async def events():
            return [event async for event in agent.stream([{"role": "user", "content": "?"}])]

        watched += asyncio.run(events())
        run = agent.run([{"role": "user", "content": "?"}])
        watched.append(json.dumps(run.to_row(lang="en", provenance={"model": "scripted"})))


@tool
def ask_elsewhere(how: str) -> str:
    """Ask another service.

    Args:
        how: Whether it fails.
    """
    address = f"https://api.example/?key={os.environ['OPENAI_API_KEY']}"
    if how == "badly":
        raise ConnectionError(f"no answer from {address}")
    return f"answer of {address}"


@pytest.mark.parametrize("how", ["well", "badly"])
def test_a_tool_that_quotes_a_key_quotes_its_name_instead(watched, scripted, how):
    text = f'<tool_call>\n{{"name": "ask_elsewhere", "arguments": {{"how": "{how}"}}}}\n</tool_call>'
    run = Agent(scripted(text, "ok"), [ask_elsewhere]).run([{"role": "user", "content": "?"}])
    assert "?key=[OPENAI_API_KEY]" in run.messages[2]["content"]
    watched += run.messages


def test_short_values_and_other_variables_are_text_like_any_other(monkeypatch):
    monkeypatch.setenv("SHORT_KEY", "tea")
    monkeypatch.setenv("GREETING", "good morning")
    assert secrets.without(secrets.secrets(), "good morning, tea?") == "good morning, tea?"


@pytest.mark.parametrize(
    ("name", "value", "text", "shown"),
    [
        ("AWS_SECRET", "wJalr/K7MD+bPx", "?key=wJalr%2FK7MD%2BbPx", "?key=[AWS_SECRET]"),
        ("AWS_SECRET", "wJalr/K7MD+bPx", "/wJalr/K7MD%2BbPx", "/[AWS_SECRET]"),
        ("SMTP_PASS", "correct horse", "?p=correct+horse&q", "?p=[SMTP_PASS]&q"),
        ("GITHUB_PAT", "ghp_12345678", "ghp_12345678", "[GITHUB_PAT]"),
        ("API_KEY_2", "k-12345678", "k-12345678", "[API_KEY_2]"),
        ("DATABASE_URL", "postgres://me:p%40ss-word@db/x", "password p@ss-word", "password [DATABASE_URL]"),
        ("DATABASE_URL", "postgres://me:p%40ss-word@db/x", "me:p%40ss-word@db", "me:[DATABASE_URL]@db"),
        ("DATABASE_URL", "postgres://database/me:12345678", "postgres://database", "postgres://database"),
        ("PWD", "/home/somebody", "/home/somebody", "/home/somebody"),
        ("SOME_PATH", "/home/somebody", "/home/somebody", "/home/somebody"),
    ],
)
def test_a_secret_is_known_by_its_name_or_its_place_however_an_address_spells_it(monkeypatch, name, value, text, shown):
    monkeypatch.setattr("os.environ", {name: value})
    assert secrets.without(secrets.secrets(), text) == shown


def test_of_a_secret_that_begins_with_another_no_tail_is_left(monkeypatch):
    for names in (("A_KEY", "B_KEY"), ("B_KEY", "A_KEY")):
        values = {"A_KEY": "sk-12345678", "B_KEY": "sk-12345678-live"}
        monkeypatch.setattr("os.environ", {name: values[name] for name in names})
        hidden = secrets.secrets()
        assert secrets.without(hidden, "sk-12345678-live sk-12345678") == "[B_KEY] [A_KEY]"


def test_a_server_that_cannot_be_reached_is_named_without_user_and_password(watched):
    pytest.importorskip("mcp")
    with pytest.raises(UserError) as caught:
        load_tools("mcp:http://user:hf_secret_token@127.0.0.1:9/mcp?key=sk-secret-openai")
    watched.append(caught.value)
