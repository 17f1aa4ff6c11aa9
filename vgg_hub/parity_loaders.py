"""The fresh process of `parity`: opens a folder as a stranger would, through each loader, and writes what it gives.

For each loader, in the order asked for, `NAME.safetensors` and then `NAME.json` go to the scratch folder. Whatever
keeps a loader from opening the folder ends the process; the loader without a record is the one that failed, and
`error.txt` says why.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from ._version import __version__
from .config_json import standard_architecture
from .model import VGG
from .parity import draw_pictures
from .preprocess import preprocess

__all__ = ["OPEN", "Opened", "main", "open_folder"]

# What a loader stands on; importing them takes its own packages in as well.
IMPORTS = {
    "vgg_hub": (),
    "timm": ("timm", "timm.data"),
    "transformers": ("transformers", "timm", "timm.data", "transformers.pipelines"),
    "torchvision": ("torchvision", "torchvision.models"),
}
# A package that does not fit the others fails with any of these.
BROKEN = (
    ImportError,
    AttributeError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Opened:
    """What a loader gives for the pictures.

    Attributes:
        logits: (N, num_classes) float32.
        pixels: (N, C, S, S) float32, what its net reads; None where it was given ours.
        labels: its class names, in order; None where it has none.
        answers: for each picture (label, probability) from the most probable on; None for all but transformers.
    """

    logits: Tensor
    pixels: Tensor | None = None
    labels: list[str] | None = None
    answers: list[list[tuple[str, float]]] | None = None


def _vgg_hub(folder: Path, pictures: list[Image.Image]) -> Opened:
    model = VGG.from_pretrained(folder)
    pixels = torch.stack([preprocess(picture, model.config) for picture in pictures])
    return Opened(model(pixels), pixels, list(model.config.label_names))


def _timm(folder: Path, pictures: list[Image.Image]) -> Opened:
    import timm
    from timm.data import create_transform, resolve_data_config

    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    transform = create_transform(**resolve_data_config({}, model=model))
    pixels = torch.stack([transform(picture) for picture in pictures])
    return Opened(model(pixels), pixels, model.pretrained_cfg.get("label_names"))


def _transformers(folder: Path, pictures: list[Image.Image]) -> Opened:
    from transformers import pipeline

    # Left alone, it computes in the file's dtype; what is compared here is the file, not half precision on a CPU.
    classify = pipeline("image-classification", model=str(folder), device="cpu", dtype=torch.float32)
    names = classify.model.config.id2label
    labels = [names[i] for i in range(len(names))]
    pixels = classify.image_processor(pictures, return_tensors="pt")["pixel_values"]
    answers = classify(pictures, top_k=len(labels))
    rows = [[(row["label"], row["score"]) for row in answer] for answer in answers]
    return Opened(classify.model(pixels).logits, pixels, labels, rows)


def _torchvision(folder: Path, pictures: list[Image.Image]) -> Opened:
    import torchvision

    ours = VGG.from_pretrained(folder)
    with torch.device("meta"):
        model = getattr(torchvision.models, standard_architecture(ours.config))(num_classes=ours.config.num_classes)
    model.load_state_dict(ours.state_dict(), strict=True, assign=True)
    pixels = torch.stack([preprocess(picture, ours.config) for picture in pictures])
    return Opened(model.eval()(pixels))


OPEN: dict[str, Callable[[Path, list[Image.Image]], Opened]] = {
    "vgg_hub": _vgg_hub,
    "timm": _timm,
    "transformers": _transformers,
    "torchvision": _torchvision,
}


def _missing(name: str) -> str | None:
    """Why a loader cannot be had: "" where it is just not installed; None where it can."""
    for module in IMPORTS[name]:
        package = module.partition(".")[0]
        try:
            importlib.import_module(module)
        except BROKEN as error:
            if isinstance(error, ModuleNotFoundError) and error.name == package:
                return "" if package == name else f"it opens the folder through {package}, which is not installed"
            return f"{package} cannot be imported: {_sentence(error)}"
    return None


def _version(name: str) -> str | None:
    if name == "vgg_hub":
        return __version__
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _sentence(error: BaseException) -> str:
    """Kind and text of an error in one line of at most 300 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


@torch.no_grad()
def open_folder(name: str, folder: Path) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Open a folder through one loader.

    Returns:
        Facts for JSON (`version`; `missing` where the loader is not to be had, else `labels` and `answers`) and tensors
        (`logits`, `pixels`).
    """
    missing = _missing(name)
    if missing is not None:
        return {"version": _version(name) if missing else None, "missing": missing}, {}
    opened = OPEN[name](folder, draw_pictures())
    tensors = {"logits": opened.logits, "pixels": opened.pixels}
    tensors = {key: tensor.float().contiguous() for key, tensor in tensors.items() if tensor is not None}
    return {"version": _version(name), "labels": opened.labels, "answers": opened.answers}, tensors


def main(folder: str, scratch: str, *names: str) -> None:
    """Open `folder` through the loaders named and leave the records in `scratch`."""
    out = Path(scratch)

    def explain(kind, error, trace) -> None:
        (out / "error.txt").write_text(_sentence(error), encoding="utf-8", errors="backslashreplace")
        sys.__excepthook__(kind, error, trace)

    sys.excepthook = explain
    for name in names:
        facts, tensors = open_folder(name, Path(folder))
        if tensors:
            save_file(tensors, out / f"{name}.safetensors")
        (out / f"{name}.json").write_text(json.dumps(facts), encoding="ascii")
