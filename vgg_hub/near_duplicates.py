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
import threading

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .room import room_for

__all__ = ["near_duplicates"]

SIDE = 24  # of what is laid over each other, pixels
# Each photo is compared with those that are most like it at a glance, so that the time grows with their number. A burst
# of more is still linked.
NEIGHBOURS = 16
GLANCE = 8  # side of what is compared at a glance
CHUNK = 512  # pairs at a time, the bound on memory
LIKENESSES = 2_000_000  # of photos with all others, at a time
CROPS_BYTES = 100_000_000  # of memory, for the crops of all photos; past it a file takes their place
# Size and centre, the sides from -1 to 1: the whole, and crops of nine tenths.
CROPS = [(1.0, 0.0, 0.0), *((0.9, x, y) for x in (-0.1, 0.0, 0.1) for y in (-0.1, 0.0, 0.1))]
STEPS = 8
# Chosen on drawn pictures and on photos of Caltech 101, away from both sides: see benchmarks/guards.py. Two crops of one
# photo at different corners fit by 0.8 and more, and only 3 % of different photos that are alike at a glance by 0.7.
FIRST_FIT = 0.7
SLOPES_ALIKE, COLOURS_ALIKE, MOVED = 0.88, 0.88, 0.25
# Stripes lie over other stripes wherever they are shifted to: what slopes in one direction only must be alike as it is.
ONE_WAY, ONE_WAY_COLOURS_ALIKE, ONE_WAY_MOVED = 0.1, 0.95, 0.05
LEAST_SLOPE = 0.002  # of full scale a pixel: below, there is nothing in the picture to compare


