"""Content-addressed bytes: small ones in memory, files where they lie, uploads in the server's own folder."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CHUNK", "Blob", "receive"]

CHUNK = 1 << 18


@dataclass(frozen=True)
class Blob:
    """Bytes with the two names that the Hub gives them.

    Attributes:
        source: the bytes, or the file that holds them (which must not change).
        size: in bytes.
        sha256: hex digest, the name in LFS.
        git_oid: the name in git (sha1 over a header and the bytes).
    """

    source: bytes | Path
    size: int
    sha256: str
    git_oid: str

    @classmethod
    def of(cls, source: bytes | str | Path) -> Blob:
        """Name `source`; a str is text, a Path is a file."""
        if isinstance(source, str):
            source = source.encode()
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        sha256, git = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        for piece in _pieces(source, 0, size):
            sha256.update(piece)
            git.update(piece)
        return cls(source, size, sha256.hexdigest(), git.hexdigest())

    @property
    def pointer(self) -> bytes:
        """What git holds in place of an LFS file."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, in order."""
        return _pieces(self.source, start, stop)

    def read(self) -> bytes:
        """All bytes."""
        return b"".join(self.pieces(0, self.size))


def receive(pieces: Iterable[bytes], folder: Path) -> Blob:
    """Write an upload to a new file in `folder`, so that half a gigabyte need not fit in memory."""
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        for piece in pieces:
            file.write(piece)
    return Blob.of(Path(file.name))


def _pieces(source: bytes | Path, start: int, stop: int) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for at in range(start, stop, CHUNK):
            yield source[at : min(at + CHUNK, stop)]
        return
    with source.open("rb") as file:
        file.seek(start)
        while start < stop and (piece := file.read(min(CHUNK, stop - start))):
            start += len(piece)
            yield piece
