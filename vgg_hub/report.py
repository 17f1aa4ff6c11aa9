"""What a fine-tuning is worth: stratified folds, the interval, the calibration and the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from .interval import binomial_interval
from .unlike import UnlikeFit
from .verdict import Verdict

__all__ = [
    "Abstention",
    "Judged",
    "Mistake",
    "Report",
    "Validation",
    "fit_scale",
    "stratified_folds",
]

AT_ONCE = 1_000_000  # numbers, the bound on memory


@dataclass(frozen=True)
class Validation:
    """Accuracy on photos that the judged heads had not seen.

    Attributes:
        accuracy: share of photos named right, 0 to 1.
        low, high: ends of the 95 % interval.
        n: photos that the figure rests on; those of one scene, such as a burst, count as one, in `accuracy` too.
        method: how it was made, in words.
        confusion: rows are the true classes, columns the answers, in the order of the labels; counts of photos.
    """

    accuracy: float
    low: float
    high: float
    n: int
    method: str
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A photo, `predicted` by cross-validation with the probability `score`; `label` is the truth.

    `index` counts the photos of the true class in the order given. `scene` is equal for photos of one scene (a burst).
    `nearest` names, for each class in the order of the labels, the photos that the net finds most alike, by their places in
    the report's predictions, see `nearest`. None: not measured.
    """

    file: str
    label: str
    index: int
    predicted: str
    score: float
    scene: int | None = None
    nearest: list[list[int]] | None = None


Mistake = Judged  # one that was named wrong


@dataclass(frozen=True)
class Abstention:
    """How often the model says "none of these"; shares of photos, 0 to 1, from cross-validation.

    Attributes:
        classes: of photos of the classes, which it should not.
        low, high: ends of the 95 % interval of that.
        others: of pictures of other things, which it should; see `unlike.UnlikeFit` for what they are.
        n: photos behind each; those of one scene count as one in it.
        method: how it was made, in words.
    """

    classes: float
    low: float
    high: float
    others: float
    n: int
    method: str

    @classmethod
    def of(cls, found: UnlikeFit | None, n: int, method: str) -> Abstention | None:
        """What the fit of the rule says of it; `n` as above, `method`: of the cross-validation."""
        if found is None:
            return None
        low, high = binomial_interval(found.own, n)
        method += "; for other things each photo was judged without its own class"
        return cls(round(found.own, 4), low, high, round(found.others, 4), n, method)


@dataclass(frozen=True)
class Report:
    """The outcome of a fine-tuning, ready for JSON by `to_dict`.

    Attributes:
        labels: class names in the order of the logits.
        counts: photos used, by class.
        validation: the estimate on unseen photos; None where it was stopped too early to have one.
        seconds: from the first photo read to the last step.
        trainable: what was trained: "head", "classifier", "block5" ..., "all".
        base: where the frozen part came from.
        seed: of the folds.
        steps: of the optimiser.
        stopped: whether a person stopped it before it was done.
        warnings: sentences on photos left out and on what the figures cannot show.
        predictions: each photo as cross-validation named it.
        mistakes: those named wrong.
        verdict: what the figures mean; None where that was not measured, and in reports of older versions.
        regularisation: of the head, in photos' worth (see `head`).
        base_facts: name, commit or version, and sha256 of the net that it started from, where others can get it.
        machine: device, threads and processor.
        photo_digests: of each class, see `fingerprint.photo_digests`.
        head_sha256: of the resulting head, see `fingerprint.tensors_digest`.
        versions: of the packages that took part.
        unlike: how often it says "none of these"; None where it never does.
        training: of a training with many photos (see `many.train`), how it went: `batch` of all `processes`, `epochs` done
            and `most_epochs`, `best_epoch`. Its `validation`, `predictions` and `mistakes` are of the photos held out, its
            `verdict`, `regularisation` and `unlike` are None. None for few photos.
        scenes: by class, how many different scenes the photos show, see `scenes`.
    """

    labels: list[str]
    counts: dict[str, int]
    validation: Validation
    seconds: float
    trainable: str
    base: str
    seed: int
    steps: int
    stopped: bool
    warnings: list[str] = field(default_factory=list)
    mistakes: list[Judged] = field(default_factory=list)
    predictions: list[Judged] = field(default_factory=list)
    verdict: Verdict | None = None
    regularisation: float | None = None
    base_facts: dict[str, str] | None = None
    machine: dict[str, object] = field(default_factory=dict)
    photo_digests: dict[str, dict[str, object]] = field(default_factory=dict)
    head_sha256: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    unlike: Abstention | None = None
    training: dict[str, object] | None = None
    scenes: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    def provenance(self) -> dict[str, object]:
        """The part that is saved with the model and shared.

        It names no photo, and holds no time, so that the same photos give the same file.
        """
        left_out = ("warnings", "mistakes", "predictions", "seconds")
        return {key: value for key, value in asdict(self).items() if key not in left_out}


