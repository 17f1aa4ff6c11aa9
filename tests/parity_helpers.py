"""What the tests of the parity receipt share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from vgg_hub import VGG
from vgg_hub.parity import reference_of
from vgg_hub.parity_compare import LoaderResult, compare
from vgg_hub.parity_loaders import open_folder

__all__ = ["edit_config", "judge"]


def judge(name: str, folder: Path, model: VGG, saved_as: str = "float32") -> LoaderResult:
    """What `check_folder` does for one loader, in this process."""
    return compare(name, *open_folder(name, folder), reference_of(model, saved_as)[0])


def edit_config(folder: Path, change: Callable[[dict], object]) -> None:
    """Change a folder's config.json."""
    path = folder / "config.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
