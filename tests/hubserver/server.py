"""The sockets: two ports on 127.0.0.1, one for the API and one that plays the CDN, a log, and the faults."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from .faults import Fault, Rule
from .handler import Listener
from .repos import Hub

if TYPE_CHECKING:
    from .wire import Request

__all__ = ["HubServer", "Logged"]


@dataclass
class Logged:
    """A request in the log.

    Attributes:
        origin: "hub" or "cdn".
        method, path, query: as sent.
        headers: names in lower case; in place of a token its name, as in `<token writer>`.
        token: the token's name; "?" for one that nobody has; None for none.
        status: of the reply; None if there was none.
        fault: what was done to it on purpose.
    """

    origin: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    token: str | None
    status: int | None = None
    fault: Fault | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class HubServer(Hub):
    """A Hub that listens.

    Attributes:
        url: where the API listens: what HF_ENDPOINT should say.
        cdn_url: where LFS files are served and uploaded.
        signature: what makes a CDN address valid.
        folder: where uploads are written.
        log: all requests since the start (or `clear_log`), in the order they came.
        rules: the faults, in the order they were added; the first that meets a request counts.
        bugs: tracebacks of this server's own errors; tests should find it empty.
        stopping: set while the server goes down, so that nothing goes on waiting.
    """

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        self._scratch = None if folder else tempfile.TemporaryDirectory()
        self.folder = folder or Path(self._scratch.name)
        self.signature = token_hex(8)
        self.log: list[Logged] = []
        self.rules: list[Rule] = []
        self.bugs: list[str] = []
        self.stopping = threading.Event()
        self._ports = {"hub": 0, "cdn": 0}
        self._listeners: list[Listener] = []
        self._threads: list[threading.Thread] = []
        self.start()

    @property
    def urls(self) -> dict[str, str]:
        """Origin by name."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}

    @property
    def url(self) -> str:
        return self.urls["hub"]

    @property
    def cdn_url(self) -> str:
        return self.urls["cdn"]

    def fault(
        self, fault: Fault, path: str = "*", *, method: str | None = None, count: int | None = 1, skip: int = 0
    ) -> Rule:
        """Let `fault` meet the next `count` requests (None: all) that match, after the first `skip` of them."""
        self.rules.append(Rule(fault, path, method, count, skip))
        return self.rules[-1]

    def meet(self, method: str, path: str) -> Fault | None:
        """The fault that is due for this request."""
        with self.lock:
            return next((rule.fault for rule in self.rules if rule.meets(method, path)), None)

    def note(self, request: Request, query: str, headers: dict[str, str], token: str | None) -> Logged:
        """Write a request into the log; status and fault are filled in later."""
        entry = Logged(request.origin, request.method, request.path, query, headers, token)
        self.log.append(entry)
        return entry

    def requests(self, method: str | None = None, path: str = "*") -> list[Logged]:
        """Of the log, what matches."""
        return [entry for entry in list(self.log) if method in (None, entry.method) and fnmatchcase(entry.path, path)]

    def clear_log(self) -> None:
        """Forget the requests so far."""
        self.log.clear()

    def start(self) -> None:
        """Listen: on free ports the first time, on the same ones again later."""
        self.stopping.clear()
        for origin, port in self._ports.items():
            listener = Listener(port, self, origin)
            self._ports[origin] = listener.server_address[1]
            thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            self._listeners.append(listener)
            self._threads.append(thread)

    def stop(self) -> None:
        """Close the ports and every connection; what the Hub knows stays."""
        self.stopping.set()
        for listener in self._listeners:
            listener.close()
        for thread in self._threads:
            thread.join()
        self._listeners.clear()
        self._threads.clear()

    def close(self) -> None:
        """Stop for good and remove what was written."""
        self.stop()
        if self._scratch:
            self._scratch.cleanup()

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Nobody listens inside: connections are refused."""
        self.stop()
        try:
            yield
        finally:
            self.start()
