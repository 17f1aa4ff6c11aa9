"""One upload to the Hub in a thread of its own, so that it goes on whoever watches, and any page can find it again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

from ..errors import VGGHubError
from ..model import VGG

__all__ = ["Upload"]


class Upload:
    """What one upload said last, and how it ended.

    Attributes:
        model: what is uploaded.
        repo: where to, owner/name.
        private: whether only its owner sees it.
        said: its sentences.
        error: what it failed with.
    """

    def __init__(self, model: VGG, repo: str, private: bool) -> None:
        self.model, self.repo, self.private = model, repo, private
        self.said: list[str] = []
        self.error: Exception | None = None
        self._changed = threading.Condition()
        self._over = False
        self._began = time.monotonic()

    def start(self, work: Callable[[Callable[[str], None]], object]) -> None:
        """Begin; `work` is given what takes its sentences, and cannot be stopped."""
        threading.Thread(target=self._go, args=(work,), name="upload", daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or another."""
        return self._over

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def follow(self, every: float) -> Iterator[str]:
        """Its last sentence and all that follow until its end; where none comes for `every` seconds, the last again."""
        told = max(0, len(self.said) - 1)
        over = False
        while not over:
            with self._changed:
                self._changed.wait_for(lambda told=told: self._over or len(self.said) > told, every)
                fresh, over = self.said[told:], self._over
            told += len(fresh)
            yield from fresh or ([] if over else self.said[-1:])

    def _go(self, work: Callable[[Callable[[str], None]], object]) -> None:
        try:
            work(self._tell)
        except VGGHubError as error:  # whoever watches says it
            self.error = error
        except Exception as error:  # and here there may be nobody
            logging.getLogger(__name__).exception("An upload ended with an error of ours.")
            self.error = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _tell(self, sentence: str) -> None:
        with self._changed:
            self.said.append(sentence)
            self._changed.notify_all()
