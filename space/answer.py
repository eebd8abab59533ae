"""One turn: runs the agent on a visit and hands out the visit as it grows.

Comes in: an agent, which holds no conversation, and a visit that ends with a question, or with calls that the visitor
has been asked about. Goes out: visits, the last of which is at rest or asks the visitor. Whatever goes wrong becomes
the visit's `failure`, worded for the visitor; details go to the log.
"""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from agent.errors import UserError
from agent.events import Delta, Replied, Thought
from agent.loop import Agent
from agent.toolbox.world import World, in_world, own_chance
from space.consent import Consent, to_ask
from space.visit import Visit, advance, settled, started, waits_for_answer
from space.words import Words

# Seconds between two pictures of a text that is being written: what an eye can follow and a phone can draw.
FRAME = 0.05

log = logging.getLogger(__name__)


async def answers(agent: Agent, visit: Visit, words: Words) -> AsyncIterator[Visit]:
    """The visit after each event; nothing at all where neither a question nor an allowed or refused call waits.

    Where the model calls a tool that acts outside, the turn ends before any call of that message has run, with a visit
    whose `consent` holds the questions; once they are answered, another turn goes on from there.

    A consumer that stops early closes the agent's stream with it; the last visit it saw can be `settled`.
    """
    if not _due(visit):
        return
    visit = started(visit)
    yield visit
    drawn, since = 0.0, visit.messages[visit.questions[-1] :]
    try:
        left = agent.limits.steps - len([message for message in since if message["role"] == "assistant"])
        async with aclosing(agent.stream(list(visit.messages), steps=left)) as events:
            async for event in in_world(visit.world or World(own_chance()), events):
                visit = advance(visit, event)
                if isinstance(event, Replied):
                    calls = to_ask(event.message.get("tool_calls", []), agent.offered(visit.messages))
                    if calls:
                        yield replace(visit, consent=Consent(calls))
                        return
                writing = isinstance(event, Delta | Thought)
                if not writing or time.monotonic() - drawn >= FRAME:
                    # The first piece of a text is drawn at once, however soon it comes.
                    drawn = time.monotonic() if writing else 0.0
                    yield visit
    except UserError as error:
        visit = replace(visit, failure=str(error))
    except Exception:
        log.exception("the turn failed")
        visit = replace(visit, failure=words.model_error)
    yield settled(visit, words.stopped)


def _due(visit: Visit) -> bool:
    """Whether a turn is to begin: not beside another, and not twice with the same answers."""
    if visit.consent is not None:
        return visit.consent.take()
    return waits_for_answer(visit) and not visit.running
