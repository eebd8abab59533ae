"""Tools that are ticked for each typed question, in a real browser, over the embedded tools and the embedded base."""

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import Server, chromium, open_page, say, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHOOSE = "#choose input[type=checkbox]"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(["-m", "agent.cli", "serve", "--port", "{port}"]) as running:
        yield running


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Any]:
    with chromium() as running:
        yield running


def _ticked(page: Any) -> list[str]:
    return [text.strip() for text in page.locator("#offered label:has(input:checked)").all_inner_texts()]


def test_the_nearest_tools_are_ticked_until_the_visitor_chooses(server: Server, browser: Any) -> None:
    page, wrong = open_page(browser, server.url)
    page.get_by_text("每次提问，自动挑出最相关的几个").wait_for()
    assert "set_timer" not in _ticked(page)
    say(page, "设一个七分钟的计时器")
    page.locator("#offered label:has(input:checked)", has_text="set_timer").wait_for()
    first = page.locator("#offered label").first
    assert first.inner_text().strip() in _ticked(page)  # what is ticked stands in sight
    # What is typed while the model answers stays in the box; that it no longer does shows only after it has begun.
    page.locator('#talk [data-testid="bot"]').first.wait_for()
    page.locator("#question .stop-button").wait_for(state="detached")
    page.locator("#offered label", has_text="set_timer").click()
    page.wait_for_function(f"!document.querySelector('{CHOOSE}').checked")
    chosen = _ticked(page)
    assert "set_timer" not in chosen
    say(page, "再设一个九分钟的计时器")
    page.locator('#talk [data-testid="user"]', has_text="九分钟").wait_for()
    assert _ticked(page) == chosen
    assert wrong == []
