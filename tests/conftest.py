"""What all tests share."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

from tests.hub_fixtures import hub
from tests.hub_helpers import one_ships, shipped
from vgg_hub.inference import multiplies_bfloat16
from vgg_hub.predict import Classifier

__all__ = ["hub", "one_ships", "shipped"]

# Small tensors gain nothing from threads, and where other work runs they wait for each other: five times as long.
torch.set_num_threads(1)

# The same examples every time, and no deadline: other work on the machine must not decide what fails.
settings.register_profile(
    "steady",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("steady")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With `-n`, a file's tests stay in one process, and all files that drive a browser in one: two would wait for each other.

    (Of the marks by which pytest-xdist 3.8 groups tests, it sees none under pytest 9.2.)
    """
    from xdist.scheduler import LoadFileScheduling

    class OneBrowser(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "browser" if "/test_page_" in file or file.endswith("_browser.py") else file

    return OneBrowser(config, log)


@pytest.fixture(autouse=True, scope="session")
def _exact() -> Iterator[None]:
    """In this process the CPU computes in float32, whatever it multiplies itself: a test of bfloat16 asks for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "vgg_hub.predict.multiplies_bfloat16", lambda device: device.type != "cpu" and multiplies_bfloat16(device)
        )
        yield


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Each test starts from the same random state."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture
def slow_embedding(monkeypatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A frozen net that waits, before its first photo, until it is told to go on: (it waits, go on)."""
    go_on, waiting = threading.Event(), threading.Event()
    original = Classifier.embed

    def embed(self, x):
        waiting.set()
        go_on.wait(60)
        return original(self, x)

    monkeypatch.setattr(Classifier, "embed", embed)
    yield waiting, go_on
    go_on.set()


@pytest.fixture(scope="module")
def uploads(tmp_path_factory) -> Path:
    """The folder in which the page of `address` keeps what its visitors send."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def address(uploads) -> Iterator[str]:
    """The page as it ships, served from this process."""
    from tests.page_helpers import served  # Gradio takes seconds to load: only tests of the page wait for it

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads))
        patch.setenv("HF_HUB_OFFLINE", "1")
        with served() as url:
            yield url


@pytest.fixture(scope="module")
def browser(address) -> Iterator[object]:
    """Chromium. The server comes first: it needs the main thread's event loop, which Playwright then holds."""
    from tests.browser_helpers import chromium

    with chromium() as browser:
        yield browser
