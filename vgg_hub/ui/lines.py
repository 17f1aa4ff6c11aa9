"""The page's lines, apart by how long a turn takes, so that a quick question never waits for a long training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from .limits import page_limits
from .line import Line

__all__ = ["Lines", "lines"]


@dataclass(frozen=True)
class Lines:
    """Who waits for what.

    Attributes:
        answers: one photo to be classified: a fraction of a second.
        many: many photos to be classified.
        heads: a fine-tuning of the last layer: seconds.
        deep: a fine-tuning of more than that, or a comparison of nets: minutes.
    """

    answers: Line
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
    at_once = (limits.answers_at_once, 1, limits.trainings_at_once, limits.trainings_at_once)
    return Lines(*(Line(n, limits.max_waiting) for n in at_once))
