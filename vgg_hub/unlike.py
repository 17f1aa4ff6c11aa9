"""None of these: a rule that tells a picture unlike all classes, fitted on the photos that taught the classes.

A picture's features, scaled to length one, are compared with the mean of each class; it is unlike all classes where it
is further from each of them than that class's limit. The nearest mean on normalised features is the method of Snell et
al. (2017, https://arxiv.org/abs/1703.05175) turned to telling the unknown, where a covariance as of Lee et al. (2018,
https://arxiv.org/abs/1807.03888) or the distance to single photos as of Sun et al. (2022,
https://arxiv.org/abs/2204.06507) need more photos than there are, and where the head's probabilities say little: see
`benchmarks/unlike.py`, which measures all of them.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .errors import ConfigError

__all__ = ["MAX_NUMBERS", "UnlikeFit", "UnlikeRule", "class_means", "fit_unlike", "log_distances", "unseen_distances"]

VERSION = 1
MAX_NUMBERS = 1_000_000  # classes x features: as many take 2.7 MB of the 4 that a config.json may have
# Rules judge unseen photos from a little nearer than the rules of the folds, which had fewer photos: a limit that
# promises 94 % keeps about 95 %.
KEPT = 0.94
PRIOR_PHOTOS = 10  # a class with so many photos has half a limit of its own, and half that of all classes
NEAREST, LEAST_SPREAD = 1e-3, 0.02  # of a distance, and of its logarithm: photos may be all the same
ROWS = 4096  # in double precision at a time


@dataclass(frozen=True, eq=False)
class UnlikeRule:
    """When a picture is none of the classes.

    Attributes:
        means: (C, D) float32, each exact in float16: the mean of each class's features, scaled to length one.
        limits: of each class, the distance beyond which a picture is unlike it.
    """

    means: Tensor
    limits: tuple[float, ...]

    def score(self, features: Tensor) -> Tensor:
        """Distance from the classes, in units of their limits; the smallest. Above 1 the picture is unlike all of them.

        Args:
            features: (N, D) float, as `VGG.embed` gives them.

        Returns:
            (N,) float32.
        """
        limits = torch.tensor(self.limits, dtype=torch.float64).log()
        return (log_distances(features, self.means) - limits).amin(1).exp().float()

    def to_json(self) -> dict[str, object]:
        """What stands in `config.json`: the means as base64 of little-endian float16."""
        means = self.means.half().numpy().astype("<f2").tobytes()
        return {"version": VERSION, "means": base64.b64encode(means).decode(), "limits": list(self.limits)}

    @classmethod
    def from_json(cls, facts: object, classes: int, features: int) -> UnlikeRule:
        """Read back what `to_json` gave; it may come from a stranger.

        Args:
            facts: the `unlike` of a `config.json`'s `vgg_hub`.
            classes: C of the model.
            features: D of the model.

        Raises:
            ConfigError: it is not a rule for such a model; names the field.
        """
        if not isinstance(facts, dict) or set(facts) != {"version", "means", "limits"}:
            raise ConfigError(
                "vgg_hub.unlike is {given!r:.80}; expected an object of version, means and limits.", given=facts
            )
        if isinstance(facts["version"], bool) or facts["version"] != VERSION:
            raise ConfigError(
                "vgg_hub.unlike.version is {version!r:.40}; this version reads {known}: update vgg-hub.",
                version=facts["version"],
                known=VERSION,
            )
        return cls(_means(facts["means"], classes, features), _limits_of(facts["limits"], classes))


def _means(text: object, classes: int, features: int) -> Tensor:
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None:
        raise ConfigError("vgg_hub.unlike.means is {given!r:.40}; expected base64.", given=text)
    if len(data) != 2 * classes * features:
        raise ConfigError(
            "vgg_hub.unlike.means holds {found} bytes; expected {expected}: {classes} classes of {features} numbers "
            "of 16 bits.",
            found=len(data),
            expected=2 * classes * features,
            classes=classes,
            features=features,
        )
    means = torch.from_numpy(np.frombuffer(data, "<f2").astype(np.float32)).reshape(classes, features)
    if not bool(torch.isfinite(means).all()):
        raise ConfigError("vgg_hub.unlike.means holds a number that is not finite; fetch it again, or teach it anew.")
    return means


def _limits_of(numbers: object, classes: int) -> tuple[float, ...]:
    good = isinstance(numbers, list) and len(numbers) == classes
    if not good or not all(type(n) in (int, float) and 0 < n < 1e6 for n in numbers):
        raise ConfigError(
            "vgg_hub.unlike.limits is {given!r:.80}; expected {classes} numbers above 0, one a class.",
            given=numbers,
            classes=classes,
        )
    return tuple(float(n) for n in numbers)


@dataclass(frozen=True)
class UnlikeFit:
    """A rule, and what it says of photos that it had not seen.

    Attributes:
        rule: fitted on all photos.
        own: share of the photos that are called unlike all classes, by rules and limits made without them.
        others: share of pictures of other things that are called so. Each photo was judged by the rule without its own
            class, to which it is such a picture; the share is raised to C / (C - 1), for the rule has one class more.
        n: photos behind the two.
    """

    rule: UnlikeRule
    own: float
    others: float
    n: int


def fit_unlike(
    views: Sequence[Tensor], targets: Tensor, folds: Tensor, unseen: Tensor | None = None
) -> UnlikeFit | None:
    """Fit the rule and judge it by cross-validation.

    Args:
        views: (n, D) float each: features of the photos, then of their mirror images or other views.
        targets: (n,) int64; two classes or more.
        folds: (repeats, n) int64, see `report.stratified_folds`.
        unseen: what `unseen_distances` gives; to be given where the features themselves came of training.

    Returns:
        None where the rule would be too large for a `config.json`.
    """
    classes = int(targets.max()) + 1
    if classes * views[0].shape[1] > MAX_NUMBERS:
        return None
    unseen = unseen_distances(views, targets, folds) if unseen is None else unseen
    means = class_means(views, targets).half().float()
    limits = _fit_limits(unseen, targets).exp()
    own, others = _judge(unseen, targets, folds)
    rule = UnlikeRule(means, tuple(limits.tolist()))
    return UnlikeFit(rule, own, others ** (classes / (classes - 1)), len(targets))


def class_means(views: Sequence[Tensor], targets: Tensor) -> Tensor:
    """(C, D) float64, the means of the normalised features; of (n, D) each and (n,)."""
    classes = int(targets.max()) + 1
    counts = torch.bincount(targets, minlength=classes)[:, None]
    return _sums(views, targets, classes) / (len(views) * counts).clamp_min(1)


def log_distances(features: Tensor, means: Tensor) -> Tensor:
    """(N, D) and (C, D) -> (N, C) float64: logarithm of the distance of normalised features from each mean."""
    x, means = F.normalize(features.double(), dim=1), means.double()
    squared = x.square().sum(1)[:, None] - 2 * x @ means.T + means.square().sum(1)
    return squared.clamp_min(NEAREST**2).sqrt().log()


def unseen_distances(views: Sequence[Tensor], targets: Tensor, folds: Tensor) -> Tensor:
    """(n, C) float64: log distances of each photo from the classes without its own fold, averaged over the repeats."""
    classes = int(targets.max()) + 1
    found = torch.zeros(len(targets), classes, dtype=torch.float64)
    for fold_of in folds:
        k = int(fold_of.max()) + 1
        cells = fold_of * classes + targets
        sums = _sums(views, cells, k * classes).reshape(k, classes, -1)
        counts = len(views) * torch.bincount(cells, minlength=k * classes).reshape(k, classes, 1)
        for fold in range(k):
            means = (sums.sum(0) - sums[fold]) / (counts.sum(0) - counts[fold]).clamp_min(1)
            for rows in torch.nonzero(fold_of == fold).flatten().split(ROWS):
                found[rows] += log_distances(views[0][rows], means)
    return found / len(folds)


def _sums(views: Sequence[Tensor], cells: Tensor, count: int) -> Tensor:
    """(count, D) float64: sums of the normalised features of each cell."""
    total = torch.zeros(count, views[0].shape[1], dtype=torch.float64)
    for view in views:
        for first in range(0, len(cells), ROWS):
            x = F.normalize(view[first : first + ROWS].double(), dim=1)
            total.index_add_(0, cells[first : first + ROWS], x)
    return total


def _fit_limits(unseen: Tensor, targets: Tensor) -> Tensor:
    """(n, C) log distances of unseen photos -> (C,) the logarithms of the limits.

    With twenty photos the 95 % point of the distances is hardly known. The limit is the upper end of a prediction
    interval for one more photo (of the normal distribution, for the logarithms), so that few photos give a wider one.
    """
    from scipy.special import stdtrit  # here, for the package must import without scipy

    own = unseen.gather(1, targets[:, None])[:, 0]
    counts = torch.bincount(targets, minlength=unseen.shape[1])
    of_class = torch.zeros(unseen.shape[1], dtype=own.dtype).index_add_(0, targets, own) / counts.clamp_min(1)
    weight = counts / (counts + PRIOR_PHOTOS)
    centre = weight * of_class + (1 - weight) * own.mean()  # (C,)
    nearest = (unseen - centre).amin(1)
    n = len(nearest)
    spread = max(float(nearest.std()), LEAST_SPREAD)
    return centre + nearest.mean() + float(stdtrit(n - 1, KEPT)) * spread * math.sqrt(1 + 1 / n)


def _judge(unseen: Tensor, targets: Tensor, folds: Tensor) -> tuple[float, float]:
    """Shares of photos unlike all classes, and unlike all but their own, under limits from the other folds' photos."""
    own = others = 0.0
    for fold_of in folds:
        for fold in range(int(fold_of.max()) + 1):
            held, rest = fold_of == fold, fold_of != fold
            if int(rest.sum()) < 2:
                continue  # nothing to fit limits on: it abstains from nothing
            above = unseen[held] - _fit_limits(unseen[rest], targets[rest])
            own += float((above.amin(1) > 0).sum())
            above[torch.arange(len(above)), targets[held]] = math.inf
            others += float((above.amin(1) > 0).sum())
    return own / folds.numel(), others / folds.numel()
