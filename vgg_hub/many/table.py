"""The photos of a large task, named and not decoded, wherever they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image
from torch import Tensor

__all__ = ["PhotoReader", "PhotoTable"]


class PhotoReader(Protocol):
    """Reads one photo at a time."""

    def name(self, photo: int) -> str: ...

    def image(self, photo: int) -> Image.Image:
        """Upright RGB.

        Raises:
            PhotoError: it cannot be read; names it.
        """


@dataclass(frozen=True)
class PhotoTable:
    """All photos of a task, numbered from 0: those to train on first, then those of the validation split.

    Attributes:
        labels: class names.
        targets: (n,) int64.
        held_out: (n,) bool, the photos of the validation split; None: none was given.
        reader: of the photos.
        skipped: a sentence for each file that was left out.
    """

    labels: list[str]
    targets: Tensor
    held_out: Tensor | None
    reader: PhotoReader
    skipped: list[str] = field(default_factory=list)
