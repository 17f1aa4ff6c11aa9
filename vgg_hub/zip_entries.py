"""The entries of a zip, checked before one is unpacked: where each would go, and whether it may."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .data import is_hidden
from .errors import PhotoError
from .notes import Note
from .picture import Limits, file_name

__all__ = ["FREE_BYTES", "Entry", "bomb", "check_entries"]

FREE_BYTES = 100_000  # what unpacks to less is no threat, and a plain picture or text of that size may shrink that far
MAX_DEPTH = 30
MAX_PART_BYTES = 240  # disks take 255, and a temporary name may add to it
ENCRYPTED_FLAG, UTF8_FLAG = 0x1, 0x800
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
WINDOWS_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """What is to be unpacked.

    Attributes:
        info: zipfile's description.
        shown: its name in the archive, fit to be shown.
        parts: its place below the folder that is unpacked to: safe names, no other entry's place.
    """

    info: zipfile.ZipInfo
    shown: str
    parts: tuple[str, ...]


def check_entries(
    infos: Sequence[zipfile.ZipInfo], shown: str, packed_bytes: int, limits: Limits
) -> tuple[list[tuple[str, ...]], list[Entry]]:
    """Every check that the headers allow. Hidden entries are left out.

    Args:
        infos: all entries.
        shown: the archive's name, for errors.
        packed_bytes: its size on disk.
        limits: on entries, bytes and ratio.

    Returns:
        The folders to make, as parts of their path, and the entries to unpack.

    Raises:
        PhotoError: names the archive and the entry.
    """
    if len(infos) > limits.entries:
        raise PhotoError(
            "{file} has {count} entries; the limit is {most}: split it.",
            file=shown,
            count=len(infos),
            most=limits.entries,
        )
    folders: list[tuple[str, ...]] = []
    files: list[tuple[zipfile.ZipInfo, str, tuple[str, ...]]] = []
    for info, name in zip(infos, _names(infos), strict=True):
        parts = _checked_parts(info, name, shown)
        if not parts or is_hidden(parts):
            continue
        parts = tuple(map(_safe_part, parts))
        if name.endswith(("/", "\\")):
            folders.append(parts)
        else:
            _check_content(info, file_name(name), shown, limits)
            folders.append(parts[:-1])
            files.append((info, file_name(name), parts))
    if not files:
        raise PhotoError("{file} holds no file; pack the folders of photos.", file=shown)
    _check_total(sum(info.file_size for info, _, _ in files), shown, packed_bytes, limits)
    return folders, _free_places(files, folders)


def bomb(shown: str, entry: str | None, limits: Limits) -> PhotoError:
    """The error for what unpacks to far more than a photo would: an entry, or all together."""
    if entry is None:
        return PhotoError(
            "{file} holds entries, which unpacks to over {times} times its size, as no photo does; pack the photos "
            "themselves.",
            file=shown,
            times=limits.ratio,
        )
    return PhotoError(
        "{file} holds {entry!r}, which unpacks to over {times} times its size, as no photo does; pack the photos "
        "themselves.",
        file=shown,
        entry=entry,
        times=limits.ratio,
    )


def _checked_parts(info: zipfile.ZipInfo, name: str, shown: str) -> tuple[str, ...]:
    """The parts of an entry's path; some programs write backslashes between them."""
    path = name.replace("\\", "/")
    parts = PurePosixPath(path).parts
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or ".." in parts:
        raise PhotoError(
            "{file} holds {entry!r}, whose path leads out of the folder; pack it anew.",
            file=shown,
            entry=file_name(name),
        )
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = Note.said("a link") if kind == stat.S_IFLNK else Note.said("not an ordinary file")
        raise PhotoError(
            "{file} holds {entry!r}, which is {kind}; pack the photos themselves.",
            file=shown,
            entry=file_name(name),
            kind=what,
        )
    if len(parts) > MAX_DEPTH:
        raise PhotoError(
            "{file} holds {entry!r} {depth} folders deep; the limit is {most}.",
            file=shown,
            entry=file_name(name),
            depth=len(parts),
            most=MAX_DEPTH,
        )
    return parts


