"""Which photos a net finds most alike: those beside a photo that show what it may have been taken for."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["MOST_PHOTOS", "NEAREST", "nearest_photos"]

NEAREST = 3  # of each class
MOST_PHOTOS = (
    1000  # that are compared with each other: past it nobody looks at each, and the rows would be held for nothing
)
ROWS = 256  # compared at once, the bound on memory


def nearest_photos(features: Tensor, targets: Tensor, scenes: Tensor, count: int = NEAREST) -> list[list[list[int]]]:
    """For each photo the most alike of each class, by the cosine between their features.

    Photos of its own scene are left out: a burst would only show itself, and the head that judged the photo had not seen
    them either.

    Args:
        features: (n, D) float, what the last Linear of the given net reads.
        targets: (n,) int64 class of each photo.
        scenes: (n,) int64, equal for photos of one scene, see `scenes.find_scenes`.
        count: photos named of each class, at most.

    Returns:
        For each of n photos, for each class, rows of photos, the most alike first; [] with more than MOST_PHOTOS.
    """
    if len(targets) > MOST_PHOTOS:
        return []
    unit = F.normalize(features.float(), dim=1)
    found = []
    for rows in torch.arange(len(targets)).split(ROWS):
        alike = unit[rows] @ unit.T  # (rows, n)
        alike[scenes[rows][:, None] == scenes] = -torch.inf
        by_class = [
            _best(alike, torch.nonzero(targets == label).flatten(), count) for label in range(_classes(targets))
        ]
        found += [list(of_photo) for of_photo in zip(*by_class, strict=True)]
    return found


def _classes(targets: Tensor) -> int:
    return int(targets.max()) + 1


def _best(alike: Tensor, members: Tensor, count: int) -> list[list[int]]:
    """Of each row of (rows, n), the `count` members that are the most alike."""
    values, places = alike[:, members].sort(dim=1, descending=True, stable=True)
    best = members[places[:, :count]].tolist()
    return [
        [row for row, value in zip(of_photo, some, strict=True) if value > -torch.inf]
        for of_photo, some in zip(best, values[:, :count].tolist(), strict=True)
    ]
