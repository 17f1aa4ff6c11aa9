"""Photos from the disk to the net in batches, cut into shares of the processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ..config import VGGConfig
from ..errors import PhotoError
from ..preprocess import preprocess
from ..views import random_view
from .chance import chance
from .table import PhotoTable

__all__ = ["Order", "plain_loader", "random_loader"]


class Order(Sampler):
    """Which photos this process takes in each step.

    All photos are shuffled by (seed, epoch) and cut into as few batches as their size allows; these differ by one photo
    at most, and so do the processes' shares of each: none is left with a single photo where there are more.

    Args:
        photos: (n,) int64.
        batch_size: of one process.
        processes, process: how many there are, and which one this is.
        seed: of the shuffling.

    Attributes:
        epoch: of the next pass, from 0; to be set.
        steps: batches in a pass.
    """

    def __init__(self, photos: Tensor, batch_size: int, processes: int, process: int, seed: int) -> None:
        self._photos, self._processes, self._process, self._seed = photos, processes, process, seed
        self.steps = min(-(-len(photos) // (batch_size * processes)), max(1, len(photos) // processes))
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        """Lists of (epoch, photo)."""
        for batch in self._batches():
            yield [(self.epoch, photo) for photo in batch.tensor_split(self._processes)[self._process].tolist()]

    def sizes(self) -> list[int]:
        """Photos in each batch, of all processes together."""
        return [len(batch) for batch in self._batches()]

    def _batches(self) -> tuple[Tensor, ...]:
        order = torch.randperm(len(self._photos), generator=chance(self._seed, "order", self.epoch))
        return self._photos[order].tensor_split(self.steps)


class _Views(Dataset):
    """(view, target, photo, what is wrong with it or "") of (epoch, photo), or as it is of a photo alone."""

    def __init__(self, table: PhotoTable, config: VGGConfig, photos: Tensor | None = None, seed: int = 0) -> None:
        self._table, self._config, self._photos, self._seed = table, config, photos, seed
        self._whole = replace(config, crop_pct=1.0)

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, which: tuple[int, int] | int) -> tuple[Tensor, int, int, str]:
        epoch, photo = which if isinstance(which, tuple) else (None, int(self._photos[which]))
        target = int(self._table.targets[photo])
        try:
            image = self._table.reader.image(photo)
        except PhotoError as error:  # it could be read at the first look
            side = self._config.input_size
            return torch.zeros(self._config.in_channels, side, side), target, photo, str(error)
        if epoch is None:
            return preprocess(image, self._config), target, photo, ""
        return random_view(image, self._whole, chance(self._seed, "view", epoch, photo)), target, photo, ""


def random_loader(table: PhotoTable, config: VGGConfig, order: Order, seed: int, workers: int, pin: bool) -> DataLoader:
    """Random views of this process's photos, anew in each epoch.

    Yields (b, C, S, S) float32, (b,) int64 targets, (b,) int64 photos, b sentences on those that cannot be read ("").
    """
    return DataLoader(
        _Views(table, config, seed=seed),
        batch_sampler=order,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=pin,
        generator=chance("workers"),
    )


def plain_loader(
    table: PhotoTable, config: VGGConfig, photos: Tensor, batch_size: int, workers: int, pin: bool
) -> DataLoader:
    """Photos as they are, in order; not cut into shares yet. Yields what `random_loader` does."""
    return DataLoader(
        _Views(table, config, photos), batch_size, num_workers=workers, pin_memory=pin, generator=chance("workers")
    )
