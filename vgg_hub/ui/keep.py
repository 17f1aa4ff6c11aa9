"""What a visitor taught outlives the way to the Hub's sign-in and back, which loads the page anew."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

import gradio as gr

from .guard import for_page
from .session import Session

__all__ = ["Shelf", "claim", "leave"]

MINUTES = 15
PLACES = 100
QUERY = "kept"


@dataclass(frozen=True)
class _Kept:
    until: float
    things: dict[str, object]


class Shelf:
    """Small things of visitors who are away for minutes, each under a key that nobody can guess and that works once."""

    def __init__(self, seconds: float = 60 * MINUTES, places: int = PLACES) -> None:
        self._seconds, self._places = seconds, places
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def put(self, session: Session) -> str:
        """Keep what the session holds; gives the key, "" where it holds nothing."""
        if session.tuned is None:
            return ""
        names = ("tuned", "report", "photos", "choice", "mending")
        key, now = secrets.token_urlsafe(24), time.monotonic()
        with self._lock:
            for old in [name for name, kept in self._kept.items() if kept.until < now]:
                del self._kept[old]
            self._kept[key] = _Kept(now + self._seconds, {name: getattr(session, name) for name in names})
            while len(self._kept) > self._places:
                self._kept.popitem(last=False)
        return key

    def take(self, key: str, session: Session) -> bool:
        """Give it to a session that has taught nothing; whether there was something under the key."""
        with self._lock:
            kept = self._kept.pop(key, None)
        if kept is None or kept.until < time.monotonic() or session.tuned is not None:
            return False
        for name, thing in kept.things.items():
            setattr(session, name, thing)
        return True


shelf = Shelf()


@for_page
def leave(session: Session, request: gr.Request) -> tuple[str, Session]:
    """Before the page is left for the sign-in: the key under which the session's model is kept, and the session."""
    session.check_free()
    session.check_not_pushing()
    return shelf.put(session), session


def claim(session: Session, request: gr.Request) -> Session:
    """When the page opens: what was kept for whoever comes with its key."""
    shelf.take(request.query_params.get(QUERY) or "", session)
    return session
