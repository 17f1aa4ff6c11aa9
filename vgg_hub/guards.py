"""What is noted of each photo while it is decoded, for the guards: `near_duplicates` and `shortcuts`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .magic import picture_format

__all__ = ["THUMBNAIL", "Facts", "look_at"]

THUMBNAIL = 48  # pixels
FINE = 192  # pixels of the short side, at least, on which brightness and contrast are taken


@dataclass(frozen=True)
class Facts:
    """What can be said of a photo without knowing what it shows. All colours are 0 to 255.

    Attributes:
        width, height: pixels, upright, before it is made fit for the net.
        kind: Pillow's name of the file's format, such as "JPEG"; None for an array and for a picture made in memory.
        brightness: mean of its grey values.
        contrast: their standard deviation.
        border: mean red, green and blue of a frame along its edge, a sixteenth of the sides wide.
    """

    width: int
    height: int
    kind: str | None
    brightness: float
    contrast: float
    border: tuple[float, float, float]


def look_at(image: Image.Image, picture: object) -> tuple[Facts, np.ndarray]:
    """Note the facts of a photo.

    Args:
        image: upright, RGB.
        picture: as it was given, a path, a PIL image or an array, for the kind of file.

    Returns:
        The facts, and the thumbnail, (48, 48, 3) uint8: the whole picture, its sides not in proportion. They part here,
        for the facts of all photos are kept as they are, and the thumbnails in one piece.
    """
    small = image.reduce(max(1, min(image.size) // FINE))
    grey = np.asarray(small.convert("L"), dtype=np.float32)
    resampling = Image.Resampling.BILINEAR if min(small.size) < THUMBNAIL else Image.Resampling.BOX
    thumbnail = np.asarray(small.resize((THUMBNAIL, THUMBNAIL), resampling), dtype=np.uint8)
    edge = THUMBNAIL // 16
    frame = np.ones((THUMBNAIL, THUMBNAIL), dtype=bool)
    frame[edge:-edge, edge:-edge] = False
    red, green, blue = thumbnail[frame].mean(0).tolist()
    return Facts(*image.size, _kind(picture), float(grey.mean()), float(grey.std()), (red, green, blue)), thumbnail


def _kind(picture: object) -> str | None:
    if not isinstance(picture, (str, Path)):
        return getattr(picture, "format", None)
    try:
        with Path(picture).open("rb") as file:
            return picture_format(file.read(200))
    except OSError:  # it was there a moment ago
        return None
