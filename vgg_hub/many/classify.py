"""Classification of many pictures in several processes, with the answers of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import PhotoError
from ..predict import Classifier, Picture, Prediction

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["shared_answers"]


def shared_answers(
    classifier: Classifier, pictures: Sequence[Picture], accelerator: Accelerator
) -> Iterator[Prediction | PhotoError]:
    """What `classifier.each(pictures)` yields, in every process; each computes its share of the batches.

    A batch holds the pictures that it would hold in one process, so that the answers are the same to the last bit where
    the processes have as many threads.
    """
    from accelerate.utils import gather_object

    size, processes = classifier.batch_size, accelerator.num_processes
    for first in range(0, len(pictures), size * processes):
        start = first + size * accelerator.process_index
        yield from gather_object(list(classifier.each(pictures[start : start + size])))
