"""A line of visitors who wait for the same thing: bounded, fair, and each knows their place. It knows no page."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .said import SaidError

__all__ = ["Line", "Place", "Ticket"]

REMEMBERED = 20  # turns whose time tells how long the next ones will take
LOOK = 0.5  # seconds between two looks at the place, and whether one who waits has gone


@dataclass(frozen=True)
class Place:
    """Where one stands.

    Attributes:
        ahead: how many have their turn before.
        seconds: until the turn, as far as the last turns tell; None before there were any.
    """

    ahead: int
    seconds: float | None


@dataclass(eq=False)
class Ticket:
    """One who waits or has their turn."""

    owner: Hashable
    ready: threading.Event = field(default_factory=threading.Event)
    started: float = 0.0


class Line:
    """Turns for `at_once` at a time. Those who come again stand behind the first ticket of everyone else.

    So whoever asks for a hundred things keeps another waiting by one turn, not by a hundred.
    """

    def __init__(self, at_once: int, max_waiting: int) -> None:
        """Set the bounds.

        Args:
            at_once: turns at a time.
            max_waiting: tickets that may wait, beside those that have their turn.
        """
        self.at_once, self.max_waiting = at_once, max_waiting
        self._lock = threading.Lock()
        self._waiting: OrderedDict[Hashable, deque[Ticket]] = OrderedDict()  # whose turn is next comes first
        self._running: list[Ticket] = []
        self._took: deque[float] = deque(maxlen=REMEMBERED)

    @contextmanager
    def turn(
        self,
        owner: Hashable,
        moved: Callable[[Place], None] = lambda place: None,
        gone: Callable[[], bool] = lambda: False,
    ) -> Iterator[None]:
        """Wait for a turn and hold it. Blocks the thread.

        Args:
            owner: the visitor.
            moved: told the place, now and then.
            gone: asked now and then while waiting, and at its end, whether they do not want it any more.

        Raises:
            SaidError: too many wait already, or they had gone.
        """
        with self.ticket(owner) as ticket:
            for place in self.wait(ticket):
                moved(place)
                if gone():
                    break
            if gone():  # asked of those too who need not wait
                raise SaidError("line_left")
            yield

    @contextmanager
    def ticket(self, owner: Hashable) -> Iterator[Ticket]:
        """Stand in the line; for `wait`.

        Raises:
            SaidError: too many wait already.
        """
        ticket = self._join(owner)
        try:
            yield ticket
        finally:
            self._leave(ticket)

    def wait(self, ticket: Ticket) -> Iterator[Place]:
        """The place, at once and now and then, until it is the ticket's turn.

        Only whose turn it is is woken: were all who wait woken at each change, a short turn would be over before they
        have looked.
        """
        seconds = 0.0
        while not ticket.ready.wait(seconds):
            with self._lock:
                if ticket.ready.is_set():
                    return
                place = self._place(ticket)
            yield place
            seconds = LOOK

    def __len__(self) -> int:
        """How many wait."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def _join(self, owner: Hashable) -> Ticket:
        ticket = Ticket(owner)
        with self._lock:
            waiting = sum(map(len, self._waiting.values()))
            if waiting >= self.max_waiting and len(self._running) >= self.at_once:
                seconds = self._seconds(waiting)
                raise SaidError("line_full" if seconds is None else "line_full_for", n=waiting, seconds=seconds)
            self._waiting.setdefault(owner, deque()).append(ticket)
            self._next()
        return ticket

    def _leave(self, ticket: Ticket) -> None:
        with self._lock:
            if ticket in self._running:
                self._running.remove(ticket)
                self._took.append(time.monotonic() - ticket.started)
            else:
                own = self._waiting[ticket.owner]
                own.remove(ticket)
                if not own:
                    del self._waiting[ticket.owner]
            self._next()

    def _next(self) -> None:
        """Give out the free turns; the lock is held."""
        while self._waiting and len(self._running) < self.at_once:
            owner, tickets = next(iter(self._waiting.items()))
            ticket = tickets.popleft()
            del self._waiting[owner]
            if tickets:
                self._waiting[owner] = tickets  # behind all others
            ticket.started = time.monotonic()
            self._running.append(ticket)
            ticket.ready.set()

    def _place(self, ticket: Ticket) -> Place:
        round_, before = 0, True
        for owner, tickets in self._waiting.items():
            if owner == ticket.owner:
                round_ = next(i for i, other in enumerate(tickets) if other is ticket)
        ahead = round_
        for owner, tickets in self._waiting.items():
            if owner == ticket.owner:
                before = False
            else:
                ahead += min(len(tickets), round_ + before)
        return Place(ahead, self._seconds(ahead))

    def _seconds(self, ahead: int) -> float | None:
        """Until the turn of one with so many before them, were each turn to take as long as the last ones did."""
        if not self._took:
            return None
        each, now = statistics.median(self._took), time.monotonic()
        ends = sorted(max(0.0, each - (now - ticket.started)) for ticket in self._running)
        rounds = itertools.chain(ends, itertools.repeat(each))
        return next(itertools.islice(rounds, ahead % self.at_once, None)) + each * (ahead // self.at_once)
