"""The first look at all photos, each process at its share: which can be read, which stand twice, who judges."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import FinetuneError, LabelError, PhotoError
from ..fingerprint import photo_digests
from .chance import chance
from .table import PhotoTable

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["Looked", "look_at_all"]

VALIDATION_SHARE = 0.2  # of each class, where no validation split is given
LEAST_PHOTOS = 2  # of each class: one to learn from, one to judge by
SENTENCES = 50
BATCH_SIZE = 16


@dataclass(frozen=True)
class Looked:
    """What can be used.

    Attributes:
        train, validation: (n,) int64 each, positions in the table.
        digests: of each class, see `fingerprint.photo_digests`.
        warnings: sentences on photos that were left out.
        method: who judges, in words.
    """

    train: Tensor
    validation: Tensor
    digests: dict[str, dict[str, object]]
    warnings: list[str] = field(default_factory=list)
    method: str = ""


def look_at_all(table: PhotoTable, accelerator: Accelerator, seed: int, workers: int) -> Looked:
    """Decode every photo once, and hold nothing of it but its digest.

    Raises:
        FinetuneError, LabelError: too few photos that can be used; the same in all processes.
    """
    from accelerate.utils import gather_object

    share = range(accelerator.process_index, len(table.targets), accelerator.num_processes)
    loader = DataLoader(
        _Digests(table), BATCH_SIZE, sampler=share, num_workers=workers, collate_fn=list, generator=chance("look")
    )
    found = sorted(gather_object([seen for batch in loader for seen in batch]))
    digests = {photo: digest for photo, digest, _ in found if digest}
    warnings = [sentence for *_, sentence in found if sentence]
    targets = table.targets.tolist()
    by_class = photo_digests(table.labels, [(targets[photo], digest) for photo, digest in digests.items()])
    kept = _without_twins(table, digests, warnings)
    if len(warnings) > SENTENCES:
        warnings[SENTENCES:] = [f"{len(warnings) - SENTENCES} more photos were left out for such reasons."]
    train, validation, method = _split(table, kept, seed, warnings[:1])
    if len(train) < accelerator.num_processes:
        raise FinetuneError(
            f"There are {len(train)} photos to train on and {accelerator.num_processes} processes; start fewer processes."
        )
    return Looked(train, validation, by_class, warnings, method)


class _Digests(Dataset):
    """(photo, digest of its pixels, or nothing and why) of the photo at a position."""

    def __init__(self, table: PhotoTable) -> None:
        self._reader = table.reader

    def __getitem__(self, photo: int) -> tuple[int, bytes, str]:
        try:
            image = self._reader.image(photo)
        except PhotoError as error:
            return photo, b"", str(error)
        return photo, hashlib.sha256(image.tobytes() + repr(image.size).encode()).digest(), ""


def _without_twins(table: PhotoTable, digests: dict[int, bytes], warnings: list[str]) -> Tensor:
    """(k,) int64: all but the copies of a photo; of one that stands in both splits the one to judge by stays."""
    groups: dict[bytes, list[int]] = {}
    for photo, digest in digests.items():
        groups.setdefault(digest, []).append(photo)
    kept: list[int] = []
    for photos in groups.values():
        first, *twins = (
            photos if table.held_out is None else sorted(photos, key=lambda photo: not table.held_out[photo])
        )
        name, label = table.reader.name(first), table.labels[table.targets[first]]
        other = next((table.labels[table.targets[t]] for t in twins if table.targets[t] != table.targets[first]), None)
        if other is not None:
            warnings.append(f"{name} is in both {label} and {other}; it was left out of training and of the estimate.")
            continue
        kept.append(first)
        warnings += [f"{table.reader.name(twin)} is the same photo as {name}; it was used once." for twin in twins]
    return torch.tensor(sorted(kept), dtype=torch.int64)


def _split(table: PhotoTable, kept: Tensor, seed: int, why: Sequence[str]) -> tuple[Tensor, Tensor, str]:
    classes = len(table.labels)
    if classes < 2:
        raise LabelError(f"There is {'only one' if classes else 'no'} class; give photos of two classes or more.")
    given = table.held_out is not None
    learnt = kept[~table.held_out[kept]] if given else kept
    least = 1 if given else LEAST_PHOTOS
    for label, count in zip(
        table.labels, torch.bincount(table.targets[learnt], minlength=classes).tolist(), strict=True
    ):
        if count < least:
            raise FinetuneError(
                f"Class {label!r} has {count} photo{'' if count == 1 else 's'} that can be used; "
                f"give each class at least {least}, better hundreds.{''.join(f' {sentence}' for sentence in why)}"
            )
    if given:
        judges = kept[table.held_out[kept]]
        if not len(judges):
            raise FinetuneError("The validation split holds no photo that can be used; add some, or remove the split.")
        return learnt, judges, "on the validation split that was given"
    judges = []
    for target in range(classes):
        own = kept[table.targets[kept] == target]
        count = min(len(own) - 1, max(1, round(VALIDATION_SHARE * len(own))))
        judges.append(own[torch.randperm(len(own), generator=chance(seed, "held out", target))[:count]])
    held_out = torch.cat(judges).sort().values
    return (
        kept[~torch.isin(kept, held_out)],
        held_out,
        f"on {VALIDATION_SHARE:.0%} of each class, held out".replace("%", " %"),
    )
