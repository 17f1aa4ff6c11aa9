"""What the frozen part of a net makes of each photo, computed once."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .data import file_name
from .errors import FinetuneError, PhotoError
from .guards import THUMBNAIL, Facts, look_at
from .notes import Note
from .predict import BATCH_SIZE, Classifier, Picture, as_image
from .preprocess import preprocess
from .room import room_for
from .views import CACHE_BYTES, Views

__all__ = ["CachedPhoto", "FeatureCache"]

THUMBNAIL_BYTES = 100_000_000  # of memory, for the thumbnails; past it, as past CACHE_BYTES, a file takes their place
ROWS = 1024


@dataclass(frozen=True)
class CachedPhoto:
    """A photo that could be read.

    Attributes:
        name: the file's, without its folder, or the class and a number.
        target: position of its class.
        index: its position among the photos given for that class.
        digest: of its pixels, upright.
        facts: what is noted of it for the guards.
        row: its position among the photos that could be read.
    """

    name: str
    target: int
    index: int
    digest: bytes
    facts: Facts
    row: int


class FeatureCache:
    """The features of all photos, and a sentence in `warnings` for each photo that was left out."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = list(labels)
        self.photos: list[CachedPhoto] = []
        self.warnings: list[str] = []
        # Each in one piece, with a row for each photo given. Nothing else that outlives a batch is allocated by C code: it
        # would lie between what each batch takes and gives back, and the memory would grow by three times what is kept.
        self._features: Tensor | None = None  # (given, 2, D)
        self._thumbnails: Tensor | None = None  # (given, 48, 48, 3)

    def counts(self) -> dict[str, int]:
        """Photos that can be used, by class."""
        found = [photo.target for photo in self.photos]
        return {label: found.count(target) for target, label in enumerate(self.labels)}

    def features(self) -> Tensor:
        """(n, 2, D) float32, of each photo and of its mirror image; not a copy."""
        return self._features[: len(self.photos)]

    def thumbnails(self) -> np.ndarray:
        """(n, 48, 48, 3) uint8, of each photo; not a copy."""
        return self._thumbnails[: len(self.photos)].numpy()

    def fill(
        self, net: Classifier | Views, photos: Mapping[str, Sequence[Picture]], stop: threading.Event
    ) -> Iterator[tuple[int, int, float]]:
        """Read and embed the photos; yields (photos done, all photos, seconds left) after each batch.

        Raises:
            FinetuneError: `stop` was set, or there is no room for the views.
        """
        todo = [(t, i, p) for t, pictures in enumerate(photos.values()) for i, p in enumerate(pictures)]
        started = time.perf_counter()
        for first in range(0, len(todo), BATCH_SIZE // 2):  # half, for each photo has two views
            if stop.is_set():
                raise FinetuneError("Stopped before the first step: there is nothing to keep, and nothing was changed.")
            batch = todo[first : first + BATCH_SIZE // 2]
            self._embed(net, batch, len(todo))
            done = first + len(batch)
            yield done, len(todo), (time.perf_counter() - started) / done * (len(todo) - done)

    def _embed(self, net: Classifier | Views, batch: list[tuple[int, int, Picture]], total: int) -> None:
        read = []
        for target, index, picture in batch:
            name = _name(picture, self.labels[target], index)
            try:
                image = as_image(picture)
            except PhotoError as error:
                whole = name in str(error)
                self.warnings.append(
                    error.note if whole else Note.said("{file}: {problem}", file=name, problem=error.note)
                )
                continue
            digest = hashlib.sha256(image.tobytes() + repr(image.size).encode()).digest()
            x = net.look(image, picture) if isinstance(net, Views) else preprocess(image, net.config)
            facts, thumbnail = look_at(image, picture)
            read.append((CachedPhoto(name, target, index, digest, facts, len(self.photos) + len(read)), thumbnail, x))
        if read:
            x = torch.stack([row[2] for row in read])  # (b, C, S, S), or (b, views, C, S, S)
            if isinstance(net, Views):
                features = net.add(x)
            else:
                features = net.embed(torch.cat([x, x.flip(3)])).reshape(2, len(read), -1).transpose(0, 1)
            if self._features is None:
                self._features = room_for((total, *features.shape[1:]), torch.float32, CACHE_BYTES)
                self._thumbnails = room_for((total, THUMBNAIL, THUMBNAIL, 3), torch.uint8, THUMBNAIL_BYTES)
            here = slice(len(self.photos), len(self.photos) + len(read))
            self._features[here] = features
            self._thumbnails[here] = torch.from_numpy(np.stack([row[1] for row in read]))
            self.photos += [row[0] for row in read]

    def drop_twins(self) -> None:
        """Leave out all copies of a photo that stands in two classes, and all but one within a class."""
        groups: dict[bytes, list[CachedPhoto]] = {}
        for photo in self.photos:
            groups.setdefault(photo.digest, []).append(photo)
        self.photos = []
        for first, *twins in groups.values():
            other = next((twin for twin in twins if twin.target != first.target), None)
            if other:
                self.warnings.append(
                    Note.said(
                        "{file} is in both {first} and {second}; it was left out of training and of the estimate.",
                        file=other.name,
                        first=self.labels[first.target],
                        second=self.labels[other.target],
                    )
                )
                continue
            self.photos.append(first)
            self.warnings += [
                Note.said("{file} is the same photo as {first}; it was used once.", file=twin.name, first=first.name)
                for twin in twins
            ]
        rows = torch.tensor([photo.row for photo in self.photos], dtype=torch.int64)
        for kept in (self._features, self._thumbnails) if len(rows) < sum(map(len, groups.values())) else ():
            for here in torch.arange(len(rows)).split(
                ROWS
            ):  # up, a few at a time: no row is overwritten before it moves
                kept[here] = kept[rows[here]]


def _name(picture: Picture, label: str, index: int) -> str:
    path = getattr(picture, "filename", "") if isinstance(picture, Image.Image) else picture
    return (file_name(path) if isinstance(path, (str, Path)) else "") or f"{label} {index + 1}"
