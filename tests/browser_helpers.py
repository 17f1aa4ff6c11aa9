"""What the tests in a real browser share: Chromium, its windows, and the page as `python app.py` serves it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.page_helpers import ROOT

__all__ = ["PATIENCE", "SIZES", "app_served", "chromium", "go_to", "shoot", "watched_page", "width_of"]

SCREENSHOTS = Path(__file__).parent / "screenshots"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
SIZES = {390: 844, 1400: 900}
PATIENCE = 60_000  # milliseconds
FRAMES_DRAWN = """new Promise(drawn => {
    setTimeout(() => drawn(false), 10_000);
    requestAnimationFrame(() => requestAnimationFrame(() => drawn(true)));
})"""


def _executable() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return found
    sentence = "There is no Chromium on this machine; get one by `apt-get install chromium`, or put one on the PATH."
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@contextmanager
def chromium() -> Iterator[object]:
    """The browser; Playwright then holds the main thread's event loop."""
    executable = _executable()
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def watched_page(browser, allowed: tuple[str, ...], width: int = 1400, locale: str = "en-US") -> Iterator[Page]:
    """A page in a window of its own; nothing may go wrong in it, and it may ask no address but these."""
    troubles = []
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]}, locale=locale, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((*allowed, "data:", "blob:")) else troubles.append(f"request: {request.url}")
        ),
    )
    yield page
    context.close()
    assert troubles == [], "\n".join(troubles)


def go_to(page: Page, url: str) -> None:
    """Open the address in a window that draws: Chromium without a screen now and then draws no frame of a new window.

    Playwright clicks what stands still for two frames, so there it would wait for ever.
    """
    page.goto(url)
    if not page.evaluate(FRAMES_DRAWN):
        page.bring_to_front()
        page.reload()
        assert page.evaluate(FRAMES_DRAWN), (
            "Chromium draws no frame of this window, brought to the front or loaded anew."
        )


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the whole page, for people to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def width_of(page: Page) -> int:
    """Pixels that the page wants."""
    return page.evaluate("document.scrollingElement.scrollWidth")


@contextmanager
def app_served(environment: dict[str, str], folder: Path) -> Iterator[tuple[str, Path]]:
    """`python app.py` in a process of its own; gives its address and the file that holds what it printed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "uploads"), "OMP_NUM_THREADS": "1"}
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment | places, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}", log
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"The page did not start: {log.read_text(errors='replace')[-2000:]}")
