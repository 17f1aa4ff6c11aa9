"""Zip archives as programs of many kinds, and people of bad will, make them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

__all__ = ["rename", "special", "zip_bytes", "zip_file"]


def zip_bytes(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive; a name that ends in a slash is a folder."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return file.getvalue()


def zip_file(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path.write_bytes(zip_bytes(entries, method))
    return path


def special(kind: int, name: str, content: bytes = b"/etc/passwd") -> bytes:
    """An archive with an entry of a Unix kind (stat.S_IFLNK and the like) beside a plain one."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cats/1.jpg", b"1")
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16
        archive.writestr(info, content)
    return file.getvalue()


def rename(archive: bytes, names: dict[str, bytes]) -> bytes:
    """Put raw names of the same length in the place of ASCII ones, without the mark for UTF-8."""
    for old, new in names.items():
        assert len(new) == len(old)
        assert archive.count(old.encode()) == 2  # before the entry, and in the table of contents
        archive = archive.replace(old.encode(), new)
    return archive
