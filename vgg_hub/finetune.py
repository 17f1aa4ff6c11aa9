"""Fine-tuning as a stream of typed events. It prints nothing, draws nothing and knows no page.

The frozen part of the net is computed once for each photo and its mirror image; the head is fitted on that cache, and
so are the heads of the cross-validation folds, for which the net need not run again.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence

import numpy as np
import PIL
import torch
from torch import Tensor
from torch.nn import functional as F

from .cache import FeatureCache
from .config import check_labels
from .crossval import problem_weights, unseen_logits
from .errors import FinetuneError, LabelError
from .events import Embedding, Event, Finished, Fitted, Started, Step
from .head import MAX_STEPS, Heads, fit_heads
from .model import VGG
from .predict import Classifier, Picture
from .report import Mistake, Report, Validation, binomial_interval, fit_scale, stratified_folds

__all__ = ["MAX_SEED", "Embedding", "Event", "Finished", "Started", "Step", "finetune"]

TRAINABLE = ("head",)
MIN_PHOTOS = 2
MAX_SEED = 2**63 - 1


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
    fitted = yield from _fit_head(cache, targets, seed, stop)
    scale = fit_scale(fitted.scores, targets)
    report = Report(
        labels=list(photos),
        counts=cache.counts(),
        validation=_validate(fitted.scores, targets, fitted.method),
        seconds=round(time.perf_counter() - started, 3),
        trainable=trainable,
        base=model.source or "random weights",
        seed=seed,
        steps=fitted.steps,
        stopped=not fitted.done,
        warnings=cache.warnings,
        mistakes=_mistakes(cache, fitted.scores * scale, targets),
        versions={"torch": torch.__version__, "pillow": PIL.__version__, "python": platform.python_version()},
    )
    report.warnings.extend([*fitted.notes, *_doubts(report)])
    yield Finished(_tuned(model, list(photos), fitted, scale, report), report)


def _fit_head(cache: FeatureCache, targets: Tensor, seed: int, stop: threading.Event) -> Generator[Step, None, Fitted]:
    """The head on all photos, and one for each fold of the cross-validation."""
    plain, mirrored = cache.features()  # (n, D) each
    repeats = 8 if len(targets) <= 200 else 1  # few photos: average over many splits; many: one will do
    folds = stratified_folds(targets, repeats, seed)
    weights = problem_weights(targets, folds)
    steps = fit_heads(torch.cat([plain, mirrored]), targets.repeat(2), weights, int(targets.max()) + 1, len(targets))
    fitting = time.perf_counter()  # the photos are behind: their time says nothing of the steps to come
    for step, heads in enumerate(steps, start=1):
        logits = heads.logits(plain)  # (1 + repeats * k, n, C): the final head's, then those of the folds
        scores = unseen_logits(logits[1:], folds)
        yield _step_event(step, heads, logits[0], targets, scores, time.perf_counter() - fitting)
        if stop.is_set() or heads.done:
            break
    times = f", repeated {repeats} times and averaged" if repeats > 1 else ""
    return Fitted(
        tensors={"weight": heads.weight[0], "bias": heads.bias[0]},
        scores=scores,
        steps=step,
        done=heads.done or not stop.is_set(),
        method=f"{int(folds.max()) + 1}-fold stratified cross-validation{times}",
    )


def _check_counts(counts: Mapping[str, int], why: Sequence[str] = ()) -> None:
    if len(counts) < 2:
        raise LabelError(f"There is {'only one' if counts else 'no'} class; give photos of two classes or more.")
    for label, count in counts.items():
        if count < MIN_PHOTOS:
            raise FinetuneError(
                f"Class {label!r} has {count} photo{'' if count == 1 else 's'} that can be used; "
                f"give each class at least {MIN_PHOTOS}, better ten.{' ' + why[0] if why else ''}"
            )


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


def _validate(scores: Tensor, targets: Tensor, method: str) -> Validation:
    n, classes = scores.shape
    answers = scores.argmax(1)
    confusion = torch.bincount(targets * classes + answers, minlength=classes**2).reshape(classes, classes)
    accuracy = float(confusion.trace()) / n
    low, high = binomial_interval(accuracy, n)
    return Validation(accuracy, low, high, n, f"{method}; 95 % Clopper-Pearson interval", confusion.tolist())


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


def _tuned(model: VGG, labels: list[str], fitted: Fitted, scale: float, report: Report) -> VGG:
    tuned = model.share().cpu()
    with torch.random.fork_rng(devices=[]):  # the new head is drawn before it is filled
        tuned.replace_head(labels)
    tensors = dict(fitted.tensors)
    with torch.no_grad():
        tuned.head.weight.copy_(tensors.pop("weight") * scale)
        tuned.head.bias.copy_(tensors.pop("bias") * scale)
    like = tuned.state_dict()
    tuned.load_state_dict({key: t.to(like[key].dtype) for key, t in tensors.items()}, strict=False, assign=True)
    tuned.provenance = report.provenance() | (tuned.provenance or {})  # the licence goes on
    return tuned
