"""Which photos show one scene: they are kept together in cross-validation, and count as one there.

Ten photos of a burst are named right or wrong together, and are not ten trials: judged apart, nine of them would have
taught the answer to the tenth, and an interval that counted ten would be far too narrow.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .cache import CachedPhoto
from .near_duplicates import near_duplicates
from .notes import Note

__all__ = ["SENTENCES", "find_scenes", "first_of_scenes", "mean_of_scenes"]

PAIRS_NAMED = 5

SENTENCES = {
    "scenes": "The {count} photos of {label!r} show {own} different scenes, for some look like copies or bursts, such as "
    "{one} and {other}; these were kept together in the estimate, which rests on {scenes} scenes.",
    "one_scene": "All {count} photos of {label!r} look like one scene, such as {one} and {other}: the estimate cannot show "
    "whether {label!r} is known elsewhere. Take photos of it at other times and places.",
    "across": "{one} in {label!r} and {other} in {other_label!r} look like one photo; check which class is right.",
    "across_more": "{count} more pairs of photos look alike and stand in two classes.",
}


def find_scenes(
    photos: Sequence[CachedPhoto],
    thumbnails: np.ndarray,
    labels: Sequence[str],
    stop: threading.Event | None = None,
) -> tuple[Tensor, list[Note]]:
    """Number the scenes among the photos.

    Args:
        photos: n of them.
        thumbnails: theirs, (n, 48, 48, 3) uint8.
        labels: class names.
        stop: see `near_duplicates`.

    Returns:
        (n,) int64 from 0 on, equal for photos of one scene and class, in the order of their first photos; and a sentence
        for each class with copies or bursts, and for pairs of photos that look alike and stand in two classes.
    """
    pairs = near_duplicates(thumbnails, stop)
    targets = [photo.target for photo in photos]
    groups = _linked(len(photos), [(i, j) for i, j in pairs if targets[i] == targets[j]])
    across = [(photos[i], photos[j]) for i, j in pairs if targets[i] != targets[j]]
    notes = _within(photos, labels, groups) + [
        Note.of(
            SENTENCES,
            "across",
            one=one.name,
            label=labels[one.target],
            other=other.name,
            other_label=labels[other.target],
        )
        for one, other in across[:PAIRS_NAMED]
    ]
    if len(across) > PAIRS_NAMED:
        notes.append(Note.of(SENTENCES, "across_more", count=len(across) - PAIRS_NAMED))
    return groups, notes


def _linked(count: int, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """(count,) int64: numbers of the connected components."""
    first = list(range(count))  # of its component, or one that is nearer to it

    def root(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = first[i]
        return i

    for i, j in pairs:
        low, high = sorted((root(i), root(j)))
        first[high] = low
    return torch.tensor([root(i) for i in range(count)]).unique(return_inverse=True)[1]


def _within(photos: Sequence[CachedPhoto], labels: Sequence[str], groups: Tensor) -> list[Note]:
    """A sentence for each class with fewer scenes than photos."""
    notes = []
    targets = torch.tensor([photo.target for photo in photos])
    sizes = torch.bincount(groups)
    for target, label in enumerate(labels):
        of_class = groups[targets == target]
        own = len(of_class.unique())
        if own == len(of_class):
            continue
        burst = of_class[sizes[of_class] > 1][0]
        one, other = (photos[i].name for i in torch.nonzero(groups == burst).flatten()[:2].tolist())
        key = "one_scene" if own == 1 else "scenes"
        facts = {"count": len(of_class), "label": label, "one": one, "other": other}
        more = {} if own == 1 else {"own": own, "scenes": len(sizes)}
        notes.append(Note.of(SENTENCES, key, **facts, **more))
    return notes


def mean_of_scenes(values: Tensor, groups: Tensor) -> Tensor:
    """(..., n) of photos -> (..., scenes) float64, the mean of each scene."""
    sums = torch.zeros(*values.shape[:-1], int(groups.max()) + 1, dtype=torch.float64)
    return sums.index_add_(-1, groups, values.double()) / torch.bincount(groups)


def first_of_scenes(groups: Tensor) -> Tensor:
    """(n,) int64 -> (scenes,) int64, the place of each scene's first photo."""
    places = torch.arange(len(groups))
    return torch.full((int(groups.max()) + 1,), len(groups)).scatter_reduce_(0, groups, places, "amin")
