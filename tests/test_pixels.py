"""Pixels of every mode as upright 8-bit RGB."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.picture_files import encode, png, tiff_grey
from vgg_hub.errors import PhotoError
from vgg_hub.picture import read_image

DEEP = np.array([[0, 1, 128, 129], [256, 257, 32767, 32768], [65000, 65406, 65407, 65535]], dtype=np.uint16)


def grey(image: Image.Image) -> np.ndarray:
    """(H, W) of a picture whose three channels agree."""
    values = np.asarray(image)
    assert image.mode == "RGB"
    assert (values == values[..., :1]).all()
    return values[..., 0]


def rounded(values: np.ndarray, white: int) -> np.ndarray:
    return np.floor(values * 255.0 / white + 0.5)


@pytest.mark.parametrize(
    "file",
    [
        encode(Image.fromarray(DEEP), "PNG"),
        encode(Image.fromarray(DEEP), "TIFF"),
        encode(Image.fromarray(DEEP), "TIFF", compression="tiff_lzw"),
        tiff_grey(DEEP),
        tiff_grey(DEEP, order=">"),
        tiff_grey(65535 - DEEP, white_is_zero=True),
    ],
    ids=["PNG", "TIFF", "TIFF lzw", "TIFF little-endian", "TIFF big-endian", "TIFF white is zero"],
)
def test_16_bit_grey_is_scaled(file):
    np.testing.assert_array_equal(grey(read_image(file)), rounded(DEEP, 65535))


def test_12_bit_grey_is_scaled():
    values = np.array([[0, 8, 9, 2047], [2048, 4000, 4086, 4095]])
    np.testing.assert_array_equal(grey(read_image(tiff_grey(values, bits=12))), rounded(values, 4095))


@pytest.mark.parametrize("mode", ["I", "I;16", "I;16B"])
def test_deep_grey_images_of_pil(mode):
    image = Image.fromarray(DEEP.astype(np.int32)) if mode == "I" else Image.fromarray(DEEP)
    if mode == "I;16B":
        image = Image.frombytes("I;16B", (4, 3), DEEP.astype(">u2").tobytes())
    assert image.mode == mode
    np.testing.assert_array_equal(grey(read_image(image)), rounded(DEEP, 65535))


def test_grey_whose_white_is_not_known():
    with pytest.raises(
        PhotoError, match=r"^the picture holds grey values from -1 to 70000; save it with 8 or 16 bits\.$"
    ):
        read_image(Image.fromarray(np.array([[-1, 70_000]], dtype=np.int32)))
    fractions = encode(Image.fromarray(np.array([[0.0, 1.0]], dtype=np.float32)), "TIFF")
    with pytest.raises(
        PhotoError, match=r"^scan\.tif holds fractions, and not what counts as white; save it with 8 or 16"
    ):
        read_image(fractions, name="scan.tif")


def test_one_bit_grey_and_palette():
    bits = Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8)).convert("1")
    for kind in ("PNG", "BMP", "TIFF"):
        np.testing.assert_array_equal(grey(read_image(encode(bits, kind))), [[0, 255], [255, 0]])
    eight = Image.fromarray(np.array([[3, 77, 201]], dtype=np.uint8))
    np.testing.assert_array_equal(grey(read_image(encode(eight, "PNG"))), [[3, 77, 201]])
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    assert np.asarray(read_image(encode(palette, "PNG"))).tolist() == [[[10, 20, 30], [200, 100, 50]]]


RED = (255, 0, 0)


def _see_through() -> dict[str, Image.Image]:
    """Four pixels of red, from solid to nothing."""
    alpha = Image.fromarray(np.array([[255, 128, 64, 0]], dtype=np.uint8))
    rgba = Image.new("RGB", (4, 1), RED)
    rgba.putalpha(alpha)
    palette = Image.fromarray(np.array([[0, 1, 2, 3]], dtype=np.uint8)).convert("P")
    palette.putpalette(RED * 4)
    palette.info["transparency"] = bytes([255, 128, 64, 0])
    return {"RGBA": rgba, "RGBa": rgba.convert("RGBa"), "palette": palette}


@pytest.mark.parametrize("kind", _see_through())
def test_transparency_is_laid_over_white(kind):
    expected = np.array([[[255, 0, 0], [255, 127, 127], [255, 191, 191], [255, 255, 255]]])
    read = np.asarray(read_image(_see_through()[kind]), int)
    assert np.abs(read - expected).max() <= (2 if kind == "RGBa" else 0)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_transparency_in_files(kind):
    solid, nothing = Image.new("RGBA", (32, 32), (0, 0, 200, 255)), Image.new("RGBA", (32, 32), (0, 0, 200, 0))
    both = Image.new("RGBA", (64, 32))
    both.paste(solid, (0, 0))
    both.paste(nothing, (32, 0))
    options = {"lossless": True} if kind == "WEBP" else {}
    read = read_image(encode(both, kind, **options))
    assert np.abs(np.array(read.getpixel((10, 16))) - (0, 0, 200)).max() <= 6
    assert np.abs(np.array(read.getpixel((54, 16))) - 255).max() <= 6


def test_grey_with_alpha():
    image = Image.merge("LA", [Image.new("L", (3, 1), 100), Image.fromarray(np.array([[255, 51, 0]], dtype=np.uint8))])
    np.testing.assert_array_equal(grey(read_image(encode(image, "PNG"))), [[100, 224, 255]])
    np.testing.assert_array_equal(
        np.abs(grey(read_image(image.convert("La"))).astype(int) - [[100, 224, 255]]) <= 3, True
    )
    with_palette = Image.new("PA", (1, 1), (0, 0))
    with_palette.putpalette(RED)
    assert read_image(with_palette).getpixel((0, 0)) == (255, 255, 255)


def _rows(pixels: bytes) -> tuple[bytes, bytes]:
    return b"IDAT", zlib.compress(b"\0" + pixels)


def test_one_colour_of_a_png_may_be_marked_as_transparent():
    red_is_white = png(2, 1, (b"tRNS", struct.pack(">3H", 255, 0, 0)), _rows(bytes([255, 0, 0, 0, 0, 9])), colour=2)
    assert np.asarray(read_image(red_is_white)).tolist() == [[[255, 255, 255], [0, 0, 9]]]
    seven_is_white = png(3, 1, (b"tRNS", struct.pack(">H", 7)), _rows(bytes([6, 7, 8])))
    np.testing.assert_array_equal(grey(read_image(seven_is_white)), [[6, 255, 8]])
    deep = png(2, 1, (b"tRNS", struct.pack(">H", 256)), _rows(struct.pack(">2H", 256, 257)), depth=16)
    np.testing.assert_array_equal(grey(read_image(deep)), [[255, 1]])
    second = png(2, 1, (b"PLTE", bytes([9, 9, 9, 8, 8, 8])), (b"tRNS", b"\xff\0"), _rows(b"\0\1"), colour=3)
    np.testing.assert_array_equal(grey(read_image(second)), [[9, 255]])


def test_deep_colour_loses_its_low_bits_only():
    values = struct.pack(">3H", 65535, 32896, 256)
    assert read_image(png(1, 1, _rows(values), depth=16, colour=2)).getpixel((0, 0)) == (255, 128, 1)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB", "RGBX"])
def test_other_colour_spaces(mode):
    colour = Image.new("RGB", (2, 2), (180, 90, 60))
    if mode == "LAB":
        from PIL import ImageCms

        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(colour, srgb, lab, outputMode="LAB")
    else:
        image = colour.convert(mode)
    assert np.abs(np.array(read_image(image).getpixel((0, 0))) - (180, 90, 60)).max() <= 4


@given(
    st.integers(1, 20), st.integers(1, 20), st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"]), st.binary()
)
def test_any_mode_and_size_gives_rgb_of_that_size(width, height, mode, content):
    image = Image.new(mode, (width, height))
    size = len(image.tobytes())
    image.frombytes((content * (size // max(1, len(content)) + 1))[:size].ljust(size, b"\0"))
    read = read_image(image)
    assert (read.mode, read.size, read.info) == ("RGB", (width, height), {})
