"""Photos that show one scene: copies resized, recompressed, lit or cropped a little otherwise, and bursts.

Small pictures of two photos are laid over each other and compared. Hashes of a few low frequencies (difference hash,
DCT hash: Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010,
https://www.phash.org/docs/pubs/thesis_zauner.pdf) answer fast for copies, but a crop of a tenth moves every cell of
theirs. So, as they do, slopes of grey are compared and not grey itself, which light does not change; but slopes of
crops, for a first fit, which is then made exact by the method of Lucas & Kanade ("An Iterative Image Registration
Technique", IJCAI 1981, https://www.ijcai.org/Proceedings/81-2/Papers/017.pdf). What still differs is the scene.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["near_duplicates"]

SIDE = 24  # of what is laid over each other, pixels
# Each photo is compared with those that are most like it at a glance, so that the time grows with their number.
NEIGHBOURS = 16
CHUNK = 512  # pairs at a time, the bound on memory
WHOLE = (1.0, 0.0, 0.0)
CROPS = [
    WHOLE,
    *((0.9, x, y) for x in (-0.1, 0, 0.1) for y in (-0.1, 0, 0.1)),
]  # size and centre, the sides from -1 to 1
STEPS = 8
FIRST_FIT = 0.5
# Chosen on drawn pictures and on photos of Caltech 101, away from both sides: see benchmarks/guards.py.
SLOPES_ALIKE, COLOURS_ALIKE, MOVED = 0.88, 0.93, 0.2
# Stripes lie over other stripes wherever they are shifted to: what slopes in one direction only must be alike as it is.
ONE_WAY, ONE_WAY_COLOURS_ALIKE, ONE_WAY_MOVED = 0.1, 0.97, 0.05
LEAST_SLOPE = 0.002  # of full scale a pixel: below, there is nothing in the picture to compare


def near_duplicates(thumbnails: Sequence[np.ndarray]) -> list[tuple[int, int]]:
    """The pairs (i, j), i < j, of pictures that show one scene; of many that do, enough to link them.

    Args:
        thumbnails: (48, 48, 3) uint8 each.
    """
    if len(thumbnails) < 2:
        return []
    pictures = torch.from_numpy(np.stack(thumbnails)).permute(0, 3, 1, 2)  # (n, 3, 48, 48) uint8
    found: set[tuple[int, int]] = set()
    for mirrored in (False, True):
        for pairs in _candidates(pictures, mirrored).split(CHUNK):
            same = _one_scene(pictures, pairs, mirrored)
            found.update((i, j) for i, j in pairs[same].tolist())
    return sorted(found)


def _candidates(pictures: Tensor, mirrored: bool) -> Tensor:
    """(m, 2), sorted: each picture with those that are most like it, or like its mirror image, at 8 x 8."""
    glance = F.adaptive_avg_pool2d(pictures.float().mean(1), 8)  # (n, 8, 8)
    own, others = (_unit(p.flatten(1)) for p in (glance.flip(2) if mirrored else glance, glance))
    n, pairs = len(glance), []
    for rows in torch.arange(n).split(1024):
        likeness = own[rows] @ others.T
        likeness[torch.arange(len(rows)), rows] = -2  # itself last
        nearest = likeness.topk(min(NEIGHBOURS, n - 1)).indices
        pairs.append(torch.stack([rows[:, None].expand_as(nearest), nearest], -1).reshape(-1, 2))
    return torch.cat(pairs).sort(1).values.unique(dim=0)  # i like the mirrored j is j like the mirrored i


def _unit(rows: Tensor) -> Tensor:
    rows = rows - rows.mean(1, keepdim=True)
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-6)


def _one_scene(pictures: Tensor, pairs: Tensor, mirrored: bool) -> Tensor:
    """(m,) bool: whether the pairs, (m, 2), of (n, 3, 48, 48) uint8 pictures show one scene."""
    slopes, colours, moved, round_about = _likeness(pictures, pairs, mirrored).T
    any_way = (slopes > SLOPES_ALIKE) & (colours > COLOURS_ALIKE) & (moved < MOVED)
    as_it_is = (colours > ONE_WAY_COLOURS_ALIKE) & (moved < ONE_WAY_MOVED)
    return any_way & (as_it_is | (round_about > ONE_WAY))


def _likeness(pictures: Tensor, pairs: Tensor, mirrored: bool) -> Tensor:
    """(m, 4): correlations of slopes and of colours, laid over each other; how far from the identity that is; and the
    lesser of the two pictures' shares of slopes across their main direction. Of pictures that do not fit: -1."""
    likeness = torch.full((len(pairs), 4), -1.0)
    used, pairs = pairs.unique(return_inverse=True)
    second = pictures[used].float() / 255
    first = second.flip(3) if mirrored else second
    small = [F.avg_pool2d(p.mean(1, keepdim=True), 2) for p in (first, second)]  # (used, 1, 24, 24)
    fit, theta = _best_crops(*small, pairs)
    good = torch.nonzero(fit > FIRST_FIT).flatten()
    if len(good):
        one, other = pairs[good].T
        theta = _registered(small[0][one], small[1][other], theta[good])
        alike = _compared(first[one], second[other], theta)
        moved = (theta - torch.eye(2, 3)).abs().flatten(1).amax(1)
        round_about = _round_about(small[1])
        likeness[good] = torch.stack([*alike, moved, torch.minimum(round_about[one], round_about[other])], 1)
    return likeness


