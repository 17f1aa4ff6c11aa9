"""What the figures of a fine-tuning mean: is it better than guessing, and what limits it, the photos or the net?

The learning curve answers the second: heads fitted on half, three quarters and all of the photos of each training fold,
judged on the same unseen photos. Where the mistakes still fall as photos are added, more photos will help; where even
doubling them takes away next to none, the features are what limits. Often neither can be told from so few.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .crossval import balanced, unseen_hits
from .head import Heads, fit_heads
from .interval import binomial_interval

__all__ = ["SENTENCES", "Verdict", "curve_steps", "judge"]

SHARES = (0.5, 0.75)
CURVE_REPEATS = 4
LEAST_PHOTOS = 8  # of each class; with fewer, half of a fold's photos say nothing
LEAST_MISTAKES = 2
# Of the interval. The folds share photos, so where there is nothing to learn the accuracy varies by a quarter more than the
# binomial says: at 95 %, noise is called better than guessing in 3 to 6 % of runs, at 99 % in 0.7 to 2.3 % (600 draws of
# 5 to 40 photos a class, `tests/test_verdict.py` draws such).
SURE_OF_BETTER = 0.99
# How sure before it is said, in standard errors. On the tasks that `tests/test_verdict.py` draws, 200 draws each, at 10, 20
# and 40 photos a class: noise is called limited by photos in 3, 5 and 2 % and by the net in 44, 58 and 85 %; a task
# whose accuracy still rises is called limited by the net in 6, 1 and 1 % and by photos in 21, 44 and 72 %.
SURE_OF_PHOTOS, SURE_OF_NET = 2.0, 2.33
WORTH_IT = 0.25  # share of the mistakes: a doubling that takes away less is not worth it
FAR = 10  # times as many photos

SENTENCES = {
    "photos": "Limited by photos: learning from all of them instead of half changed its accuracy by {gain} points, "
    "and about {more} more of each class would likely help.",
    "photos_of": "Limited by photos: learning from all of them instead of half changed its accuracy by {gain} points, "
    "and about {more} more of {label}, where most of the mistakes are, would likely help.",
    "net": "Limited by the net rather than by the number of photos: learning from all of them instead of half changed "
    "its accuracy by {gain} points. More of the same kind would hardly help; another net, or photos that show closer "
    "what differs, may.",
    "unclear": "Whether more photos would help cannot be told yet: learning from all of them instead of half changed its "
    "accuracy by {gain} points, which may be chance; about {more} more of each class would tell.",
    "unclear_far": "Whether more photos would help cannot be told: learning from all of them instead of half changed its "
    "accuracy by {gain} points, which may be chance; it would take more than ten times as many photos to tell.",
    "all_right": "It named almost all photos right, so they cannot show whether more would help; photos that are harder "
    "to tell apart could.",
    "few": "With so few photos of {label} it cannot be told whether more would help; about {more} more would tell.",
    "unknown": "Whether more photos would help was not measured.",
}


@dataclass(frozen=True)
class Verdict:
    """What the figures mean.

    Attributes:
        better_than_guessing: the low end of the accuracy's 99 % interval is above always naming the largest class.
        limited_by: "photos", "net" or "cannot tell".
        sentence: the answer in words; `SENTENCES[key]`, filled in with `numbers`.
        key: which sentence.
        label: the class of which more photos would help most; None: of each.
        more: about how many more photos of it; None where the sentence gives no number.
        curve: [share of the training photos, accuracy of single heads on photos that they had not seen], 0 to 1.
    """

    better_than_guessing: bool
    limited_by: str
    sentence: str
    key: str
    label: str | None = None
    more: int | None = None
    curve: list[list[float]] | None = None

    def numbers(self) -> dict[str, object]:
        """What the places of the sentence are filled in with, in any language."""
        gain = 100 * (self.curve[-1][1] - self.curve[0][1]) if self.curve else 0.0
        return {"gain": f"{gain:+.0f}".replace("-", "\N{MINUS SIGN}"), "more": self.more, "label": self.label}


def curve_steps(features: Tensor, targets: Tensor, folds: Tensor, seed: int) -> Iterator[tuple[Heads, Tensor]]:
    """Fit the heads of the learning curve.

    Args:
        features: (n, 2, D) of the photos and of their mirror images.
        targets: (n,) int64.
        folds: (repeats, n), see `report.stratified_folds`; the first few repeats are used.
        seed: of the choice of photos.

    Yields:
        After each step of the optimiser, the heads and (shares, n) float64: of the heads taught with half and with three
        quarters of the photos, the share that named each photo right when they had not seen it.
    """
    folds = folds[:CURVE_REPEATS]
    counts = torch.cat([_chosen(targets, folds, share, seed) for share in SHARES])  # (shares * repeats * k, n)
    photos = torch.tensor(SHARES).repeat_interleave(len(counts) // len(SHARES)) * len(targets)
    weights, classes = balanced(counts, targets).repeat_interleave(2, 1), int(targets.max()) + 1
    for heads in fit_heads(features.flatten(0, 1), targets.repeat_interleave(2), weights, classes, photos):
        parts = heads.logits(features[:, 0]).chunk(len(SHARES))
        yield heads, torch.stack([unseen_hits(part, folds, targets).mean(0) for part in parts])


def _chosen(targets: Tensor, folds: Tensor, share: float, seed: int) -> Tensor:
    """(repeats * k, n): 1 for a share of each class's photos outside of the fold; a larger share holds the smaller."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for fold_of in folds:
        order = torch.randperm(len(targets), generator=generator)
        for fold in range(int(folds.max()) + 1):
            row = torch.zeros(len(targets))
            for label in range(int(targets.max()) + 1):
                members = order[(targets[order] == label) & (fold_of[order] != fold)]
                row[members[: math.ceil(share * len(members))]] = 1
            rows.append(row)
    return torch.stack(rows)


