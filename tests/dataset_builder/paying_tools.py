"""The tools of my_tools.py as ones with side effects: each call adds a line to the file that PAID_LOG names."""

import os

import my_tools

from agent.tools import Tool


def _paying(inner: Tool) -> Tool:
    def run(city: str) -> str:
        with open(os.environ["PAID_LOG"], "a", encoding="utf-8") as log:
            log.write(f"{inner.name} {city}\n")
        return inner(city)

    return Tool(run, name=inner.name, schema=inner.schema, family=inner.family, zh=inner.zh, side_effects=True)


get_weather = _paying(my_tools.get_weather)
population = _paying(my_tools.population)
local_time = _paying(my_tools.local_time)
sister_city = _paying(my_tools.sister_city)
