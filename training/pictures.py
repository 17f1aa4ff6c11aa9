"""The three sets of pictures as uint8 arrays, and the splits that every run of the recipe keeps.

What is never trained on: Tiny ImageNet's validation set, CIFAR-10's test set, a fixed share of each Caltech category
(chosen by a hash of the file's name), and `HELD_OUT_EVERY`th Caltech categories as a whole, for the transfer test.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["SETS", "PictureSet", "hash_share", "held_out_categories", "load_sets", "read_classes", "unpack"]

SETS = ("tiny", "caltech", "cifar")
SIDES = {"tiny": 64, "caltech": 128, "cifar": 32}
VALIDATION_SHARE = 0.15
HELD_OUT_START, HELD_OUT_EVERY = 4, 5
ARCHIVES = ("tiny-imagenet-train", "tiny-imagenet-val", "caltech101", "cifar10-train", "cifar10-test")


@dataclass(frozen=True)
class PictureSet:
    """Pictures of one set and one split.

    Attributes:
        images: (N, 3, S, S) uint8, RGB.
        labels: (N,) int64, indices into `classes`.
        classes: WNIDs (Tiny ImageNet) or category names, sorted.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, keep: np.ndarray) -> PictureSet:
        """The pictures where `keep` (N,) is true."""
        return PictureSet(self.images[keep], self.labels[keep], self.classes)


def held_out_categories(categories: Sequence[str]) -> tuple[str, ...]:
    """The Caltech categories that are kept whole for the transfer test: every fifth in alphabetical order.

    `Faces` and `Faces_easy` show the same photos, so they go to one side together: that of `Faces`.
    """
    held = set(sorted(categories)[HELD_OUT_START::HELD_OUT_EVERY])
    held.discard("Faces_easy")
    if "Faces" in held:
        held.add("Faces_easy")
    return tuple(sorted(held))


def hash_share(name: str) -> float:
    """A number from 0 to 1 that depends on a file's name (`CATEGORY/image_NNNN`) and on nothing else.

    `Faces_easy` counts as `Faces`, so that a photo and its cut-out never stand on two sides of a split.
    """
    name = name.replace("Faces_easy/", "Faces/")
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def unpack(data: Path, cache: Path) -> Path:
    """The folder of `tiny-imagenet/`, `caltech101/` and `cifar10/`: `data`, or its archives unpacked in `cache`.

    Raises:
        FileNotFoundError: neither the folders nor the five `.tar.xz` archives are in `data`.
    """
    if (data / "caltech101").is_dir():
        return data
    missing = [f"{name}.tar.xz" for name in ARCHIVES if not (data / f"{name}.tar.xz").is_file()]
    if missing:
        raise FileNotFoundError(f"{data} holds neither the folder caltech101 nor {', '.join(missing)}.")
    target = cache / "extracted"
    if not (target / "complete").exists():
        for name in ARCHIVES:
            with tarfile.open(data / f"{name}.tar.xz") as archive:
                archive.extractall(target, filter="data")
        (target / "complete").touch()
    return target


def read_classes(root: Path) -> dict[str, str]:
    """Tiny ImageNet's WNID -> words, as `classes.tsv` has them."""
    lines = (root / "tiny-imagenet" / "classes.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines if line)


def _square(path: Path, side: int) -> np.ndarray:
    """Short side to `side`, then the centre: (3, side, side) uint8."""
    with Image.open(path) as picture:
        picture = picture.convert("RGB")
    scale = side / min(picture.size)
    if scale != 1:
        picture = picture.resize([max(side, round(n * scale)) for n in picture.size], Image.Resampling.BILINEAR)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side))).transpose(2, 0, 1)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*/*") if path.is_file())


def _load(folder: Path, side: int, store: Path) -> tuple[PictureSet, list[str]]:
    """One folder of folders, decoded once and kept in `store` as .npy. Also the names, `CLASS/stem`."""
    files = _files(folder)
    names = [f"{path.parent.name}/{path.stem}" for path in files]
    classes = tuple(sorted({path.parent.name for path in files}))
    labels = np.array([classes.index(path.parent.name) for path in files], dtype=np.int64)
    if store.exists():
        images = np.load(store)
        if len(images) == len(files):
            return PictureSet(images, labels, classes), names
    images = np.empty((len(files), 3, side, side), dtype=np.uint8)
    for row, path in enumerate(files):
        images[row] = _square(path, side)
    partial = store.with_suffix(".partial.npy")  # renamed when whole: a killed run leaves no half a cache
    np.save(partial, images)
    os.replace(partial, store)
    return PictureSet(images, labels, classes), names


def split_caltech(everything: PictureSet, names: Sequence[str], keep_all: bool) -> dict[str, PictureSet]:
    """`train` and `val` share their classes; `transfer` has the held-out ones (also when `keep_all` trains on them)."""
    held = held_out_categories(everything.classes)
    seen = everything.classes if keep_all else tuple(name for name in everything.classes if name not in held)
    validation = np.array([hash_share(name) < VALIDATION_SHARE for name in names])
    own = np.array([name.split("/")[0] for name in names])
    parts = {
        "train": (np.isin(own, seen) & ~validation, seen),
        "val": (np.isin(own, seen) & validation, seen),
        "transfer": (np.isin(own, held), held),
    }
    return {
        part: PictureSet(everything.images[rows], np.searchsorted(classes, own[rows]), classes)
        for part, (rows, classes) in parts.items()
    }


def load_sets(data: Path, cache: Path, keep_all: bool = False) -> dict[str, dict[str, PictureSet]]:
    """All splits: `{"tiny": {"train", "val"}, "caltech": {"train", "val", "transfer"}, "cifar": {"train", "val"}}`.

    Args:
        data: the folder with the archives, or with what they hold.
        cache: where decoded arrays are kept (2 GB); made where it does not exist.
        keep_all: train on the held-out Caltech categories too (for a checkpoint that ships after its transfer test).
    """
    cache.mkdir(parents=True, exist_ok=True)
    root = unpack(data, cache)
    folders = {
        ("tiny", "train"): "tiny-imagenet/train",
        ("tiny", "val"): "tiny-imagenet/val",
        ("cifar", "train"): "cifar10/train",
        ("cifar", "val"): "cifar10/test",
    }
    sets: dict[str, dict[str, PictureSet]] = {name: {} for name in SETS}
    for (name, part), folder in folders.items():
        sets[name][part], _ = _load(root / folder, SIDES[name], cache / f"{name}-{part}.npy")
    everything, names = _load(root / "caltech101", SIDES["caltech"], cache / "caltech.npy")
    sets["caltech"] = split_caltech(everything, names, keep_all)
    return sets
