"""What a loader gave, against what the model gives: the judgement of `parity`.

Numbers count as equal where they differ by at most 1e-4 of the largest number of the reference, logits and pixels
alike; probabilities of transformers' pipeline where they differ by at most 0.01.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import ParityError
from .notes import Note

__all__ = ["LoaderResult", "Reference", "compare", "gap"]

TOLERANCE = 1e-4  # of the largest number of the reference
SMALLEST_SCALE = 0.01  # a head of zeros gives logits of zero: the largest is then no measure
PROBABILITY_TOLERANCE = 0.01


@dataclass(frozen=True)
class LoaderResult:
    """What a loader made of the folder.

    Attributes:
        name: one of `LOADERS`.
        version: of the loader; None where it is not installed.
        outcome: "equal", "not installed" (or installed and broken: `why` says so), or "not for this net".
        logits: largest difference from the reference.
        preprocessing: largest difference of what the net reads; None for torchvision, which is given our pixels.
        labels: True where the loader names the same classes in the same order; None where there are none to compare.
        why: a few words on an outcome other than "equal".
    """

    name: str
    version: str | None
    outcome: str
    logits: float | None = None
    preprocessing: float | None = None
    labels: bool | None = None
    why: str | None = None


@dataclass(frozen=True)
class Reference:
    """What every loader must give: class names, what the net reads (N, C, S, S), logits (N, num_classes), float32."""

    labels: tuple[str, ...]
    pixels: Tensor
    logits: Tensor


def compare(
    name: str, record: Mapping[str, object], tensors: Mapping[str, Tensor], reference: Reference
) -> LoaderResult:
    """Compare what a loader gave with what it must give.

    Args:
        name: of the loader.
        record: `version`, and `labels` and `answers` (see `parity_loaders.Opened`), None where there are none.
        tensors: `logits`, and `pixels` where the loader made its own.
        reference: of the model that was saved.

    Raises:
        ParityError: they differ; says what, with both values.
    """

    def differs(what: Note) -> ParityError:
        return ParityError(
            "{loader} {version} opens the saved folder, but {what}; save the model again, and if it stays so update "
            "{loader}.",
            loader=name,
            version=record["version"],
            what=what,
        )

    named = record["labels"] is not None and (bool(reference.labels) or name == "vgg_hub")
    if named and record["labels"] != list(reference.labels):
        raise differs(_label_difference(record["labels"], reference.labels))
    preprocessing = None
    if "pixels" in tensors:
        preprocessing = gap(tensors["pixels"], reference.pixels)
        if not preprocessing <= _allowed(reference.pixels):
            raise differs(
                Note.said(
                    "its preprocessing differs: {how}", how=_largest(tensors["pixels"], reference.pixels, "pixels")
                )
            )
    logits = gap(tensors["logits"], reference.logits)
    if not logits <= _allowed(reference.logits):
        raise differs(
            Note.said("its logits differ: {how}", how=_largest(tensors["logits"], reference.logits, "logits"))
        )
    for row, answer in zip(reference.logits, record["answers"] or (), strict=False):
        difference = _answer_difference(answer, row, record["labels"])
        if difference:
            raise differs(difference)
    return LoaderResult(name, record["version"], "equal", logits, preprocessing, True if named else None)


def gap(found: Tensor, expected: Tensor) -> float:
    """Largest difference; infinite where the shapes differ, NaN where a number is none."""
    return float((found - expected).abs().max()) if found.shape == expected.shape else math.inf


def _allowed(expected: Tensor) -> float:
    return TOLERANCE * max(float(expected.abs().max()), SMALLEST_SCALE)


def _largest(found: Tensor, expected: Tensor, what: str) -> Note:
    """The values that are farthest from each other, and how far they may be."""
    if found.shape != expected.shape:
        return Note.said(
            "the shape of its {what} is {found}, the model's {expected}",
            what=what,
            found=list(found.shape),
            expected=list(expected.shape),
        )
    at = int((found - expected).abs().nan_to_num(math.inf).argmax())
    there, here = float(found.flatten()[at]), float(expected.flatten()[at])
    return Note.said(
        "{there:.6g} where the model has {here:.6g}, and {allowed:.1g} is allowed",
        there=there,
        here=here,
        allowed=_allowed(expected),
    )


def _label_difference(found: list[str], expected: tuple[str, ...]) -> Note:
    if len(found) != len(expected):
        return Note.said(
            "it has {found} class names where the model has {expected}", found=len(found), expected=len(expected)
        )
    at, there, here = next((i, a, b) for i, (a, b) in enumerate(zip(found, expected, strict=True)) if a != b)
    return Note.said("its class {at} is {there!r} where the model has {here!r}", at=at, there=there, here=here)


def _answer_difference(answer: list[list[object]], logits: Tensor, labels: list[str]) -> Note | None:
    """The pipeline's answer for one picture, (label, probability) from the most probable on, against the logits."""
    expected: Counter[str] = Counter()  # names may stand twice where the loader made them up
    for label, probability in zip(labels, torch.softmax(logits, dim=0).tolist(), strict=True):
        expected[label] += probability
    found: Counter[str] = Counter()
    for label, probability in answer:
        found[label] += probability
    label = max(expected, key=lambda name: abs(found[name] - expected[name]))
    if not abs(found[label] - expected[label]) <= PROBABILITY_TOLERANCE:
        return Note.said(
            "its pipeline gives {label!r} {found:.4f} where the model gives {expected:.4f}",
            label=label,
            found=found[label],
            expected=expected[label],
        )
    return None
