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
FEW_ROWS = 1000  # at most, for it takes the square of them for each problem
PIECE = 2**22  # numbers of features or logits in double precision at a time, the bound on memory


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
        pieces = _pieces(*features.shape)
        return torch.cat([_logits(features[rows].double(), self.weight, self.bias) for rows in pieces], 1)


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
    weights = weights.double()
    weights = weights / weights.sum(1, keepdim=True)
    few = len(features) <= FEW_ROWS and FEW * len(features) < features.shape[1]
    basis = (_Span if few else _AllFeatures)(features, weights)
    problems = len(weights)
    raw_weight = torch.zeros(problems, num_classes, basis.size, dtype=torch.float64, requires_grad=True)
    raw_bias = torch.zeros(problems, num_classes, dtype=torch.float64, requires_grad=True)
    photos = torch.as_tensor(photos, dtype=torch.float64).expand(problems)
    penalty = (prior_photos(photos, num_classes) if prior is None else prior) / photos  # (P,)
    pieces = _pieces(len(features), max(features.shape[1], problems * num_classes))

    def losses(rows: slice) -> Tensor:
        """(P,), the part of these rows."""
        logits = basis.logits(raw_weight, raw_bias, rows)  # (P, n, C)
        wrong = F.cross_entropy(logits.transpose(1, 2), targets[rows].expand(problems, -1), reduction="none")
        return (wrong * weights[:, rows]).sum(1)

    known: list[
        Tensor
    ] = []  # where the gradients are those of; what the objective is there, and its part of the losses

    def closure() -> Tensor:
        # The optimiser asks anew at each call for what its line search found in the one before: half of all questions.
        if known and torch.equal(known[0], raw_weight) and torch.equal(known[1], raw_bias):
            return known[2]
        optimiser.zero_grad()
        objective = (penalty / 2 * raw_weight.square().sum((1, 2))).sum()
        objective.backward()
        fits = torch.zeros(problems, dtype=torch.float64)
        for rows in pieces:
            part = losses(rows)
            part.sum().backward()
            fits += part.detach()
        known[:] = raw_weight.detach().clone(), raw_bias.detach().clone(), objective.detach() + fits.sum(), fits
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
            found = Heads(*basis.heads(raw_weight, raw_bias), known[3], done=gradient < TOLERANCE)
        yield found  # outside of the block, for the switch is the whole thread's
        if gradient < TOLERANCE:
            return


def _pieces(rows: int, numbers: int) -> list[slice]:
    """The rows, of so many numbers each, a bounded number of them at a time."""
    step = max(1, PIECE // numbers)
    return [slice(first, first + step) for first in range(0, max(1, rows), step)]


def _logits(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(n, D), (P, C, D), (P, C) -> (P, n, C)."""
    return torch.einsum("nd,pcd->pnc", features, weight) + bias[:, None]


class _AllFeatures:
    """What is sought for each class is a weight for each standardised feature."""

    def __init__(self, features: Tensor, weights: Tensor) -> None:
        self._features, self.size = features, features.shape[1]
        self._mean, self._scale = _standardisation(features, weights)  # (P, D) each

    def heads(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        # Standardise by changing the weights, not the features: no (P, N, D) tensor is ever made.
        weight = weight * self._scale[:, None]
        return weight, bias - torch.einsum("pcd,pd->pc", weight, self._mean)

    def logits(self, weight: Tensor, bias: Tensor, rows: slice) -> Tensor:
        return _logits(self._features[rows].double(), *self.heads(weight, bias))


class _Span:
    """Of few rows: the best weights lie in their span. In an orthonormal basis of it the problem is the same, lengths and
    all, with N numbers for each class in the place of D."""

    def __init__(self, features: Tensor, weights: Tensor) -> None:
        self._features, self.size = features.double(), len(features)
        self._mean, self._scale = _standardisation(features, weights)  # (P, D) each
        self._root = self._rows_in_the_basis()

    def _rows_in_the_basis(self) -> Tensor:
        """(P, N, N), lower triangular: N numbers a row, with the scalar products of the standardised features' rows."""
        products = torch.empty(len(self._mean), self.size, self.size, dtype=torch.float64)
        for product, mean, scale in zip(products, self._mean, self._scale, strict=True):
            rows = (self._features - mean) * scale
            torch.mm(rows, rows.T, out=product)
        # The rows depend on each other, for their mean is 0, and are all 0 where no photo differs from another.
        tiny = 1e-10 * products.diagonal(dim1=1, dim2=2).mean(1) + 1e-12
        return torch.linalg.cholesky(products + tiny[:, None, None] * torch.eye(self.size, dtype=torch.float64))

    def heads(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        shares = torch.linalg.solve_triangular(self._root, weight, upper=False, left=False)  # (P, C, N), of each row
        weight = (shares @ self._features - shares.sum(2, keepdim=True) * self._mean[:, None]) * self._scale[
            :, None
        ] ** 2
        return weight, bias - torch.einsum("pcd,pd->pc", weight, self._mean)

    def logits(self, weight: Tensor, bias: Tensor, rows: slice) -> Tensor:
        return self._root[:, rows] @ weight.mT + bias[:, None]


def _standardisation(features: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and inverse scale of each problem's features; the scale also divides by sqrt(D).

    With the latter a picture's squared norm is about one whatever D, so one regularisation suits every net.
    """
    mean, square = torch.zeros(2, len(weights), features.shape[1], dtype=torch.float64)
    for rows in _pieces(*features.shape):
        x = features[rows].double()
        mean += weights[:, rows] @ x
        square += weights[:, rows] @ x.square_()
    variance = (square - mean.square()).clamp_min(0)
    # Features that hardly vary carry no information; the floor keeps rounding noise from being blown up.
    floor = 1e-3 * variance.mean(1, keepdim=True) + 1e-12
    return mean, ((variance + floor) * features.shape[1]).rsqrt()
