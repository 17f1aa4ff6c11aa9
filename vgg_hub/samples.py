"""Sample pictures drawn by code, so that the whole path can be tried without a photo."""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["SAMPLE_LABELS", "draw_samples"]

SAMPLE_LABELS = ("stripes", "dots")
SIDE = 160  # pixels
# Earth, plants, water and sky: light colours and deep ones, of which each picture takes one of each, in either role.
LIGHT = ("#f4ecdc", "#efe3c8", "#e8d5c4", "#dfe6d5", "#cfdcc8", "#d8e3e7", "#c9d9e3", "#f1dcc9", "#e9d8e0", "#f3e2b3")
DEEP = ("#5b3a29", "#8c4a32", "#b5603a", "#5e6b3a", "#3f5a45", "#2f4858", "#3d5a80", "#6b4c6e", "#a14f5c", "#9c7a2f")


def draw_samples(count_per_class: int = 15, seed: int = 0) -> dict[str, list[Image.Image]]:
    """Draw pictures of two textures, stripes and dots, whose colours say nothing of which they are.

    Angle, scale, bend, colours, light and grain are drawn at random; ink covers the same share of the paper in both.

    Args:
        count_per_class: pictures of each.
        seed: the same seed gives the same pictures.

    Returns:
        label -> `count_per_class` RGB images of 160 x 160.
    """
    chance = np.random.default_rng(seed)
    drawn: dict[str, list[Image.Image]] = {label: [] for label in SAMPLE_LABELS}
    for _ in range(count_per_class):
        for label, pictures in drawn.items():
            pictures.append(_draw(label, chance))
    return drawn


def _draw(label: str, chance: np.random.Generator) -> Image.Image:
    period = chance.uniform(18, 38)  # pixels
    u, v = _coordinates(period, chance)
    cover = chance.uniform(0.3, 0.5)
    distance = _stripes(u, cover, chance) if label == "stripes" else _dots(u, v, cover, chance)
    ink_share = np.clip(0.5 - distance * period / 1.6, 0, 1)[..., None]  # soft edges, less than two pixels wide
    paper, ink = _two_colours(chance)
    picture = paper + (ink - paper) * ink_share  # (SIDE, SIDE, 3), 0 to 1
    return Image.fromarray((_lit(picture, chance).clip(0, 1) * 255).round().astype(np.uint8))


def _coordinates(period: float, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's place, (SIDE, SIDE) each, in periods of the pattern: turned, shifted and gently bent."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    angle, slope = chance.uniform(0, 2 * np.pi, 2)
    wave = (x * np.cos(slope) + y * np.sin(slope)) / chance.uniform(90, 220)
    bend = chance.uniform(0, 5) * np.sin(2 * np.pi * wave)
    u = (x * np.cos(angle) + y * np.sin(angle) + bend) / period + chance.uniform()
    v = (y * np.cos(angle) - x * np.sin(angle) + bend) / period + chance.uniform()
    return u, v


def _stripes(u: np.ndarray, cover: float, chance: np.random.Generator) -> np.ndarray:
    """Distance from the edge of the ink, in periods, negative inside: plain stripes, or a broad one and a fine one."""
    within = u - np.floor(u)
    if chance.uniform() < 0.6:
        return np.abs(within - 0.5) - cover / 2
    fine = 0.25 * cover
    return np.minimum(np.abs(within - 0.35) - (cover - fine) / 2, np.abs(within - 0.85) - fine / 2)


def _dots(u: np.ndarray, v: np.ndarray, cover: float, chance: np.random.Generator) -> np.ndarray:
    """As `_stripes`: discs or rings, in rows that stand below each other or between each other."""
    if chance.uniform() < 0.5:
        u = u + 0.5 * (np.floor(v) % 2)
    radius = np.hypot(u - np.floor(u) - 0.5, v - np.floor(v) - 0.5)
    if chance.uniform() < 0.6:
        return radius - np.sqrt(cover / np.pi)
    hole = 0.5  # of the outer radius
    outer = np.sqrt(cover / np.pi / (1 - hole**2))
    return np.maximum(radius - outer, hole * outer - radius)


def _two_colours(chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paper and ink, (3,) each, 0 to 1: a light and a deep colour, in either role."""
    pair = [
        np.array([int(colours[i][k : k + 2], 16) for k in (1, 3, 5)]) / 255 + chance.normal(0, 0.015, 3)
        for colours in (LIGHT, DEEP)
        for i in [chance.integers(len(colours))]
    ]
    return (pair[0], pair[1]) if chance.uniform() < 0.5 else (pair[1], pair[0])


def _lit(picture: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """The picture under a light that falls off to one side, with clouds of shade and the grain of paper."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    angle = chance.uniform(0, 2 * np.pi)
    light = 1 + chance.uniform(0, 0.2) * (x * np.cos(angle) + y * np.sin(angle)) - 0.15 * (x**2 + y**2)
    clouds = Image.fromarray(chance.normal(0, 1, (5, 5)).astype(np.float32))
    clouds = np.asarray(clouds.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    grain = chance.normal(0, 1, (SIDE, SIDE))
    return picture * (light + 0.02 * clouds + 0.02 * grain)[..., None]
