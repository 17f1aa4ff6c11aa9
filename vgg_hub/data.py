"""Folders of pictures: one subfolder a class. Single pictures are read by `read_image`, zips by `archive`."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .config import check_labels
from .errors import LabelError, PhotoError
from .picture import Limits, file_name, read_image

__all__ = [
    "SUFFIXES",
    "Limits",
    "PhotoSet",
    "file_name",
    "find_images",
    "is_hidden",
    "left_out",
    "list_files",
    "load_folder",
    "read_image",
]

SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".png",
        ".apng",
        ".webp",
        ".bmp",
        ".tif",
        ".tiff",
        ".gif",
        ".avif",
        ".heic",
        ".heif",
        ".hif",
    }
)
JUNK = frozenset(("__macosx", "thumbs.db", "desktop.ini"))
ADVICE = "give a folder or zip with one subfolder of photos a class, such as cats and dogs."


@dataclass(frozen=True)
class PhotoSet:
    """Photos of a task.

    Attributes:
        photos: class name -> its pictures, not decoded yet; both in natural order.
        skipped: a sentence for each file that was left out.
    """

    photos: dict[str, list[Path]]
    skipped: list[str] = field(default_factory=list)


def is_hidden(parts: Iterable[str]) -> bool:
    """Whether a path leads through what systems and file managers leave behind (.DS_Store, __MACOSX, Thumbs.db)."""
    return any(part.startswith(".") or part.casefold() in JUNK for part in parts)


def find_images(path: str | Path) -> list[Path]:
    """The pictures below a folder, by their suffix (in any case); photo2 before photo10.

    Raises:
        PhotoError: it is not a folder, or one in it cannot be listed.
    """
    return list_files(path)[0]


def list_files(path: str | Path) -> tuple[list[Path], list[Path]]:
    """Pictures and all other files below a folder, each in natural order, without hidden ones.

    Raises:
        PhotoError: it is not a folder, or one in it cannot be listed.
    """
    root = Path(path)
    _check_folder(root)
    found: list[Path] = []
    for folder, subfolders, names in os.walk(root, onerror=_refuse):
        subfolders[:] = [name for name in subfolders if not is_hidden([name])]
        found += [Path(folder, name) for name in names if not is_hidden([name])]
    found.sort(key=lambda file: _natural(file.relative_to(root).as_posix()))
    is_picture = [file.suffix.casefold() in SUFFIXES for file in found]
    pictures = [file for file, picture in zip(found, is_picture, strict=True) if picture]
    return pictures, [file for file, picture in zip(found, is_picture, strict=True) if not picture]


def load_folder(path: str | Path, *, name: str | None = None) -> PhotoSet:
    """List a folder with one subfolder of photos a class; the subfolders' names are the labels.

    A single folder that wraps the others is looked into. Nothing is decoded yet.

    Args:
        path: the folder.
        name: what the person calls it, for errors; its own name by default.

    Raises:
        PhotoError: not a folder, photos but no subfolders, fewer than two classes, or a class without photos.
        LabelError: a subfolder's name cannot be a label, or two have the same name.
    """
    root = Path(path)
    shown = file_name(name or os.path.abspath(root))
    _check_folder(root, shown)
    subfolders, loose = _entries(root)
    while len(subfolders) == 1 and not _pictures(loose) and _entries(subfolders[0])[0]:
        subfolders, loose = _entries(subfolders[0])
    if len(subfolders) < 2:
        raise PhotoError(_too_few(shown, subfolders, loose))
    photos: dict[str, list[Path]] = {}
    skipped = [_loose(file) for file in loose]
    for label, folder in zip(_labels(subfolders, shown), subfolders, strict=True):
        pictures, others = list_files(folder)
        if not pictures:
            also = f", only {_count(len(others), 'other file')}" if others else ""
            raise PhotoError(f"The folder {label} of {shown} holds no photo{also}; add photos, or remove the folder.")
        photos[label] = pictures
        skipped += [left_out(file, label) for file in others]
    return PhotoSet(photos, skipped)


def left_out(file: Path, place: str) -> str:
    """The sentence on a file that no suffix marks as a picture, found in `place` (a class or an archive)."""
    if file.suffix.casefold() == ".zip":
        return f"{file_name(file)} in {place} was left out, for it is a zip inside a folder or zip; unpack it first."
    return f"{file_name(file)} in {place} was left out, for its name is not a picture's."


def _loose(file: Path) -> str:
    if file.suffix.casefold() in SUFFIXES:
        return f"{file_name(file)} was left out, for it lies beside the class folders; move it into one of them."
    return left_out(file, "the top folder")


def _check_folder(path: Path, shown: str | None = None) -> None:
    shown = shown or file_name(path)
    try:
        if path.is_dir():
            return
        what = "is a file, not a folder" if path.exists() else "does not exist"
    except (OSError, ValueError):  # no permission to look; a null character in the path
        what = "cannot be looked at"
    raise PhotoError(f"{shown} {what}; {ADVICE}")


def _refuse(error: OSError) -> None:
    reason = (error.strerror or "error").lower()
    raise PhotoError(f"The folder {file_name(error.filename)} cannot be listed: {reason}; change its permissions.")


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Subfolders and files directly in a folder, without hidden ones."""
    try:
        entries = [entry for entry in folder.iterdir() if not is_hidden([entry.name])]
    except OSError as error:
        _refuse(error)
    entries.sort(key=lambda entry: _natural(entry.name))
    return [entry for entry in entries if entry.is_dir()], [entry for entry in entries if not entry.is_dir()]


def _pictures(files: list[Path]) -> list[Path]:
    return [file for file in files if file.suffix.casefold() in SUFFIXES]


def _too_few(shown: str, subfolders: list[Path], loose: list[Path]) -> str:
    pictures = len(_pictures(loose))
    if pictures and not subfolders:
        return f"{shown} holds {_count(pictures, 'photo')} but no subfolders to name their classes; {ADVICE}"
    zips = sum(file.suffix.casefold() == ".zip" for file in loose)
    also = f" and {_count(zips, 'zip')}, which would have to be unpacked first" if zips else ""
    if subfolders:
        return f"{shown} holds only one class, {file_name(subfolders[0])}{also}; {ADVICE}"
    return f"{shown} holds no photo{also}; {ADVICE}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _labels(folders: list[Path], shown: str) -> tuple[str, ...]:
    for folder in folders:
        try:
            check_labels([folder.name])
        except LabelError as error:
            raise LabelError(f"The folder {file_name(folder)} of {shown} cannot name a class. {error}") from error
    try:
        return check_labels([folder.name for folder in folders])
    except LabelError as error:
        raise LabelError(f"The folders of {shown} cannot name classes. {error}") from error


def _natural(name: str) -> tuple[list[str | int], str]:
    """A key under which photo2 comes before photo10; text and numbers take turns, so that like meets like."""
    name = unicodedata.normalize("NFC", name)
    pieces = re.split(r"(\d+)", name.casefold())
    return [int(piece) if place % 2 else piece for place, piece in enumerate(pieces)], name
