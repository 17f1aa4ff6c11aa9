"""Who asks about one photo while a net computes is answered with all others who do, in the next batch.

A batch takes less time a picture than one alone, and one thread that computes for all leaves the other cores to the photos
that are being read (`benchmarks.together`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from PIL import Image
from torch import Tensor

from ..predict import BATCH_SIZE, Classifier, Prediction
from ..preprocess import cut_square
from .lines import lines

__all__ = ["Gathered", "ask"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(eq=False)
class _Question(Generic[Item, Result]):
    kind: Hashable
    item: Item
    answer: Future[Result] = field(default_factory=Future)


class Gathered(Generic[Item, Result]):
    """A computation on many items, asked for by many threads with one item each."""

    def __init__(self, compute: Callable[[Sequence[Item]], Sequence[Result]], most: int) -> None:
        """Nothing runs before the first question.

        Args:
            compute: of items of one kind, a result for each, in order; called in one and the same thread.
            most: items at a time.
        """
        self._compute, self._most = compute, most
        self._waiting: list[_Question[Item, Result]] = []
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="together")

    def __call__(self, kind: Hashable, item: Item) -> Result:
        """The result for one item. Blocks; what `compute` raises is raised for each item that it was given.

        Args:
            kind: items that are equal in it may be computed together.
            item: the thing itself.
        """
        question = _Question(kind, item)
        with self._lock:
            self._waiting.append(question)
        self._thread.submit(self._next)
        return question.answer.result()

    def _next(self) -> None:
        """Answer who has waited longest, and with them others of the kind."""
        with self._lock:
            if not self._waiting:  # an earlier call took them all
                return
            kind = self._waiting[0].kind
            batch = [question for question in self._waiting if question.kind == kind][: self._most]
            self._waiting = [question for question in self._waiting if question not in batch]
        try:
            answered = list(zip(batch, self._compute([question.item for question in batch]), strict=True))
        except BaseException as error:  # raised where it is waited for
            for question in batch:
                question.answer.set_exception(error)
        else:
            for question, result in answered:
                question.answer.set_result(result)


def _features(asked: Sequence[tuple[Classifier, Image.Image]]) -> Tensor:
    classifier = asked[0][0]  # the kind of a question is its net and what prepares pictures for it
    return classifier.net.embed(classifier.batch([square for _, square in asked]))


_all = Gathered(_features, most=BATCH_SIZE)


def ask(owner: Hashable, classifier: Classifier, read: Callable[[], Image.Image]) -> tuple[Prediction, float]:
    """What `classifier` says of one picture, computed with what others ask of the same net meanwhile; in turn, fairly.

    Rounding differs with how many there are, by about 1e-6 of a logit.

    Args:
        owner: the visitor.
        classifier: any; those of models that stand on the same frozen tensors share a net.
        read: gives the upright picture; called when it is its turn.

    Returns:
        The prediction, and the seconds from reading to answer.

    Raises:
        SaidError: too many wait already. What `read` raises.
    """
    with lines().answers.turn(owner):
        with lines().reading.turn(owner):
            started = time.perf_counter()
            square = cut_square(read(), classifier.config)
        kind = (classifier.net, classifier.config.mean, classifier.config.std, square.size)
        features = _all(kind, (classifier, square))
        return classifier.answers(features[None])[0], time.perf_counter() - started
