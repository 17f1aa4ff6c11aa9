"""The last Linear, fitted on cached features: multinomial logistic regression, all problems of a run at once.

A run fits the head on all photos and, for the estimate, on each cross-validation fold. These are convex problems over
the same features that differ in which photos count, so one batched L-BFGS solves them together: step t of the final
head and step t of the estimate are seen side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Heads", "fit_heads", "prior_photos"]

# Photos' worth of regularisation: with five photos of each of two classes the penalty weighs a fifth of the loss. On
# features of a frozen net, few photos and many features, strong regularisation is worth more than any other choice; it
# is worth less as photos grow. Measured with these fits on pairs of unseen Caltech categories, of CIFAR-10 and of Tiny
# ImageNet (`benchmarks.regularisation` repeats it with draws of its own): 0.5 against 2 gains +0.07, -0.08, -0.13
# points at 5 photos a class, +0.15, +0.08, +0.01 at 20.
MOST_PRIOR, LEAST_PRIOR = 2.0, 0.5
MAX_STEPS = 60
TOLERANCE = 1e-4
FEW = 8  # so many times as many features as rows: then the span of the rows is worth finding


@dataclass(frozen=True)
class Heads:
    """P heads over the same D features after a number of steps.

    Attributes:
        weight: (P, C, D) float64, in the features' own units.
        bias: (P, C) float64.
        loss: (P,) float64, the mean cross-entropy on the photos each was fitted on.
        done: no problem's gradient is large any more.
    """

    weight: Tensor
    bias: Tensor
    loss: Tensor
    done: bool

    def logits(self, features: Tensor) -> Tensor:
        """(N, D) -> (P, N, C) float64."""
        return torch.einsum("nd,pcd->pnc", features.double(), self.weight) + self.bias[:, None]


def prior_photos(photos: float | Tensor, num_classes: int) -> Tensor:
    """Photos' worth of regularisation for so many photos: two up to 5 a class, one at 10, a half from 20 on; float64."""
    photos = torch.as_tensor(photos, dtype=torch.float64)
    return (10 * num_classes / photos).clamp(LEAST_PRIOR, MOST_PRIOR)


def fit_heads(
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
    num_classes: int,
    photos: int | Tensor,
    prior: Tensor | None = None,
) -> Iterator[Heads]:
    """Fit P heads, one for each row of weights, and yield them after every step.

    Args:
        features: (N, D) float32.
        targets: (N,) int64.
        weights: (P, N) float32, how much each row of features counts in each problem; a row that counts nothing in a
            problem has no part in it, not even in its standardisation.
        num_classes: C.
        photos: number of photos behind the rows, which sets the regularisation; (P,) where the problems differ in it.
        prior: the regularisation in photos' worth, (P,); None: see `prior_photos`.
    """
    # Double precision: standardising through the weights subtracts large numbers where a feature's mean is far above
    # its spread, and a line search in single precision then stops early.
    features, weights = features.double(), weights.double()
    weights = weights / weights.sum(1, keepdim=True)
    mean, scale = _standardisation(features, weights)  # (P, D) each
    problems, dimensions = mean.shape
    few = FEW * len(features) < dimensions
    root = _root(features, mean, scale) if few else None  # (P, N, N)
    size = len(features) if few else dimensions
    raw_weight = torch.zeros(problems, num_classes, size, dtype=torch.float64, requires_grad=True)
    raw_bias = torch.zeros(problems, num_classes, dtype=torch.float64, requires_grad=True)
    onehot_targets = targets.expand(problems, -1)
    photos = torch.as_tensor(photos, dtype=torch.float64).expand(problems)
    penalty = (prior_photos(photos, num_classes) if prior is None else prior) / photos  # (P,)

    def heads() -> tuple[Tensor, Tensor]:
        # Standardise by changing the weights, not the features: no (P, N, D) tensor is ever made.
        if few:
            shares = torch.linalg.solve_triangular(root, raw_weight, upper=False, left=False)  # (P, C, N), of each row
            weight = (shares @ features - shares.sum(2, keepdim=True) * mean[:, None]) * scale[:, None].square()
        else:
            weight = raw_weight * scale[:, None]
        return weight, raw_bias - torch.einsum("pcd,pd->pc", weight, mean)

    def losses() -> Tensor:
        if few:
            logits = root @ raw_weight.mT + raw_bias[:, None]  # (P, N, C)
        else:
            weight, bias = heads()
            logits = torch.einsum("nd,pcd->pnc", features, weight) + bias[:, None]
        return (F.cross_entropy(logits.transpose(1, 2), onehot_targets, reduction="none") * weights).sum(1)

    known: list[Tensor] = []  # where the gradients are those of, and what the objective is there

    def closure() -> Tensor:
        # The optimiser asks anew at each call for what its line search found in the one before: half of all questions.
        if known and torch.equal(known[0], raw_weight) and torch.equal(known[1], raw_bias):
            return known[2]
        optimiser.zero_grad()
        objective = losses().sum() + (penalty / 2 * raw_weight.square().sum((1, 2))).sum()
        objective.backward()
        known[:] = raw_weight.detach().clone(), raw_bias.detach().clone(), objective.detach()
        return known[2]

    # One iteration a call, so that each can be seen and stopped; the optimiser keeps its memory between calls. Its own
    # stopping rules are set out of the way, for ours looks at the gradient.
    optimiser = torch.optim.LBFGS(
        [raw_weight, raw_bias],
        max_iter=1,
        max_eval=30,
        tolerance_grad=1e-12,
        tolerance_change=1e-16,
        line_search_fn="strong_wolfe",
    )
    for _ in range(MAX_STEPS):
        with torch.enable_grad():
            optimiser.step(closure)
            closure()
        gradient = max(raw_weight.grad.abs().max().item(), raw_bias.grad.abs().max().item())
        with torch.no_grad():
            found = Heads(*heads(), losses(), done=gradient < TOLERANCE)
        yield found  # outside of the block, for the switch is the whole thread's
        if gradient < TOLERANCE:
            return


def _root(features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """(P, N, N), lower triangular: rows of N numbers with the scalar products of the standardised features' rows.

    The best weights lie in the span of the photos. In an orthonormal basis of it the problem is the same, lengths and
    all, with N numbers for each class in the place of D.
    """
    products = torch.empty(len(mean), len(features), len(features), dtype=features.dtype)
    for product, m, s in zip(products, mean, scale, strict=True):
        rows = (features - m) * s
        torch.mm(rows, rows.T, out=product)
    # The rows depend on each other, for their mean is 0, and are all 0 where no photo differs from another.
    tiny = 1e-10 * products.diagonal(dim1=1, dim2=2).mean(1) + 1e-12
    return torch.linalg.cholesky(products + tiny[:, None, None] * torch.eye(len(features), dtype=features.dtype))


def _standardisation(features: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and inverse scale of each problem's features; the scale also divides by sqrt(D).

    With the latter a picture's squared norm is about one whatever D, so one regularisation suits every net.
    """
    mean = weights @ features  # (P, D)
    variance = (weights @ features.square() - mean.square()).clamp_min(0)
    # Features that hardly vary carry no information; the floor keeps rounding noise from being blown up.
    floor = 1e-3 * variance.mean(1, keepdim=True) + 1e-12
    return mean, ((variance + floor) * features.shape[1]).rsqrt()