def judge(curve: Tensor | None, targets: Tensor, labels: Sequence[str], accuracy: float) -> Verdict:
    """The verdict.

    Args:
        curve: (shares + 1, n) from 0 to 1, as `curve_steps` gives it, the last row that of all photos; None: not measured.
        targets: (n,) int64 class of each photo.
        labels: class names.
        accuracy: by cross-validation on these photos, 0 to 1.
    """
    counts = torch.bincount(targets, minlength=len(labels))
    low, _ = binomial_interval(accuracy, len(targets), SURE_OF_BETTER)
    better = low > float(counts.max()) / len(targets)
    if curve is None:
        return _verdict(better, "cannot tell", "unknown")
    points = [[share, round(float(row.mean()), 6)] for share, row in zip((*SHARES, 1.0), curve, strict=True)]
    if counts.min() < LEAST_PHOTOS:
        fewest = int(counts.argmin())
        more = LEAST_PHOTOS - int(counts[fewest])
        return _verdict(better, "cannot tell", "few", labels[fewest], more, points)
    gains, mistakes = curve[-1] - curve[0], 1 - curve[-1]
    if mistakes.sum() < LEAST_MISTAKES:
        return _verdict(better, "cannot tell", "all_right", curve=points)
    gain, error = float(gains.mean()), float(gains.std()) / math.sqrt(len(gains))
    bar = WORTH_IT * float(mistakes.mean())
    if gain + SURE_OF_NET * error < bar:
        return _verdict(better, "net", "net", curve=points)
    if gain - SURE_OF_PHOTOS * error > 0:
        worst = _worst(mistakes, targets, counts)
        again = counts.min() if worst is None else counts[worst]  # a doubling is what was seen to help
        label = None if worst is None else labels[worst]
        return _verdict(
            better, "photos", "photos" if worst is None else "photos_of", label, _roundly(int(again)), points
        )
    # The error falls with the root of the photos: how many until the gain that was seen is beyond it on either side?
    times = min(SURE_OF_PHOTOS * error / max(gain, 1e-9), SURE_OF_NET * error / max(bar - gain, 1e-9)) ** 2
    if times > FAR:
        return _verdict(better, "cannot tell", "unclear_far", curve=points)
    more = _roundly(math.ceil((times - 1) * float(counts.float().mean())))
    return _verdict(better, "cannot tell", "unclear", more=more, curve=points)


def _verdict(
    better: bool,
    limited_by: str,
    key: str,
    label: str | None = None,
    more: int | None = None,
    curve: list[list[float]] | None = None,
) -> Verdict:
    places: Mapping[str, object] = Verdict(better, limited_by, "", key, label, more, curve).numbers()
    return Verdict(better, limited_by, SENTENCES[key].format(**places), key, label, more, curve)


def _worst(mistakes: Tensor, targets: Tensor, counts: Tensor) -> int | None:
    """The class named wrong more often than the next by more than chance; None if there is none."""
    rates = torch.stack([mistakes[targets == label].mean() for label in range(len(counts))])
    errors = (rates * (1 - rates) / counts).sqrt()
    first, second = rates.argsort(descending=True, stable=True)[:2].tolist()
    apart = float(rates[first] - rates[second])
    return first if apart > SURE_OF_NET * math.hypot(float(errors[first]), float(errors[second])) else None


def _roundly(n: int) -> int:
    """Up to a number that does not pretend to be exact: two digits, the second a 0 or a 5 from ten on."""
    step = 1 if n < 10 else 5 * 10 ** (len(str(n)) - 2)
    return max(1, math.ceil(n / step) * step)
