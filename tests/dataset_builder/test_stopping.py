"""Ending early: a spent budget and Ctrl-C lose no reply, ask nothing twice, and say how to go on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from forked_builds import TOOLS
from llm_server import LLMServer

from agent.cli import main
from dataset_builder.journal import Journal
from dataset_builder.rows import read_rows
from dataset_builder.stopping import Stop, StoppedError


def options(server, output, *more):
    told = ["build", "--tools", TOOLS, "--teacher", f"{server.url}#rules", "--rows", 12, "--concurrency", 4]
    return [str(each) for each in (*told, "--output", output, *more)]


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    printed = capsys.readouterr()
    return stopped.value.code, printed.out, printed.err


def files_of(folder):
    return {file.relative_to(folder): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def bodies(server):
    return Counter(json.dumps(body, sort_keys=True) for body in server.asked)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing stopped: its files, and what it asked."""
    output = tmp_path_factory.mktemp("whole") / "set"
    with LLMServer() as server, pytest.raises(SystemExit) as stopped:
        main(options(server, output))
    assert stopped.value.code == 0
    return files_of(output), bodies(server)


def test_a_budget_of_requests_stops_and_a_higher_one_goes_on(tmp_path, capsys, whole):
    files, needed = whole
    with LLMServer() as server:
        code, out, err = run(capsys, *options(server, tmp_path / "set", "--max-requests", 15))
        assert code == 0, err
        assert "because 15 requests are made, as many as --max-requests allows" in out
        assert "the same command with a higher limit goes on from here" in out
        assert server.requests == len(server.asked) == 15
        assert not (tmp_path / "set").exists()
        _, out, _ = run(capsys, *options(server, tmp_path / "set", "--max-requests", 20, "--json"))
        told = json.loads(out)
        assert (told["state"], told["wanted"], server.requests) == ("stopped", 12, 20)
        assert run(capsys, *options(server, tmp_path / "set", "--max-requests", 1000))[0] == 0
        assert bodies(server) == needed, "nothing was asked twice"
    assert files_of(tmp_path / "set") == files


def test_a_budget_of_money_counts_what_was_spent_before(tmp_path, capsys):
    # Each reply of this server is 10 tokens read and 5 written: 10 × 1 + 5 × 2 = 20 millionths.
    prices = ["--price-in", 1, "--price-out", 2]
    with LLMServer() as server:
        code, out, err = run(capsys, *options(server, tmp_path / "set", "--max-cost", 0.0002, *prices))
        assert code == 0, err
        assert "and --max-cost is 0.0002" in out
        made = server.requests
        assert 10 <= made <= 10 + 4, "what was under way when it was reached is paid as well"
        run(capsys, *options(server, tmp_path / "set", "--max-cost", 0.0002, *prices))
        assert server.requests == made
        assert run(capsys, *options(server, tmp_path / "set", "--max-cost", 1, *prices))[0] == 0
    assert len(read_rows(tmp_path / "set")) == 12


def started(server, output):
    """A build in a process of its own that takes Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-m", "agent.cli", *options(server, output)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def wait_for(process, server, requests):
    deadline = time.monotonic() + 120
    while server.requests < requests and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None, process.stderr.read()


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_under_way_and_the_same_command_goes_on(tmp_path, capsys, whole):
    files, needed = whole
    with LLMServer(delay=0.5) as server:
        process = started(server, tmp_path / "set")
        wait_for(process, server, 8)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "finishing what is under way" in err
        assert "the same command goes on from there" in err
        assert "Traceback" not in err
        assert len(server.asked) == server.requests, "every request got its answer"
        with Journal(tmp_path / "set.work") as journal:
            assert journal.counts()["reply"] == server.requests, "and the journal holds it"
        server.delay = 0
        assert run(capsys, *options(server, tmp_path / "set"))[0] == 0
        assert bodies(server) == needed
    assert files_of(tmp_path / "set") == files


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once(tmp_path):
    with LLMServer(delay=0.2) as server:
        process = started(server, tmp_path / "set")
        wait_for(process, server, 5)
        server.delay = 30
        wait_for(process, server, 9)
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline()  # it says that it finishes what is under way
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=25)
        assert time.monotonic() - begun < 20
        assert process.returncode == 130
        assert "Traceback" not in err


def test_a_stop_lets_nothing_new_begin():
    stop = Stop(requests=2)
    stop.admit()
    stop.admit()
    stop.check()
    with pytest.raises(StoppedError, match="2 requests are made"):
        stop.admit()
    with pytest.raises(StoppedError):
        stop.check()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--max-requests", "5"], "the embedded teacher makes no requests"),
        (["--teacher", "http://127.0.0.1:9/v1", "--max-cost", "5"], "give --price-in and --price-out"),
        (["--teacher", "http://127.0.0.1:9/v1", "--max-requests", "0"], "--max-requests"),
    ],
)
def test_a_budget_that_means_nothing_is_one_line(tmp_path, capsys, more, said):
    code, out, err = run(capsys, "build", "--output", str(tmp_path / "set"), *more)
    assert (code, out) == (2, "")
    assert said in err
    assert list(tmp_path.iterdir()) == []
