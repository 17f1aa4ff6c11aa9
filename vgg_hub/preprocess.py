"""The one preprocessing that training, page, command line and API share. What it does is in the config, nowhere else."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .config import VGGConfig

__all__ = ["preprocess"]

RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
}


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
    size = config.input_size
    image = image.convert("RGB" if config.in_channels == 3 else "L")
    short = math.floor(size / config.crop_pct)
    width, height = image.size
    # The long side is cut down as timm and torchvision do it, so that all three give the same pixels.
    resized = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    if resized != image.size:
        image = image.resize(resized, RESAMPLING[config.interpolation], reducing_gap=None)
    left, top = round((resized[0] - size) / 2), round((resized[1] - size) / 2)
    image = image.crop((left, top, left + size, top + size))
    pixels = torch.from_numpy(np.array(image, dtype=np.uint8))  # (S, S, 3) or (S, S)
    pixels = pixels.permute(2, 0, 1) if pixels.ndim == 3 else pixels.expand(config.in_channels, -1, -1)
    mean = torch.tensor(config.mean).view(-1, 1, 1)
    std = torch.tensor(config.std).view(-1, 1, 1)
    return (pixels.float() / 255 - mean) / std
