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
from .notes import Note
from .picture import Limits, file_name, read_image

__all__ = [
    "SUFFIXES",
    "VALIDATION_NAMES",
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
VALIDATION_NAMES = ("validation", "val", "valid", "dev")  # of a part of a data set, in the order of preference
PARTS = frozenset(("train", "training", "test", "testing", *VALIDATION_NAMES))
ADVICE = Note.said("give a folder or zip with one subfolder of photos a class, such as cats and dogs.")


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
        raise _too_few(shown, subfolders, loose)
    if all(part.name.casefold() in PARTS and _entries(part)[0] for part in subfolders):
        raise PhotoError(
            "{place} holds {first} and {second}, which are parts of a data set and no classes; give one of the two, or call "
            "them train and validation for `vgg-hub finetune` to learn from one and judge by the other.",
            place=shown,
            first=subfolders[0].name,
            second=subfolders[1].name,
        )
    photos: dict[str, list[Path]] = {}
    skipped = [_loose(file) for file in loose]
    for label, folder in zip(_labels(subfolders, shown), subfolders, strict=True):
        pictures, others = list_files(folder)
        if not pictures:
            if others:
                count = len(others)
                found = Note.said("1 other file") if count == 1 else Note.said("{count} other files", count=count)
                raise PhotoError(
                    "The folder {label} of {place} holds no photo, only {found}; add photos, or remove the folder.",
                    label=label,
                    place=shown,
                    found=found,
                )
            raise PhotoError(
                "The folder {label} of {place} holds no photo; add photos, or remove the folder.",
                label=label,
                place=shown,
            )
        photos[label] = pictures
        skipped += [left_out(file, label) for file in others]
    return PhotoSet(photos, skipped)


def left_out(file: Path, place: str) -> Note:
    """The sentence on a file that no suffix marks as a picture, found in `place` (a class or an archive)."""
    if file.suffix.casefold() == ".zip":
        return Note.said(
            "{file} in {place} was left out, for it is a zip inside a folder or zip; unpack it first.",
            file=file_name(file),
            place=place,
        )
    return Note.said(
        "{file} in {place} was left out, for its name is not a picture's.", file=file_name(file), place=place
    )


def _loose(file: Path) -> Note:
    if file.suffix.casefold() in SUFFIXES:
        return Note.said(
            "{file} was left out, for it lies beside the class folders; move it into one of them.", file=file_name(file)
        )
    return left_out(file, Note.said("the top folder"))


def _check_folder(path: Path, shown: str | None = None) -> None:
    shown = shown or file_name(path)
    try:
        if path.is_dir():
            return
        exists = path.exists()
    except (OSError, ValueError):  # no permission to look; a null character in the path
        raise PhotoError("{place} cannot be looked at; {advice}", place=shown, advice=ADVICE) from None
    if exists:
        raise PhotoError("{place} is a file, not a folder; {advice}", place=shown, advice=ADVICE)
    raise PhotoError("{place} does not exist; {advice}", place=shown, advice=ADVICE)


def _refuse(error: OSError) -> None:
    reason = (error.strerror or "error").lower()
    raise PhotoError(
        "The folder {folder} cannot be listed: {reason}; change its permissions.",
        folder=file_name(error.filename),
        reason=Note.said(reason),
    )


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


def _too_few(shown: str, subfolders: list[Path], loose: list[Path]) -> PhotoError:
    pictures = len(_pictures(loose))
    if pictures and not subfolders:
        found = Note.said("1 photo") if pictures == 1 else Note.said("{count} photos", count=pictures)
        return PhotoError(
            "{place} holds {found} but no subfolders to name their classes; {advice}",
            place=shown,
            found=found,
            advice=ADVICE,
        )
    zips = sum(file.suffix.casefold() == ".zip" for file in loose)
    packed = Note.said("1 zip") if zips == 1 else Note.said("{count} zips", count=zips)
    if subfolders and zips:
        return PhotoError(
            "{place} holds only one class, {label} and {packed}, which would have to be unpacked first; {advice}",
            place=shown,
            label=file_name(subfolders[0]),
            packed=packed,
            advice=ADVICE,
        )
    if subfolders:
        return PhotoError(
            "{place} holds only one class, {label}; {advice}",
            place=shown,
            label=file_name(subfolders[0]),
            advice=ADVICE,
        )
    if zips:
        return PhotoError(
            "{place} holds no photo and {packed}, which would have to be unpacked first; {advice}",
            place=shown,
            packed=packed,
            advice=ADVICE,
        )
    return PhotoError("{place} holds no photo; {advice}", place=shown, advice=ADVICE)


def _labels(folders: list[Path], shown: str) -> tuple[str, ...]:
    for folder in folders:
        try:
            check_labels([folder.name])
        except LabelError as error:
            raise LabelError(
                "The folder {folder} of {place} cannot name a class. {problem}",
                folder=file_name(folder),
                place=shown,
                problem=error.note,
            ) from error
    try:
        return check_labels([folder.name for folder in folders])
    except LabelError as error:
        raise LabelError(
            "The folders of {place} cannot name classes. {problem}", place=shown, problem=error.note
        ) from error


def _natural(name: str) -> tuple[list[str | int], str]:
    """A key under which photo2 comes before photo10; text and numbers take turns, so that like meets like."""
    name = unicodedata.normalize("NFC", name)
    pieces = re.split(r"(\d+)", name.casefold())
    return [int(piece) if place % 2 else piece for place, piece in enumerate(pieces)], name
