"""What the browser tests share: a server in a process of its own on a free loopback port, and headless Chromium.

Everything is bounded in time. A test is skipped only where there is no Chromium and no CI.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# A Chromium of the system, or else the one that `playwright install chromium` brings.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Nothing here may need the network, a display, a GPU or a sandbox of its own.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
START_SECONDS = 240
PAGE_MILLISECONDS = 90_000  # a page takes two seconds; the bound is for a machine that is busy


class Server:
    """A Python script that serves a page: `Server([script, "{port}", …])`; `{port}` becomes the port it is given."""

    def __init__(self, command: list[str]):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = [sys.executable, *(part.replace("{port}", str(self.port)) for part in command)]
        self.process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the server

    def start(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False", "NO_PROXY": "*"}
        self.process = subprocess.Popen(
            self.command, stdout=self._log, stderr=subprocess.STDOUT, env=environment, cwd=Path(__file__).parents[2]
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        self.stop()
        raise AssertionError(f"{self.command} did not serve a page:\n{self.log()}")

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=20)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def serving(command: list[str]) -> Iterator[Server]:
    if CHROMIUM is None and not _brought_by_playwright() and not os.environ.get("CI"):
        pytest.skip("there is no Chromium: apt-get install chromium fonts-noto-cjk")
    server = Server(command)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _brought_by_playwright() -> bool:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


@contextmanager
def chromium() -> Iterator[Any]:
    """A running browser; one at a time."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


DESK = {"width": 1280, "height": 800}

# WCAG's contrast of an element's text with the first background that is painted behind it.
CONTRAST = """(element) => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = numbers(color).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = element;
  const painted = () => getComputedStyle(behind).backgroundColor;
  while (behind.parentElement && numbers(painted())[3] === 0) behind = behind.parentElement;
  const [dark, bright] = [light(getComputedStyle(element).color), light(painted())].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}"""


def contrast(page: Any, selector: str) -> float:
    """How well the first such text can be told from what is behind it, from 1 to 21."""
    return page.locator(selector).first.evaluate(CONTRAST)


def open_page(browser: Any, url: str, locale: str = "zh-CN", **options: Any) -> tuple[Any, list[str]]:
    """A page in a context of its own, and the list that collects its console errors and foreign requests."""
    page = browser.new_context(**{"locale": locale, "viewport": DESK, "accept_downloads": True, **options}).new_page()
    page.set_default_timeout(PAGE_MILLISECONDS)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if _is_own(request.url) else wrong.append(f"foreign: {request.url}"))
    page.goto(url)
    return page, wrong


def say(page: Any, text: str) -> None:
    """Type a question into the Space's page and send it."""
    page.locator("#question textarea").fill(text)
    page.keyboard.press("Enter")


def _is_own(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))
