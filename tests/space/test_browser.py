"""The Space in a real browser: streaming, folded calls, separate visitors, stop, take back, feedback, download."""

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
def feedback_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feedback")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gate") / "open"


@pytest.fixture(scope="module")
def server(feedback_folder: Path, gate: Path) -> Iterator[Server]:
    script = str(Path(__file__).with_name("serve_scripted.py"))
    with serving([script, "{port}", str(feedback_folder), str(gate)]) as running:
        yield running


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Any]:
    with chromium() as running:
        yield running


def test_an_example_streams_and_its_call_opens_to_arguments_and_result(
    server: Server, browser: Any, gate: Path
) -> None:
    page, wrong = open_page(browser, server.url)
    page.get_by_text("北京今天天气怎么样？").click()
    page.get_by_text("结果是").wait_for()
    assert "晴" not in page.locator(BOT).last.inner_text(), "the answer came in one piece"
    gate.touch()
    page.get_by_text('"sky": "晴"}').last.wait_for()
    assert page.locator("#talk .title", has_text="想法").count() == 1
    call = page.locator("#talk .title", has_text="get_weather(city=北京)")
    opened = page.locator("#talk .thought-group", has_text="get_weather").locator(".content")
    if opened.count() == 0:
        call.click()
    opened.get_by_text("参数").wait_for()
    assert '"temperature": 22' in opened.inner_text()
    assert wrong == []


def test_two_visitors_do_not_see_each_other(server: Server, browser: Any) -> None:
    first, _ = open_page(browser, server.url)
    second, _ = open_page(browser, server.url, locale="en-US")
    say(first, "我的秘密")
    say(second, "hello from two")
    first.locator(BOT, has_text="我的秘密").wait_for()
    second.locator(BOT, has_text="hello from two").wait_for()
    assert "hello" not in first.locator("#talk").inner_text()
    assert "秘密" not in second.locator("#talk").inner_text()
    assert first.locator("#head h1").inner_text() == "会用工具的小模型"
    assert second.locator("#head h1").inner_text() == "A small model that calls tools"


def test_the_language_switch_changes_every_text(server: Server, browser: Any) -> None:
    page, wrong = open_page(browser, server.url)
    page.locator("#head h1", has_text="会用工具").wait_for()
    page.locator("#language").get_by_text("English").click()
    page.locator("#head h1", has_text="A small model").wait_for()
    page.get_by_text("Look up the weather of a city.").wait_for()
    page.get_by_placeholder("Write a question").wait_for()
    assert "提供给模型的工具" not in page.locator("body").inner_text()
    assert wrong == []


def test_a_stopped_answer_leaves_a_conversation_that_goes_on(server: Server, browser: Any, tmp_path: Path) -> None:
    page, wrong = open_page(browser, server.url)
    say(page, "Tell me a story")
    page.get_by_text("Once upon a time").wait_for()
    page.locator("#question button.stop-button").click()
    page.locator("#question button.stop-button").wait_for(state="detached")
    length = len(page.locator(BOT).last.inner_text())
    page.wait_for_timeout(1000)
    assert length == len(page.locator(BOT).last.inner_text()) < 35 * 2000
    say(page, "12 加 30 等于多少？")
    page.locator(BOT, has_text='{"sum": 42}').wait_for()
    row = _download(page, tmp_path)
    assert [message["role"] for message in row["messages"]] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert check_conversation(row["messages"], row["tools"]) == []
    assert wrong == []


def test_an_empty_message_does_nothing_and_a_failure_is_words(server: Server, browser: Any) -> None:
    page, _ = open_page(browser, server.url)
    say(page, "   ")
    page.wait_for_timeout(500)
    assert page.locator(BOT).count() == 0
    for _ in range(10):  # a question is not taken while the empty one before it is still under way
        say(page, "break")
        page.wait_for_timeout(3000)
        if page.get_by_text("模型出错了").count():
            break
    page.get_by_text("模型出错了").first.wait_for()
    assert "secret" not in page.locator("body").inner_text()
    say(page, "weather in nowhere")
    page.locator("#talk .title", has_text="get_weather(city=nowhere) · 出错").wait_for()
    page.locator(BOT, has_text="no such city").first.wait_for()
    say(page, "   ")
    page.wait_for_timeout(1500)
    assert page.locator(BOT, has_text="no such city").count() > 0, "an empty message emptied the talk"
    assert "Traceback" not in page.locator("body").inner_text()


def test_retry_asks_again_and_undo_gives_the_question_back(server: Server, browser: Any, tmp_path: Path) -> None:
    page, _ = open_page(browser, server.url)
    say(page, "这是第几次？")
    page.locator(BOT, has_text="第 1 次").wait_for()
    page.locator("#talk").get_by_label("重试").click()
    page.locator(BOT, has_text="第 2 次").wait_for()
    page.locator("#question button.stop-button").wait_for(state="detached")
    assert len(_download(page, tmp_path)["messages"]) == 2
    page.locator("#talk").get_by_label("撤销").click()
    page.wait_for_function("document.querySelector('#question textarea').value === '这是第几次？'")
    assert page.locator(BOT).count() == 0


def test_a_tool_that_is_not_ticked_is_not_offered(server: Server, browser: Any) -> None:
    page, _ = open_page(browser, server.url)
    page.locator("#offered").get_by_label("add").uncheck()
    say(page, "12 加 30 等于多少？")
    page.locator(BOT, has_text="没有合适的工具").wait_for()


def test_a_download_of_nothing_says_so(server: Server, browser: Any) -> None:
    page, wrong = open_page(browser, server.url)
    page.locator("#head h1", has_text="会用工具").wait_for()
    page.locator("#download").click()
    page.get_by_text("还没有可以下载的对话。").wait_for()
    assert "Info" not in page.locator("[data-testid=toast-body]").inner_text()
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_whole_width_in_readable_greys(server: Server, browser: Any, scheme: str) -> None:
    page, wrong = open_page(browser, server.url, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.locator("#head h1", has_text="会用工具").wait_for()
    page.get_by_text("查询一个城市的天气。").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for text in ("#head p", ".tool-list summary span", "#under .note p"):
        assert contrast(page, text) >= 4.5, text  # WCAG 2.2, 1.4.3
    say(page, "What is the weather in Llanfairpwllgwyngyll on the long island of Anglesey")
    page.locator("#talk .title", has_text="get_weather").wait_for()
    page.locator(BOT, has_text="结果是").wait_for()
    talk = page.locator("#talk").bounding_box()
    for part in (page.locator(BOT).last, page.locator("#talk .title code").last):
        box = part.bounding_box()
        assert box["x"] + box["width"] <= talk["x"] + talk["width"] - 8
    assert wrong == []


def test_a_rating_is_saved_as_a_row(server: Server, browser: Any, feedback_folder: Path) -> None:
    page, _ = open_page(browser, server.url)
    say(page, "好评测试")
    page.locator(BOT, has_text="好评测试").wait_for()
    page.locator("#talk").get_by_label("赞", exact=True).click()
    page.get_by_text("谢谢，已保存。").wait_for()
    rows = [json.loads(line) for file in feedback_folder.iterdir() for line in file.read_text("utf-8").splitlines()]
    row = next(row for row in rows if row["messages"][0]["content"] == "好评测试")
    assert row["quality"] == {"feedback": "like"}
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]


def _download(page: Any, folder: Path) -> Any:
    with page.expect_download() as download:
        page.locator("#download").click()
    target = folder / "row.jsonl"
    download.value.save_as(target)
    return json.loads(target.read_text(encoding="utf-8"))