def _check_content(info: zipfile.ZipInfo, entry: str, shown: str, limits: Limits) -> None:
    if info.flag_bits & ENCRYPTED_FLAG:
        raise PhotoError(
            "{file} holds {entry!r}, which is locked with a password; pack it without one.", file=shown, entry=entry
        )
    if info.compress_type not in METHODS:
        raise PhotoError(
            "{file} holds {entry!r}, packed by a rare method; pack it as an ordinary zip (deflate).",
            file=shown,
            entry=entry,
        )
    if info.file_size > max(FREE_BYTES, limits.ratio * info.compress_size):
        raise bomb(shown, entry, limits)


def _check_total(total: int, shown: str, packed_bytes: int, limits: Limits) -> None:
    if total > limits.total_bytes:
        raise PhotoError(
            "{file} unpacks to {size:.1f} MB; the limit is {most:g} MB: split it.",
            file=shown,
            size=total / 1e6,
            most=limits.total_bytes / 1e6,
        )
    if total > max(FREE_BYTES, limits.ratio * packed_bytes):
        raise bomb(shown, None, limits)


def _names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The entries' names in NFC, as macOS decomposes them.

    A name without the UTF-8 mark may be UTF-8 all the same, cp949 (made on Korean Windows) or cp437. One program made
    the archive, so one encoding must fit all.
    """
    unmarked = [info for info in infos if not info.flag_bits & UTF8_FLAG]
    raw = [info.orig_filename.encode("cp437") for info in unmarked]  # undoes what zipfile did
    decoded = _decode_all(raw, "utf-8") or _decode_korean(raw) or _decode_all(raw, "cp437") or []
    better = {id(info): name for info, name in zip(unmarked, decoded, strict=True)}
    return [unicodedata.normalize("NFC", better.get(id(info), info.filename)) for info in infos]


def _decode_all(names: Sequence[bytes], encoding: str) -> list[str] | None:
    try:
        return [name.split(b"\0")[0].decode(encoding) for name in names]
    except UnicodeDecodeError:
        return None


def _decode_korean(names: Sequence[bytes]) -> list[str] | None:
    """cp949 takes "Müller" in cp437 for Korean too, but with a syllable that is hardly used and has no place in KS X 1001
    (two bytes of EUC-KR)."""
    decoded = _decode_all(names, "cp949")
    foreign = [character for name in decoded or () for character in name if character > "\x7f"]
    usual = sum(len(character.encode("euc_kr", "ignore")) == 2 for character in foreign)
    return decoded if usual * 2 > len(foreign) else None


def _safe_part(part: str, windows: bool = os.name == "nt") -> str:
    """A file name that any disk takes, as near to what it was as can be."""
    clean = "".join("_" if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in part)
    if windows:
        clean = re.sub(r'[<>:"|?*]', "_", clean).rstrip(" .")
        clean = f"_{clean}" if WINDOWS_NAMES.fullmatch(clean) or not clean else clean
    if len(clean.encode()) <= MAX_PART_BYTES:
        return clean
    suffix = PurePosixPath(clean).suffix
    suffix = suffix if len(suffix.encode()) <= 16 else ""
    mark = "~" + hashlib.sha256(clean.encode()).hexdigest()[:8]  # else long names that begin alike become one
    stem = clean.encode()[: MAX_PART_BYTES - len((mark + suffix).encode())].decode(errors="ignore")
    return stem + mark + suffix


def _free_places(
    files: Sequence[tuple[zipfile.ZipInfo, str, tuple[str, ...]]], folders: Sequence[tuple[str, ...]]
) -> list[Entry]:
    """Give each file a place of its own, on disks too that take "A.jpg" and "a.jpg" for one."""
    taken = {_key(parts[:depth]) for parts in folders for depth in range(1, len(parts) + 1)}
    entries = []
    for info, name, parts in files:
        *folder, last = parts
        stem, suffix = PurePosixPath(last).stem, PurePosixPath(last).suffix
        place, number = parts, 1
        while _key(place) in taken:
            number += 1
            place = (*folder, f"{stem} ({number}){suffix}")
        taken.add(_key(place))
        entries.append(Entry(info, name, place))
    return entries


def _key(parts: Sequence[str]) -> str:
    return unicodedata.normalize("NFC", "/".join(parts).casefold())
