"""The photos in the files that a visitor chose: taken into their folder, zips unpacked, within the page's limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..archive import collect_files
from ..errors import PhotoError
from ..picture import Limits, check_picture
from .limits import page_limits
from .own_files import OwnFiles

__all__ = ["Collected", "gather"]


@dataclass(frozen=True)
class Collected:
    """What was found.

    Attributes:
        pictures: of the right size; not decoded yet.
        left_out: a sentence for each file that is none.
        taken: the visitor's own copies of what they uploaded.
        folder: what zips were unpacked to; None where there were none.
    """

    pictures: list[Path]
    left_out: list[str]
    taken: tuple[Path, ...] = ()
    folder: Path | None = None


def gather(files: OwnFiles, own: Sequence[str]) -> Collected:
    """Look through files that were taken; zips are unpacked."""
    limits = page_limits().pictures
    taken = tuple(map(Path, own))
    folder = None
    pictures, left_out = list(taken), []
    if any(path.name.casefold().endswith(".zip") for path in taken):
        folder = files.new_folder("zips")
        pictures, left_out = collect_files(taken, folder, limits)
    if limits.pixels < Limits().pixels:  # else whatever reads them looks to it
        pictures, too_large = _right_size(pictures, limits)
        left_out += too_large
    return Collected(pictures, left_out, taken, folder)


def _right_size(pictures: Sequence[Path], limits: Limits) -> tuple[list[Path], list[str]]:
    right, left_out = [], []
    for path in pictures:
        try:
            check_picture(path, limits)
            right.append(path)
        except PhotoError as error:
            left_out.append(error.note)
    return right, left_out
