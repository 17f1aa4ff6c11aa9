"""What decides a run's outcome."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from vgg_hub.errors import ConfigError

from .augment import SMALLEST_AREA

__all__ = ["Recipe", "read_recipe"]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the outcome, beside the pictures and the machine's rounding.

    Attributes:
        depth, batch_norm, width, seed: of the net; width is a share of the paper's.
        epochs, batch, peak_rate, weight_decay, momentum, smoothing: of SGD with one cycle, and of its cross-entropy's labels.
        first_size, last_size, size_step: side of the crops in pixels, from the first epochs to the last ones.
        caltech_repeats, cifar_repeats: times that an epoch goes through these sets.
        share: of the pictures of Tiny ImageNet and CIFAR-10, drawn anew each epoch.
        cifar_smallest_area: of CIFAR-10's pictures, that a crop keeps at least.
        average: decay of the running average of the weights, which is what is judged and kept.
        keep_all: train on the left-out Caltech categories too.
        mixed: all sets in each batch, not one.
        cifar_size: side of the pictures by which CIFAR-10 is judged where the sets are not mixed.
        bfloat16: train in it.
        start: another run's `final.safetensors` or a folder of weights to begin from; "" for random ones.
    """

    depth: int = 11
    batch_norm: bool = True
    width: float = 0.5
    epochs: int = 12
    batch: int = 128
    peak_rate: float = 0.2
    weight_decay: float = 5e-4
    momentum: float = 0.9
    smoothing: float = 0.05
    first_size: int = 40
    last_size: int = 64
    size_step: int = 8
    caltech_repeats: int = 2
    cifar_repeats: int = 1
    share: float = 1.0
    cifar_smallest_area: float = SMALLEST_AREA
    average: float = 0.998
    seed: int = 0
    keep_all: bool = False
    mixed: bool = True
    cifar_size: int = 64
    bfloat16: bool = True
    start: str = ""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "size_step", "caltech_repeats", "cifar_repeats", "share", "peak_rate"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected more than 0.")

    def size(self, epoch: int) -> int:
        """Side of the crops, growing in steps: small pictures first teach as much for less. The last epoch is whole."""
        share = min(1.0, epoch / max(1, min(0.6 * self.epochs, self.epochs - 1)))
        return int(self.first_size + (self.last_size - self.first_size) * share) // self.size_step * self.size_step

    def validation_size(self, name: str) -> int:
        """Side at which a set's validation pictures are judged: that of its last crops."""
        return self.cifar_size if name == "cifar" and not self.mixed else self.last_size

    def rate(self, progress: float) -> float:
        """One cycle: a linear rise over the first fifth, then half a cosine to nothing (progress from 0 to 1)."""
        if progress < 0.2:
            return self.peak_rate * (0.05 + 0.95 * progress / 0.2)
        return self.peak_rate * 0.5 * (1 + math.cos(math.pi * (progress - 0.2) / 0.8)) + 1e-5


def read_recipe(run: Path) -> Recipe:
    """That of a run's folder, as its log says."""
    log = run / "log.json"
    if not log.is_file():
        raise FileNotFoundError(f"{log} is missing; give the folder that training.train wrote.")
    return Recipe(**json.loads(log.read_text(encoding="utf-8"))["recipe"])
