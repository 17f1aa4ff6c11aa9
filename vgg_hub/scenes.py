"""Which photos show one scene: they are kept together in cross-validation, and count as one there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .cache import CachedPhoto
from .near_duplicates import near_duplicates

__all__ = ["find_scenes", "scene_rate"]

PAIRS_NAMED = 5


def find_scenes(photos: Sequence[CachedPhoto], labels: Sequence[str]) -> tuple[Tensor, list[str]]:
    """Number the scenes among the photos.

    Returns:
        (n,) int64 from 0 on, equal for photos of one scene and class; and a sentence for each class with a burst, and
        for each pair of photos that look alike and stand in two classes.
    """
    pairs = near_duplicates([photo.facts.thumbnail for photo in photos])
    scene = list(range(len(photos)))
    for i, j in pairs:
        if photos[i].target == photos[j].target and scene[i] != scene[j]:
            low, high = sorted((scene[i], scene[j]))
            scene = [low if s == high else s for s in scene]
    groups = torch.tensor(scene).unique(return_inverse=True)[1]
    sentences = _bursts(photos, labels, groups)
    across = [(photos[i], photos[j]) for i, j in pairs if photos[i].target != photos[j].target]
    sentences += [
        f"{one.name} in {labels[one.target]!r} and {other.name} in {labels[other.target]!r} look like one photo; "
        "check which class is right."
        for one, other in across[:PAIRS_NAMED]
    ]
    if len(across) > PAIRS_NAMED:
        sentences.append(f"{len(across) - PAIRS_NAMED} more pairs of photos look alike and stand in two classes.")
    return groups, sentences


def _bursts(photos: Sequence[CachedPhoto], labels: Sequence[str], groups: Tensor) -> list[str]:
    sentences = []
    sizes, scenes = torch.bincount(groups), int(groups.max()) + 1
    targets = torch.tensor([photo.target for photo in photos])
    for target, label in enumerate(labels):
        of_class = groups[targets == target]
        bursts = [group for group in of_class.unique().tolist() if sizes[group] > 1]
        if not bursts:
            continue
        first, second = torch.nonzero(groups == bursts[0]).flatten()[:2].tolist()
        such = f"such as {photos[first].name} and {photos[second].name}"
        count = int(sizes[bursts].sum())
        if count == len(of_class) and len(bursts) == 1:
            sentences.append(
                f"All {count} photos of {label!r} look like one burst, {such}: the estimate cannot show whether it knows "
                f"{label!r} elsewhere. Take photos of it at other times and places."
            )
            continue
        many = "one burst" if len(bursts) == 1 else f"{len(bursts)} bursts"
        sentences.append(
            f"{count} photos of {label!r} look like {many}, {such}; they were kept together in the estimate, which rests "
            f"on {scenes} different scenes."
        )
    return sentences


def scene_rate(hits: Tensor, groups: Tensor) -> tuple[float, int]:
    """The share of right answers where each scene counts as one, and the number of scenes.

    Ten photos of a burst are right or wrong together, and are not ten trials: an interval that took them for such
    would be far too narrow (see benchmarks/guards.py).

    Args:
        hits: (n,) 1 for right, 0 for wrong.
        groups: (n,) int64, see `find_scenes`.
    """
    rates = torch.bincount(groups, hits.double()) / torch.bincount(groups)
    return float(rates.mean()), len(rates)
