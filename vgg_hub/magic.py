"""What a file is, by its first bytes; what its name says counts for nothing."""

from __future__ import annotations

import codecs

from .notes import Note

__all__ = ["picture_format", "what_it_is"]

PICTURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # bytes, by version
AVIF_BRANDS = {b"avif", b"avis"}
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
GENERAL_BRANDS = {b"mif1", b"msf1"}
VIDEO_BRANDS = (b"iso", b"mp4", b"qt  ", b"M4V", b"3gp", b"avc1")
OTHERS = (
    (b"%PDF", Note.said("a PDF document")),
    (b"PK\x03\x04", Note.said("a zip archive")),
    (b"8BPS", Note.said("a Photoshop document")),
    (b"\x00\x00\x00\x0cJXL ", Note.said("a JPEG XL picture")),
    (b"\xff\x0a", Note.said("a JPEG XL picture")),
    (b"\x00\x00\x00\x0cjP  ", Note.said("a JPEG 2000 picture")),
    (b"\x00\x00\x01\x00", Note.said("an icon")),
    (b"\x1aE\xdf\xa3", Note.said("a video")),
    (b"version https://git-lfs", Note.said("a Git LFS pointer to a file elsewhere")),
)
TEXTS = (
    (b"<!doctype html", Note.said("a web page")),
    (b"<html", Note.said("a web page")),
    (b"<svg", Note.said("an SVG drawing")),
)


def picture_format(data: bytes) -> str | None:
    """Pillow's name of a format that is read ("JPEG", "PNG", ...), or None for all others.

    Args:
        data: the file, or its first 200 bytes or more.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in BMP_HEADERS:
        return "BMP"
    if data[4:8] == b"ftyp":
        return _container_format(data)
    return next((kind for magic, kind in PICTURES if data.startswith(magic)), None)


def _container_format(data: bytes) -> str | None:
    """AVIF and HEIC share a container; where its own brand says neither, the list of compatible brands does."""
    brands = {data[8:12]}
    if data[8:12] in GENERAL_BRANDS:
        end = min(int.from_bytes(data[:4]), 200)
        brands = {data[i : i + 4] for i in range(16, end, 4)}
        if not AVIF_BRANDS & brands:
            return "HEIF"
    return "AVIF" if AVIF_BRANDS & brands else "HEIF" if HEIF_BRANDS & brands else None


def what_it_is(data: bytes) -> Note:
    """Words for a file that is not a picture, such as "a web page"."""
    known = next((words for magic, words in OTHERS if data.startswith(magic)), None)
    if known is not None:
        return known
    if data[4:8] == b"ftyp" and data.startswith(VIDEO_BRANDS, 8):
        return Note.said("a video")
    head = data[:1000]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    tag = next((words for magic, words in TEXTS if start.startswith(magic)), None)
    if tag is not None:
        return tag
    control = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    return Note.said("text") if control == 0 and _is_utf8(head) else Note.said("of an unknown kind")


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # incremental: the last character may be cut
    except UnicodeDecodeError:
        return False
    return True
