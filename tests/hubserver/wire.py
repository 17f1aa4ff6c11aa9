"""What passes between the sockets and the routes: a request and a reply."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .blobs import Blob
from .repos import Hub, Token

__all__ = ["Reply", "Request"]


@dataclass
class Request:
    """One request, as the routes see it.

    Attributes:
        hub: the state.
        urls: origins of the API ("hub") and of the big files ("cdn").
        origin: which of the two was asked.
        method, path, query, headers: as sent, header names in lower case; the path still percent-encoded.
        body: pieces of the body, to be read once.
        token: who asks; None: nobody in particular.
        bad_token: a token came that nobody has.
        folder: where uploads are written.
        signature: what the query of a CDN address must carry.
        args: the named parts of the path, decoded.
    """

    hub: Hub
    urls: Mapping[str, str]
    origin: str
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Iterator[bytes]
    token: Token | None
    bad_token: bool
    folder: Path
    signature: str
    args: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict:
        """The body, parsed."""
        return json.loads(b"".join(self.body))


@dataclass
class Reply:
    """Status, headers and a body: bytes, or the part of a blob from `start` to `stop`."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Blob = b""
    start: int = 0
    stop: int | None = None

    @classmethod
    def json(cls, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        """A JSON reply."""
        return cls(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(value).encode())

    @property
    def size(self) -> int:
        """The body's length in bytes."""
        if isinstance(self.body, bytes):
            return len(self.body)
        return (self.body.size if self.stop is None else self.stop) - self.start

    def pieces(self) -> Iterator[bytes]:
        """The body, in order."""
        if isinstance(self.body, bytes):
            return iter((self.body,) if self.body else ())
        return self.body.pieces(self.start, self.start + self.size)
