"""What can go wrong on the way, by rule: the server asks here before it answers a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

__all__ = ["Close", "Delay", "Fault", "Flip", "IgnoreRange", "LostReply", "Reset", "Rule", "Status"]


@dataclass(frozen=True)
class Status:
    """Answer with this status; the request changes nothing."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "This server was told to fail."
    body: bytes | None = None  # None: JSON with the message


@dataclass(frozen=True)
class Reset:
    """TCP reset: without any reply, or after so many bytes of its body.

    Of a request with a body (PUT, POST) so many bytes are read first; it changes nothing and gets no reply.
    """

    after: int | None = None


@dataclass(frozen=True)
class Close:
    """A clean end of the connection where `Reset` resets; the full Content-Length was announced.

    To a client that is still sending, the system makes it a reset: for a reply lost after the work see `LostReply`.
    """

    after: int | None = None


@dataclass(frozen=True)
class Delay:
    """Wait: before the reply, or, with `after`, when so many bytes of its body were sent."""

    seconds: float
    after: int | None = None


@dataclass(frozen=True)
class Flip:
    """Right size, wrong bytes: invert the byte of the file at this offset (None: the middle one)."""

    at: int | None = None


@dataclass(frozen=True)
class LostReply:
    """Do all that was asked, then close the connection without a word."""


@dataclass(frozen=True)
class IgnoreRange:
    """Answer a request for a range with 200 and the whole file."""


Fault = Status | Reset | Close | Delay | Flip | LostReply | IgnoreRange


@dataclass
class Rule:
    """Which requests a fault meets.

    Attributes:
        fault: what happens.
        path: shell-style pattern for the path without the query; `*` also matches slashes.
        method: GET, HEAD, ...; None for all.
        left: how many more requests it meets; None for no end.
        skip: how many matching requests go through first.
        hits: how many it has met.
    """

    fault: Fault
    path: str = "*"
    method: str | None = None
    left: int | None = 1
    skip: int = 0
    hits: int = 0

    def meets(self, method: str, path: str) -> bool:
        """Whether the fault is for this request; counts it if so."""
        if self.left == 0 or self.method not in (None, method) or not fnmatchcase(path, self.path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.left = None if self.left is None else self.left - 1
        self.hits += 1
        return True
