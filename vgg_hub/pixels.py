"""Pixels of any kind that a picture file may hold, as upright 8-bit RGB."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from .errors import PhotoError

__all__ = ["DECODER_ERRORS", "upright_rgb"]

ORIENTATION_TAG, WHITE_IS_ZERO_TAG, BITS_TAG = 274, 262, 258
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow and its decoders raised on half a million damaged files, by format:
DECODER_ERRORS = (
    OSError,  # all but HEIF: cut short, a broken stream, an unknown compression
    SyntaxError,  # all: a broken header or chunk
    ValueError,  # PNG chunks, BMP palettes, GIF and TIFF extents, AVIF EXIF, HEIF boxes
    TypeError,  # TIFF: a tag of another type than its meaning asks for
    OverflowError,  # TIFF: a tag too large for C
    struct.error,  # JPEG: the table of a multi-picture file is short; EXIF anywhere
    AssertionError,  # PNG: palette colours without a palette
    RuntimeError,  # AVIF and HEIF: what their libraries report
    EOFError,  # HEIF: cut short
    MemoryError,  # a size within the limits that this machine has no room for
    Image.DecompressionBombError,  # GIF: a frame that is larger than the screen it says it is for
    # Not seen, but Pillow's code looks up tags by number and divides resolutions.
    LookupError,
    ZeroDivisionError,
)


def upright_rgb(image: Image.Image, shown: str) -> Image.Image:
    """Turn a decoded picture of any mode into upright RGB: transparency over white, deep grey scaled to 8 bits.

    Args:
        image: loaded; it is not changed. Mode "I" counts as 16-bit grey, 0 to 65535.
        shown: its name, for errors.

    Returns:
        A new image of mode RGB, without metadata.

    Raises:
        PhotoError: its values have no known white.
        One of DECODER_ERRORS: it is damaged.
    """
    orientation = _orientation(image)
    rgb = _rgb(image, shown)
    if orientation in ORIENTATIONS:
        rgb = rgb.transpose(ORIENTATIONS[orientation])
    rgb.info = {}  # else whoever reads it again finds the orientation, and turns it once more
    return rgb


def _orientation(image: Image.Image) -> object:
    """1 to 8 of EXIF, from a picture whose pixels are read; a damaged EXIF block says nothing."""
    try:
        value = image.getexif().get(ORIENTATION_TAG)
    except DECODER_ERRORS:
        return None
    return value if isinstance(value, int) else None


def _rgb(image: Image.Image, shown: str) -> Image.Image:
    if image.mode == "F":
        raise PhotoError(
            "{file} holds fractions, and not what counts as white; save it with 8 or 16 bits a pixel.", file=shown
        )
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _deep_grey(image, shown).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _deep_grey(image: Image.Image, shown: str) -> Image.Image:
    """Grey of more than 8 bits to "L"; Pillow's own conversion cuts at 255 and leaves a white picture."""
    values = np.asarray(image).astype(np.int32)
    tags = getattr(image, "tag_v2", {})  # of a TIFF
    bits = tags.get(BITS_TAG, (16,))[0]
    white = 2**bits - 1 if bits in (10, 12, 14) else 65535
    if values.min() < 0 or values.max() > 65535:
        raise PhotoError(
            "{file} holds grey values from {low} to {high}; save it with 8 or 16 bits.",
            file=shown,
            low=values.min(),
            high=values.max(),
        )
    if tags.get(WHITE_IS_ZERO_TAG) == 0:
        values = white - values
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        values[values == transparent] = white
    return Image.fromarray(((values * 255 + white // 2) // white).clip(0, 255).astype(np.uint8))