def stratified_folds(
    targets: Tensor, repeats: int, seed: int, max_folds: int = 5, groups: Tensor | None = None
) -> Tensor:
    """Assign every photo to a fold, anew in each repeat; each class is spread as evenly as its groups allow.

    Args:
        targets: (n,) int64 class of each photo; every class at least twice.
        groups: (n,) int64, equal for photos of one scene, which share a fold (within a class). None: each its own. A
            class whose photos are all of one group is spread photo by photo, for it must be known to every head.

    Returns:
        (repeats, n) int64 in 0 .. folds - 1, where folds is `max_folds`, or the number of groups of the class with the
        fewest if less.
    """
    generator = torch.Generator().manual_seed(seed)
    scenes = _scenes(targets, torch.arange(len(targets)) if groups is None else groups)
    folds = min(max_folds, *map(len, scenes))
    assigned = torch.empty(repeats, len(targets), dtype=torch.int64)
    for repeat in range(repeats):
        sizes = [0] * folds
        for of_class in scenes:
            own = [0] * folds
            order = torch.randperm(len(of_class), generator=generator).tolist()
            # The largest first, each to the fold that has the fewest of the class, then the fewest of all: the folds'
            # sizes differ by one at most where no photo has a group.
            for members in sorted((of_class[i] for i in order), key=len, reverse=True):
                fold = min(range(folds), key=lambda k: (own[k], sizes[k]))
                own[fold] += len(members)
                sizes[fold] += len(members)
                assigned[repeat, members] = fold
    return assigned


def _scenes(targets: Tensor, groups: Tensor) -> list[list[list[int]]]:
    """For each class its groups' photos, by the first of each."""
    scenes: list[dict[int, list[int]]] = [{} for _ in range(int(targets.max()) + 1)]
    for photo, (target, group) in enumerate(zip(targets.tolist(), groups.tolist(), strict=True)):
        scenes[target].setdefault(group, []).append(photo)
    return [[[i] for i in only] if not rest else [only, *rest] for only, *rest in (s.values() for s in scenes)]


def confusion(targets: Tensor, answers: Tensor, num_classes: int) -> list[list[int]]:
    """Of (n,) int64 each: how many photos of each class, a row, got each answer, a column."""
    found = torch.bincount(targets * num_classes + answers, minlength=num_classes**2)
    return found.reshape(num_classes, num_classes).tolist()


def fit_scale(logits: Tensor, targets: Tensor) -> float:
    """The factor on the logits under which out-of-fold probabilities tell the truth best.

    A strongly regularised head is right more often than it says. The targets are softened as Platt does ("Probabilistic
    Outputs for Support Vector Machines", 1999, section 2.2), so that a handful of photos, all named right, does not end
    in certainty.

    Args:
        logits: (n, C) float, each photo's from heads that had not seen it.
        targets: (n,) int64.
    """
    counts = torch.bincount(targets, minlength=logits.shape[1]).float()
    right = ((counts + 1) / (counts + 2))[targets]  # (n,)
    right = right.to(logits.dtype)
    soft = ((1 - right) / (logits.shape[1] - 1))[:, None].expand_as(logits).clone()
    soft[torch.arange(len(targets)), targets] = right
    scales = torch.logspace(-1.5, 2, 351)  # steps of 2.3 %
    losses = torch.cat([_losses(logits, soft, some) for some in scales.split(max(1, AT_ONCE // logits.numel()))])
    return float(scales[losses.argmin()])


def _losses(logits: Tensor, soft: Tensor, scales: Tensor) -> Tensor:
    """(s,) mean cross-entropies of (n, C) logits under (s,) scales: a few calls, for one of forty rows is all overhead."""
    scaled = (logits * scales[:, None, None]).flatten(0, 1)
    losses = F.cross_entropy(scaled, soft.repeat(len(scales), 1), reduction="none")
    return losses.reshape(len(scales), -1).mean(1)
