"""The one preprocessing that training, page, command line and API share. What it does is in the config, nowhere else."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .as_usual import as_usual
from .config import VGGConfig

__all__ = ["cut_square", "normalised", "preprocess"]

RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
}
# Beyond this many pixels only the part that the crop keeps is computed: from a thin strip, or with a small crop_pct, the
# whole resized picture would fill the memory. Rounding may differ by one step of 255 there.
MAX_RESIZED_PIXELS = 50_000_000


def preprocess(image: Image.Image, config: VGGConfig) -> Tensor:
    """Turn a picture into what the net reads, as timm's evaluation transform does.

    Resize (with antialiasing) so that the short side is `input_size / crop_pct` pixels, cut the centre square of
    `input_size`, scale to 0..1, subtract `mean`, divide by `std`.

    Args:
        image: upright; RGB for nets of three channels, else it is converted to grey ("L").
        config: of the model that will read it.

    Returns:
        (in_channels, input_size, input_size) float32.
    """
    return normalised(cut_square(image, config), config)


def cut_square(image: Image.Image, config: VGGConfig) -> Image.Image:
    """The first part of `preprocess`, all of it Pillow's: the square of `input_size` that the net sees, RGB or "L"."""
    size = config.input_size
    image = image.convert("RGB" if config.in_channels == 3 else "L")
    resampling = RESAMPLING[config.interpolation]
    short = math.floor(size / config.crop_pct)
    width, height = image.size
    # The long side is cut down as timm and torchvision do it, so that all three give the same pixels.
    resized = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    left, top = round((resized[0] - size) / 2), round((resized[1] - size) / 2)
    box = (left, top, left + size, top + size)
    if resized[0] * resized[1] > MAX_RESIZED_PIXELS:
        scale = (width / resized[0], height / resized[1]) * 2
        return image.resize((size, size), resampling, box=[edge * s for edge, s in zip(box, scale, strict=True)])
    return (image if resized == image.size else image.resize(resized, resampling)).crop(box)


@as_usual()
def normalised(image: Image.Image, config: VGGConfig) -> Tensor:
    """The second part of `preprocess`: the square's pixels as the net reads them."""
    pixels = torch.from_numpy(np.array(image, dtype=np.uint8))  # (S, S, 3) or (S, S)
    pixels = pixels.permute(2, 0, 1) if pixels.ndim == 3 else pixels.expand(config.in_channels, -1, -1)
    mean = torch.tensor(config.mean).view(-1, 1, 1)
    std = torch.tensor(config.std).view(-1, 1, 1)
    return (pixels.float() / 255 - mean) / std
