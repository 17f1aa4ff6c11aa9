"""Fine-tuning as a stream of typed events. It prints nothing, draws nothing and knows no page.

The frozen part of the net is computed once for each photo and its mirror image; the head is fitted on that cache, and
so are the heads of the cross-validation folds, for which the net need not run again. What trains more than the head is
in `suffix`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .as_usual import steps_as_usual
from .cache import FeatureCache
from .config import check_labels
from .crossval import problem_weights, unseen_hits, unseen_logits
from .doubts import doubts
from .errors import FinetuneError, LabelError
from .events import Embedding, Event, Finished, Fitted, Started, Step
from .fingerprint import machine, photo_digests, tensors_digest, versions
from .head import MAX_STEPS, Heads, fit_heads, prior_photos
from .interval import binomial_interval
from .model import VGG
from .nearest import nearest_photos
from .notes import Note
from .predict import Classifier, Picture, resolve_device
from .report import Abstention, Judged, Report, Validation, confusion, fit_scale, stratified_folds
from .scenes import find_scenes, first_of_scenes, mean_of_scenes
from .shortcuts import shortcut
from .suffix import boundary, boundary_names, fit_suffix
from .unlike import UnlikeFit, fit_unlike
from .verdict import curve_steps, judge
from .views import Views

__all__ = ["MAX_SEED", "Embedding", "Event", "Finished", "Started", "Step", "finetune"]

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
    unlike: bool = True,
) -> Iterator[Event]:
    """Teach a trained net new classes from photos.

    Args:
        model: the net to start from. It is not changed; the one returned shares its frozen tensors.
        photos: class name -> its photos (paths, PIL images or uint8 arrays); two classes or more, two photos of each
            or more. Photos that cannot be read are left out and named in the report's warnings.
        trainable: "head", the last Linear; "classifier", all Linears (for a net with one, that is the head); "block5",
            "block4" ..., from that pooling block on; "all". See `suffix` for how more than the head is trained, and
            how many copies of it; `views` for what is cached, in at most a gigabyte, then in a temporary file. Where it
            does not help on photos that it had not seen, the head alone is changed, and the report says so.
        seed: of the cross-validation's folds, 0 to 2^63 - 1; past the head, of the views and batches too.
        device: "auto", "cpu", "cuda" or "mps": where the net runs.
        stop: set it, from any thread, to end within one step with the best so far. Closing the iterator ends it with
            nothing.
        unlike: also learn when a picture is none of the classes (see `unlike`).

    Yields:
        Started, Embedding..., Step..., and last Finished(model, report).

    Raises:
        LabelError: class names that cannot be used.
        FinetuneError: too few photos, an argument that cannot be, or stopped before there was a step to keep.
        DeviceError: no such device.
    """
    *names, last_name = boundary_names(model)
    if trainable not in (*names, last_name):
        raise FinetuneError(
            "trainable is {given!r:.40}; expected {names} or {last}.",
            given=trainable,
            names=", ".join(names),
            last=last_name,
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise FinetuneError("seed is {given!r:.40}; expected a whole number from 0 to 2^63 - 1.", given=seed)
    if not isinstance(photos, Mapping):
        raise FinetuneError(
            "photos is a {kind}; expected class names, each with a list of its photos.", kind=type(photos).__name__
        )
    labels = list(check_labels(list(photos)))
    given = dict(zip(labels, photos.values(), strict=True))
    for label, files in given.items():
        if isinstance(files, (str, bytes)) or not isinstance(files, (Sequence, np.ndarray)):
            raise FinetuneError(
                "The photos of {label!r} are a {kind}; expected a list of pictures.",
                label=label,
                kind=type(files).__name__,
            )
    _check_counts({label: len(files) for label, files in given.items()})
    return steps_as_usual(_finetune(model, given, trainable, seed, device, stop or threading.Event(), unlike))


def _finetune(model, photos, trainable, seed, device, stop, unlike) -> Generator[Event, None, None]:
    started = time.perf_counter()
    yield Started({label: len(files) for label, files in photos.items()})
    start = boundary(model, trainable)
    if start is None:
        trainable, net = "head", Classifier(model, device)
    else:
        net = Views(model, resolve_device(device), start, sum(map(len, photos.values())), seed)
    cache = FeatureCache(list(photos))
    for progress in cache.fill(net, photos, stop):
        yield Embedding(*progress)
    digests = photo_digests(cache.labels, [(photo.target, photo.digest) for photo in cache.photos])
    cache.drop_twins()
    _check_counts(cache.counts(), cache.warnings)

    targets = torch.tensor([photo.target for photo in cache.photos])
    scenes, notes = find_scenes(cache.photos, cache.thumbnails(), cache.labels, stop)
    # Few photos: average over many splits. Many, or a suffix, which is trained anew for each fold: one will do.
    repeats, k = (8 if len(targets) <= 200 else 1, 5) if start is None else (1, 3)
    folds = stratified_folds(targets, repeats, seed, k, scenes)
    features = cache.features()
    if start is None:
        fitted = yield from _fit_head(features, targets, folds, seed, stop)
    else:
        rows = torch.tensor([photo.row for photo in cache.photos])
        fitted = yield from fit_suffix(net, rows, features, targets, folds, seed, stop, unlike)
    scale = fit_scale(fitted.scores, targets)
    abstaining = _fit_unlike(fitted, features, targets, folds) if unlike else None
    tuned = _tuned(model, list(photos), fitted, scale)
    tuned.unlike = abstaining.rule if abstaining else None
    predictions = _predictions(cache, fitted.scores * scale, scenes, nearest_photos(features[:, 0], targets, scenes))
    validation = _validate(fitted.scores, targets, scenes, fitted.method)
    of_scenes = targets[first_of_scenes(scenes)]
    curve = None if fitted.curve is None else mean_of_scenes(fitted.curve, scenes)
    report = Report(
        labels=list(photos),
        counts=cache.counts(),
        validation=validation,
        seconds=round(time.perf_counter() - started, 3),
        trainable=trainable,
        base=model.source or Note.said("random weights"),
        seed=seed,
        steps=fitted.steps,
        stopped=not fitted.done,
        warnings=cache.warnings,
        mistakes=[judged for judged in predictions if judged.predicted != judged.label],
        predictions=predictions,
        verdict=judge(curve, of_scenes, cache.labels, validation.accuracy),
        regularisation=round(float(prior_photos(len(targets), len(cache.labels))), 4),
        base_facts=model.base.to_json() if model.base else None,
        machine=machine(resolve_device(device)),
        photo_digests=digests,
        head_sha256=tensors_digest(tuned.head.state_dict()),
        versions=versions(),
        unlike=Abstention.of(abstaining, validation.n, fitted.method),
        scenes=dict(zip(cache.labels, torch.bincount(of_scenes).tolist(), strict=True)),
    )
    cue = _shortcut(cache, fitted.scores, targets, scenes, folds, seed)
    report.warnings.extend([*notes, *cue, *fitted.notes, *doubts(report)])
    tuned.provenance = report.provenance() | (tuned.provenance or {})  # the licence goes on
    yield Finished(tuned, report)


def _fit_head(
    features: Tensor, targets: Tensor, folds: Tensor, seed: int, stop: threading.Event
) -> Generator[Step, None, Fitted]:
    """The head on all photos, and one for each fold of the cross-validation."""
    repeats, classes, rows = len(folds), int(targets.max()) + 1, targets.repeat_interleave(2)
    steps = fit_heads(features.flatten(0, 1), rows, problem_weights(targets, folds), classes, len(targets))
    fitting = time.perf_counter()  # the photos are behind: their time says nothing of the steps to come
    for step, heads in enumerate(steps, start=1):
        logits = heads.logits(features[:, 0])  # (1 + repeats * k, n, C): the final head's, then those of the folds
        scores = unseen_logits(logits[1:], folds)
        yield _step_event(step, heads, logits[0], targets, scores, time.perf_counter() - fitting)
        if stop.is_set() or heads.done:
            break
    curve = _curve(features, targets, folds, seed, logits[1:], stop) if heads.done else None
    method = Note.said("{folds}-fold stratified cross-validation", folds=int(folds.max()) + 1)
    if repeats > 1:
        method = Note.said("{method}, repeated {repeats} times and averaged", method=method, repeats=repeats)
    return Fitted(
        tensors={"weight": heads.weight[0], "bias": heads.bias[0]},
        scores=scores,
        steps=step,
        done=heads.done or not stop.is_set(),
        method=method,
        curve=curve,
    )


def _curve(
    features: Tensor, targets: Tensor, folds: Tensor, seed: int, logits: Tensor, stop: threading.Event
) -> Tensor | None:
    """How often single heads named each photo right unseen, taught with a part and with all of the photos."""
    for _, part in curve_steps(features, targets, folds, seed):
        found = part
        if stop.is_set():
            return None
    return torch.cat([found, unseen_hits(logits, folds, targets).mean(0, keepdim=True)])


def _check_counts(counts: Mapping[str, int], why: Sequence[str] = ()) -> None:
    if len(counts) < 2:
        if counts:
            raise LabelError("There is only one class; give photos of two classes or more.")
        raise LabelError("There is no class; give photos of two classes or more.")
    for label, count in counts.items():
        if count < MIN_PHOTOS:
            found = Note.said("1 photo") if count == 1 else Note.said("{count} photos", count=count)
            if why:
                raise FinetuneError(
                    "Class {label!r} has {found} that can be used; give each class at least {least}, better ten. {why}",
                    label=label,
                    found=found,
                    least=MIN_PHOTOS,
                    why=why[0],
                )
            raise FinetuneError(
                "Class {label!r} has {found} that can be used; give each class at least {least}, better ten.",
                label=label,
                found=found,
                least=MIN_PHOTOS,
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


def _validate(scores: Tensor, targets: Tensor, scenes: Tensor, method: str) -> Validation:
    answers = scores.argmax(1)
    hits = mean_of_scenes(answers == targets, scenes)
    accuracy, n = float(hits.mean()), len(hits)
    low, high = binomial_interval(accuracy, n)
    if n < len(targets):
        method = Note.said("{method}; photos of one scene count as one", method=method)
    matrix = confusion(targets, answers, scores.shape[1])
    return Validation(
        accuracy, low, high, n, Note.said("{method}; 95 % Clopper-Pearson interval", method=method), matrix
    )


def _shortcut(
    cache: FeatureCache, scores: Tensor, targets: Tensor, scenes: Tensor, folds: Tensor, seed: int
) -> list[Note]:
    """The warning of a cue that does as well as the net, if there is one; it looks at one photo of each scene."""
    first = first_of_scenes(scenes)
    hits, of_scenes = mean_of_scenes(scores.argmax(1) == targets, scenes), targets[first]
    accuracy = float(torch.stack([hits[of_scenes == label].mean() for label in of_scenes.unique()]).mean())
    facts = [cache.photos[i].facts for i in first.tolist()]
    found = shortcut(facts, of_scenes, folds[:, first], cache.labels, accuracy, seed)
    return [found] if found else []


def _predictions(cache: FeatureCache, scores: Tensor, scenes: Tensor, nearest: list[list[list[int]]]) -> list[Judged]:
    probabilities, names = scores.softmax(1), cache.labels
    rows = zip(cache.photos, probabilities.argmax(1).tolist(), probabilities, scenes.tolist(), strict=True)
    return [
        Judged(
            p.name, names[p.target], p.index, names[a], round(float(row[a]), 4), scene, nearest[i] if nearest else None
        )
        for i, (p, a, row, scene) in enumerate(rows)
    ]


def _fit_unlike(fitted: Fitted, features: Tensor, targets: Tensor, folds: Tensor) -> UnlikeFit | None:
    """The rule, on the features of the given net or, where these were trained too, on those that it has now."""
    if fitted.tensors.keys() == {"weight", "bias"}:
        return fit_unlike(features.unbind(1), targets, folds)
    if fitted.known is None:  # stopped just there
        return None
    own, unseen = fitted.known
    return fit_unlike([own], targets, folds, unseen)


def _tuned(model: VGG, labels: list[str], fitted: Fitted, scale: float) -> VGG:
    tensors = dict(fitted.tensors)
    last = f"classifier.{len(model.classifier) - 1}."
    head = {f"{last}{part}": tensors.pop(part) * scale for part in ("weight", "bias")}
    return model.taught(labels, tensors | head)
