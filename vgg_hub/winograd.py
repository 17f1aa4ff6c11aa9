"""A 3x3 convolution with a quarter of the multiplications: Winograd's minimal filtering, F(4x4, 3x3).

Each tile of 6 x 6 pixels, channel by channel, is transformed; there the convolution is a product of matrices, one for each of
the 36 places; what comes out is transformed back to 4 x 4 pixels (Lavin & Gray 2015, https://arxiv.org/abs/1509.09308,
section 4). In float32 it is as exact as the convolution itself: about 1.5e-6 of the output's deviation, where that has 9e-7.
In bfloat16 it would not be.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["convolve", "filters", "of_filters", "of_pixels", "pays", "pixels", "places"]

# Where the polynomials are evaluated, and at infinity: of several sets the one with the least error (they differ by a factor
# of three; Barabasz et al. 2018, https://arxiv.org/abs/1803.10986, section 5, say why).
POINTS = (0.0, 1.0, -1.0, 0.5, -2.0)
KERNEL, OUT = 3, 4
TILE = OUT + KERNEL - 1

# Found by `python -m benchmarks.winograd`. Few channels, and the transforms take longer than what they save; few tiles, and
# reading the transformed weights does.
LEAST_CHANNELS, LEAST_TILES, MOST_WASTE = 36, 16, 1.5


def pays(shape: torch.Size, out_channels: int) -> bool:
    """Whether it is faster than a direct convolution of (B, C, H, W) in float32."""
    batch, channels, height, width = shape
    down, across = _tiles(height), _tiles(width)
    waste = across * down * OUT**2 / (height * width)
    both = channels * out_channels / (channels + out_channels)
    return both >= LEAST_CHANNELS and batch * across * down >= LEAST_TILES and waste <= MOST_WASTE


def _tiles(size: int) -> int:
    """How many cover so many pixels, the last one perhaps in part."""
    return -(-size // OUT)


def _evaluated(coefficients: int) -> Tensor:
    """(TILE, coefficients) float64: values of a polynomial at the points, its highest coefficient at infinity."""
    powers = torch.tensor(POINTS, dtype=torch.float64)[:, None] ** torch.arange(coefficients)
    return torch.cat([powers, torch.eye(coefficients, dtype=torch.float64)[-1:]])


def _on_both_axes(matrix: Tensor) -> Tensor:
    """The transform of rows and columns as one matrix, float32."""
    return torch.kron(matrix, matrix).float()


@functools.cache
def _matrices() -> tuple[Tensor, Tensor, Tensor]:
    """Of filters (36, 9), of tiles (36, 36), and back to pixels (16, 36)."""
    with torch.inference_mode(False):
        tiles = torch.linalg.inv(_evaluated(TILE)).T
        return _on_both_axes(_evaluated(KERNEL)), _on_both_axes(tiles), _on_both_axes(_evaluated(OUT).T)


def filters(weight: Tensor) -> Tensor:
    """(out, in, 3, 3) -> (36, in, out)."""
    out, channels = weight.shape[:2]
    return (_matrices()[0] @ weight.permute(2, 3, 1, 0).reshape(KERNEL**2, -1)).view(TILE**2, channels, out)


def of_filters(gradient: Tensor) -> Tensor:
    """(36, in, out) -> (out, in, 3, 3): `filters` the other way round, for gradients."""
    _, channels, out = gradient.shape
    return (_matrices()[0].T @ gradient.view(TILE**2, -1)).view(KERNEL, KERNEL, channels, out).permute(3, 2, 0, 1)


def places(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (36, tiles, C): each tile with the pixels around it, transformed."""
    batch, channels, height, width = x.shape
    down, across = _tiles(height), _tiles(width)
    right, below = (n * OUT + 1 - size for n, size in ((across, width), (down, height)))
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, right, 1, below))
    of_picture, of_row, of_column, of_channel = padded.stride()
    tiles = padded.as_strided(
        (TILE, TILE, batch, down, across, channels),
        (of_row, of_column, of_picture, OUT * of_row, OUT * of_column, of_channel),
    )
    return (_matrices()[1] @ tiles.reshape(TILE**2, -1)).view(TILE**2, -1, channels)


def pixels(products: Tensor, batch: int, height: int, width: int) -> Tensor:
    """(36, tiles, C) -> (B, C, H, W), channels last."""
    down, across = _tiles(height), _tiles(width)
    tiles = (_matrices()[2] @ products.view(TILE**2, -1)).view(OUT, OUT, batch, down, across, -1)
    size = (batch, tiles.shape[-1], down * OUT, across * OUT)
    whole = torch.empty(size, dtype=tiles.dtype, memory_format=torch.channels_last)
    whole.view(*size[:2], down, OUT, across, OUT).copy_(tiles.permute(2, 5, 3, 0, 4, 1))
    # Never a view: what comes out of a function with a gradient of its own may then be changed in place, as ReLU does.
    exact = size[2:] == (height, width)
    return whole if exact else whole[..., :height, :width].clone(memory_format=torch.channels_last)


def of_pixels(gradient: Tensor) -> Tensor:
    """(B, C, H, W) -> (36, tiles, C): `pixels` the other way round, for gradients."""
    batch, channels, height, width = gradient.shape
    down, across = _tiles(height), _tiles(width)
    padded = F.pad(gradient.permute(0, 2, 3, 1), (0, 0, 0, across * OUT - width, 0, down * OUT - height))
    tiles = padded.reshape(batch, down, OUT, across, OUT, channels).permute(2, 4, 0, 1, 3, 5)
    return (_matrices()[2].T @ tiles.reshape(OUT**2, -1)).view(TILE**2, -1, channels)


def convolve(x: Tensor, transformed: Tensor, bias: Tensor | None = None) -> Tensor:
    """A convolution of stride and padding 1.

    Args:
        x: (B, in, H, W) float32, on the CPU.
        transformed: (36, in, out), what `filters` makes of the weight.
        bias: (out,)

    Returns:
        (B, out, H, W) float32, channels last.
    """
    products = torch.bmm(places(x), transformed)
    if bias is not None:  # the value at the point 1 goes into all pixels alike: added at that one of the 36 places
        products[POINTS.index(1.0) * (TILE + 1)] += bias
    return pixels(products, len(x), *x.shape[2:])
