"""Whose work is whose: each browser keeps a key that nobody can guess, and finds its session by it within the hour.

The key is never part of an address and never logged. Here only its digest is kept, so that a look at this process's
table gives no key away.
"""

from __future__ import annotations

import gc
import hashlib
import secrets
import threading
import time
from collections import OrderedDict

from .limits import page_limits
from .memory import give_back
from .own_files import remove_old_uploads
from .session import Session, all_sessions

__all__ = ["Visitors", "visitors"]

KEY_BYTES = 32  # 256 bits
LONGEST_KEY = 64  # characters; ours have 43
SWEEPS = 12  # in the time that things are kept


class Visitors:
    """The sessions of those who came with a browser. A thread of its own forgets those that are over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()
        self._sweeper: threading.Thread | None = None

    def watch_over(self) -> None:
        """From now on, forget in time."""
        with self._lock:
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._sweep_forever, name="sweeper", daemon=True)
                self._sweeper.start()

    def enter(self, key: object, session: Session) -> tuple[Session, str, bool]:
        """Who comes with this key.

        Args:
            key: what the browser kept; anything else is as good as none.
            session: a new one.

        Returns:
            The session of this key, else the one given; its key; and whether it was found.
        """
        digest = _digest(key)
        with self._lock:
            found = self._sessions.get(digest) if digest else None
            if found is not None:
                self._sessions.move_to_end(digest)
                found.touch()
                return found, str(key), True
            fresh = secrets.token_urlsafe(KEY_BYTES)
            self._sessions[_digest(fresh)] = session
            session.touch()
            self._make_room()
        return session, fresh, False

    def forget(self, session: Session) -> None:
        """Delete what this visitor has here, and their key."""
        with self._lock:
            for digest in [digest for digest, other in self._sessions.items() if other is session]:
                del self._sessions[digest]
        session.close()

    def sweep(self) -> None:
        """Delete what nobody has used for as long as it is kept; what runs is used."""
        seconds = 60.0 * page_limits().keep_minutes
        away = [session for session in all_sessions() if session.idle > seconds and not session.is_empty]
        for session in away:
            session.close()
        with self._lock:  # an open page may come back to an emptied session; long after, none does
            for digest in [digest for digest, session in self._sessions.items() if session.idle > 2 * seconds]:
                del self._sessions[digest]
        remove_old_uploads(seconds)
        del away
        gc.collect()  # nets hold on to themselves
        give_back()

    def __len__(self) -> int:
        with self._lock:
            return len(self._sessions)

    def _make_room(self) -> None:
        """Forget who has been away longest, first those who left nothing; the lock is held."""
        while len(self._sessions) > page_limits().max_visitors:
            *others, _ = self._sessions.items()  # who has just come stays
            digest, session = min(others, key=lambda item: (not item[1].is_empty, -item[1].idle))
            del self._sessions[digest]
            threading.Thread(target=session.close, daemon=True).start()  # it deletes files

    def _sweep_forever(self) -> None:
        while True:
            time.sleep(60.0 * page_limits().keep_minutes / SWEEPS)
            self.sweep()


def _digest(key: object) -> bytes | None:
    if not isinstance(key, str) or not key or len(key) > LONGEST_KEY:
        return None
    return hashlib.sha256(key.encode(errors="replace")).digest()


visitors = Visitors()
