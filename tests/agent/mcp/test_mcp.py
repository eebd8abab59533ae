"""MCP both ways: a real client on a real server, over standard input and output and over HTTP on loopback."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("mcp")

from agent.errors import UserError
from agent.loop import Agent
from agent.mcp import connection as connections
from agent.mcp.client import tools_of_server
from agent.mcp.command import mcp as mcp_command
from agent.tools import load_tools
from tests.agent.mcp.untrue_server import serving

HERE = Path(__file__).parent
ODD = f"{sys.executable} {HERE / 'odd_server.py'}"
CALLSMITH = f"{sys.executable} -m agent.cli mcp"


@pytest.fixture(scope="module")
def odd():
    return {tool.name: tool for tool in load_tools(f"mcp:{ODD}")}


def call(tool, **arguments):
    return asyncio.run(tool.call(arguments))


def test_a_servers_tools_are_taken_over_with_what_it_says_of_them(odd):
    assert list(odd) == ["crash", "environment", "chatter", "cancelled", "wait", "fail"]
    assert odd["wait"].schema["function"] == {
        "name": "wait",
        "description": "Odd.",
        "parameters": {"type": "object", "properties": {"seconds": {"type": "number"}}, "required": ["seconds"]},
    }
    assert [name for name, tool in odd.items() if tool.side_effects] == ["fail"]
    assert {tool.family for tool in odd.values()} == {"callsmith"}


def test_calls_reach_the_server_from_any_event_loop_and_mended_arguments_with_them(odd):
    for _ in range(2):
        assert call(odd["wait"], seconds="0.01").content == "waited"


def test_calls_on_one_server_run_side_by_side(odd):
    async def five():
        return await asyncio.gather(*(odd["wait"].call({"seconds": 0.3}) for _ in range(5)))

    started = time.monotonic()
    assert [result.content for result in asyncio.run(five())] == ["waited"] * 5
    assert time.monotonic() - started < 1.2


def test_what_a_tool_there_raises_is_an_observation_here(odd):
    assert call(odd["fail"], how="no such file") == call(odd["fail"], how="no such file")
    result = call(odd["fail"], how="no such file")
    assert (result.content, result.is_error) == ("Error: ValueError: no such file", True)


def test_a_tool_that_prints_does_not_disturb_the_protocol(odd):
    assert call(odd["chatter"]).content == "said"


def test_no_key_of_ours_reaches_the_server_and_its_noise_is_borne(monkeypatch, capfd):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    tools = {tool.name: tool for tool in tools_of_server(f"{ODD} noise")}
    assert "HF_TOKEN" not in call(tools["environment"]).content
    assert "PATH" in call(tools["environment"]).content
    assert "Traceback" not in capfd.readouterr().err


def test_a_call_given_up_is_cancelled_there_and_the_connection_stays(odd, monkeypatch):
    monkeypatch.setattr(odd["wait"], "timeout", 0.2)
    assert call(odd["wait"], seconds=30).content == "Error: gave up after 0.2 seconds"
    for _ in range(50):  # the server learns of it by a message of its own
        if "30" in (told := call(odd["cancelled"]).content):
            break
        time.sleep(0.1)
    assert "30" in told
    assert call(odd["wait"], seconds=0).content == "waited"


def test_a_server_that_dies_in_the_middle_of_a_call_is_an_observation_and_is_started_again(odd):
    result = call(odd["crash"])
    assert result.is_error
    assert "ended during the call" in result.content
    assert "out of coffee" in result.content
    assert call(odd["wait"], seconds=0).content == "waited"


@pytest.fixture
def untrue():
    with serving() as server:
        yield server, {tool.name: tool for tool in load_tools(f"mcp:{server.url}")}


@pytest.mark.parametrize("code", [-32600, -32001])
def test_a_server_that_has_forgotten_the_session_is_called_on_again(untrue, code):
    server, tools = untrue
    assert call(tools["count"]).content == "1"
    server.refusal = {"code": code, "message": "Session not found"}
    server.forget()
    lost = call(tools["count"])
    assert lost.is_error
    assert "no longer knows us (Session not found); call again" in lost.content
    assert call(tools["count"]).content == "1"
    assert server.opened == 2


def test_another_refusal_leaves_the_session_open(untrue):
    server, tools = untrue
    known = dict(server.calls)
    server.refusal = {"code": -32600, "message": "not today"}
    server.forget()
    assert "refused: not today" in call(tools["count"]).content
    server.calls.update(known)
    assert call(tools["count"]).content == "1"
    assert server.opened == 1


@pytest.mark.parametrize("name", ["untrue", "unreadable"])
def test_an_answer_that_breaks_its_own_schema_is_an_observation_and_the_connection_stays(untrue, name):
    server, tools = untrue
    assert call(tools["count"]).content == "1"
    wrong = call(tools[name])
    assert wrong.is_error
    assert "answered wrongly: " in wrong.content
    assert call(tools["count"]).content == "3"
    assert server.opened == 1


def test_tuples_in_the_words_of_an_older_json_schema_are_taken(untrue):
    draw = untrue[1]["draw"]
    line = draw.schema["function"]["parameters"]["properties"]["line"]
    point = {"type": "object", "properties": {"x": {"type": "number"}}}
    assert line == {"type": "array", "prefixItems": [point, {"$ref": "#/properties/line/prefixItems/0"}]}
    assert call(draw, line=[{"x": 1}, {"x": 2}]).content == "1"
    assert "must be of type number" in call(draw, line=[{"x": 1}, {"x": "far"}]).content


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "no MCP server is named"),
        ("'x", "No closing quotation"),
        ("http://[half", "Invalid IPv6 URL"),
        ("no-such-command-anywhere --token abc", "No such file"),
        (f"{ODD} die", "no licence found"),
        ("http://user:secret@127.0.0.1:9/mcp?key=secret", "http://127.0.0.1:9/mcp cannot be used"),
    ],
)
def test_a_server_that_is_none_is_one_line_without_secrets(target, words):
    with pytest.raises(UserError) as caught:
        load_tools(f"mcp:{target}")
    assert words in str(caught.value)
    assert "no tools from" not in str(caught.value), "what cannot be used is the server"
    assert "\n" not in str(caught.value)
    assert "abc" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(connections, "CONNECT_TIMEOUT", 0.5)
    started = time.monotonic()
    with pytest.raises(UserError, match="said nothing for"):
        load_tools(f"mcp:{ODD} mute")
    assert time.monotonic() - started < 8


@pytest.fixture(scope="module")
def http_server():
    """`callsmith mcp --http` as a person starts it; its address comes on standard error."""
    tools = HERE / "offered_tools.py"
    process = subprocess.Popen(
        [*CALLSMITH.split(), "--tools", str(tools), "--http", "--port", "0", "--lang", "zh"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        yield next(line.strip() for line in lines if line.startswith("http://"))
    finally:
        process.terminate()
        process.wait(10)


def test_our_tools_are_offered_over_http(http_server):
    (double,) = load_tools(f"mcp:{http_server}")
    assert double.schema["function"]["description"] == "加倍。"
    assert not double.side_effects
    assert call(double, number="21").content == "42"
    wrong = asyncio.run(double.call({"number": "many"}))
    assert "must be of type integer" in wrong.content


def test_another_sites_page_cannot_call_our_tools(http_server):
    import httpx2

    headers = {"Origin": "http://evil.example", "Accept": "application/json, text/event-stream"}
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert httpx2.post(http_server, json=request, headers=headers, timeout=10).status_code == 403


def test_our_tools_are_offered_over_standard_input_and_used_by_an_agent(scripted):
    tools = tools_of_server(f"{CALLSMITH} --tools {HERE / 'offered_tools.py'}")
    text = '<tool_call>\n{"name": "double", "arguments": {"number": 4}}\n</tool_call>'
    run = Agent(scripted(text, "8."), tools).run([{"role": "user", "content": "Twice 4?"}])
    assert run.messages[2]["content"] == "8"


def test_what_cannot_be_served_is_said_in_one_line(tmp_path):
    schemas = tmp_path / "tools.json"
    schemas.write_text('[{"name": "a"}]')
    with pytest.raises(UserError, match="only schemas"):
        mcp_command(str(schemas))
    for port in (-1, 70000):
        with pytest.raises(UserError, match="cannot listen on"):
            mcp_command(str(HERE / "offered_tools.py"), http=True, host="127.0.0.1", port=port)


def test_without_the_extra_both_ways_say_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    for name in ("client", "connection", "server"):
        monkeypatch.delitem(sys.modules, f"agent.mcp.{name}", raising=False)
        monkeypatch.delattr(f"agent.mcp.{name}", raising=False)
    with pytest.raises(UserError, match=r'pip install "callsmith\[mcp\]"'):
        load_tools("mcp:anything")
    with pytest.raises(UserError, match=r'pip install "callsmith\[mcp\]"'):
        mcp_command("embedded")
