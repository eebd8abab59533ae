"""A visitor is asked before a tool acts outside, in a real browser: run, refuse, stop, no answer; nobody else waits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Server, chromium, contrast, open_page, say, serving

from agent.messages import check_conversation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BOT = '#talk [data-testid="bot"]'


@pytest.fixture(scope="module")
def outbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("post") / "outbox"


@pytest.fixture(scope="module")
def server(outbox: Path) -> Iterator[Server]:
    """One question at a time, so that a visitor who thinks would keep all others waiting if he held the model."""
    with _serving(outbox, patience=600) as running:
        yield running


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_posted(outbox: Path) -> None:
    outbox.write_text("")


def _serving(outbox: Path, patience: float) -> Any:
    script = str(Path(__file__).with_name("serve_scripted.py"))
    return serving([script, "{port}", str(outbox.parent), str(outbox.with_name("gate")), "1", str(patience)])


def _row(page: Any, folder: Path) -> Any:
    """The conversation as the visitor can save it, once it is at rest."""
    page.locator("#question button.stop-button").wait_for(state="detached")
    with page.expect_download() as download:
        page.locator("#download").click()
    target = folder / "row.jsonl"
    download.value.save_as(target)
    row = json.loads(target.read_text(encoding="utf-8"))
    assert check_conversation(row["messages"], row["tools"]) == []
    return row


def _results(row: Any) -> list[str]:
    return [message["content"] for message in row["messages"] if message["role"] == "tool"]


@pytest.mark.parametrize(
    ("locale", "asks", "words"),
    [
        ("zh-CN", "请寄信给小王。", ("实际影响。要执行吗？", "寄一封信。", "执行")),
        ("en-US", "A letter to Ann.", ("reach beyond this page", "Post a letter.", "Run it")),
    ],
)
def test_what_is_allowed_runs_once_and_the_visitor_saw_all_of_it(
    server: Server, browser: Any, outbox: Path, tmp_path: Path, locale: str, asks: str, words: tuple[str, ...]
) -> None:
    page, wrong = open_page(browser, server.url, locale=locale)
    say(page, asks)
    page.locator("#ask pre").wait_for()
    shown = page.locator("#ask").inner_text()
    assert all(word in shown for word in (*words, "post_letter")), shown
    assert "<b>${7*7}</b> {{value}}\\u202e" in shown, "the arguments are shown as text, and none of it hides"
    assert outbox.read_text() == ""
    page.locator("#run-it").dblclick()
    page.locator(BOT, has_text="结果是").wait_for()
    page.locator("#ask").wait_for(state="hidden")
    row = _row(page, tmp_path)
    assert [message["role"] for message in row["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert outbox.read_text().splitlines() == [json.loads(_results(row)[0])["posted"]]
    assert wrong == []


@pytest.mark.parametrize(
    ("locale", "asks", "reason"),
    [("zh-CN", "请寄信给小王。", "用户拒绝执行"), ("en-US", "A letter to Ann.", "the visitor refused")],
)
def test_what_is_refused_does_not_run_and_the_model_is_told_who_refused(
    server: Server, browser: Any, outbox: Path, tmp_path: Path, locale: str, asks: str, reason: str
) -> None:
    page, wrong = open_page(browser, server.url, locale=locale)
    say(page, asks)
    page.locator("#do-not-run").click()
    page.locator(BOT, has_text="结果是").wait_for()
    (result,) = _results(_row(page, tmp_path))
    assert reason in result
    assert outbox.read_text() == ""
    say(page, "12 加 30")
    page.locator(BOT, has_text='{"sum": 42}').wait_for()
    assert wrong == []


def test_each_call_has_its_own_question_and_a_change_of_language_changes_it(
    server: Server, browser: Any, outbox: Path, tmp_path: Path
) -> None:
    page, wrong = open_page(browser, server.url)
    say(page, "请寄信给小王，寄信给小李，寄信给小张。")
    page.locator("#ask pre", has_text="小王").wait_for()
    page.locator("#language").get_by_text("English").click()
    page.locator("#run-it", has_text="Run it").wait_for()
    page.locator("#ask p", has_text="The model wants to run this tool").wait_for()
    page.locator("#talk .title", has_text="Call").first.wait_for()
    page.locator("#run-it").click()
    page.locator("#ask pre", has_text="小李").wait_for()
    assert outbox.read_text() == "", "nothing runs before everything is answered"
    page.locator("#do-not-run").click()
    page.locator("#ask pre", has_text="小张").wait_for()
    page.locator("#run-it").click()
    page.locator(BOT, has_text="结果是").wait_for()
    first, second, third = _results(_row(page, tmp_path))
    assert [json.loads(first)["posted"], json.loads(third)["posted"]] == ["小王", "小张"]
    assert "用户拒绝执行" in second, "the model is told in the language of the conversation"
    assert sorted(outbox.read_text().splitlines()) == ["小张", "小王"]
    assert wrong == []


@pytest.mark.parametrize("how", ["stop", "clear"])
def test_a_run_that_is_stopped_while_it_asks_has_done_nothing(
    server: Server, browser: Any, outbox: Path, tmp_path: Path, how: str
) -> None:
    page, wrong = open_page(browser, server.url)
    say(page, "请寄信给小王。")
    page.locator("#run-it").wait_for()
    if how == "stop":
        page.locator("#question button.stop-button").click()
    else:
        page.locator("#talk").get_by_label("清空").click()
    page.locator("#ask").wait_for(state="hidden")
    say(page, "12 加 30")
    page.locator(BOT, has_text='{"sum": 42}').wait_for()
    results = _results(_row(page, tmp_path))
    assert results == (["已停止，没有结果。", '{"sum": 42}'] if how == "stop" else ['{"sum": 42}'])
    assert outbox.read_text() == ""
    assert wrong == []


def test_who_is_asked_keeps_nobody_else_waiting_and_puts_no_other_question(
    server: Server, browser: Any, outbox: Path
) -> None:
    asked, _ = open_page(browser, server.url)
    other, _ = open_page(browser, server.url)
    say(asked, "请寄信给小王。")
    asked.locator("#run-it").wait_for()
    say(other, "12 加 30")
    other.locator(BOT, has_text='{"sum": 42}').wait_for()
    assert other.locator("#run-it").count() == 0
    say(asked, "12 加 30")
    asked.wait_for_timeout(1000)
    assert asked.locator("#talk .title", has_text="add").count() == 0
    assert asked.locator("#question textarea").input_value() == "12 加 30", "what was typed is not lost"
    asked.locator("#run-it").click()
    asked.locator(BOT, has_text="结果是").wait_for()
    assert outbox.read_text() == "小王\n"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_question_is_in_sight_and_readable(server: Server, browser: Any, scheme: str) -> None:
    page, wrong = open_page(browser, server.url, viewport={"width": 390, "height": 700}, color_scheme=scheme)
    say(page, "请寄信给小王，寄信给小李，寄信给小张。")
    page.locator("#ask pre").wait_for()
    page.locator("#do-not-run").wait_for()
    # The page still scrolls to the question and its letters may still be coming: all is looked at in one moment.
    page.wait_for_function(
        """() => document.querySelector('#ask p').getBoundingClientRect().top >= 0
            && ['#ask pre', '#run-it', '#do-not-run'].every((part) => {
                const box = document.querySelector(part).getBoundingClientRect()
                const topmost = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
                return box.bottom <= 700 && topmost?.closest('#ask')
            })"""
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for text in ("#ask p", "#ask pre", "#do-not-run"):
        assert contrast(page, text) >= 4.5, text
    assert wrong == []


def test_who_does_not_answer_has_refused(browser: Any, outbox: Path, tmp_path: Path) -> None:
    with _serving(outbox, patience=2) as server:
        page, wrong = open_page(browser, server.url)
        say(page, "请寄信给小王。")
        page.locator(BOT, has_text="结果是").wait_for()
        page.locator("#ask").wait_for(state="hidden")
        (result,) = _results(_row(page, tmp_path))
        assert "用户一直没有答复" in result
        assert outbox.read_text() == ""
        assert wrong == []
