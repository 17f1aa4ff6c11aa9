"""Tasks of two classes from features computed once: who is taught with what, and the fit that `finetune` makes of it.

One pass of the net over all pictures then serves hundreds of draws.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import torch
from torch import Tensor

from vgg_hub import Classifier
from vgg_hub.cache import FeatureCache
from vgg_hub.crossval import problem_weights
from vgg_hub.head import Heads, fit_heads
from vgg_hub.report import stratified_folds

__all__ = ["Group", "accuracy", "draw", "embed", "fit", "pairs_of"]

REPEATS = 8  # of the cross-validation, as `finetune` has it for up to 200 photos


@dataclass(frozen=True, eq=False)
class Group:
    """The pictures of one class: files, and features (n, 2, D) float32 of each and of its mirror image."""

    name: str
    files: list[Path]
    features: Tensor


def embed(net: Classifier, name: str, files: Sequence[Path]) -> Group:
    """Copies of a picture are left out, as `finetune` leaves them out."""
    cache = FeatureCache([name])
    for _ in cache.fill(net, {name: files}, threading.Event()):
        pass
    cache.drop_twins()
    return Group(name, [files[photo.index] for photo in cache.photos], cache.features())


def pairs_of(groups: Sequence[Group], least: int) -> list[tuple[Group, Group]]:
    """All pairs of the classes that have so many pictures."""
    return list(combinations([group for group in groups if len(group.files) >= least], 2))


def draw(pair: Sequence[Group], seed: int) -> list[Tensor]:
    """An order of each class's pictures: its first are taught with, its last judge."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randperm(len(group.files), generator=generator) for group in pair]


def fit(known: Tensor, targets: Tensor, seed: int) -> tuple[Heads, Tensor]:
    """What `finetune` fits on photos without twins: its heads, the final one first, and the folds.

    Args:
        known: (n, 2, D).
        targets: (n,) int64.
        seed: of the folds.
    """
    folds = stratified_folds(targets, REPEATS, seed)
    weights, rows = problem_weights(targets, folds), targets.repeat_interleave(2)
    *_, heads = fit_heads(known.flatten(0, 1), rows, weights, int(targets.max()) + 1, len(targets))
    return heads, folds


def accuracy(answers: Sequence[Tensor]) -> float:
    """Of the answers to each class's pictures, (n,) each; the classes weigh the same."""
    return float(torch.stack([(found == label).double().mean() for label, found in enumerate(answers)]).mean())
