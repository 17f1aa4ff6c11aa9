"""Does something that has nothing to do with the classes, such as the light or the kind of file, give them away?

Each cue alone gets the simplest rule that can use it, judged on photos that the rule had not seen (leave one out). Few
photos and many cues fit by chance; so the best cue counts only if it is better than the best cue of nearly all
reshufflings of the class names (Westfall & Young, "Resampling-Based Multiple Testing", 1993: the maximum over the cues
keeps the rate of false alarms below the level for all of them together).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .guards import Facts

__all__ = ["shortcut"]

SHUFFLES = 400
AT_ONCE = 2_000_000  # numbers, the bound on memory
LEVEL = 0.02  # of false alarms, on photos whose classes share all cues
BETTER = 0.5  # of the way from guessing to always right
AS_WELL = 0.05  # of accuracy below the net's is still "as well"
LEAST_PHOTOS = 4  # of each class; with fewer, chance alone does as well
# A class of photos that are all alike in a cue might be told by any difference: its spread counts no less than a share
# of that of all photos, and than what nobody would see (by cue, in its own units).
LEAST_SPREAD = 0.1

# Cue: words for more of it and for less, the subject of the sentence, and what to do.
WORDS = {
    "kind": ("", "", "The kind of file", "Save the photos of all classes as one kind of file"),
    "size": ("larger", "smaller", "The number of pixels", "Take photos of all classes with one camera, at one size"),
    "shape": ("wider", "narrower", "The shape of the picture", "Take photos of all classes in one format"),
    "brightness": ("brighter", "darker", "Brightness", "Take photos of all classes in the same light"),
    "contrast": (
        "richer in contrast",
        "poorer in contrast",
        "Contrast",
        "Take photos of all classes in the same light",
    ),
    "border": ("", "", "The colour along the edge", "Take photos of all classes before the same backgrounds"),
}
UNSEEN = {"size": 0.01, "shape": 0.01, "brightness": 2.0, "contrast": 2.0, "border": 2.0}


def shortcut(facts: Sequence[Facts], targets: Tensor, labels: Sequence[str], accuracy: float, seed: int) -> str | None:
    """A sentence that names the cue which alone tells the classes apart about as well as the net does, or None.

    Args:
        facts: of n photos, none of which is a near-duplicate of another.
        targets: (n,) int64 class of each.
        labels: class names.
        accuracy: of the net on unseen photos, each class weighing the same, 0 to 1.
        seed: of the reshufflings.
    """
    counts = torch.bincount(targets, minlength=len(labels))
    if counts.min() < LEAST_PHOTOS:
        return None
    cues = _cues(facts)
    hits = {name: _hits(name, cue, targets[None])[0] for name, cue in cues.items()}  # (n,) each
    rates = {name: float(_balanced(hit[None], targets[None])[0]) for name, hit in hits.items()}
    best = max(rates, key=rates.get, default=None)  # the first of equals
    guess = 1 / len(labels)
    if best is None or rates[best] < max(guess + BETTER * (1 - guess), accuracy - AS_WELL):
        return None
    if _chance(cues, targets, rates[best], seed) > LEVEL:
        return None
    return _sentence(best, cues[best], targets, labels, int(hits[best].sum().round()))


def _cues(facts: Sequence[Facts]) -> dict[str, Tensor]:
    """What differs among the photos at all: (n,) int64 codes of the kinds of file, (n, d) float64 of all others."""
    kinds = sorted({fact.kind or "" for fact in facts})
    cues = {
        "size": [[math.log(fact.width * fact.height) / 2] for fact in facts],
        "shape": [[math.log(fact.width / fact.height)] for fact in facts],
        "brightness": [[fact.brightness] for fact in facts],
        "contrast": [[fact.contrast] for fact in facts],
        "border": [_light_and_tint(*fact.border) for fact in facts],
    }
    numbers = {name: torch.tensor(rows, dtype=torch.float64) for name, rows in cues.items()}
    numbers = {name: cue for name, cue in numbers.items() if cue.std(0).max() > UNSEEN[name]}
    if len(kinds) < 2 or "" in kinds:  # of an array and a picture made in memory it is not known
        return numbers
    return {"kind": torch.tensor([kinds.index(fact.kind) for fact in facts])} | numbers


def _light_and_tint(red: float, green: float, blue: float) -> list[float]:
    return [(red + green + blue) / 3, red - green, (red + green) / 2 - blue]


def _hits(name: str, cue: Tensor, targets: Tensor) -> Tensor:
    """(m, n) float64: 1 where a rule made of all other photos names one right, for m ways to name them, (m, n)."""
    onehot = F.one_hot(targets).double()  # (m, n, C)
    if name == "kind":
        values = F.one_hot(cue).double()  # (n, K)
        seen = torch.einsum("nk,mnc->mkc", values, onehot)[:, cue] - onehot  # (m, n, C): of its kind, without itself
        scores = (seen + 0.5) / (onehot.sum(1, keepdim=True) - onehot + 0.5 * values.shape[1])
    else:
        scores = _gauss(cue, onehot, UNSEEN[name])
    best = scores == scores.amax(2, keepdim=True)
    return (best * onehot).sum(2) / best.sum(2)


def _gauss(cue: Tensor, onehot: Tensor, unseen: float) -> Tensor:
    """(m, n, C) log likelihoods of (n, d) under a normal distribution for each class and number, without the photo."""
    cue = cue - cue.mean(0)
    whole = cue.square().mean(0)  # (d,)
    count = (onehot.sum(1, keepdim=True) - onehot)[..., None]  # (m, n, C, 1)
    own = onehot[..., None] * cue[:, None]
    mean = (torch.einsum("nd,mnc->mcd", cue, onehot)[:, None] - own) / count
    square = torch.einsum("nd,mnc->mcd", cue.square(), onehot)[:, None] - own * cue[:, None]
    floor = (LEAST_SPREAD**2 * whole).clamp_min(unseen**2)
    spread = (square - count * mean.square()).clamp_min(0) / count + floor
    return -((cue[:, None] - mean).square() / spread + spread.log()).sum(3) / 2


def _balanced(hits: Tensor, targets: Tensor) -> Tensor:
    """(m,): accuracy in which each class weighs the same."""
    onehot = F.one_hot(targets).double()
    return ((hits[..., None] * onehot).sum(1) / onehot.sum(1)).mean(1)


def _chance(cues: dict[str, Tensor], targets: Tensor, rate: float, seed: int) -> float:
    """How often the best cue does as well as this, with the class names reshuffled."""
    generator = torch.Generator().manual_seed(seed)
    at_once = max(1, AT_ONCE // (len(targets) * (int(targets.max()) + 1)))
    as_good = 0
    for some in torch.arange(SHUFFLES).split(at_once):
        names = targets[torch.rand(len(some), len(targets), generator=generator).argsort(1)]
        best = torch.stack([_balanced(_hits(name, cue, names), names) for name, cue in cues.items()]).amax(0)
        as_good += int((best >= rate - 1e-9).sum())
    return (as_good + 1) / (SHUFFLES + 1)


def _sentence(name: str, cue: Tensor, targets: Tensor, labels: Sequence[str], right: int) -> str:
    more, less, subject, advice = WORDS[name]
    told = f"alone tells the classes apart in {right} of {len(targets)} photos; the net may have learnt that. {advice}."
    if len(labels) > 2 or not more:
        return f"{subject} {told}"
    first, second = (cue[targets == label, 0] for label in (0, 1))
    word, every = more if first.mean() > second.mean() else less, ""
    if first.min() > second.max() or first.max() < second.min():
        every = "Every photo"
    elif (first.mean() - second.mean()).abs() > max(first.std(), second.std()):
        every = "Nearly every photo"
    if not every:  # one class differs in how much it varies
        return f"{subject} {told}"
    return f"{every} of {labels[0]!r} is {word} than those of {labels[1]!r}: {subject[0].lower()}{subject[1:]} {told}"
