"""Training more than the head: a suffix of the net, from a named boundary to the logits.

It starts from the head that fits best with everything else frozen, so that the first steps do not spoil good features
for the sake of a random head (Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution", ICLR 2022, https://arxiv.org/abs/2202.10054). The suffix on all photos and those of the
cross-validation's folds train side by side, one pass over the photos after the other. The folds say after which pass it
was best, the start among them; what stood there on all photos is kept.

So with three folds there are four copies of what trains, each with two more numbers a weight for Adam.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Generator, Sequence
from itertools import zip_longest

import torch
from torch import Tensor
from torch.nn import functional as F

from .crossval import problem_weights, unseen_logits
from .events import Fitted, Step
from .head import fit_heads
from .learner import BATCH_SIZE, Learner
from .model import VGG
from .notes import Note
from .report import fit_scale
from .unlike import class_means, log_distances
from .views import Views

__all__ = ["boundary", "boundary_names", "fit_suffix", "warm_cosine"]

MAX_PASSES = 30
LEAST_PASSES = 6
PHOTOS_SEEN = 3000  # in all passes together: with many photos fewer passes do
PATIENCE = 6  # passes without a better one, and it ends
WARM_UP = 0.1  # share of the steps


def boundary_names(model: VGG) -> list[str]:
    """What `trainable` can be for this net, from the least to all of it."""
    return ["head", "classifier", *reversed(_blocks(model)), "all"]


def boundary(model: VGG, trainable: str) -> int | None:
    """How many modules of `features` are frozen; None: everything but the head is.

    A net without hidden layers has one Linear, so "classifier" is its head.
    """
    if trainable == "head" or (trainable == "classifier" and not model.config.hidden_features):
        return None
    return {"classifier": len(model.features), "all": 0, **_blocks(model)}[trainable]


def _blocks(model: VGG) -> dict[str, int]:
    """Pooling block -> position in `features` of its first module."""
    starts: dict[str, int] = {}
    position = 0
    for stage in model.stages:
        if stage.stride is not None:
            number = re.match(r"(?:conv|pool)(\d+)", stage.name)[1]
            starts.setdefault(f"block{number}", position)
            position = int(stage.module.split(".")[1]) + 1
    return starts


def fit_suffix(
    views: Views,
    rows: Tensor,
    features: Tensor,
    targets: Tensor,
    folds: Tensor,
    seed: int,
    stop: threading.Event,
    unlike: bool,
) -> Generator[Step, None, Fitted]:
    """Train everything that is not frozen, and for the estimate once more without each fold.

    Args:
        views: of the photos, filled.
        rows: (n,) int64, the photos' places in `views`.
        features: (n, 2, D) float32, what the given net's head reads for the photos and their mirror images.
        targets: (n,) int64.
        folds: (1, n) int64.
        seed: of the order of the photos, the choice of views, and dropout.
        stop: ends it within one step, with the best so far.
        unlike: also give what `unlike.fit_unlike` needs.

    Yields:
        A Step after each batch, which all suffixes take in turn.

    Raises:
        FinetuneError: the device's memory does not hold a single photo.
    """
    weights, biases, scores = _heads(features, targets, folds, stop)
    history = _History(targets, folds[0], scores)
    everyone = torch.ones_like(targets, dtype=torch.bool)
    learners = [
        Learner(views, rows, targets, held_in, (seed + p) % 2**63, weights[p], biases[p])
        for p, held_in in enumerate([everyone, *(~held_out for held_out in history.held_out)])
    ]
    best, known = learners[0].tensors(), None
    a_pass = learners[0].batches_a_pass
    total = a_pass * min(MAX_PASSES, max(LEAST_PASSES, PHOTOS_SEEN // len(targets)))
    step, over, started = 0, False, time.perf_counter()
    while not over and not stop.is_set():
        seen = [0, 0.0, 0]  # photos, sum of their losses, how many named right
        for batches in zip_longest(*[learner.batches() for learner in learners]):
            found = _take(learners, batches, warm_cosine(step, total), stop)
            if found is None:
                break
            seen = [before + more for before, more in zip(seen, found, strict=True)]
            step += 1
            if step % a_pass == 0:
                if history.add(learners[1:], stop) and history.best() == len(history) - 1:
                    best = learners[0].tensors()
                    known = _known(learners, history.held_out, targets, stop) if unlike else None
                over = step == total or len(history) - 1 - history.best() >= PATIENCE
            left = 0.0 if over else (time.perf_counter() - started) / step * (total - step)
            yield Step(step, total, seen[1] / seen[0], seen[2] / seen[0], *history.latest(), left)
    return history.fitted(best, known, step, over)


def _heads(features: Tensor, targets: Tensor, folds: Tensor, stop: threading.Event) -> tuple[Tensor, Tensor, Tensor]:
    """Heads to start from, calibrated: (1 + k, C, D) and (1 + k, C) float64; and (n, C) logits of the unseen photos."""
    weights, classes, rows = problem_weights(targets, folds), int(targets.max()) + 1, targets.repeat_interleave(2)
    for found in fit_heads(features.flatten(0, 1), rows, weights, classes, len(targets)):
        heads = found
        if stop.is_set():
            break
    scores = unseen_logits(heads.logits(features[:, 0])[1:], folds)
    scale = fit_scale(scores, targets)
    return heads.weight * scale, heads.bias * scale, (scores * scale).float()


def _take(
    learners: Sequence[Learner],
    batches: Sequence[Tensor | None],
    rate: float,
    stop: threading.Event,
) -> tuple[int, float, int] | None:
    """Each learner takes its batch, those of fewer photos perhaps none.

    Returns:
        Photos, sum of their losses, and how many were named right, by the learner of all photos; None if stopped.
    """
    done = []
    for learner, batch in zip(learners, batches, strict=True):
        if stop.is_set():
            return None
        if batch is not None:
            done.append((len(batch), *learner.step(batch, rate)))
    return done[0]


def _in_batches(function: Callable[[Tensor], Tensor], photos: Tensor, stop: threading.Event) -> Tensor | None:
    """function(photos), None if stopped."""
    found = []
    for batch in photos.split(BATCH_SIZE):
        if stop.is_set():
            return None
        found.append(function(batch))
    return torch.cat(found)


def _known(
    learners: Sequence[Learner], held_out: Sequence[Tensor], targets: Tensor, stop: threading.Event
) -> tuple[Tensor, Tensor] | None:
    """What tells the unknown: (n, D) features of the photos; (n, C) their log distances from the classes, unseen.

    A photo's distances are those of its fold's suffix, from the class means of the photos that it was trained on.
    """
    everyone = torch.arange(len(targets))
    distances = torch.empty(len(targets), int(targets.max()) + 1, dtype=torch.float64)
    for learner, held in zip(learners[1:], held_out, strict=True):
        features = _in_batches(learner.features, everyone, stop)
        if features is None:
            return None
        distances[held] = log_distances(features[held], class_means([features[~held]], targets[~held]))
    features = _in_batches(learners[0].features, everyone, stop)
    return None if features is None else (features, distances)


def warm_cosine(step: int, total: int) -> float:
    """The share of the full rate at a step: up in a line, then down in half a cosine."""
    warm = max(1, round(WARM_UP * total))
    if step < warm:
        return (step + 1) / warm
    return (1 + math.cos(math.pi * (step - warm) / (total - warm))) / 2


class _History:
    """What the folds' suffixes said of the photos that they had not seen: at the start, and after each pass."""

    def __init__(self, targets: Tensor, fold: Tensor, scores: Tensor) -> None:
        self.held_out = [fold == number for number in range(int(fold.max()) + 1)]
        self._targets = targets
        self._class_weights = (1 / torch.bincount(targets))[targets]
        # Calibrated, each pass by itself: logits grow from pass to pass, and passes are compared and mixed.
        self._scales: list[float] = []
        self._scores: list[Tensor] = []  # (n, C) each
        self._losses: list[Tensor] = []  # (n,) each
        self._note(scores)

    def __len__(self) -> int:
        return len(self._scores)

    def add(self, learners: Sequence[Learner], stop: threading.Event) -> bool:
        """Judge the suffixes of the folds; False if stopped before all were."""
        scores = torch.empty_like(self._scores[0])
        for learner, held_out in zip(learners, self.held_out, strict=True):
            found = _in_batches(learner.logits, torch.nonzero(held_out).flatten(), stop)
            if found is None:
                return False
            scores[held_out] = found
        self._note(scores)
        return True

    def _note(self, scores: Tensor) -> None:
        self._scales.append(fit_scale(scores, self._targets))
        self._scores.append(scores * self._scales[-1])
        self._losses.append(F.cross_entropy(self._scores[-1], self._targets, reduction="none"))

    def latest(self) -> tuple[float, float]:
        """Mean cross-entropy and accuracy after the last pass."""
        scores = self._scores[-1]
        loss = F.cross_entropy(scores, self._targets)
        return float(loss), float((scores.argmax(1) == self._targets).float().mean())

    def best(self, among: Tensor | None = None) -> int:
        """The pass with the least loss on some of the photos, (n,) bool, by default on all; classes weigh the same."""
        weights = self._class_weights if among is None else self._class_weights * among
        return int(torch.stack([(losses * weights).sum() for losses in self._losses]).argmin())

    def fitted(self, tensors: dict[str, Tensor], known: tuple[Tensor, Tensor] | None, steps: int, over: bool) -> Fitted:
        """Judge each fold after the pass that the other folds found best: its own would flatter it."""
        scores = torch.empty_like(self._scores[0])
        for held_out in self.held_out:
            scores[held_out] = self._scores[self.best(~held_out)][held_out]
        method = Note.said(
            "{folds}-fold stratified cross-validation, each fold ended where the others were best",
            folds=len(self.held_out),
        )
        head = {key: tensors[key] * self._scales[self.best()] for key in ("weight", "bias")}
        if self.best():
            return Fitted(tensors | head, scores, steps, over, method, known=known)
        note = Note.said(
            "Training more than the head did not help on photos it had not seen, so only the head was changed."
        )
        return Fitted(head, scores, steps, over, method, [note] if over else [])
