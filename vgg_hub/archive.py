"""Zip archives of photos, unpacked safely: inside their folder, within bounds, whole or not at all."""

from __future__ import annotations

import errno
import secrets
import shutil
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from .data import SUFFIXES, PhotoSet, is_hidden, left_out, list_files, load_folder
from .errors import PhotoError
from .magic import picture_format, what_it_is
from .notes import Note
from .picture import Limits, file_name
from .zip_entries import FREE_BYTES, Entry, bomb, check_entries

__all__ = ["collect_files", "open_photos", "unpack_zip"]

CHUNK = 1 << 18
ZIP_MAGIC = b"PK"
# What zipfile raised on a million damaged archives:
ZIP_ERRORS = (
    zipfile.BadZipFile,  # no table of contents, a wrong checksum
    zlib.error,  # a broken deflate stream
    EOFError,  # cut short
    ValueError,  # a place before the start; a name that is not the UTF-8 it says it is
    NotImplementedError,  # a method or version that it does not know
    RuntimeError,  # a password, asked for by the entry and not by the table of contents
    # Not seen, but extra fields are taken apart with struct, and places may be too large for C.
    struct.error,
    OverflowError,
)
DEFAULT_LIMITS = Limits()


def open_photos(path: str | Path, workdir: str | Path, limits: Limits = DEFAULT_LIMITS) -> PhotoSet:
    """List a folder, or a zip of one, with one subfolder of photos a class.

    Args:
        path: the folder or zip.
        workdir: a folder to unpack in; the caller removes it when the photos are done with.
        limits: on the zip.

    Raises:
        PhotoError, LabelError: see `unpack_zip` and `load_folder`.
    """
    path = Path(path)
    if not path.is_file():
        return load_folder(path)
    return load_folder(unpack_zip(path, _new_folder(workdir), limits), name=path.name)


def collect_files(
    paths: Sequence[str | Path], workdir: str | Path, limits: Limits = DEFAULT_LIMITS
) -> tuple[list[Path], list[str]]:
    """The photos of one class, from what a person chose: pictures, zips and folders of pictures.

    All pictures in a zip or folder belong to the class, whatever subfolders they lie in.

    Args:
        paths: in the order chosen.
        workdir: a folder to unpack zips in; the caller removes it when the photos are done with.
        limits: on each zip.

    Returns:
        The pictures (not decoded yet), and a sentence for each file or zip that was left out.
    """
    pictures: list[Path] = []
    skipped: list[str] = []
    for path in map(Path, paths):
        shown = file_name(path)
        try:
            head = _head(path)
            if path.is_dir() or _is_zip(path, head):
                folder = path if path.is_dir() else unpack_zip(path, _new_folder(workdir), limits)
                found, others = list_files(folder)
                skipped += [left_out(file, shown) for file in others]
                if not found:
                    skipped.append(Note.said("{file} holds no picture.", file=shown))
                pictures += found
            elif path.suffix.casefold() in SUFFIXES or picture_format(head):
                pictures.append(path)
            elif not is_hidden([path.name]):
                skipped.append(
                    Note.said(
                        "{file} was left out, for it is {kind}, not a picture.", file=shown, kind=what_it_is(head)
                    )
                )
        except PhotoError as error:
            skipped.append(error.note)
    return pictures, skipped


def unpack_zip(path: str | Path, destination: str | Path, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Unpack a zip into a new folder.

    Args:
        path: the archive.
        destination: the folder to make, or an empty one; on an error it is as it was before.
        limits: on the number of entries, the bytes that come out, and their ratio to what went in.

    Returns:
        `destination`.

    Raises:
        PhotoError: not a zip, damaged, locked, empty, over a limit, an entry that leads out of the folder or is a link,
            or a full disk; names the archive and the entry.
    """
    path, destination = Path(path), Path(destination)
    shown = file_name(path)
    _check_zip(path, shown)
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise PhotoError(
            "{folder} is there already; name a new folder to unpack {file} in.",
            folder=file_name(destination),
            file=shown,
        )
    partial = destination.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        partial.mkdir(parents=True)
        _unpack(path, partial, shown, limits)
        if destination.exists():
            destination.rmdir()
        partial.rename(destination)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PhotoError(
                "The disk is full: {file} was not unpacked; free some space and try again.", file=shown
            ) from error
        reason = (error.strerror or str(error)).lower()
        raise PhotoError(
            "{file} was not unpacked: {reason}; choose another place, or pack it anew.",
            file=shown,
            reason=Note.said(reason),
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return destination


def _new_folder(workdir: str | Path) -> Path:
    return Path(workdir) / f"zip-{secrets.token_hex(8)}"


def _head(path: Path) -> bytes:
    """The first bytes of a file; nothing of one that cannot be read, which is said where it is read in full."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(1000)
    except (OSError, ValueError):
        return b""


def _is_zip(path: Path, head: bytes) -> bool:
    return path.suffix.casefold() == ".zip" or (path.suffix.casefold() not in SUFFIXES and head.startswith(ZIP_MAGIC))


def _check_zip(path: Path, shown: str) -> None:
    try:
        is_file, exists = path.is_file(), path.exists()
    except (OSError, ValueError):  # no permission to look; a null character in the path
        is_file, exists = False, True
    if not is_file:
        if exists:
            raise PhotoError("{file} is not a file; give a zip of photos.", file=shown)
        raise PhotoError("{file} does not exist; give a zip of photos.", file=shown)
    head = _head(path)
    if not head and path.stat().st_size == 0:
        raise PhotoError("{file} is empty (0 bytes); copy or pack it again.", file=shown)
    if head and not head.startswith(ZIP_MAGIC):
        raise PhotoError("{file} is {kind}, not a zip; pack the photos as a zip.", file=shown, kind=_kind(head))


def _kind(head: bytes) -> Note:
    found = picture_format(head)
    return Note.said("a {format} picture", format=found) if found else what_it_is(head)


def _unpack(path: Path, folder: Path, shown: str, limits: Limits) -> None:
    entry = None
    packed_bytes = path.stat().st_size
    budget = min(limits.total_bytes, max(FREE_BYTES, limits.ratio * packed_bytes))
    try:
        with zipfile.ZipFile(path) as archive:
            folders, entries = check_entries(archive.infolist(), shown, packed_bytes, limits)
            for parts in folders:
                folder.joinpath(*parts).mkdir(parents=True, exist_ok=True)
            for entry in entries:
                with archive.open(entry.info) as source, _create(folder.joinpath(*entry.parts)) as target:
                    budget -= _copy(source, target, entry, budget, shown, limits)
    except ZIP_ERRORS as error:
        if entry:
            raise PhotoError(
                "{file} is damaged or cut short at {entry!r}; copy or pack it again.", file=shown, entry=entry.shown
            ) from error
        raise PhotoError("{file} is damaged or cut short; copy or pack it again.", file=shown) from error


def _create(path: Path) -> BinaryIO:
    return path.open("xb")


def _copy(source: BinaryIO, target: BinaryIO, entry: Entry, budget: int, shown: str, limits: Limits) -> int:
    """Write an entry and return its bytes, counted as they come: what headers say of them may be a lie."""
    size = 0
    most = min(budget, max(FREE_BYTES, limits.ratio * entry.info.compress_size))
    while chunk := source.read(CHUNK):
        size += len(chunk)
        if size > most:
            raise bomb(shown, entry.shown, limits)
        target.write(chunk)
    return size
