"""Cross-validation of many heads at once: which photos count in which fit, and who judges which photo."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["balanced", "problem_weights", "unseen_hits", "unseen_logits"]


def problem_weights(targets: Tensor, folds: Tensor) -> Tensor:
    """(1 + repeats * k, 2n): first the fit on all photos, then one a fold on the others; classes weigh the same.

    Each photo stands twice in turn, for its mirror image follows it.

    Args:
        targets: (n,) int64.
        folds: (repeats, n) int64, see `report.stratified_folds`.
    """
    k = int(folds.max()) + 1
    held_out = F.one_hot(folds, k).permute(0, 2, 1).reshape(-1, len(targets))  # (repeats * k, n)
    counts = torch.cat([torch.ones(1, len(targets)), 1.0 - held_out])
    return balanced(counts, targets).repeat_interleave(2, 1)


def balanced(counts: Tensor, targets: Tensor) -> Tensor:
    """(P, n): the photos that count (1, others 0) in each problem, weighted so that its classes weigh the same."""
    onehot = F.one_hot(targets).float()  # (n, C)
    per_class = counts @ onehot  # (P, C)
    return counts / (per_class @ onehot.T).clamp_min(1)


def unseen_logits(logits: Tensor, folds: Tensor) -> Tensor:
    """Of (repeats * k, n, C) the (n, C) from the heads that had not seen each photo, averaged over the repeats."""
    return _unseen(logits, folds).mean(0)


def unseen_hits(logits: Tensor, folds: Tensor, targets: Tensor) -> Tensor:
    """(repeats, n) float64: 1 where the one head that had not seen the photo named it right, else 0."""
    return (_unseen(logits, folds).argmax(2) == targets).double()


def _unseen(logits: Tensor, folds: Tensor) -> Tensor:
    repeats, n = folds.shape
    logits = logits.reshape(repeats, -1, n, logits.shape[-1])  # (repeats, k, n, C)
    return logits.gather(1, folds[:, None, :, None].expand(-1, 1, -1, logits.shape[-1]))[:, 0]
