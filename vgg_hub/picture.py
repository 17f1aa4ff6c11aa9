"""One picture, read safely: what it is, how large and how wide is settled before anything is decoded."""

from __future__ import annotations

import io
import re
import stat
import threading
import unicodedata
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from .errors import PhotoError
from .magic import picture_format, what_it_is
from .notes import Note
from .pixels import DECODER_ERRORS, upright_rgb

__all__ = ["Limits", "check_picture", "file_name", "read_image"]

MAX_NAME = 80
MAX_ASPECT = 100
# Encoders write about ten. A progressive file may hold a thousand empty ones in 100 KB, each of them a pass over all
# pixels: 49 million pixels and a file of 270 KB took 25 seconds.
MAX_JPEG_SCANS = 200
JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on what is read.

    Attributes:
        file_bytes: of one picture.
        pixels: of one picture, width times height.
        entries: of one archive.
        total_bytes: of what one archive unpacks to.
        ratio: unpacked to packed bytes, of an archive and of each entry over 100 KB.
    """

    file_bytes: int = 50_000_000
    pixels: int = 50_000_000
    entries: int = 10_000
    total_bytes: int = 2_000_000_000
    ratio: int = 200


class _QuietPillow:
    """Keeps back warnings of Pillow and its plugin, which are for programmers; errors still arrive.

    Python's filters are one for all threads. Were each thread to change and restore them by itself, two at a time
    would leave them changed; so the first thread in changes them, and the last one out restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)\b")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.__exit__(None, None, None)


_quiet_pillow = _QuietPillow()


def file_name(path: object) -> str:
    """The last part of a path, fit to be shown: no invisible or control characters, at most 80 characters."""
    name = unicodedata.normalize("NFC", str(path)).replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = "".join(map(_visible, name))
    return name if len(name) <= MAX_NAME else f"{name[:55]}…{name[-24:]}"


def _visible(character: str) -> str:
    if character < " ":
        return chr(0x2400 + ord(character))  # the symbol of the control character, such as ␊
    joins = character in "\u200c\u200d"  # Persian words and composed emoji
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return "\ufffd" if hidden and not joins else character


def read_image(
    source: str | Path | bytes | BinaryIO | Image.Image,
    *,
    name: str | None = None,
    limits: Limits = Limits(),
) -> Image.Image:
    """Read a picture as upright RGB.

    JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF and HEIC, told apart by their first bytes. The first frame counts; EXIF
    orientation is applied; transparency is laid over white; 16-bit grey is scaled to 8 bits.

    Args:
        source: a path, the bytes, a binary file, or a PIL image of any mode (whose mode "I" counts as 0 to 65535).
        name: what the person calls it, for errors; the last part of the path by default.
        limits: bounds on bytes and pixels, checked before decoding.

    Returns:
        A new image of mode RGB, without metadata.

    Raises:
        PhotoError: one sentence that names the file: empty, too large, not a picture, damaged, a folder, not there ...
    """
    if isinstance(source, Image.Image):
        shown = file_name(name or getattr(source, "filename", "") or "the picture")
        return _decode(source, shown, limits)
    if not name:
        path = source if isinstance(source, (str, Path)) else getattr(source, "name", None)
        name = str(path) if isinstance(path, (str, Path)) else "the picture"
    shown = file_name(name)
    data = _read(source, shown, limits)
    return _decode(_open(data, shown, limits), shown, limits)


def check_picture(path: str | Path, limits: Limits = Limits()) -> None:
    """Look at the head of a file, without decoding it: whether it is a picture within the limits.

    Raises:
        PhotoError: it is not; see `read_image`. A damaged one may be noticed only there.
    """
    shown = file_name(path)
    _check_size(_open(_read(path, shown, limits), shown, limits), shown, limits)


def _read(source: str | Path | bytes | BinaryIO, shown: str, limits: Limits) -> bytes:
    if isinstance(source, (str, Path)):
        data, size = _read_path(Path(source), shown, limits)
    else:
        data = source if isinstance(source, bytes) else source.read(limits.file_bytes + 1)
        size = len(data)
        if not isinstance(data, bytes):
            raise PhotoError(
                "{file} gave a {kind}; expected bytes: open the file in binary mode.",
                file=shown,
                kind=type(data).__name__,
            )
    if size > limits.file_bytes:
        if isinstance(source, (str, Path, bytes)):
            raise PhotoError(
                "{file} has {size:.1f} MB; the limit is {most:g} MB: make it smaller.",
                file=shown,
                size=size / 1e6,
                most=limits.file_bytes / 1e6,
            )
        raise PhotoError(
            "{file} is too large; the limit is {most:g} MB: make it smaller.", file=shown, most=limits.file_bytes / 1e6
        )
    if not data:
        raise PhotoError("{file} is empty (0 bytes); copy or export it again.", file=shown)
    return data


