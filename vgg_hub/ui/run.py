"""One fine-tuning in a thread of its own, so that it goes on whoever watches, and any page can watch it."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterator

from ..errors import VGGHubError
from ..events import Event, Step
from .line import Line, Place
from .stop_file import StopFile

__all__ = ["Run"]

SIGN = 1.0  # seconds between two signs of life of one who waits


class Run:
    """What one run has said so far, and how it ends.

    Attributes:
        events: in the order they came.
        place: in the line; None once it had its turn.
        error: what it failed with.
        stopping: whether an end was asked for.
        out_of_time: whether it was stopped for it took too long.
    """

    def __init__(
        self,
        work: Callable[[StopFile], Iterator[Event]],
        stop: StopFile,
        line: Line,
        owner: Hashable,
        most: float,
        prepare: Callable[[StopFile], object] | None = None,
    ) -> None:
        """Set up; `start` begins.

        Args:
            work: the fine-tuning; given what stops it.
            stop: set by `stop`, and when its time is over.
            line: where it waits for its turn.
            owner: the visitor.
            most: seconds that it may take from its turn on.
            prepare: called in its thread before it stands in the line; given what stops it.
        """
        self.events: list[Event] = []
        self.place: Place | None = None if prepare else Place(0, None)
        self._prepare = prepare
        self.error: Exception | None = None
        self.stopping = self.out_of_time = False
        self._work: Callable[[StopFile], Iterator[Event]] | None = work
        self._stop, self._line, self._owner, self._most = stop, line, owner, most
        self._changed = threading.Condition()
        self._version = 0
        self._over = False
        self._began = self._ended = self._moved = time.monotonic()

    def start(self) -> None:
        """Begin, in the context of the caller: on a ZeroGPU Space that says whose share of the GPU it uses."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._go,), name="fine-tuning", daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or another."""
        return self._over

    @property
    def seconds(self) -> float:
        """Since its turn began, until now or its end."""
        return (self._ended if self._over else time.monotonic()) - self._began

    @property
    def wait(self) -> float | None:
        """Seconds until its turn, about."""
        if self.place is None or self.place.seconds is None:
            return None
        return max(0.0, self.place.seconds - (time.monotonic() - self._moved))

    @property
    def steps(self) -> list[Step]:
        """The steps among the events."""
        return [event for event in self.events if isinstance(event, Step)]

    def stop(self) -> None:
        """End within one step, or leave the line; who watches is told at once."""
        self._stop.set()
        with self._changed:
            self.stopping = True
            self._news()

    def join(self, timeout: float) -> bool:
        """Wait for the end at most so many seconds; whether it has come."""
        with self._changed:
            return self._changed.wait_for(lambda: self._over, timeout)

    def follow(self) -> Iterator[Event | Place]:
        """The place in the line again and again while it waits, then all events; raises what the run failed with."""
        told = 0
        while not (self._over and told == len(self.events)):
            with self._changed:
                self._changed.wait_for(lambda told=told: self._over or len(self.events) > told, SIGN)
                fresh, place = self.events[told:], self.place
            yield from fresh
            told += len(fresh)
            if not fresh and place is not None and not self._over:
                yield Place(place.ahead, self.wait)
        if self.error is not None:
            raise self.error

    def changes(self, every: float, at_least: float) -> Iterator[None]:
        """One element now, one after each change but at most one in `every` seconds, and one at the end.

        Args:
            every: seconds.
            at_least: seconds after which there is one though nothing changed.
        """
        over = False
        while not over:
            with self._changed:
                seen, over = self._version, self._over
            yield
            if over:
                return
            if not self.join(every):
                with self._changed:
                    self._changed.wait_for(lambda seen=seen: self._version != seen, at_least)

    def _go(self) -> None:
        try:
            if self._prepare is not None:
                self._prepare(self._stop)
            with self._line.turn(self._owner, self._stand, self._stop.is_set):
                self._has_turn()
                timer = threading.Timer(self._most, self._time_is_over)
                timer.daemon = True
                timer.start()
                try:
                    for event in self._work(self._stop):
                        self._tell(event)
                finally:
                    timer.cancel()
        except VGGHubError as error:  # whoever watches says it
            self.error = error
        except Exception as error:  # and here there may be nobody
            logging.getLogger(__name__).exception("A fine-tuning ended with an error of ours.")
            self.error = error
        finally:
            self._work = self._prepare = None  # and with them the photos' paths
            with self._changed:
                self._over, self._ended = True, time.monotonic()
                self._news()

    def _stand(self, place: Place) -> None:
        with self._changed:
            self.place, self._moved = place, time.monotonic()
            self._news()

    def _has_turn(self) -> None:
        with self._changed:
            self.place, self._began = None, time.monotonic()
            self._news()

    def _tell(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._news()

    def _time_is_over(self) -> None:
        self.out_of_time = True
        self.stop()

    def _news(self) -> None:
        self._version += 1
        self._changed.notify_all()
