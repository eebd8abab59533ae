"""The tools that come with callsmith: keyless, offline, and really executing, in themed families and two languages.

Goes out: `all_tools()`. What a tool remembers lives in a `World` (agent.toolbox.world), one per session.
"""

from agent.tools import Tool, load_tools

MODULES = ("calculation", "measures", "words_and_days", "personal", "errands", "home")


def all_tools() -> list[Tool]:
    """Every embedded tool, in the order of the files."""
    return [tool for module in MODULES for tool in load_tools(f"{__name__}.{module}")]
