"""Tools for the web: read a page, search. `--tools agent.toolbox.web` offers both. Needs the extra `web`.

A page is fetched through `agent.toolbox.web.guard`, which reaches public addresses only.
"""

from agent.toolbox.web.page import read_page
from agent.toolbox.web.search import search_web

__all__ = ["read_page", "search_web"]
