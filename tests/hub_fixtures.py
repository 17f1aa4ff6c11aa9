"""The `hub` fixture: a local Hub, and the client in this process pointed at it and at an empty home."""

from __future__ import annotations

import os
import runpy
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import HfApi, close_session, constants, file_download, hf_api
from huggingface_hub.utils import _auth, _http

from tests.hubserver import HubServer
from vgg_hub import transfer

__all__ = ["LocalHub", "hub", "local_hub"]

# Whatever of these is set outside would decide what a test does.
UNSET = (
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_OIDC_RESOURCE",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_ASSETS_CACHE",
    "HF_STORED_TOKENS_PATH",
    "HF_TOKEN_PATH",
    "HF_XET_CACHE",
    "HUGGINGFACE_ASSETS_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HUGGINGFACE_CO_STAGING",
    "HF_HUB_ETAG_TIMEOUT",
    "HF_HUB_DOWNLOAD_TIMEOUT",
    "HF_DEBUG",
)
# These import the client's settings into names of their own, or keep an HfApi.
COPIERS = ("huggingface_hub", "gradio", "timm", "transformers", "vgg_hub")
LONGEST_WAIT = 0.01


class LocalHub(HubServer):
    """The server, with what a test needs on the client's side.

    Attributes:
        env: the whole environment for a fresh process that uses this Hub; no token in it unless `login` was called.
        cache: the folder that HF_HUB_CACHE means.
        waits: seconds that the client wanted to wait between tries, in order; it waited a hundredth of one at most.
        writer: the value of a token named "writer" with the right to write, of the user "tester".
        reader: the value of a token named "reader" of the same user, for reading only.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        uploads = folder / "uploads"
        uploads.mkdir()
        super().__init__(uploads)
        self._patch = patch
        self.cache = folder / "home" / "hub"
        self.waits: list[float] = []
        self.writer = self.add_token("writer")
        self.reader = self.add_token("reader", role="read")
        changes = {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(folder / "home"),
            "HF_HUB_CACHE": str(self.cache),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        for name in UNSET:
            patch.delenv(name, raising=False)
        for name, value in changes.items():
            patch.setenv(name, value)
        self.env = dict(os.environ)

    def login(self, token: str) -> None:
        """Sign in with this token: here, and in processes that are given `env`."""
        self._patch.setenv("HF_TOKEN", token)
        self.env["HF_TOKEN"] = token

    def sleep(self, seconds: float) -> None:
        """What the client calls in place of `time.sleep`."""
        self.waits.append(seconds)
        time.sleep(min(seconds, LONGEST_WAIT))


@contextmanager
def local_hub(folder: Path) -> Iterator[LocalHub]:
    """What the fixture `hub` gives, for other scopes: uploads and the client's home lie in `folder`."""
    with pytest.MonkeyPatch.context() as patch:
        server = LocalHub(folder, patch)
        try:
            close_session()  # connections of an earlier test
            _point_client(patch, server)
            yield server
        finally:
            close_session()
            server.close()
    assert server.bugs == [], "\n".join(server.bugs)


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """A Hub of this test's own, empty but for two tokens; the client is signed out, its cache empty."""
    # The client's own plain LFS upload warns so. pytest undoes the filter when the test ends.
    warnings.filterwarnings("ignore", r"Use 'content=", DeprecationWarning)
    with local_hub(tmp_path_factory.mktemp("hub")) as server:
        yield server


def _point_client(patch: pytest.MonkeyPatch, server: LocalHub) -> None:
    """Make the client what it would have become, had it been imported in the environment as it is now."""
    fresh = runpy.run_path(constants.__file__)
    current = vars(constants)
    changed = {
        name: (current[name], value) for name, value in fresh.items() if name.isupper() and current[name] != value
    }
    old_endpoint = constants.ENDPOINT
    for module in _copiers():
        for name, held in list(vars(module).items()):
            if name in changed and held == changed[name][0]:
                patch.setattr(module, name, changed[name][1])
            elif isinstance(held, HfApi) and held.endpoint == old_endpoint:
                patch.setattr(held, "endpoint", server.url)
    patch.setattr(_http, "_HUB_ORIGINS", _http._HUB_ORIGINS | {_http._url_origin(server.url)})
    patch.setattr(_auth, "_OAUTH_REFRESH_CACHE", None)
    shortened = SimpleNamespace(**{**vars(time), "sleep": server.sleep})
    for module in (_http, file_download, transfer):
        patch.setattr(module, "time", shortened)
    if "huggingface_hub.hf_file_system" in sys.modules:
        huggingface_hub.HfFileSystem.clear_instance_cache()  # they remember the endpoint
    assert hf_api.api.endpoint == server.url


def _copiers() -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items()) if module and name.split(".")[0] in COPIERS]
