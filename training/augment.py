"""Augmentation of whole batches at once: on two cores, one call a batch costs a tenth of one call a picture."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["MEAN", "SMALLEST_AREA", "STD", "augment", "normalise"]

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
SMALLEST_AREA = 0.35


def normalise(images: Tensor) -> Tensor:
    """(B, 3, H, W), 0 to 1 -> the same, less the mean and by the standard deviation of each channel."""
    mean, std = (torch.tensor(channels, device=images.device).view(3, 1, 1) for channels in (MEAN, STD))
    return (images - mean) / std


def augment(images: Tensor, size: int, generator: torch.Generator, smallest_area: float = SMALLEST_AREA) -> Tensor:
    """Random crop with its own scale and aspect, mirror image, brightness, contrast and saturation, each picture alone.

    Args:
        images: (B, 3, S, S) uint8, on any device.
        size: side of what comes out.
        generator: the source of chance, on the CPU, so that it is the same on all devices.
        smallest_area: least share of the picture's area in a crop (Szegedy et al. 2015,
            https://arxiv.org/abs/1409.4842, section 6, with a milder bound for small pictures).

    Returns:
        (B, 3, size, size) float32, normalised, on the pictures' device.
    """
    batch = len(images)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(batch, generator=generator) * (high - low) + low

    area, log_ratio = uniform(smallest_area, 1.0), uniform(-0.2877, 0.2877)  # log 3/4 .. log 4/3
    width = (area.sqrt() * (log_ratio / 2).exp()).clamp(max=1)
    height = (area.sqrt() * (-log_ratio / 2).exp()).clamp(max=1)
    # For grid_sample the picture spans -1 to 1; a crop of width w may be centred within 1 - w of the middle.
    centre_x, centre_y = uniform(-1, 1) * (1 - width), uniform(-1, 1) * (1 - height)
    mirror = 1 - 2 * (uniform(0, 1) < 0.5).float()
    zero = torch.zeros(batch)
    theta = torch.stack(
        [torch.stack([width * mirror, zero, centre_x], 1), torch.stack([zero, height, centre_y], 1)], 1
    ).to(images.device)  # (B, 2, 3)
    source = images.float().div_(255)
    if source.shape[-1] >= 2 * size:  # bilinear sampling alone would alias
        source = F.avg_pool2d(source, source.shape[-1] // size)
    grid = F.affine_grid(theta, [batch, 3, size, size], align_corners=False)
    crops = F.grid_sample(source, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return normalise(_jitter(crops, uniform))


def _jitter(x: Tensor, uniform) -> Tensor:
    brightness, contrast, saturation = (uniform(0.7, 1.3).view(-1, 1, 1, 1).to(x.device) for _ in range(3))
    x = x * brightness
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * contrast + mean
    grey = (x * torch.tensor([0.299, 0.587, 0.114], device=x.device).view(3, 1, 1)).sum(1, keepdim=True)
    return ((x - grey) * saturation + grey).clamp_(0, 1)
