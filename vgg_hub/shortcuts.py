"""Does something that has nothing to do with the classes, such as the light or the kind of file, give them away?

Each cue alone gets the simplest rule that can use it, judged by the same cross-validation as the net. Few photos and many
cues fit by chance; so the best cue counts only if it is better than the best cue of nearly all reshufflings of the cues
among the photos (Westfall & Young, "Resampling-Based Multiple Testing", 1993: the maximum over the cues keeps the rate of
false alarms below the level for all of them together).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .guards import Facts
from .notes import Note

__all__ = ["SENTENCES", "shortcut"]

# Of many photos chance makes so little that few will do; none of 50 as good is a level of 1 in 51.
SHUFFLES, SHUFFLES_OF_MANY, MANY = 400, 50, 100
AT_ONCE = 2_000_000  # numbers, the bound on memory
LEVEL = 0.02  # of false alarms, on photos whose classes share all cues
BETTER = 0.5  # of the way from guessing to always right
AS_WELL = 0.05  # of accuracy below the net's is still "as well"
LEAST_PHOTOS = 4  # of each class; with fewer, chance alone does as well
# A class of photos that are all alike in a cue might be told by any difference: its spread counts no less than a share
# of that of all photos, and than what nobody would see (by cue, in its own units).
LEAST_SPREAD = 0.1
UNSEEN = {"size": 0.01, "shape": 0.01, "brightness": 2.0, "contrast": 2.0, "border": 2.0}

# Cue: what it is, and what to do.
CUES = {
    "kind": ("The kind of file", "Save the photos of all classes as one kind of file"),
    "size": ("The number of pixels", "Take photos of all classes with one camera, at one size"),
    "shape": ("The shape of the picture", "Take photos of all classes in one format"),
    "brightness": ("Brightness", "Take photos of all classes in the same light"),
    "contrast": ("Contrast", "Take photos of all classes in the same light"),
    "border": ("The colour along the edge", "Take photos of all classes before the same backgrounds"),
}
# How two classes differ in it.
WHICH = {
    "kind": "most of {label!r} are {kind}, most of {other_label!r} {other_kind}",
    "size": "those of {label!r} are larger",
    "shape": "those of {label!r} are wider",
    "brightness": "those of {label!r} are brighter",
    "contrast": "those of {label!r} are richer in contrast",
    "border": "those of {label!r} are brighter there",
}
TOLD = "{cue} alone tells the classes apart in {{right}} of {{n}} photos{which}, as well as the net or nearly; the net may "
TOLD += "have learnt that. {advice}."
SENTENCES = {cue: TOLD.format(cue=what, which="", advice=advice) for cue, (what, advice) in CUES.items()}
SENTENCES |= {
    f"{cue}_which": TOLD.format(cue=what, which=f" ({WHICH[cue]})", advice=advice)
    for cue, (what, advice) in CUES.items()
}


def shortcut(
    facts: Sequence[Facts], targets: Tensor, folds: Tensor, labels: Sequence[str], accuracy: float, seed: int
) -> Note | None:
    """A sentence that names the cue which alone tells the classes apart about as well as the net does, or None.

    Args:
        facts: of n photos, each of another scene.
        targets: (n,) int64 class of each.
        folds: (repeats, n) int64, those of the net, see `report.stratified_folds`.
        labels: class names.
        accuracy: of the net on unseen photos, each class weighing the same, 0 to 1.
        seed: of the reshufflings.
    """
    counts = torch.bincount(targets, minlength=len(labels))
    if counts.min() < LEAST_PHOTOS:
        return None
    cues = _cues(facts)
    hits = {name: _hits(name, cue[None], targets, folds)[0] for name, cue in cues.items()}  # (n,) each
    rates = {name: float(_balanced(hit, targets)) for name, hit in hits.items()}
    best = max(rates, key=rates.get, default=None)  # the first of equals
    guess = 1 / len(labels)
    if best is None or rates[best] < max(guess + BETTER * (1 - guess), accuracy - AS_WELL):
        return None
    if not _is_beyond_chance(cues, targets, folds, rates[best], seed):
        return None
    which = _which(best, cues[best], facts, targets, labels) if len(labels) == 2 else {}
    told = {"right": int(hits[best].sum().round()), "n": len(targets)}
    return Note.of(SENTENCES, f"{best}_which" if which else best, **told, **which)


def _cues(facts: Sequence[Facts]) -> dict[str, Tensor]:
    """What differs among the photos at all, (n, d) float64 each: one of d kinds of file is 1; all else has mean 0."""
    cues = {
        "size": [[math.log(fact.width * fact.height) / 2] for fact in facts],
        "shape": [[math.log(fact.width / fact.height)] for fact in facts],
        "brightness": [[fact.brightness] for fact in facts],
        "contrast": [[fact.contrast] for fact in facts],
        "border": [_light_and_tint(*fact.border) for fact in facts],
    }
    numbers = {name: torch.tensor(rows, dtype=torch.float64) for name, rows in cues.items()}
    numbers = {name: cue - cue.mean(0) for name, cue in numbers.items() if cue.std(0).max() > UNSEEN[name]}
    kinds = sorted({fact.kind or "" for fact in facts})
    if len(kinds) < 2 or "" in kinds:  # of an array and of a picture made in memory it is not known
        return numbers
    return {"kind": F.one_hot(torch.tensor([kinds.index(fact.kind) for fact in facts])).double()} | numbers


def _light_and_tint(red: float, green: float, blue: float) -> list[float]:
    return [(red + green + blue) / 3, red - green, (red + green) / 2 - blue]


def _hits(name: str, cue: Tensor, targets: Tensor, folds: Tensor) -> Tensor:
    """(m, n) float64, 0 to 1: how often a rule made of the other folds names a photo right, for m cues, (m, n, d)."""
    classes, total = int(targets.max()) + 1, torch.zeros(cue.shape[:2], dtype=torch.float64)
    for fold_of in folds:
        cells = F.one_hot(fold_of * classes + targets, (int(fold_of.max()) + 1) * classes).double()  # (n, k * C)
        seen = (cells, fold_of, classes)
        scores = _kind_scores(cue, *seen) if name == "kind" else _normal_scores(cue, UNSEEN[name], *seen)  # (m, n, C)
        best = scores == scores.amax(2, keepdim=True)
        right = best[:, torch.arange(len(targets)), targets]  # (m, n)
        total += right / best.sum(2)
    return total / len(folds)


def _seen(values: Tensor, cells: Tensor, classes: int) -> Tensor:
    """(m, n, d) -> (m, k, C, d): sums over the photos of each class outside of each fold."""
    sums = torch.einsum("mnd,nh->mhd", values, cells).unflatten(1, (-1, classes))
    return sums.sum(1, keepdim=True) - sums


def _kind_scores(cue: Tensor, cells: Tensor, fold_of: Tensor, classes: int) -> Tensor:
    """(m, n, C): the share of each class's photos that are of the photo's kind, with half a photo more of each kind."""
    seen = _seen(cue, cells, classes) + 0.5
    shares = seen / seen.sum(3, keepdim=True)
    return (shares[:, fold_of] * cue[:, :, None]).sum(3)


def _normal_scores(cue: Tensor, unseen: float, cells: Tensor, fold_of: Tensor, classes: int) -> Tensor:
    """(m, n, C): log likelihoods under a normal distribution for each class and number."""
    count = _seen(torch.ones_like(cue[:1, :, :1]), cells, classes).clamp_min(1)
    mean = _seen(cue, cells, classes) / count
    floor = (LEAST_SPREAD**2 * cue.square().mean(1)).clamp_min(unseen**2)[:, None, None]
    spread = (_seen(cue.square(), cells, classes) / count - mean.square()).clamp_min(0) + floor
    away = (cue[:, :, None] - mean[:, fold_of]).square()
    return -(away / spread[:, fold_of] + spread.log()[:, fold_of]).sum(3)


def _balanced(hits: Tensor, targets: Tensor) -> Tensor:
    """(..., n) -> (...): accuracy in which each class weighs the same."""
    onehot = F.one_hot(targets).double()
    return (hits @ (onehot / onehot.sum(0))).mean(-1)


def _is_beyond_chance(cues: dict[str, Tensor], targets: Tensor, folds: Tensor, rate: float, seed: int) -> bool:
    """Whether the best cue does as well as this too rarely, with the cues reshuffled."""
    generator = torch.Generator().manual_seed(seed)
    shuffles = SHUFFLES if len(targets) <= MANY else SHUFFLES_OF_MANY
    as_good, allowed = 0, LEVEL * (shuffles + 1) - 1
    widest = max(cue.shape[1] for cue in cues.values()) * (int(targets.max()) + 1)
    for some in _pieces(shuffles, max(1, AT_ONCE // (len(targets) * widest))):
        order = torch.rand(some, len(targets), generator=generator).argsort(1)  # one for all cues of a photo
        rates = [_balanced(_hits(name, cue[order], targets, folds), targets) for name, cue in cues.items()]
        as_good += int((torch.stack(rates).amax(0) >= rate - 1e-9).sum())
        if as_good > allowed:
            return False
    return True


def _pieces(count: int, size: int) -> Iterable[int]:
    """20 first, for chance mostly shows at once."""
    done, some = 0, min(20, size, count)
    while done < count:
        yield some
        done += some
        some = min(size, count - done)


def _which(name: str, cue: Tensor, facts: Sequence[Facts], targets: Tensor, labels: Sequence[str]) -> dict[str, object]:
    """How two classes differ in the cue, to fill in `WHICH`; empty where it cannot be said so simply."""
    one, other = (cue[targets == label] for label in (0, 1))
    if name == "kind":
        most = [int(part.sum(0).argmax()) for part in (one, other)]
        if most[0] == most[1]:
            return {}
        kinds = [next(f.kind for f, row in zip(facts, cue, strict=True) if row[kind]) for kind in most]
        return {"label": labels[0], "kind": kinds[0], "other_label": labels[1], "other_kind": kinds[1]}
    one, other = one[:, 0], other[:, 0]
    if (one.mean() - other.mean()).abs() < max(one.std(), other.std()):
        return {}  # one class differs in how much it varies, or in tint
    return {"label": labels[0] if one.mean() > other.mean() else labels[1]}
