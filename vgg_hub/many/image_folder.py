"""Photos in folders, FOLDER/CLASS or FOLDER/{train,validation}/CLASS, as a table; and the choice of what a folder is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from ..data import SUFFIXES, VALIDATION_NAMES, file_name, load_folder, read_image
from ..errors import PhotoError
from .saved_dataset import is_saved_dataset, open_saved_dataset
from .table import PhotoTable

__all__ = ["FilePhotos", "has_splits", "open_table"]


@dataclass(frozen=True)
class FilePhotos:
    """Photos in files."""

    paths: Sequence[Path]

    def name(self, photo: int) -> str:
        return file_name(self.paths[photo])

    def image(self, photo: int) -> Image.Image:
        return read_image(self.paths[photo])


def open_table(path: str | Path) -> PhotoTable:
    """List FOLDER/CLASS/photos, FOLDER/{train,validation}/CLASS/photos, or what `datasets` saved.

    Raises:
        PhotoError, LabelError: see `load_folder`; a zip; splits that do not fit together; a data set without pictures
            or class names.
        FinetuneError: a data set, and the package `datasets` is missing.
    """
    path = Path(path)
    if path.is_file():
        raise PhotoError(
            f"{file_name(path)} is a file; unpack it first, for each process reads its own photos from it."
        )
    if is_saved_dataset(path):
        return open_saved_dataset(path)
    if has_splits(path):
        return _split_folder(path)
    found = load_folder(path)
    return _table(found.photos, None, found.skipped)


def has_splits(path: Path) -> bool:
    """Whether a folder holds `train` and `validation` (or `val` ...), and these hold folders and no photos."""
    if not (path / "train").is_dir() or _validation(path) is None:
        return False
    for split in (path / "train", _validation(path)):
        try:
            entries = list(split.iterdir())
        except OSError:
            return False
        if any(entry.suffix.casefold() in SUFFIXES for entry in entries) or not any(e.is_dir() for e in entries):
            return False
    return True


def _validation(path: Path) -> Path | None:
    return next((path / name for name in VALIDATION_NAMES if (path / name).is_dir()), None)


def _split_folder(path: Path) -> PhotoTable:
    held_out = _validation(path)
    train, validation = (load_folder(part, name=f"{path.name} {part.name}") for part in (path / "train", held_out))
    strange = next((label for label in validation.photos if label not in train.photos), None)
    if strange is not None:
        raise PhotoError(
            f"{held_out.name} of {file_name(path)} has the class {strange!r}, which train has not; give both the same."
        )
    return _table(train.photos, validation.photos, [*train.skipped, *validation.skipped])


def _table(train: dict[str, list[Path]], validation: dict[str, list[Path]] | None, skipped: list[str]) -> PhotoTable:
    labels = list(train)
    parts = [train] if validation is None else [train, validation]
    paths = [file for part in parts for label in labels for file in part.get(label, [])]
    counts = [len(part.get(label, [])) for part in parts for label in labels]
    targets = torch.arange(len(labels)).repeat(len(parts)).repeat_interleave(torch.tensor(counts))
    held_out = None if validation is None else torch.arange(len(paths)) >= sum(counts[: len(labels)])
    return PhotoTable(labels, targets, held_out, FilePhotos(paths), skipped)
