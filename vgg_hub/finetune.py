"""Fine-tuning as a stream of typed events. It prints nothing, draws nothing and knows no page.

The frozen part of the net is computed once for each photo and its mirror image; the head is fitted on that cache, and
so are the heads of the cross-validation folds, for which the net need not run again.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import PIL
import torch
from torch import Tensor
from torch.nn import functional as F

from .cache import FeatureCache
from .config import check_labels
from .errors import FinetuneError, LabelError
from .head import MAX_STEPS, Heads, fit_heads
from .model import VGG
from .predict import Classifier, Picture
from .report import Mistake, Report, Validation, binomial_interval, fit_scale, stratified_folds

__all__ = ["MAX_SEED", "Embedding", "Event", "Finished", "Started", "Step", "finetune"]

TRAINABLE = ("head",)
MIN_PHOTOS = 2
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Started:
    """Training has begun. `counts`: photos given, by class."""

    counts: dict[str, int]


@dataclass(frozen=True)
class Embedding:
    """`done` of `total` photos went through the frozen net; `seconds_left` until all have."""

    done: int
    total: int
    seconds_left: float


@dataclass(frozen=True)
class Step:
    """One step of the optimiser, of at most `total`.

    `loss` and `accuracy` are on the photos trained on; `validation_loss` and `validation_accuracy` on photos that the
    judged heads had not seen (cross-validation). Losses are mean cross-entropies in nats.
    """

    step: int
    total: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds_left: float


@dataclass(frozen=True)
class Finished:
    """The last event: the tuned model, in eval mode on the CPU, and its report."""

    model: VGG
    report: Report


Event = Started | Embedding | Step | Finished


def finetune(
    model: VGG,
    photos: Mapping[str, Sequence[Picture]],
    *,
    trainable: str = "head",
    seed: int = 0,
    device: str | torch.device = "auto",
    stop: threading.Event | None = None,
) -> Iterator[Event]:
    """Teach a trained net new classes from photos.

    Args:
        model: the net to start from. It is not changed; the one returned shares its frozen tensors.
        photos: class name -> its photos (paths, PIL images or uint8 arrays); two classes or more, two photos of each
            or more. Photos that cannot be read are left out and named in the report's warnings.
        trainable: "head", the last Linear.
        seed: of the cross-validation's folds, 0 to 2^63 - 1.
        device: "auto", "cpu", "cuda" or "mps": where the frozen net runs.
        stop: set it, from any thread, to end within one step with the best so far. Closing the iterator ends it with
            nothing.

    Yields:
        Started, Embedding..., Step..., and last Finished(model, report).

    Raises:
        LabelError: class names that cannot be used.
        FinetuneError: too few photos, an argument that cannot be, or stopped before there was a step to keep.
        DeviceError: no such device.
    """
    if trainable not in TRAINABLE:
        raise FinetuneError(f"trainable is {trainable!r:.40}; expected {' or '.join(TRAINABLE)}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise FinetuneError(f"seed is {seed!r:.40}; expected a whole number from 0 to 2^63 - 1.")
    if not isinstance(photos, Mapping):
        raise FinetuneError(
            f"photos is a {type(photos).__name__}; expected class names, each with a list of its photos."
        )
    labels = list(check_labels(list(photos)))
    given = dict(zip(labels, photos.values(), strict=True))
    for label, files in given.items():
        if isinstance(files, (str, bytes)) or not isinstance(files, (Sequence, np.ndarray)):
            raise FinetuneError(f"The photos of {label!r} are a {type(files).__name__}; expected a list of pictures.")
    _check_counts({label: len(files) for label, files in given.items()})
    return _finetune(model, given, trainable, seed, device, stop or threading.Event())


def _finetune(model, photos, trainable, seed, device, stop) -> Iterator[Event]:
    started = time.perf_counter()
    yield Started({label: len(files) for label, files in photos.items()})
    cache = FeatureCache(list(photos))
    for progress in cache.fill(Classifier(model, device), photos, stop):
        yield Embedding(*progress)
    cache.drop_twins()
    _check_counts(cache.counts(), cache.warnings)

    targets = torch.tensor([photo.target for photo in cache.photos])
    plain = torch.stack([photo.features[0] for photo in cache.photos])  # (n, D)
    mirrored = torch.stack([photo.features[1] for photo in cache.photos])
    repeats = 8 if len(targets) <= 200 else 1  # few photos: average over many splits; many: one will do
    folds = stratified_folds(targets, repeats, seed)
    steps = fit_heads(
        torch.cat([plain, mirrored]), targets.repeat(2), _problem_weights(targets, folds), len(photos), len(targets)
    )
    fitting = time.perf_counter()  # the photos are behind: their time says nothing of the steps to come
    for step, heads in enumerate(steps, start=1):
        logits = heads.logits(plain)  # (1 + repeats * k, n, C): the final head's, then those of the folds
        scores = _unseen_logits(logits[1:], folds)
        yield _step_event(step, heads, logits[0], targets, scores, time.perf_counter() - fitting)
        if stop.is_set() or heads.done:
            break
    scale = fit_scale(scores, targets)
    report = Report(
        labels=list(photos),
        counts=cache.counts(),
        validation=_validate(scores, targets, int(folds.max()) + 1, repeats),
        seconds=round(time.perf_counter() - started, 3),
        trainable=trainable,
        base=model.source or "random weights",
        seed=seed,
        steps=step,
        stopped=stop.is_set() and not heads.done,
        warnings=cache.warnings,
        mistakes=_mistakes(cache, scores * scale, targets),
        versions={"torch": torch.__version__, "pillow": PIL.__version__, "python": platform.python_version()},
    )
    report.warnings.extend(_doubts(report))
    yield Finished(_tuned(model, list(photos), heads, scale, report), report)


def _check_counts(counts: Mapping[str, int], why: Sequence[str] = ()) -> None:
    if len(counts) < 2:
        raise LabelError(f"There is {'only one' if counts else 'no'} class; give photos of two classes or more.")
    for label, count in counts.items():
        if count < MIN_PHOTOS:
            raise FinetuneError(
                f"Class {label!r} has {count} photo{'' if count == 1 else 's'} that can be used; "
                f"give each class at least {MIN_PHOTOS}, better ten.{' ' + why[0] if why else ''}"
            )


def _problem_weights(targets: Tensor, folds: Tensor) -> Tensor:
    """(1 + repeats * k, 2n): first the fit on all photos, then one a fold on the others; classes weigh the same."""
    k = int(folds.max()) + 1
    held_out = F.one_hot(folds, k).permute(0, 2, 1).reshape(-1, len(targets))  # (repeats * k, n)
    counts = torch.cat([torch.ones(1, len(targets)), 1.0 - held_out])
    onehot = F.one_hot(targets).float()  # (n, C)
    per_class = counts @ onehot  # (P, C)
    weights = counts / (per_class @ onehot.T).clamp_min(1)
    return weights.repeat(1, 2)  # the mirror images


def _unseen_logits(logits: Tensor, folds: Tensor) -> Tensor:
    """Of (repeats * k, n, C) the (n, C) from the heads that had not seen each photo, averaged over the repeats."""
    repeats, n = folds.shape
    logits = logits.reshape(repeats, -1, n, logits.shape[-1])  # (repeats, k, n, C)
    picked = logits.gather(1, folds[:, None, :, None].expand(-1, 1, -1, logits.shape[-1]))
    return picked[:, 0].mean(0)


def _step_event(step: int, heads: Heads, own: Tensor, targets: Tensor, scores: Tensor, seconds: float) -> Step:
    return Step(
        step=step,
        total=MAX_STEPS,
        loss=float(heads.loss[0]),
        accuracy=float((own.argmax(1) == targets).float().mean()),
        validation_loss=float(F.cross_entropy(scores, targets)),
        validation_accuracy=float((scores.argmax(1) == targets).float().mean()),
        seconds_left=0.0 if heads.done else seconds / step * (MAX_STEPS - step),
    )


def _validate(scores: Tensor, targets: Tensor, k: int, repeats: int) -> Validation:
    n, classes = scores.shape
    answers = scores.argmax(1)
    confusion = torch.bincount(targets * classes + answers, minlength=classes**2).reshape(classes, classes)
    accuracy = float(confusion.trace()) / n
    low, high = binomial_interval(accuracy, n)
    times = f", repeated {repeats} times and averaged" if repeats > 1 else ""
    method = f"{k}-fold stratified cross-validation{times}; 95 % Clopper-Pearson interval"
    return Validation(accuracy, low, high, n, method, confusion.tolist())


def _mistakes(cache: FeatureCache, scores: Tensor, targets: Tensor) -> list[Mistake]:
    probabilities = scores.softmax(1)
    answers = probabilities.argmax(1).tolist()
    return [
        Mistake(p.name, cache.labels[p.target], p.index, cache.labels[a], round(float(row[a]), 4))
        for p, a, row in zip(cache.photos, answers, probabilities, strict=True)
        if a != p.target
    ]


def _doubts(report: Report) -> list[str]:
    guessing = max(report.counts.values()) / sum(report.counts.values())
    if report.validation.low <= guessing:
        return [
            f"With {report.validation.n} photos it cannot be told from guessing, which is right {100 * guessing:.0f} % "
            "of the time; add photos of each class."
        ]
    return []


def _tuned(model: VGG, labels: list[str], heads: Heads, scale: float, report: Report) -> VGG:
    tuned = model.share().cpu()
    tuned.replace_head(labels)
    with torch.no_grad():
        tuned.head.weight.copy_(heads.weight[0] * scale)
        tuned.head.bias.copy_(heads.bias[0] * scale)
    tuned.provenance = report.provenance() | (tuned.provenance or {})  # the licence goes on
    return tuned
