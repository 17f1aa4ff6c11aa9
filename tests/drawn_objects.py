"""Four kinds of objects drawn by code, one on a picture or one in each quadrant of it."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["KINDS", "draw_object", "mosaic", "planted"]

KINDS = ("bars", "cross", "disc", "ring")
SIDE = 80


def draw_object(kind: str, chance: np.random.Generator) -> Image.Image:
    """One object somewhere on paper of another colour, light on dark or dark on light, with grain."""
    ink, paper = chance.integers(0, 110, 3), chance.integers(145, 256, 3)
    if chance.random() < 0.5:
        ink, paper = paper, ink
    picture = Image.new("RGB", (SIDE, SIDE), tuple(paper.tolist()))
    pen, colour = ImageDraw.Draw(picture), tuple(ink.tolist())
    r = chance.uniform(0.22, 0.36) * SIDE
    x, y = chance.uniform(r + 4, SIDE - r - 4, 2)
    box = (x - r, y - r, x + r, y + r)
    if kind == "disc":
        pen.ellipse(box, fill=colour)
    elif kind == "ring":
        pen.ellipse(box, outline=colour, width=7)
    elif kind == "cross":
        pen.line(box, fill=colour, width=9)
        pen.line((x - r, y + r, x + r, y - r), fill=colour, width=9)
    else:
        for k in range(-3, 4):
            pen.line((x + k * r / 3, y - r, x + k * r / 3, y + r), fill=colour, width=4)
    pixels = np.asarray(picture) + chance.normal(0, 6, (SIDE, SIDE, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def mosaic(chance: np.random.Generator) -> tuple[Image.Image, list[str]]:
    """A picture with one object of each kind, and which lies upper left, upper right, lower left and lower right."""
    kinds = [KINDS[i] for i in chance.permutation(len(KINDS))]
    picture = Image.new("RGB", (2 * SIDE, 2 * SIDE))
    for quadrant, kind in enumerate(kinds):
        picture.paste(draw_object(kind, chance), (quadrant % 2 * SIDE, quadrant // 2 * SIDE))
    return picture, kinds


def planted(kind: str, chance: np.random.Generator) -> Image.Image:
    """A picture as large as a mosaic with one object, as large as it is there, in one of its quadrants."""
    one = draw_object(kind, chance)
    paper = np.median(np.asarray(one).reshape(-1, 3), axis=0) + chance.normal(0, 6, (2 * SIDE, 2 * SIDE, 3))
    picture = Image.fromarray(paper.clip(0, 255).astype(np.uint8))
    down, right = divmod(int(chance.integers(4)), 2)
    picture.paste(one, (right * SIDE, down * SIDE))
    return picture
