"""Waiting: bounded, fair, and with one's place."""

import threading
import time

import pytest

from vgg_hub.ui import line as module
from vgg_hub.ui.line import Line, Place
from vgg_hub.ui.said import SaidError


class Crowd:
    """Visitors in threads of their own, whose turns end when they are told."""

    def __init__(self, line: Line) -> None:
        self.line, self.served, self.threads = line, [], []
        self.may_end = threading.Semaphore(0)

    def come(self, name: str, owner: str) -> None:
        before = len(self.line) + len(self.line._running)
        thread = threading.Thread(target=self._visit, args=(name, owner), daemon=True)
        thread.start()
        self.threads.append(thread)
        until(lambda: len(self.line) + len(self.line._running) == before + 1)

    def _visit(self, name: str, owner: str) -> None:
        with self.line.turn(owner):
            self.served.append(name)
            self.may_end.acquire()

    def end(self, turns: int) -> None:
        for _ in range(turns):
            self.may_end.release()
        for thread in self.threads:
            thread.join(10)


def until(true) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_turns_go_round_the_visitors():
    """Who asks for three things does not keep the others waiting for all three."""
    line = Line(1, 10)
    crowd = Crowd(line)
    for name in ("ana 1", "ana 2", "ana 3", "ana 4", "ben 1", "ben 2", "cho 1"):
        crowd.come(name, name[:3])
    waiting = {ticket: line._place(ticket).ahead for tickets in line._waiting.values() for ticket in tickets}
    assert [(ticket.owner, ahead) for ticket, ahead in waiting.items()] == [
        ("ana", 0),
        ("ana", 3),
        ("ana", 5),
        ("ben", 1),
        ("ben", 4),
        ("cho", 2),
    ]
    crowd.end(7)
    assert crowd.served == ["ana 1", "ana 2", "ben 1", "cho 1", "ana 3", "ben 2", "ana 4"]
    assert len(line) == 0


def test_no_more_at_once_than_it_says():
    line = Line(2, 10)
    inside, most = [], []

    def visit(owner):
        with line.turn(owner):
            inside.append(owner)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(owner)

    threads = [threading.Thread(target=visit, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == 8
    assert max(most) == 2


def test_a_full_line_says_so_and_for_how_long():
    line = Line(1, 2)
    crowd = Crowd(line)
    for name in "abc":
        crowd.come(name, name)
    with pytest.raises(
        SaidError, match=r"^2 people are waiting already, as many as this page can take; try again in a min"
    ):
        line.turn("d").__enter__()
    line._took.append(30.0)
    with pytest.raises(SaidError, match=r"take; try again in about (90|8\d) s\.$") as caught:
        line.turn("d").__enter__()
    assert caught.value.say("ko").startswith("이미 2명이 기다리고 있어 더 받을 수 없습니다. 약 ")
    crowd.end(3)
    with line.turn("d"):
        assert len(line) == 0


def test_the_wait_is_told_from_the_last_turns(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    line = Line(2, 10)
    for seconds in (4.0, 10.0, 6.0):
        with line.turn("before"):
            now[0] += seconds
    running = []
    for owner in ("a", "b"):
        running.append(line.ticket(owner))
        running[-1].__enter__()
        now[0] += 2.0
    # The median is 6; "a" has had 4 of them and "b" 2.
    assert [line._seconds(ahead) for ahead in range(5)] == [2.0, 4.0, 8.0, 10.0, 14.0]
    now[0] += 100  # longer than all before: it may end at any moment
    assert line._seconds(0) == 0.0


def test_who_has_gone_leaves_the_line():
    line, told = Line(1, 5), []
    second = line.turn("second", told.append, lambda: True)
    with line.turn("first"), pytest.raises(SaidError, match=r"^It was stopped before its turn came\.$"):
        second.__enter__()
    assert told == [Place(0, None)]
    assert len(line) == 0
    alone = line.turn("alone", told.append, lambda: True)
    with pytest.raises(SaidError, match="It was stopped before"):
        alone.__enter__()
    assert len(told) == 1, "it need not have waited"
    with line.turn("third"):
        pass


def test_a_turn_ends_with_an_error_too():
    line = Line(1, 5)
    with pytest.raises(ZeroDivisionError), line.turn("first"):
        raise ZeroDivisionError
    with line.turn("second"):
        pass


def test_only_whose_turn_it_is_is_woken(monkeypatch):
    """Each looks at the place once; of a turn that ends before the next look only the next in line hears."""
    monkeypatch.setattr(module, "LOOK", 60)
    line, looks = Line(1, 10), []
    place = line._place
    monkeypatch.setattr(line, "_place", lambda ticket: looks.append(ticket.owner) or place(ticket))
    crowd = Crowd(line)
    for name in "abcde":
        crowd.come(name, name)
    until(lambda: len(looks) == 4)
    crowd.end(5)
    assert crowd.served == list("abcde")
    assert looks == list("bcde")
