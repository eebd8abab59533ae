"""Tools of a person's own, for the tests of the builder: two languages, no embedded one among them."""

from agent.tools import tool

CITY_ZH = {"city": "城市"}


@tool(zh={"description": "查询天气", "parameters": CITY_ZH})
def get_weather(city: str) -> str:
    """Look up the weather.

    Args:
        city: The city.
    """
    return f"{city}: 21 °C"


@tool(zh={"description": "查询人口", "parameters": CITY_ZH})
def population(city: str) -> str:
    """Look up the population.

    Args:
        city: The city.
    """
    return f"{city}: {len(city)} million"


@tool(zh={"description": "查询当地时间", "parameters": CITY_ZH})
def local_time(city: str) -> str:
    """Look up the local time.

    Args:
        city: The city.
    """
    return f"{city}: 12:30"


@tool(zh={"description": "查询姐妹城市", "parameters": CITY_ZH})
def sister_city(city: str) -> str:
    """Look up the sister city.

    Args:
        city: The city.
    """
    return f"{city}: {'Zürich' if city.isascii() else '苏黎世'}"
