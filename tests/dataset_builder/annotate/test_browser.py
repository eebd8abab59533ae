"""The annotation page in a real browser: edit, run the agent, accept, and a server that is killed in between."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Server, chromium, contrast, open_page, serving
from some_rows import write_rows

from agent.messages import check_conversation
from dataset_builder.annotate.desk import Desk
from dataset_builder.rows import read_rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = str(Path(__file__).with_name("serve_annotate.py"))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("annotate") / "rows.jsonl", count=12)


@pytest.fixture(scope="module")
def server(path: Path) -> Iterator[Server]:
    with serving([SCRIPT, "{port}", str(path)]) as running:
        yield running


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Any]:
    with chromium() as running:
        yield running


def _content(page: Any, index: int) -> Any:
    return page.locator(f"#message-{index} > .block textarea, #message-{index} > .form textarea").last


def _arguments(page: Any, index: int) -> Any:
    return page.locator(f"#message-{index} .code textarea")


def _row_number(page: Any) -> int:
    return int(page.locator(".row-head b").inner_text())


def test_edit_run_accept_survives_a_killed_server_and_comes_out_as_rows(
    server: Server, browser: Any, path: Path, tmp_path: Path
) -> None:
    page, wrong = open_page(browser, server.url)
    page.locator("#message-3").wait_for()
    assert _row_number(page) == 1

    # A message is edited and saved; another is typed and not saved.
    _content(page, 3).fill("北京晴，22 度，适合出门。")
    page.locator("#save").click()
    page.get_by_text("已保存。").wait_for()
    page.get_by_text("草稿已存").wait_for(state="detached")
    _content(page, 0).fill("北京今天的天气，是怎样的？")
    page.get_by_text("草稿已存").wait_for()
    server.kill()
    server.start()
    page.reload()
    page.locator("#message-3").wait_for()
    assert _content(page, 3).input_value() == "北京晴，22 度，适合出门。"
    assert _content(page, 0).input_value() == "北京今天的天气，是怎样的？"
    page.get_by_text("有未保存的修改").wait_for()

    # Broken JSON is refused with the field's name, and stays in its box; good arguments run again.
    _arguments(page, 1).fill('{"city": ')
    page.locator("#step-1").click()
    page.get_by_text("第 2 条消息，参数：不是合法的 JSON").wait_for()
    assert _arguments(page, 1).input_value() == '{"city": '
    _arguments(page, 1).fill('{"city": "上海市"}')
    page.locator("#step-1").click()
    page.locator("#message-2", has_text="工具结果").wait_for()
    page.locator("#message-3").wait_for(state="detached")
    page.wait_for_function("document.querySelector('#message-2 textarea')?.value.includes('上海市')")
    page.locator("#run-2").click()
    page.get_by_text("正在生成").wait_for()
    page.locator("#message-3").wait_for()
    assert "上海市" in _content(page, 3).input_value()

    # Accepting moves on to the next row; what was accepted comes out as rows.
    page.locator("#accept").click()
    page.locator(".row-head b", has_text="2").wait_for()
    page.get_by_text("接受 1").wait_for()
    assert wrong == [] or all("Failed to load resource" in one or "ERR_" in one for one in wrong)
    page.context.close()

    command = [sys.executable, "-m", "agent.cli", "annotate", str(path), "--export", str(tmp_path / "out"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == {"train": 1}
    row = read_rows(tmp_path / "out")[0]
    assert check_conversation(row["messages"], row["tools"]) == []
    assert row["messages"][0]["content"] == "北京今天的天气，是怎样的？"
    assert row["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"city": "上海市"}
    assert "上海市" in row["messages"][2]["content"]


def test_what_is_typed_while_a_save_is_under_way_is_kept(server: Server, browser: Any) -> None:
    page, wrong = open_page(browser, server.url)
    page.locator("#message-3").wait_for()
    for number in range(3):
        _content(page, 3).fill(f"答案 {number}")
        page.locator("#save").click()
        _content(page, 0).fill(f"问题 {number}")  # before the save can have come back
        page.wait_for_timeout(2500)  # an answer to the save may still come, and must not take the text away
        assert _content(page, 0).input_value() == f"问题 {number}"
    page.locator("#draft-note", has_text="草稿已存").wait_for()
    assert wrong == []
    page.reload()
    page.locator("#message-3").wait_for()
    assert (_content(page, 0).input_value(), _content(page, 3).input_value()) == ("问题 2", "答案 2")
    page.get_by_text("丢弃未保存的修改").click()
    page.get_by_text("有未保存的修改").wait_for(state="detached")
    assert _content(page, 0).input_value() == "问题 1", "the save took what stood in the field then"
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_whole_width_in_readable_greys(server: Server, browser: Any, scheme: str) -> None:
    page, wrong = open_page(browser, server.url, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.locator("#message-3").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for text in (".progress p", ".row-head small", ".card .card-title", ".card button.small"):
        assert contrast(page, text) >= 4.5, text  # WCAG 2.2, 1.4.3
    name, arguments = (page.locator(f"#message-1 .call {part}").bounding_box() for part in ("input", ".code textarea"))
    assert arguments["y"] > name["y"] + name["height"] - 1, "arguments beside the name, where there is no room"
    assert wrong == []
    page.context.close()


def test_two_browsers_get_different_rows_and_never_overwrite_each_other(
    server: Server, browser: Any, path: Path
) -> None:
    first, _ = open_page(browser, server.url)
    second, _ = open_page(browser, server.url, locale="en-US")
    first.locator("#message-0").wait_for()
    second.locator("#message-0").wait_for()
    assert _row_number(first) != _row_number(second)

    second.locator("#jump input").fill(str(_row_number(first)))
    second.locator("#jump input").press("Enter")
    second.get_by_text("Somebody else has this conversation open.").wait_for()
    _content(first, 3).fill("first was here")
    first.locator("#save").click()
    first.get_by_text("已保存。").wait_for()
    _content(second, 3).fill("second was here")
    second.locator("#save").click()
    second.get_by_text("has just changed this conversation").wait_for()
    second.wait_for_function("[...document.querySelectorAll('textarea')].some(e => e.value === 'first was here')")
    assert "second was here" in second.locator(".older").inner_text()
    desk = Desk(path)
    assert desk.messages(desk.sheets[_row_number(first) - 1].key)[-1]["content"] == "first was here"
    first.context.close()
    second.context.close()


def test_a_reason_is_needed_to_reject_and_undo_comes_back(server: Server, browser: Any, path: Path) -> None:
    page, wrong = open_page(browser, server.url)
    page.locator("#message-0").wait_for()
    number = _row_number(page)
    page.locator("#reject").click()
    page.get_by_text("请先写下拒绝的原因").wait_for()
    page.locator("#reason input").fill("答案不对")
    page.locator("#reason input").press("Enter")
    page.locator("#reject").click()
    page.get_by_text("拒绝 1").wait_for()
    page.wait_for_function(f"document.querySelector('.row-head b').innerText !== '{number}'")
    page.keyboard.press("Alt+z")
    page.wait_for_function(f"document.querySelector('.row-head b').innerText === '{number}'")
    page.get_by_text("拒绝 0").wait_for()
    assert Desk(path).counts()["rejected"] == 0
    assert wrong == []
    page.context.close()


def test_keys_work_on_a_mac_and_leave_an_input_method_and_a_held_key_alone(
    server: Server, browser: Any, path: Path
) -> None:
    page, wrong = open_page(browser, server.url)
    page.locator("#message-3").wait_for()
    number = _row_number(page)

    def press(**key: Any) -> None:
        page.evaluate(
            """(key) => document.activeElement.dispatchEvent(
                 new KeyboardEvent('keydown', {bubbles: true, altKey: true, ...key}))""",
            key,
        )

    _content(page, 0).press("End")
    _content(page, 0).press("Enter")
    page.keyboard.insert_text("第二行")
    press(key="n", code="KeyN", isComposing=True)
    press(key="n", code="KeyN", repeat=True)
    press(key="n", code="KeyN", ctrlKey=True)
    page.locator("#message-1 .call input").fill("add")  # typed, and the list not left
    assert page.locator("#message-3 .train input").is_enabled()
    press(key="ß", code="KeyS")
    page.get_by_text("已保存。").wait_for()
    assert _row_number(page) == number
    messages = Desk(path).messages(Desk(path).sheets[number - 1].key)
    assert messages[0]["content"].endswith("？\n第二行")
    assert messages[1]["tool_calls"][0]["function"]["name"] == "add"
    press(key="Dead", code="KeyN")
    page.wait_for_function(f"document.querySelector('.row-head b').innerText !== '{number}'")
    assert wrong == []
    page.context.close()


def test_messages_are_inserted_and_deleted_in_place(server: Server, browser: Any) -> None:
    page, _ = open_page(browser, server.url)
    page.locator("#message-3").wait_for()
    page.locator("#insert-3-user").click()
    page.locator("#message-4").wait_for()
    _content(page, 4).fill("那明天呢？")
    page.locator("#run-4").click()
    page.locator("#message-5").wait_for()
    page.locator("#stop").wait_for(state="hidden")
    page.locator("#cut-4").click()
    page.locator("#message-4").wait_for(state="detached")
    page.locator("#delete-1").click()
    page.locator("#message-2").wait_for(state="detached")
    assert page.locator(".card").count() == 2
    page.context.close()


def test_a_stopped_run_keeps_what_was_whole(server: Server, browser: Any, path: Path) -> None:
    page, wrong = open_page(browser, server.url)
    page.locator("#message-0").wait_for()
    number = _row_number(page)
    _content(page, 0).fill("Tell me a story")
    page.locator("#run-0").click()
    page.get_by_text("Once upon a time").wait_for()
    page.locator("#stop").click()
    page.locator(".live-card").wait_for(state="detached")
    page.locator("#stop").wait_for(state="hidden")
    assert page.locator(".card").count() == 1
    desk = Desk(path)
    assert [message["content"] for message in desk.messages(desk.sheets[number - 1].key)] == ["Tell me a story"]
    page.locator("#undo").click()
    page.locator("#message-1").wait_for()
    assert wrong == []
    page.context.close()