def near_duplicates(thumbnails: np.ndarray, stop: threading.Event | None = None) -> list[tuple[int, int]]:
    """The pairs (i, j), i < j, of pictures that show one scene; of many that do, enough to link them.

    Args:
        thumbnails: (n, 48, 48, 3) uint8.
        stop: set it, from any thread, to end soon with what was found so far.

    Raises:
        FinetuneError: of many pictures, there is no room on the disk for what is compared.
    """
    count = len(thumbnails)
    if count < 2:
        return []
    # What is kept of each photo: a glance, and its crops' slopes in half precision, never twice.
    glances = torch.empty(count, GLANCE, GLANCE)
    crops = room_for((count, len(CROPS), SIDE * (SIDE // 2 - 1)), torch.float16, CROPS_BYTES)
    for some in torch.arange(count).split(CHUNK):
        small = _small(_pictures(thumbnails[some.numpy()]))
        glances[some] = F.avg_pool2d(small[:, 0], SIDE // GLANCE)
        crops[some] = _crops(small).half()
    found: set[tuple[int, int]] = set()
    for mirrored in (False, True):
        for pairs in _candidates(glances, mirrored).split(CHUNK):
            if stop is not None and stop.is_set():
                break
            own, other = (crops[side].float() for side in pairs.T)
            fit, theta = _best_crops(_mirrored(own) if mirrored else own, other)
            pairs, theta = pairs[fit > FIRST_FIT], theta[fit > FIRST_FIT]
            if len(pairs):
                first, second = (_pictures(thumbnails[side]) for side in pairs.T.numpy())
                same = _one_scene(first.flip(3) if mirrored else first, second, theta)
                found.update((i, j) for i, j in pairs[same].tolist())
    return sorted(found)


def _pictures(thumbnails: np.ndarray) -> Tensor:
    """(m, 3, 48, 48) float32, 0 to 1."""
    return torch.from_numpy(thumbnails).permute(0, 3, 1, 2).float() / 255


def _small(pictures: Tensor) -> Tensor:
    """(m, 3, 48, 48) -> (m, 1, 24, 24), grey."""
    return F.avg_pool2d(pictures.mean(1, keepdim=True), 2)


def _candidates(glances: Tensor, mirrored: bool) -> Tensor:
    """(m, 2), sorted: each picture, (n, 8, 8), with those that are most like it, or like its mirror image."""
    own, others = (_unit(p.flatten(1)) for p in (glances.flip(2) if mirrored else glances, glances))
    n = len(glances)
    # Both once and for all rows: what is kept, taken between what is not, would let the memory grow with each step.
    step = max(1, min(n, LIKENESSES // n))
    likeness, pairs = torch.empty(step, n), torch.empty(n, min(NEIGHBOURS, n - 1), dtype=torch.int64)
    for rows in torch.arange(n).split(step):
        some = torch.mm(own[rows], others.T, out=likeness[: len(rows)])
        some[torch.arange(len(rows)), rows] = -2  # itself last
        nearest = some.topk(pairs.shape[1]).indices
        first, last = torch.minimum(rows[:, None], nearest), torch.maximum(rows[:, None], nearest)
        pairs[rows] = first * n + last  # one number each: unique rows take far more memory
    numbers = pairs.unique()  # i like the mirrored j is j like the mirrored i
    return torch.stack([numbers // n, numbers % n], 1)


def _unit(rows: Tensor) -> Tensor:
    rows = rows - rows.mean(1, keepdim=True)
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-6)


def _crops(small: Tensor) -> Tensor:
    """(n, 1, 24, 24) -> (n, crops, d): slopes of the crops at half the size."""
    squares = [torch.tensor([[size, 0, x], [0, size, y]]).expand(len(small), 2, 3) for size, x, y in CROPS]
    return torch.stack([_slopes(_warp(small, square, SIDE // 2)) for square in squares], 1)


def _mirrored(crops: Tensor) -> Tensor:
    """What `_crops` gives of the mirror image, from what it gives of the picture."""
    order = [CROPS.index((size, -x, y)) for size, x, y in CROPS]
    side = SIDE // 2
    right, below = crops[:, order].split(side * (side - 1), dim=2)
    right = -right.unflatten(2, (side, side - 1)).flip(3).flatten(2)
    below = below.unflatten(2, (side - 1, side)).flip(3).flatten(2)
    return torch.cat([right, below], 2)


def _best_crops(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Of (m, crops, d) each the best correlation over all pairs of crops, (m,), and the map between those, (m, 2, 3)."""
    best, which = (first @ second.mT).flatten(1).max(1)
    maps = [
        [[s / t, 0, x - s / t * u], [0, s / t, y - s / t * v]]
        for (s, x, y), (t, u, v) in itertools.product(CROPS, CROPS)
    ]
    return best, torch.tensor(maps)[which]


def _one_scene(first: Tensor, second: Tensor, theta: Tensor) -> Tensor:
    """(m,) bool: whether (m, 3, 48, 48) pictures show one scene, laid over each other by about the maps (m, 2, 3)."""
    small, target = _small(first), _small(second)
    theta = _registered(small, target, theta)
    slopes, colours = _compared(first, second, theta)
    moved = (theta - torch.eye(2, 3)).abs().flatten(1).amax(1)
    any_way = (slopes > SLOPES_ALIKE) & (colours > COLOURS_ALIKE) & (moved < MOVED)
    as_it_is = (colours > ONE_WAY_COLOURS_ALIKE) & (moved < ONE_WAY_MOVED)
    round_about = torch.minimum(*(_round_about(p.mean(1)) for p in (first, second)))
    return any_way & (as_it_is | (round_about > ONE_WAY))


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
    """(m, S, S) -> (m,), from 0 for slopes that all run one way to 1 for slopes as strong in all directions.

    The ratio of the eigenvalues of the structure tensor (Shi & Tomasi, "Good Features to Track", CVPR 1994).
    """
    y, x = torch.gradient(grey, dim=(1, 2))
    xx, yy, xy = ((a * b).mean((1, 2)) for a, b in ((x, x), (y, y), (x, y)))
    mean, apart = (xx + yy) / 2, ((xx - yy).square() / 4 + xy.square()).sqrt()
    return (mean - apart) / (mean + apart).clamp_min(1e-12)


def _inside(theta: Tensor, side: int) -> Tensor:
    """(m, 1, side, side), 1 where the map stays on the picture."""
    grid = F.affine_grid(theta, [len(theta), 1, side, side], align_corners=False)
    return (grid.abs().amax(3) <= 1).float()[:, None]


def _registered(first: Tensor, second: Tensor, theta: Tensor) -> Tensor:
    """Better maps under which `first` looks like `second`, (m, 1, 24, 24) each: Gauss-Newton, in one light."""
    middle = (torch.arange(SIDE) + 0.5) * 2 / SIDE - 1
    y, x = torch.meshgrid(middle, middle, indexing="ij")
    place = torch.stack([x, y, torch.ones_like(x)], -1).reshape(-1, 3)  # (S^2, 3)
    for _ in range(STEPS):
        mask = _inside(theta, SIDE).flatten(1)
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
    """Correlations of slopes of grey and of colours, (m,) each, of `first` seen through the maps with `second`.

    Slopes at half the size, for they are lost first where the map is not exact; colours at full size, for stripes that
    are finer than half of it may look like others.
    """
    seen, mask = _warp(first, theta, 2 * SIDE), _inside(theta, SIDE)
    slopes = (_slopes(_small(seen), mask) * _slopes(_small(second), mask)).sum(1)
    everywhere = _inside(theta, 2 * SIDE).expand_as(second).flatten(1)
    one, other = (_lit(p.flatten(1), everywhere)[0] for p in (seen, second))
    colours = (one * other * everywhere).sum(1) / everywhere.sum(1).clamp_min(1)
    return slopes, colours
