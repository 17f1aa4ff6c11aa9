"""Questions that come together are computed together, and each gets its own answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from tests.test_ui_line import until
from tests.toys import smooth_picture, tiny_vgg
from vgg_hub import Classifier
from vgg_hub.ui import together
from vgg_hub.ui.line import Line
from vgg_hub.ui.lines import Lines, lines
from vgg_hub.ui.said import SaidError
from vgg_hub.ui.together import Gathered, _features, ask


class Slow:
    """A computation that waits until it is told to go on, and notes what it was given."""

    def __init__(self) -> None:
        self.batches, self.threads = [], set()
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, items):
        self.batches.append(list(items))
        self.threads.add(threading.current_thread())
        self.begun.release()
        assert self.go_on.acquire(timeout=10)
        if "bad" in items:
            raise ZeroDivisionError("bad")
        return [item * 2 for item in items]


def come(gathered: Gathered, pool: ThreadPoolExecutor, kind: str, item: object):
    """Ask from a thread of its own, and go on when it stands in the line."""
    before = len(gathered._waiting)
    future = pool.submit(gathered, kind, item)
    until(lambda: len(gathered._waiting) > before)
    return future


@pytest.fixture
def pool():
    with ThreadPoolExecutor(10) as pool:
        yield pool


def first(gathered: Gathered, slow: Slow, pool: ThreadPoolExecutor):
    """One who is being computed."""
    future = pool.submit(gathered, "net", 0)
    assert slow.begun.acquire(timeout=10)
    return future


def test_who_comes_meanwhile_is_computed_together_longest_waiting_first(pool):
    slow = Slow()
    gathered = Gathered(slow, most=3)
    futures = [first(gathered, slow, pool)]
    futures += [come(gathered, pool, "net", item) for item in (1, 2, 3, 4)]
    slow.go_on.release(10)
    assert [future.result(10) for future in futures] == [0, 2, 4, 6, 8]
    assert slow.batches == [[0], [1, 2, 3], [4]]
    assert len(slow.threads) == 1


def test_kinds_are_not_mixed_and_none_waits_for_ever(pool):
    slow = Slow()
    gathered = Gathered(slow, most=8)
    futures = [first(gathered, slow, pool)]
    futures += [come(gathered, pool, kind, item) for kind, item in (("b", 1), ("net", 2), ("b", 3), ("c", 4))]
    slow.go_on.release(10)
    assert [future.result(10) for future in futures] == [0, 2, 4, 6, 8]
    assert slow.batches == [[0], [1, 3], [2], [4]]


def test_an_error_reaches_who_was_in_the_batch_and_no_other(pool):
    slow = Slow()
    gathered = Gathered(slow, most=2)
    before = first(gathered, slow, pool)
    wrong = [come(gathered, pool, "net", item) for item in ("bad", 1)]
    after = come(gathered, pool, "net", 2)
    slow.go_on.release(10)
    for future in wrong:
        with pytest.raises(ZeroDivisionError, match=r"^bad$"):
            future.result(10)
    assert (before.result(10), after.result(10)) == (0, 4)


def test_each_visitor_is_answered_by_their_own_head(pool):
    """Nets taught from one backbone, and one of another, asked at once for many pictures."""
    backbone = tiny_vgg()
    taught = [backbone.share().replace_head([f"cat {i}", f"dog {i}"]) for i in range(3)]
    torch.manual_seed(1)
    taught.append(tiny_vgg(label_names=("eel", "fox")))
    classifiers = [Classifier(model, "cpu", precision="float32") for model in taught]
    images = [smooth_picture(40, 40, seed) for seed in range(24)]
    pairs = [(classifiers[i % 4], image) for i, image in enumerate(images)]
    found = list(pool.map(lambda pair: ask(object(), pair[0], lambda: pair[1]), pairs))
    for (classifier, image), (prediction, seconds) in zip(pairs, found, strict=True):
        assert 0 < seconds < 60
        assert prediction.scores == pytest.approx(classifier([image])[0].scores, abs=1e-5)


def test_who_waits_for_the_net_stands_in_the_line_and_a_full_one_refuses(pool, monkeypatch):
    """However slow the net is: what was read goes on counting until it is answered."""
    slow = Slow()
    few = Lines(Line(2, 2), Line(1, 2), *(Line(1, 1) for _ in range(3)))
    monkeypatch.setattr(together, "lines", lambda: few)
    monkeypatch.setattr(together, "_all", Gathered(lambda asked: slow([0] * len(asked)) and _features(asked), most=1))
    classifier, image = Classifier(tiny_vgg(), "cpu", precision="float32"), smooth_picture(40, 40)
    futures = [pool.submit(ask, owner, classifier, lambda: image) for owner in "abcd"]
    assert slow.begun.acquire(timeout=10)
    until(lambda: len(few.answers) == 2)
    with pytest.raises(SaidError, match=r"^2 people are waiting already, as many as this page can take"):
        ask("e", classifier, lambda: image)
    slow.go_on.release(10)
    expected = classifier([image])[0].scores
    for future in futures:
        assert future.result(10)[0].scores == pytest.approx(expected, abs=1e-5)
    assert len(few.answers) == len(few.reading) == 0


def test_as_many_are_answered_at_once_as_the_net_takes_and_few_are_read():
    assert (lines().answers.at_once, lines().answers.max_waiting) == (16, 40)
    assert (lines().reading.at_once, lines().reading.max_waiting) == (2, 16)
