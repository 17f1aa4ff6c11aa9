"""Explanations drawn: the part of a photo that the net sees, its heat map laid over it, maps and filters as tiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from .config import VGGConfig
from .explain import Evidence
from .preprocess import preprocess

__all__ = ["FAINT", "STRONG", "filter_tile", "heat_picture", "map_tile", "seen_picture"]

FAINT, STRONG = (255, 214, 64), (190, 14, 44)  # red, green, blue, of a little evidence and of full colour
GREY = 0.7  # of the photo below the colours, so that its own red is not taken for evidence
COVER = 0.85  # of the photo that full colour hides
FAINTEST_MARKED = 0.05  # of full colour: the strongest place of less is not worth a ring


def seen_picture(image: Image.Image, config: VGGConfig, side: int = 320) -> Image.Image:
    """What a net sees of a photo, the centre square, in more pixels than it reads.

    Args:
        image: upright.
        config: of the net.
        side: of the picture made, in pixels; the net's own input size if that is more.
    """
    x = preprocess(image, replace(config, input_size=max(side, config.input_size)))  # (in_channels, side, side)
    mean, std = (np.array(values, dtype=np.float32)[:, None, None] for values in (config.mean, config.std))
    pixels = ((x.numpy() * std + mean) * 255).round().clip(0, 255).astype(np.uint8)
    pixels = pixels if len(pixels) == 3 else pixels[:1].repeat(3, axis=0)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def heat_picture(picture: Image.Image, found: Evidence, input_size: int) -> Image.Image:
    """A heat map over the photo: uncoloured where there is no evidence, the more covered the more there is.

    Args:
        picture: of `seen_picture`.
        found: the map and its scale; nothing is stretched.
        input_size: the side of what the net read, in pixels.

    Returns:
        A picture of the same size; a ring marks the strongest place, if it has a twentieth of full colour.
    """
    heat = _spread(found.map / found.scale, picture.size[0], found.stride / input_size)[..., None]
    photo = np.asarray(picture, dtype=np.float32)
    base = (1 - GREY) * photo + GREY * np.asarray(picture.convert("L"), dtype=np.float32)[..., None]
    colour = np.array(FAINT) + (np.array(STRONG, dtype=np.float32) - np.array(FAINT)) * heat
    drawn = Image.fromarray((base + (colour - base) * COVER * heat).round().astype(np.uint8))
    if found.peak is not None and found.strength >= FAINTEST_MARKED:
        _ring(drawn, *(place / input_size * picture.size[0] for place in found.peak))
    return drawn


def _spread(heat: Tensor, side: int, cell: float) -> np.ndarray:
    """(h, w) -> (side, side) float32, 0 to 1; a place is `cell` of the side. What a pooling left out gets what is next to it."""
    sides = [max(1, min(side, round(count * cell * side))) for count in heat.shape]
    grown = F.interpolate(heat[None, None], size=sides, mode="bilinear", align_corners=False)[0, 0]
    return np.pad(grown.nan_to_num(0, 1, 0).clamp(0, 1).numpy(), [(0, side - n) for n in sides], mode="edge")


def _ring(drawn: Image.Image, row: float, column: float) -> None:
    """Black and white, so that it shows on any colour."""
    pen, radius = ImageDraw.Draw(drawn), drawn.size[0] / 24
    for grown, colour, width in ((1.5, "black", 6), (0, "white", 3)):
        r = radius + grown
        pen.ellipse((column - r, row - r, column + r, row + r), outline=colour, width=width)


def map_tile(values: Tensor, scale: float) -> Image.Image:
    """(h, w) float as a grey picture of w x h pixels: 0 black, `scale` and more white."""
    share = (values / scale if scale > 0 else values * 0).nan_to_num(0, 1, 0).clamp(0, 1)
    return Image.fromarray((share * 255).round().byte().numpy())


def filter_tile(values: Tensor) -> Image.Image:
    """One filter of `first_filters`, (in_channels, 3, 3), in colour if it reads three channels, else grey (their mean)."""
    if len(values) != 3:
        return map_tile(values.mean(0), 1.0)
    return Image.fromarray((values.nan_to_num(0.5).permute(1, 2, 0) * 255).round().byte().contiguous().numpy())
