"""The page's lines, apart by how long a turn takes, so that a quick question never waits for a long training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ..predict import BATCH_SIZE
from .limits import page_limits
from .line import Line

__all__ = ["Lines", "lines"]


@dataclass(frozen=True)
class Lines:
    """Who waits for what.

    Attributes:
        answers: one photo to be classified, from file to answer: a fraction of a second.
        reading: the part of it that takes memory; who stands here has a turn in `answers`, so that it is never full.
        many: many photos to be classified.
        heads: a fine-tuning of the last layer: seconds.
        deep: a fine-tuning of more than that, or a comparison of nets: minutes.
    """

    answers: Line
    reading: Line
    many: Line
    heads: Line
    deep: Line

    def for_training(self, trainable: str) -> Line:
        """The line of a fine-tuning."""
        return self.heads if trainable == "head" else self.deep


@cache
def lines() -> Lines:
    """The lines of this process, within its limits."""
    limits = page_limits()
    answered = max(BATCH_SIZE, limits.answers_at_once)  # as many as the net takes at once
    at_once = (1, limits.trainings_at_once, limits.trainings_at_once)
    return Lines(
        Line(answered, limits.max_waiting),
        Line(limits.answers_at_once, answered),
        *(Line(n, limits.max_waiting) for n in at_once),
    )
