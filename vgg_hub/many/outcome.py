"""The tuned model and the report of a training with many photos."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..events import Finished
from ..fingerprint import machine, tensors_digest, versions
from ..interval import binomial_interval
from ..model import VGG
from ..report import (
    Abstention,
    Judged,
    Report,
    Validation,
    confusion,
    fit_scale,
    stratified_folds,
)
from ..unlike import UnlikeFit, fit_unlike
from .checkpoint import State
from .look import Looked
from .table import PhotoTable

__all__ = ["finished"]

LEAST_PHOTOS = 4  # of each class to judge by: with fewer, each fold's class would be a photo or two
FOLDS = 4


def finished(
    model: VGG,
    table: PhotoTable,
    looked: Looked,
    state: State,
    facts: Mapping[str, object],
    device: torch.device,
    features: Tensor | None,
) -> Finished:
    """The last event.

    Args:
        model: that the run started from; the tuned one shares what was frozen.
        state: at the end of the run; its best weights are taken, their head scaled so that its probabilities hold on the
            validation photos.
        facts: of the run: `trainable`, `seed`, `steps`, and more that goes into the report as it is.
        device: that it ran on.
        features: (m, D) float32 of the validation photos under the best weights, to learn when a picture is none of the
            classes (see `unlike`); None: not to learn it. Of fewer than LEAST_PHOTOS of a class it is not learnt either.
    """
    facts, labels = dict(facts), table.labels
    targets = table.targets[looked.validation]
    scale = fit_scale(state.scores, targets)
    tuned = _tuned(model, labels, state.best, scale)
    validation = _validation(state.scores, targets, looked.method, facts)
    seed = int(facts.pop("seed"))
    abstaining = _fit_unlike(features, targets, seed, len(labels))
    tuned.unlike = abstaining.rule if abstaining else None
    predictions = _predictions(table, looked, state.scores * scale)
    kept = table.targets[torch.cat([looked.train, looked.validation])]
    counts = dict(zip(labels, torch.bincount(kept, minlength=len(labels)).tolist(), strict=True))
    guessing = float(torch.bincount(targets).max()) / len(targets)
    doubts = [
        f"On {validation.n} photos it cannot be told from guessing, which is right {100 * guessing:.0f} % of the time."
    ]
    report = Report(
        labels=list(labels),
        counts=counts,
        validation=validation,
        seconds=round(state.progress.seconds, 3),
        trainable=str(facts.pop("trainable")),
        base=model.source or "random weights",
        seed=seed,
        steps=int(facts.pop("steps")),
        stopped=False,
        warnings=[*looked.warnings, *(doubts if validation.low <= guessing else [])],
        mistakes=[judged for judged in predictions if judged.predicted != judged.label],
        predictions=predictions,
        base_facts=model.base.to_json() if model.base else None,
        machine=machine(device),
        photo_digests=looked.digests,
        head_sha256=tensors_digest(tuned.head.state_dict()),
        versions=versions() | _accelerate_version(),
        training=facts,
        unlike=Abstention.of(abstaining, validation.n, f"{looked.method}; {FOLDS} folds among these"),
    )
    tuned.provenance = report.provenance() | (tuned.provenance or {})  # the licence goes on
    return Finished(tuned, report)


def _accelerate_version() -> dict[str, str]:
    import accelerate

    return {"accelerate": accelerate.__version__}


def _tuned(model: VGG, labels: list[str], tensors: Mapping[str, Tensor], scale: float) -> VGG:
    last = f"classifier.{len(model.classifier) - 1}."
    return model.taught(labels, {key: t * scale if key.startswith(last) else t for key, t in tensors.items()})


def _validation(scores: Tensor, targets: Tensor, method: str, facts: Mapping[str, object]) -> Validation:
    n, classes = scores.shape
    answers = scores.argmax(1)
    accuracy = int((answers == targets).sum()) / n
    low, high = binomial_interval(accuracy, n)
    chosen = f"epoch {facts['best_epoch']} of {facts['epochs']}, chosen by its loss on the same photos"
    matrix = confusion(targets, answers, classes)
    return Validation(accuracy, low, high, n, f"{method}; {chosen}; 95 % Clopper-Pearson interval", matrix)


def _fit_unlike(features: Tensor | None, targets: Tensor, seed: int, classes: int) -> UnlikeFit | None:
    """The rule, on photos that nothing was trained on, and judged among them; None of too few."""
    if features is None or int(torch.bincount(targets, minlength=classes).min()) < LEAST_PHOTOS:
        return None
    return fit_unlike([features], targets, stratified_folds(targets, 1, seed, FOLDS))


def _predictions(table: PhotoTable, looked: Looked, scores: Tensor) -> list[Judged]:
    probabilities = scores.softmax(1)
    of_class = [torch.nonzero(table.targets == t).flatten() for t in range(len(table.labels))]
    rows = []
    for photo, row in zip(looked.validation.tolist(), probabilities, strict=True):
        target, answer = int(table.targets[photo]), int(row.argmax())
        index = int(torch.searchsorted(of_class[target], photo))
        rows.append(
            Judged(
                table.reader.name(photo),
                table.labels[target],
                index,
                table.labels[answer],
                round(float(row[answer]), 4),
            )
        )
    return rows
