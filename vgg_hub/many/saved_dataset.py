"""Image data sets that Hugging Face `datasets` saved on the disk (`save_to_disk`), as a table of photos.

Their pictures are read by `read_image` like any others, with its limits; `datasets` decodes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image

from ..config import check_labels
from ..data import VALIDATION_NAMES, file_name, read_image
from ..errors import LabelError, PhotoError
from .processes import need
from .table import PhotoTable

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["RowPhotos", "is_saved_dataset", "open_saved_dataset"]

MARKS = ("dataset_dict.json", "dataset_info.json")  # of several splits, and of one
ADVICE = "expected one column of datasets.Image and one of datasets.ClassLabel."


@dataclass(frozen=True)
class RowPhotos:
    """Photos in the rows of splits, one split after the other.

    Attributes:
        splits: (name, its rows, its undecoded image column).
        rows: of each photo its row, counted through all splits.
    """

    splits: Sequence[tuple[str, Dataset, str]]
    rows: Sequence[int]

    def name(self, photo: int) -> str:
        name, *_, row = self._place(photo)
        return f"{name} row {row}"

    def image(self, photo: int) -> Image.Image:
        name, rows, column, row = self._place(photo)
        cell = rows[row][column] or {}
        source = cell.get("bytes") or cell.get("path")
        if not source:
            raise PhotoError(f"{name} row {row} holds no picture; save the data set again without it.")
        return read_image(source, name=f"{name} row {row}")

    def _place(self, photo: int) -> tuple[str, Dataset, str, int]:
        number, row = 0, self.rows[photo]
        while row >= len(self.splits[number][1]):
            row -= len(self.splits[number][1])
            number += 1
        return *self.splits[number], row


def is_saved_dataset(path: Path) -> bool:
    return any((path / mark).is_file() for mark in MARKS)


def open_saved_dataset(path: Path) -> PhotoTable:
    """Read the class names and targets of a data set, and no picture.

    Raises:
        PhotoError: it cannot be read, or has not the columns.
        LabelError: its class names cannot be labels.
        FinetuneError: the package `datasets` is missing.
    """
    need("datasets", "A data set saved to disk")
    import datasets

    shown = file_name(path)
    try:
        found = datasets.load_from_disk(str(path))
    except (OSError, ValueError, LookupError, TypeError) as error:  # a file is missing, cut short or changed
        raise PhotoError(
            f"{shown} cannot be read as a data set ({error!s:.120}); save it again: save_to_disk."
        ) from error
    train, validation = _splits(found, shown)
    chosen = [train] if validation is None else [train, validation]
    columns = [_columns(rows, f"{shown} {name}".strip()) for name, rows in chosen]
    names = [rows.features[label].names for (_, rows), (_, label) in zip(chosen, columns, strict=True)]
    if names[0] != names[-1]:
        raise PhotoError(f"The splits of {shown} have other class names; give both the same datasets.ClassLabel.")
    try:
        labels = check_labels(names[0])
    except LabelError as error:
        raise LabelError(f"The class names of {shown} cannot be used. {error}") from error
    given = [rows[label] for (_, rows), (_, label) in zip(chosen, columns, strict=True)]
    targets = torch.tensor([-1 if target is None else target for part in given for target in part], dtype=torch.int64)
    held_out = None if validation is None else torch.arange(len(targets)) >= len(given[0])
    known = targets >= 0  # -1 marks a row without a class
    unknown = int((~known).sum())
    skipped = [f"{unknown} rows of {shown} have no class and were left out."] if unknown else []
    splits = [
        (f"{shown} {name}".strip(), rows.cast_column(image, datasets.Image(decode=False)).with_format(None), image)
        for (name, rows), (image, _) in zip(chosen, columns, strict=True)
    ]
    kept = torch.nonzero(known).flatten().tolist()
    held_out = None if held_out is None else held_out[known]
    return PhotoTable(list(labels), targets[known], held_out, RowPhotos(splits, kept), skipped)


def _splits(found, shown: str) -> tuple[tuple[str, Dataset], tuple[str, Dataset] | None]:
    """What to train on, and what to judge on if that is given."""
    if not isinstance(found, dict):
        return ("", found), None
    train = "train" if "train" in found else next(iter(found)) if len(found) == 1 else None
    if train is None:
        raise PhotoError(f"{shown} has the splits {', '.join(found) or '(none)'!s:.80}; name one of them train.")
    held_out = next((name for name in VALIDATION_NAMES if name in found and name != train), None)
    return (train, found[train]), None if held_out is None else (held_out, found[held_out])


def _columns(rows: Dataset, shown: str) -> tuple[str, str]:
    """Names of the image column and of the class column."""
    import datasets

    images = [name for name, kind in rows.features.items() if isinstance(kind, datasets.Image)]
    labels = [name for name, kind in rows.features.items() if isinstance(kind, datasets.ClassLabel)]
    if len(images) != 1 or len(labels) != 1:
        raise PhotoError(
            f"{shown} has {len(images)} image columns and {len(labels)} of class names "
            f"(columns: {', '.join(rows.features)!s:.80}); {ADVICE}"
        )
    return images[0], labels[0]
