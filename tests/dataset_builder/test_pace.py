"""The pace of requests follows the endpoint: up while it is quick, down by half in trouble, never past its wishes."""

import asyncio
import itertools

import pytest
from llm_server import LLMServer, closed_port

from agent.errors import UserError
from agent.models import Sampling, complete
from agent.models.endpoint import EndpointModel
from dataset_builder import pace as pacing
from dataset_builder.pace import SPREAD, Pace, PacedModel


def asked(server, most, requests, name=""):
    """Ask `requests` questions, all at once; the model, and how many were answered."""
    model = PacedModel(EndpointModel(name or f"{server.url}#rules", attempts=1), most)

    async def ask(number):
        message = {"role": "user", "content": f"用户说 {number}"}
        return await complete(model, [message], [], Sampling())

    async def every():
        return await asyncio.gather(*map(ask, range(requests)))

    replies = asyncio.run(every())
    assert all(reply.message["content"] for reply in replies)
    return model, len(replies)


def test_it_grows_to_the_most_while_the_endpoint_is_quick():
    with LLMServer(delay=0.4) as server:
        model, _ = asked(server, 48, 150)
    assert model.pace.limit == 48
    assert 32 < server.most_at_once <= 48


def test_it_begins_small_and_never_passes_the_most():
    with LLMServer(delay=0.05) as server:
        asked(server, 3, 20)
    assert server.most_at_once == 3


def test_an_overloaded_endpoint_gets_what_it_can_bear_and_every_request_its_answer():
    with LLMServer(delay=0.05, room=6) as server:
        model, answered = asked(server, 64, 150)
    assert answered == len(server.asked) == 150
    assert model.pace.limit <= 13
    assert server.requests <= 3 * 150, "most requests are not wasted"


def test_retry_after_is_honoured_by_all_when_all_are_refused():
    with LLMServer(faults=dict.fromkeys(range(1, 17), "429"), retry_after=0.7) as server:
        model, answered = asked(server, 16, 16)
    assert answered == 16
    assert server.arrivals[16] - server.arrivals[15] >= 0.65
    assert model.pace.limit < 16


def test_single_refusals_do_not_slow_the_others():
    with LLMServer(delay=0.02, faults=dict.fromkeys(range(20, 400, 20), "429")) as server:
        model, answered = asked(server, 32, 300)
    assert answered == 300
    assert model.pace.limit == 32


@pytest.mark.parametrize("fault", ["429", "500", "cut"])
def test_what_passes_is_asked_again(fault):
    with LLMServer(faults={1: fault, 2: fault}) as server:
        _, answered = asked(server, 1, 1)
    assert (answered, len(server.asked)) == (1, 1)
    assert server.requests >= 3


def test_what_does_not_pass_is_said_at_once():
    with LLMServer(faults={1: "401"}) as server, pytest.raises(UserError, match="401"):
        asked(server, 4, 1)
    assert server.requests == 1


def test_an_endpoint_that_only_refuses_is_given_up(monkeypatch):
    monkeypatch.setattr(pacing, "ATTEMPTS", 3)
    with LLMServer(faults=dict.fromkeys(range(1, 50), "500")) as server, pytest.raises(UserError, match="500"):
        asked(server, 4, 1)
    assert server.requests == 3
    with closed_port() as url, pytest.raises(UserError, match="does not answer"):
        asked(None, 4, 1, url)


# --- the rule itself, by hand --------------------------------------------------------------------------------------


@pytest.fixture
def answers(monkeypatch):
    """Lets a pace see a round: that many refusals and answers, all after so many seconds."""
    now = 100.0
    monkeypatch.setattr(pacing.time, "monotonic", lambda: now)

    def see(pace, good, bad=0, seconds=1.0):
        nonlocal now
        begun, now = now, now + seconds
        for _ in range(bad):
            pace.refused(begun, 0.0)
        for _ in range(good):
            pace.answered(begun)

    return see


def test_the_limit_doubles_then_halves_then_rises_by_a_tenth(answers):
    pace = Pace(256)
    answers(pace, 16)
    assert pace.limit == 32
    answers(pace, 32)
    assert pace.limit == 64
    answers(pace, 52, bad=12)
    assert pace.limit == 32, "twelve of 64 are more than a tenth and chance"
    answers(pace, 26, bad=6)
    assert pace.limit == 36, "six of 32 are not"


def test_what_began_before_the_limit_fell_does_not_make_it_fall_again(answers):
    pace = Pace(256)
    pace.refused(100.0, 0.0)
    answers(pace, 0, bad=15)
    assert pace.limit == 8
    for _ in range(20):
        pace.refused(100.5, 0.0)
    assert pace.limit == 8


def test_it_does_not_grow_where_more_requests_only_wait_longer(answers):
    pace = Pace(256)
    answers(pace, 16, seconds=0.1)
    answers(pace, 32, seconds=0.5)
    assert pace.limit == 32


def test_a_place_that_nobody_takes_goes_to_the_next():
    async def scene():
        pace = Pace(1)
        await pace.begin()
        second, third = asyncio.create_task(pace.begin()), asyncio.create_task(pace.begin())
        await asyncio.sleep(0)
        pace.end()
        second.cancel()
        await asyncio.wait_for(third, 1)

    asyncio.run(scene())


def test_those_that_could_begin_at_once_begin_apart():
    """Together they would come back together, and the endpoint would stand still while they are worked through."""

    async def begun() -> list[float]:
        pace = Pace(10)
        first = await asyncio.gather(*[pace.begin() for _ in range(10)])
        assert max(first) - min(first) < 0.1  # of an endpoint that has not answered yet nothing is known
        for at in first:
            pace.answered(at - 0.4)
            pace.end()
        return sorted(await asyncio.gather(*[pace.begin() for _ in range(10)]))

    times = asyncio.run(begun())
    gap = SPREAD * 0.4 / 10
    assert all(later - earlier > 0.8 * gap for earlier, later in itertools.pairwise(times[1:]))


def test_who_gives_up_while_it_waits_for_its_moment_gives_its_place_back():
    async def left() -> float:
        pace = Pace(4)
        for at in [await pace.begin() for _ in range(4)]:
            pace.answered(at - 100)
            pace.end()
        waiting = [asyncio.create_task(pace.begin()) for _ in range(4)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        begun = await asyncio.gather(*waiting, return_exceptions=True)
        return pace.load * pace.limit - sum(isinstance(one, float) for one in begun)

    assert asyncio.run(left()) == 0
