"""Where the chunks of a streamed answer end, and where they only stop."""

from types import SimpleNamespace

import pytest
from httpx2 import RemoteProtocolError

from agent.models.collected import Collected

USAGE = SimpleNamespace(prompt_tokens=7, completion_tokens=3)


def chunk(text="", finish=None, usage=None):
    delta = SimpleNamespace(content=text, tool_calls=None)
    return SimpleNamespace(choices=[SimpleNamespace(delta=delta, finish_reason=finish)], usage=usage)


def test_a_reply_that_breaks_off_is_no_whole_one_though_usage_came_with_every_chunk():
    collected = Collected()
    collected.take(chunk("你", usage=USAGE))
    with pytest.raises(RemoteProtocolError, match="breaks off"):
        collected.check_end()


@pytest.mark.parametrize("end", [SimpleNamespace(choices=[], usage=USAGE), chunk(finish="stop", usage=USAGE)])
def test_a_reply_ends_with_its_reason_or_with_a_chunk_of_nothing_but_usage(end):
    collected = Collected()
    for one in (chunk("你", usage=USAGE), end, SimpleNamespace(choices=[], usage=None)):
        collected.take(one)
    collected.check_end()
    reply = collected.reply([])
    assert (reply.message["content"], reply.usage.prompt_tokens, reply.finish) == ("你", 7, "stop")