def _best_crops(first: Tensor, second: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """The best correlation of slopes over all pairs of crops, (m,), and the map between those two, (m, 2, 3)."""
    one, other = (
        torch.stack([_slopes(_warp(p, _square(crop, len(p)), SIDE // 2)) for crop in CROPS], 1) for p in (first, second)
    )
    best, which = (one[pairs[:, 0]] @ other[pairs[:, 1]].mT).flatten(1).max(1)
    maps = [
        [[s / t, 0, x - s / t * u], [0, s / t, y - s / t * v]]
        for (s, x, y), (t, u, v) in itertools.product(CROPS, CROPS)
    ]
    return best, torch.tensor(maps)[which]


def _square(crop: tuple[float, float, float], count: int) -> Tensor:
    size, x, y = crop
    return torch.tensor([[size, 0, x], [0, size, y]]).expand(count, 2, 3)


def _warp(pictures: Tensor, theta: Tensor, side: int) -> Tensor:
    """(m, c, H, W) seen through maps (m, 2, 3) of coordinates from -1 to 1 -> (m, c, side, side)."""
    fine = max(side, pictures.shape[-1])
    grid = F.affine_grid(theta, [len(pictures), 1, fine, fine], align_corners=False)
    seen = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return F.avg_pool2d(seen, fine // side)


def _slopes(grey: Tensor, mask: Tensor | None = None) -> Tensor:
    """(m, 1, S, S) -> (m, 2 * S * (S - 1)) differences to the right and below, of length 1; of a flat picture, 0."""
    mask = torch.ones_like(grey) if mask is None else mask
    right = grey.diff(dim=3) * mask[..., 1:] * mask[..., :-1]
    below = grey.diff(dim=2) * mask[..., 1:, :] * mask[..., :-1, :]
    slopes = torch.cat([right.flatten(1), below.flatten(1)], 1)
    length = slopes.norm(dim=1, keepdim=True)
    return torch.where(length > LEAST_SLOPE * slopes.shape[1] ** 0.5, slopes / length.clamp_min(1e-9), 0)


def _round_about(grey: Tensor) -> Tensor:
    """(m,), from 0 for slopes that all run one way to 1 for slopes as strong in all directions.

    The ratio of the eigenvalues of the structure tensor (Shi & Tomasi, "Good Features to Track", CVPR 1994).
    """
    y, x = torch.gradient(grey[:, 0], dim=(1, 2))
    xx, yy, xy = ((a * b).mean((1, 2)) for a, b in ((x, x), (y, y), (x, y)))
    mean, apart = (xx + yy) / 2, ((xx - yy).square() / 4 + xy.square()).sqrt()
    return (mean - apart) / (mean + apart).clamp_min(1e-12)


def _inside(theta: Tensor) -> Tensor:
    """(m, 1, S, S), 1 where the map stays on the picture."""
    grid = F.affine_grid(theta, [len(theta), 1, SIDE, SIDE], align_corners=False)
    return (grid.abs().amax(3) <= 1).float()[:, None]


def _registered(first: Tensor, second: Tensor, theta: Tensor) -> Tensor:
    """Better maps under which `first` looks like `second`, (m, 1, 24, 24) each: Gauss-Newton, in one light."""
    middle = (torch.arange(SIDE) + 0.5) * 2 / SIDE - 1
    y, x = torch.meshgrid(middle, middle, indexing="ij")
    place = torch.stack([x, y, torch.ones_like(x)], -1).reshape(-1, 3)  # (S^2, 3)
    for _ in range(STEPS):
        mask = _inside(theta).flatten(1)
        seen = _warp(first, theta, SIDE)
        slope_y, slope_x = torch.gradient(seen[:, 0], spacing=2 / SIDE, dim=(1, 2))
        (here, spread), (there, _) = (_lit(p.flatten(1), mask) for p in (seen, second))
        slopes = torch.stack([slope_x.flatten(1), slope_y.flatten(1)], -1) / spread[..., None]
        jacobian = (slopes[..., None] * place[:, None]).flatten(2) * mask[..., None]  # (m, S^2, 6)
        normal = jacobian.mT @ jacobian + 1e-3 * len(place) * torch.eye(6)
        change = torch.linalg.solve(normal, jacobian.mT @ ((there - here) * mask)[..., None])
        change = change.reshape(-1, 2, 3).clamp(-0.1, 0.1)
        turned = theta[..., :2] @ (torch.eye(2) + change[..., :2])
        theta = torch.cat([turned, theta[..., :2] @ change[..., 2:] + theta[..., 2:]], 2)
    return theta


def _lit(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """(m, d) shifted and scaled to mean 0 and spread 1 within the mask; and what the spread was, (m, 1)."""
    share = mask.sum(1, keepdim=True).clamp_min(1)
    values = values - (values * mask).sum(1, keepdim=True) / share
    spread = ((values.square() * mask).sum(1, keepdim=True) / share).sqrt().clamp_min(1e-3)
    return values / spread, spread


def _compared(first: Tensor, second: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Correlations of slopes of grey and of colours, (m,) each, of `first` seen through the maps with `second`."""
    mask = _inside(theta)
    seen, target = _warp(first, theta, SIDE), F.avg_pool2d(second, 2)
    slopes = (_slopes(seen.mean(1, keepdim=True), mask) * _slopes(target.mean(1, keepdim=True), mask)).sum(1)
    everywhere = mask.expand_as(seen).flatten(1)
    one, other = (_lit(p.flatten(1), everywhere)[0] for p in (seen, target))
    colours = (one * other * everywhere).sum(1) / everywhere.sum(1).clamp_min(1)
    return slopes, colours
