"""The small world in which the tools with a memory act: tables of records, codes, and a seeded chance.

A session opens its own world (`with new_world(): ...`), so that two visitors never see each other's notes. Outside any
session there is one world for the process. Nothing here touches a file, the network or the clock after the start.
"""

import contextlib
import contextvars
import hashlib
import random
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from datetime import date
from typing import Any, TypeVar

from agent.tools import Tool, tool

MAX_RECORDS = 1000  # per table: a visitor must not be able to fill the memory

Record = dict[str, Any]
Item = TypeVar("Item")


class World:
    """What the tools of one session remember.

    Args:
        seed: Decides codes, dice and passwords: the same calls in the same order give the same results.
        today: The day it is in this world; the real one if not given.
    """

    def __init__(self, seed: int = 0, today: date | None = None):
        self.today = today or date.today()
        self.rng = random.Random(seed)
        self._tables: dict[str, list[Record]] = {}

    def table(self, name: str) -> list[Record]:
        """The records of one table, oldest first; the list may be changed in place."""
        return self._tables.setdefault(name, [])

    def add(self, name: str, /, **fields: Any) -> Record:
        """Append a record. Raises ValueError where the table is full."""
        table = self.table(name)
        if len(table) >= MAX_RECORDS:
            raise ValueError(f"there is no room for more than {MAX_RECORDS} {name} in this demo world")
        table.append(fields)
        return fields

    def find(self, name: str, /, **fields: Any) -> list[Record]:
        """The records whose named fields equal the given ones, upper and lower case alike."""
        return [record for record in self.table(name) if all(_same(record[key], fields[key]) for key in fields)]

    def first(self, name: str, /, **fields: Any) -> Record:
        """The first such record. Raises ValueError, in words for the person who asked, where there is none."""
        found = self.find(name, **fields)
        if not found:
            raise ValueError(f"nothing found for {', '.join(str(value) for value in fields.values())}")
        return found[0]

    def code(self, letters: str) -> str:
        """A booking code such as `HB4827`."""
        return f"{letters}{self.rng.randrange(1000, 10000)}"


def _same(left: Any, right: Any) -> bool:
    return str(left).casefold().strip() == str(right).casefold().strip()


def own_chance() -> int:
    """A seed for a world that nobody is to foretell: its passwords and dice are its own."""
    return secrets.randbits(64)


_process_world = World(own_chance())
_session_world: contextvars.ContextVar[World | None] = contextvars.ContextVar("callsmith_world", default=None)


def world() -> World:
    """The world of the session that runs, or the one of the process."""
    return _session_world.get() or _process_world


def world_tool(**options: Any) -> Callable[[Callable[..., Any]], Tool]:
    """`@tool` for a function that finds and changes things in `world()` alone, and nothing outside."""
    return tool(in_world=True, **options)


@contextlib.contextmanager
def new_world(seed: int = 0, today: date | None = None) -> Iterator[World]:
    """Open a world of its own for the calls made inside, threads started by `asyncio.to_thread` included."""
    with enter_world(World(seed, today)) as opened:
        yield opened


@contextlib.contextmanager
def enter_world(opened: World) -> Iterator[World]:
    """Go (back) into a world kept from before: one per visitor."""
    token = _session_world.set(opened)
    try:
        yield opened
    finally:
        _session_world.reset(token)


async def in_world(opened: World, items: AsyncIterator[Item]) -> AsyncGenerator[Item, None]:
    """The same items, each made inside `opened`, which is left between them: a server may go on in another context."""
    while True:
        try:
            with enter_world(opened):
                item = await anext(items)
        except StopAsyncIteration:
            return
        yield item


def almanac(*parts: object) -> random.Random:
    """Chance that depends on nothing but `parts`: the demo weather of one city and day is the same everywhere."""
    text = "\x1f".join(str(part).casefold().strip() for part in parts)
    return random.Random(hashlib.sha256(text.encode()).digest())
