"""Several endpoints share the work; one that is down is left alone, and the rows are the same."""

import asyncio

import pytest
from llm_server import LLMServer, closed_port
from test_llm_teacher import harvested

from agent.errors import UserError
from agent.models import Sampling, complete
from agent.models.endpoint import EndpointModel
from dataset_builder.pace import PacedModel
from dataset_builder.sharing import SharedModel


def shared(*urls):
    return SharedModel([PacedModel(EndpointModel(f"{url}#rules", attempts=1), 8) for url in urls])


def asked(model, count):
    async def every():
        said = [[{"role": "user", "content": f"用户说 {number}"}] for number in range(count)]
        return await asyncio.gather(*(complete(model, messages, [], Sampling()) for messages in said))

    return asyncio.run(every())


def test_each_of_two_endpoints_gets_about_half():
    with LLMServer(delay=0.05) as first, LLMServer(delay=0.05) as second:
        assert len(asked(shared(first.url, second.url), 60)) == 60
        assert first.requests + second.requests == 60
        assert min(first.requests, second.requests) >= 20


def test_an_endpoint_that_is_down_is_left_alone():
    with LLMServer() as server, closed_port() as down:
        assert len(asked(shared(down, server.url), 30)) == 30
        assert server.requests == 30


def test_a_refusal_is_no_reason_to_ask_another_and_all_down_is_one_line():
    with LLMServer(faults={1: "401"}) as first, LLMServer() as second:
        with pytest.raises(UserError, match="401"):
            asked(shared(first.url, second.url), 1)
        assert second.requests == 0
    with closed_port() as down, closed_port() as other, pytest.raises(UserError, match="does not answer"):
        asked(shared(down, other), 1)


def test_where_a_model_is_served_changes_nothing_and_asks_nothing_again(tmp_path):
    with LLMServer() as first, LLMServer() as second:
        one, _ = harvested(tmp_path / "one", first.url)
        both, _ = harvested(tmp_path / "two", f"{first.url}#rules,{second.url}")
        assert both.rows == one.rows
        assert second.requests > 0
        requests = first.requests + second.requests
        again, _ = harvested(tmp_path / "one", second.url)
        assert again.rows == one.rows
        assert first.requests + second.requests == requests, "the same model at another address"
