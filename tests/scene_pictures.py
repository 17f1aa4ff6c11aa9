"""Drawn scenes, and copies of them as people make them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from vgg_hub.cache import CachedPhoto
from vgg_hub.guards import look_at

__all__ = ["COPIES", "burst", "cached", "scene"]


def scene(seed: int, width: int = 160, height: int = 120) -> Image.Image:
    """A wavy ground with a dozen coloured things on it, placed by chance."""
    chance = np.random.default_rng(seed)
    ground = Image.fromarray(chance.integers(60, 200, (4, 5, 3), dtype=np.uint8))
    picture = ground.resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = chance.uniform(0, width), chance.uniform(0, height)
        w, h = chance.uniform(6, 25, 2)
        draw = pen.ellipse if chance.random() < 0.5 else pen.rectangle
        draw((x - w, y - h, x + w, y + h), fill=tuple(chance.integers(0, 256, 3).tolist()))
    return picture


def burst(seed: int, count: int) -> list[Image.Image]:
    """One scene from a few pixels further each time, in a little other light, with noise of its own."""
    chance = np.random.default_rng(seed)
    whole = scene(seed, 176, 132)
    taken = []
    for _ in range(count):
        x, y = chance.integers(0, 17), chance.integers(0, 13)
        picture = np.asarray(whole.crop((x, y, x + 160, y + 120))) * chance.uniform(0.95, 1.05)
        taken.append(Image.fromarray((picture + chance.normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8)))
    return taken


def _recompressed(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=40)
    return Image.open(file).convert("RGB")


COPIES = {
    "resized": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "recompressed": _recompressed,
    "brightened": lambda picture: ImageEnhance.Brightness(picture).enhance(1.2),
    "cropped": lambda picture: picture.crop((0, 0, round(0.9 * picture.width), round(0.9 * picture.height))),
    "mirrored": ImageOps.mirror,
}


def cached(pictures: list[Image.Image], targets: list[int]) -> tuple[list[CachedPhoto], np.ndarray]:
    """Photos and their thumbnails as the cache holds them: `photo 0.png` and so on."""
    facts, thumbnails = zip(*[look_at(picture, None) for picture in pictures], strict=True)
    photos = [
        CachedPhoto(f"photo {i}.png", target, i, bytes([i]), noted, i)
        for i, (noted, target) in enumerate(zip(facts, targets, strict=True))
    ]
    return photos, np.stack(thumbnails)
