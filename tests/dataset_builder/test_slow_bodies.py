"""Answers that come slowly or not to their end: a few bytes at a time, or half and then silence. Nothing is lost."""

import contextlib
import io

import pytest
from commanding import run
from forked_builds import TOOLS
from llm_server import LLMServer

from agent.cli import main
from dataset_builder import pace
from dataset_builder.rows import read_rows

MIX = "single_call,parallel_calls,missing_parameter,chat"


def options(server, folder):
    told = ["--tools", TOOLS, "--teacher", f"{server.url}#rules", "--rows", 12, "--mix", MIX, "--concurrency", 4]
    return [*told, "--output", folder / "set"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rows of a build at whose endpoint nothing is slow, and how many requests they took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    command = ["build", *map(str, options(server := LLMServer(), folder))]
    with server, contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0
    return read_rows(folder / "set"), server.requests


@pytest.fixture
def impatient(monkeypatch):
    """Silence is noticed soon, and what is asked again is asked at once."""
    monkeypatch.setattr("agent.models.endpoint.TIMEOUT", 5.0)
    monkeypatch.setattr(pace, "_BACKOFF", lambda state: 0.0)


@pytest.mark.parametrize("bytes_at_a_time", [1, 7, 64])
def test_a_body_that_trickles_in_is_the_same_body(tmp_path, capsys, undisturbed, bytes_at_a_time):
    rows, requests = undisturbed
    with LLMServer(trickle=bytes_at_a_time) as server:
        code, _, err = run(capsys, *options(server, tmp_path))
    assert code == 0, err
    assert read_rows(tmp_path / "set") == rows
    assert server.requests == requests, "nothing was asked twice"


def test_what_stalls_is_given_up_and_asked_again(tmp_path, capsys, undisturbed, impatient):
    rows, requests = undisturbed
    stalled = {1: "stall", 5: "stall", 12: "stall", 13: "stall", 30: "stall"}
    with LLMServer(faults=stalled) as server:
        code, _, err = run(capsys, *options(server, tmp_path))
    assert code == 0, err
    assert read_rows(tmp_path / "set") == rows
    assert server.requests >= requests + len(stalled)


def test_an_endpoint_that_stalls_for_good_is_one_line_and_nothing_answered_is_lost(
    tmp_path, capsys, undisturbed, impatient, monkeypatch
):
    rows, requests = undisturbed
    monkeypatch.setattr(pace, "ATTEMPTS", 2)
    with LLMServer(faults=dict.fromkeys(range(15, 1000), "stall")) as server:
        code, out, err = run(capsys, *options(server, tmp_path))
        assert (code, out) == (2, "")
        lines = [line for line in err.splitlines() if line.startswith("callsmith: ")]
        assert len(lines) == 1
        assert f"{server.url} does not answer as it should" in lines[0]
        assert "Traceback" not in err
        assert not (tmp_path / "set").exists()
        answered = len(server.asked)
        assert answered == 14
        server.faults = {}
        code, _, err = run(capsys, *options(server, tmp_path))
    assert code == 0, err
    assert read_rows(tmp_path / "set") == rows
    assert len(server.asked) == requests, "what was answered before is not asked again"