def _read_path(path: Path, shown: str, limits: Limits) -> tuple[bytes, int]:
    """The file's bytes and its size; no bytes are read of one that is too large."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PhotoError("{file} is a folder; give a picture.", file=shown)
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device might never end
            raise PhotoError("{file} is not an ordinary file; give a picture.", file=shown)
        data = b""
        if status.st_size <= limits.file_bytes:
            with path.open("rb") as file:
                data = file.read(limits.file_bytes + 1)
        return data, max(status.st_size, len(data))
    except FileNotFoundError:
        raise PhotoError("{file} does not exist; check its name and folder.", file=shown) from None
    except PermissionError:
        raise PhotoError(
            "{file} cannot be read: permission denied; ask its owner, or copy it elsewhere.", file=shown
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = (getattr(error, "strerror", None) or "not a path").lower()
        raise PhotoError(
            "{file} cannot be read: {reason}; give another copy of it.", file=shown, reason=Note.said(reason)
        ) from error


def _open(data: bytes, shown: str, limits: Limits) -> Image.Image:
    """Read the header only."""
    kind = picture_format(data)
    if kind is None:
        raise PhotoError(
            "{file} is {kind}, not a picture that can be read; give a JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF.",
            file=shown,
            kind=what_it_is(data),
        )
    if kind == "HEIF":
        _register_heif(shown)
    if kind == "JPEG" and _too_many_scans(data):
        raise PhotoError(
            "{file} is a JPEG of over {most} scans, which no camera writes; export it again.",
            file=shown,
            most=MAX_JPEG_SCANS,
        )
    Image.init()
    # Not Image.open: it judges the number of pixels by a limit of its own, before ours can name the size.
    factory, _ = Image.OPEN[kind]
    try:
        with _quiet_pillow:
            return factory(io.BytesIO(data), "")
    except Image.DecompressionBombError as error:
        raise PhotoError(
            "{file} has a frame of more pixels than the limit, {most:g} million: make it smaller.",
            file=shown,
            most=limits.pixels / 1e6,
        ) from error
    except DECODER_ERRORS as error:
        raise _damaged(shown) from error


def _register_heif(shown: str) -> None:
    """iPhones write HEIC, which Pillow leaves to a plugin; it is loaded with the first such file."""
    try:
        import pillow_heif
    except ImportError as error:
        raise PhotoError(
            "{file} is a HEIC picture, which needs the package pillow-heif: install it (pip install pillow-heif), or "
            "save the picture as JPEG.",
            file=shown,
        ) from error
    pillow_heif.register_heif_opener()


def _too_many_scans(data: bytes) -> bool:
    start_of_scan, end_of_image = b"\xda", b"\xd9"
    if data.count(b"\xff" + start_of_scan) <= MAX_JPEG_SCANS:  # fast, and no less than the true number
        return False
    position, scans = 2, 0
    while (marker := JPEG_MARKER.search(data, position)) and marker[1] != end_of_image:
        scans += marker[1] == start_of_scan
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return scans > MAX_JPEG_SCANS


def _damaged(shown: str) -> PhotoError:
    return PhotoError("{file} is damaged or cut short; copy or export it again.", file=shown)


def _decode(image: Image.Image, shown: str, limits: Limits) -> Image.Image:
    _check_size(image, shown, limits)
    try:
        with _quiet_pillow:
            image.load()
            _check_size(image, shown, limits)  # HEIF may turn out to be larger than its header says
            return upright_rgb(image, shown)
    except DECODER_ERRORS as error:
        raise _damaged(shown) from error


def _check_size(image: Image.Image, shown: str, limits: Limits) -> None:
    width, height = image.size
    if width * height > limits.pixels:
        raise PhotoError(
            "{file} has {width} x {height} pixels ({millions:.1f} million); the limit is {most:g} million: make it "
            "smaller.",
            file=shown,
            width=width,
            height=height,
            millions=width * height / 1e6,
            most=limits.pixels / 1e6,
        )
    if min(width, height) < 1:
        raise PhotoError(
            "{file} has {width} x {height} pixels; expected at least 1 x 1: export it again.",
            file=shown,
            width=width,
            height=height,
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoError(
            "{file} has {width} x {height} pixels, one side over {times} times the other; crop it to the thing it "
            "shows.",
            file=shown,
            width=width,
            height=height,
            times=MAX_ASPECT,
        )
