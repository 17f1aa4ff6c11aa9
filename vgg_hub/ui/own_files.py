"""The files of one visitor: in a folder that nobody can guess, whole as long as they are needed, gone at once.

Gradio serves what lies below its folder of uploads to whoever knows the path, and puts an upload where its content says
(a hash that is salted for each installation). So two visitors with the same photo share a file there, and each needs
one of their own before either's can be deleted.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable
from pathlib import Path

from gradio.utils import get_upload_folder

__all__ = ["OwnFiles", "end_in_order", "has_room", "own_upload_folder", "remove_old_uploads"]

PREFIX = "visitor-"


def own_upload_folder() -> None:
    """Give this process a folder of uploads of its own, if whoever runs it has not: old files in it may be deleted."""
    if not os.environ.get("GRADIO_TEMP_DIR"):
        folder = tempfile.mkdtemp(prefix="vgg-hub-")
        os.environ["GRADIO_TEMP_DIR"] = folder
        weakref.finalize(OwnFiles, shutil.rmtree, folder, ignore_errors=True)  # when the process ends


def end_in_order() -> None:
    """Let a stopped service and a closed terminal end this process as Ctrl+C does, and its folder goes with it."""
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        in_main = threading.current_thread() is threading.main_thread()  # no other may set it
        if number and in_main and signal.getsignal(number) is signal.SIG_DFL:  # not under nohup
            signal.signal(number, signal.default_int_handler)


class _Claims:
    """Who still needs an upload: the last one who lets go of it deletes it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # memory may be freed, and with it an owner, within any line below
        self._owners: dict[Path, weakref.WeakSet[OwnFiles]] = {}

    def add(self, path: Path, owner: OwnFiles) -> None:
        with self._lock:
            self._owners.setdefault(path, weakref.WeakSet()).add(owner)

    def release(self, paths: Iterable[Path], owner: OwnFiles) -> None:
        with self._lock:
            for path in paths:
                owners = self._owners.get(path, set())
                owners.discard(owner)
                if not owners:
                    self._owners.pop(path, None)
                    path.unlink(missing_ok=True)


_claims = _Claims()


class OwnFiles:
    """Where one visitor's files are. Made when first asked for; gone with this object, and at the latest with the process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._folder: Path | None = None
        self._taken: dict[Path, Path] = {}
        self._seen: set[Path] = set()

    @property
    def folder(self) -> Path:
        """The folder: below that of the uploads, so that Gradio serves from it without a copy."""
        with self._lock:
            if self._folder is None:
                folder = Path(get_upload_folder()).resolve() / f"{PREFIX}{secrets.token_urlsafe(32)}"
                folder.mkdir(mode=0o700, parents=True)
                self._folder, self._remove = folder, weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            return self._folder

    def new_folder(self, name: str) -> Path:
        """A new, empty folder inside `folder`."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def see(self, upload: Path) -> None:
        """Remember an upload, so that it is deleted with the rest."""
        with self._lock:
            self._seen.add(upload)
        _claims.add(upload, self)

    def take(self, upload: Path) -> Path:
        """An upload under its own name in this folder, whatever becomes of the upload; other files stay where they are."""
        upload = upload.resolve()
        with self._lock:
            if upload in self._taken:
                return self._taken[upload]
            root = Path(get_upload_folder()).resolve()
            if not upload.is_relative_to(root) or upload.is_relative_to(self.folder) or not upload.is_file():
                return upload
            self.see(upload)
            target = self.new_folder("photo") / upload.name
            try:
                os.link(upload, target)
            except OSError:  # a file system without links
                shutil.copyfile(upload, target)
            self._taken[upload] = target
            return target

    def drop(self, paths: Iterable[Path]) -> None:
        """Delete some of what was taken."""
        with self._lock:
            gone = set(paths) & set(self._taken.values())
            self._taken = {upload: own for upload, own in self._taken.items() if own not in gone}
            for path in gone:
                path.unlink(missing_ok=True)

    def size(self) -> int:
        """Bytes of all that lies in the folder."""
        if self._folder is None:
            return 0
        return sum(_size(Path(place) / name) for place, _, names in os.walk(self._folder) for name in names)

    def is_empty(self) -> bool:
        """Whether there is nothing to delete."""
        return self._folder is None and not self._seen

    def clear(self) -> None:
        """Delete the folder, and the uploads that nobody else needs."""
        with self._lock:
            seen, self._seen, self._taken = self._seen, set(), {}
            if self._folder is not None:
                self._remove()
                self._folder = None
        _claims.release(seen, self)

    def __del__(self) -> None:
        _claims.release(self._seen, self)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # gone meanwhile
        return 0


def has_room(megabytes: int) -> bool:
    """Whether the disk of the uploads has so much left."""
    place = Path(get_upload_folder())
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free >= megabytes * 10**6


def remove_old_uploads(seconds: float) -> None:
    """Delete what was uploaded so long ago that its visitor has it in their own folder or has left without it.

    Gradio's own `delete_cache` forgets what an upload that broke off left behind, and would take files of visitors who
    are still here.
    """
    oldest = time.time() - seconds
    for entry in Path(get_upload_folder()).glob("*"):
        try:
            old = not entry.name.startswith(PREFIX) and entry.lstat().st_mtime < oldest
        except OSError:  # gone meanwhile
            continue
        if old and entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif old:
            entry.unlink(missing_ok=True)
