"""Picture files of every format, made in memory; nothing is read from disk."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
from PIL import Image

from tests.toys import smooth_picture

__all__ = ["FORMATS", "damaged_files", "encode", "png", "sample_files", "tiff_grey"]

pillow_heif.register_heif_opener()  # the tests write HEIC; the package itself registers when it reads the first one
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIF")


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """A file's bytes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 8, colour: int = 0) -> bytes:
    """A PNG of any header and chunks, true checksums included."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body)) for tag, body in parts
    )


def tiff_grey(values: np.ndarray, *, order: str = "<", bits: int = 16, white_is_zero: bool = False) -> bytes:
    """A plain TIFF of (H, W) grey values, 12 or 16 bits each."""
    height, width = values.shape
    if bits == 16:
        pixels = values.astype(f"{order}u2").tobytes()
    else:
        rows = ("".join(f"{value:012b}" for value in row) for row in values)
        pixels = b"".join(int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8)) for row in rows)
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, 0 if white_is_zero else 1), (273, 8), (277, 1)]
    tags += [(278, height), (279, len(pixels))]
    body = b"".join(
        struct.pack(f"{order}HHI", tag, 4 if tag == 279 else 3, 1)
        + struct.pack(f"{order}I" if tag == 279 else f"{order}H2x", value)
        for tag, value in tags
    )
    start = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8 + len(pixels))
    return start + pixels + struct.pack(f"{order}H", len(tags)) + body + bytes(4)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[274], exif[270] = 6, "a picture"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    return exif


def sample_files() -> dict[str, list[bytes]]:
    """Small files of each format, in several of its kinds."""
    rgb, exif = smooth_picture(48, 40), _exif()
    rgba = rgb.copy()
    rgba.putalpha(rgb.convert("L"))
    palette, bits, cmyk = rgb.quantize(16), rgb.convert("1"), rgb.convert("CMYK")
    deep = Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20) * 160)
    tiffs = [encode(rgb, "TIFF", compression=c, exif=exif) for c in (None, "tiff_lzw", "jpeg", "packbits")]
    return {
        "JPEG": [
            encode(rgb, "JPEG", exif=exif),
            encode(rgb, "JPEG", progressive=True),
            encode(cmyk, "JPEG"),
            encode(rgb, "MPO", save_all=True, append_images=[rgb]),
        ],
        "PNG": [
            encode(rgb, "PNG", exif=exif),
            encode(rgba, "PNG"),
            encode(palette, "PNG", transparency=b"\0\x80\xff"),
            encode(bits, "PNG"),
            encode(deep, "PNG"),
            encode(rgb, "PNG", save_all=True, append_images=[rgb.rotate(90)]),
        ],
        "WEBP": [encode(rgb, "WEBP", exif=exif), encode(rgba, "WEBP", lossless=True)],
        "BMP": [encode(rgb, "BMP"), encode(palette, "BMP"), encode(bits, "BMP")],
        "TIFF": [*tiffs, encode(bits, "TIFF", compression="group4"), encode(rgba, "TIFF"), encode(deep, "TIFF")],
        "GIF": [encode(palette, "GIF"), encode(rgb, "GIF", save_all=True, append_images=[palette], transparency=3)],
        "AVIF": [encode(rgb, "AVIF", exif=exif), encode(rgba, "AVIF")],
        "HEIF": [encode(rgb, "HEIF", exif=exif), encode(rgba, "HEIF")],
    }


def damaged_files(files: list[bytes]):
    """A Hypothesis strategy: one of the files with bytes changed, cut out, put in, or its end cut off."""
    from hypothesis import strategies as st

    # Headers hold what matters; so half of the places are in the first hundred bytes.
    place = st.integers(0, 100) | st.integers(0, 5000)
    some = st.binary(min_size=1, max_size=6) | st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\x01"])
    change = st.tuples(st.sampled_from(["set", "set", "set", "delete", "insert", "cut"]), place, some)

    def apply(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
        for kind, at, new in changes:
            at %= max(1, len(data))
            end = {"set": at + len(new), "delete": at + len(new), "insert": at, "cut": len(data)}[kind]
            data = data[:at] + (new if kind in ("set", "insert") else b"") + data[end:]
        return data

    return st.builds(apply, st.sampled_from(files), st.lists(change, min_size=1, max_size=4))
