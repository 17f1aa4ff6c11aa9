"""What a fine-tuning says while it runs, and what a fit hands on to the report."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from .model import VGG
from .report import Report

__all__ = ["Embedding", "Event", "Finished", "Fitted", "Started", "Step"]


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
    judged heads had not seen (cross-validation). Losses are mean cross-entropies in nats. Where more than the head
    trains, the first two are those of the running pass over the photos, and the last two are renewed after each.
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


@dataclass(frozen=True)
class Fitted:
    """What was trained, before it is put into the model.

    Attributes:
        tensors: `weight` and `bias` of the head, not calibrated, like `scores`; all others by their names in the model.
        scores: (n, C) logits of each photo, from what had not seen it.
        steps: of the optimiser.
        done: it ended by itself; otherwise a person stopped it.
        method: how `scores` were made, in words.
        notes: sentences for the report.
        curve: (shares, n) learning curve, see `verdict.judge`; None: not measured.
        known: where the features themselves came of training: (n, D), by the net that was trained, and the photos'
            (n, C) log distances as in `unlike.unseen_distances`, by nets that had not seen them. None: not computed.
    """

    tensors: dict[str, Tensor]
    scores: Tensor
    steps: int
    done: bool
    method: str
    notes: list[str] = field(default_factory=list)
    curve: Tensor | None = None
    known: tuple[Tensor, Tensor] | None = None
