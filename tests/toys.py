"""Small nets and pictures drawn by code, for all tests."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vgg_hub import VGG, finetune
from vgg_hub.finetune import Finished

__all__ = [
    "run_python",
    "saved",
    "smooth_batch",
    "smooth_picture",
    "stripes_net",
    "textures",
    "tiny_vgg",
    "tuned",
    "written",
]

ROOT = Path(__file__).parents[1]
TINY = {"layers": [8, "M", 16, "M"], "hidden_features": 0, "input_size": 32, "pool_size": 1, "num_classes": 2}


def tiny_vgg(seed: int = 0, **fields: object) -> VGG:
    """A net of a few hundred weights, in eval mode, its running statistics and biases not those of a fresh one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VGG(**{**TINY, **fields})
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2.0)
            elif name.endswith(("running_mean", "bias")):
                tensor.normal_(0, 0.1)
    return model.eval()


def smooth_picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Low waves in each channel: a picture on which two ways of resizing can be compared."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = [
        np.sin(2 * np.pi * (chance.uniform(0.5, 4) * x + chance.uniform(0.5, 4) * y + chance.uniform())) for _ in "RGB"
    ]
    return Image.fromarray((127.5 + 120 * np.stack(waves, axis=-1)).round().astype(np.uint8))


def smooth_batch(count: int, side: int, seed: int = 0, channels: int = 3) -> Tensor:
    """(count, channels, side, side) float32, about normalised. On noise all random nets give nearly one answer."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, channels, 6, 6, generator=generator) * 1.5
    return torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)


def textures(count: int, seed: int = 0, side: int = 40) -> dict[str, list[Image.Image]]:
    """`count` pictures of fine and of broad stripes, in random colours, directions and phases, with noise."""
    chance = np.random.default_rng(seed)
    drawn: dict[str, list[Image.Image]] = {"fine": [], "broad": []}
    y, x = np.mgrid[0:side, 0:side]
    for _ in range(count):
        for label, pictures in drawn.items():
            period = chance.uniform(3, 4) if label == "fine" else chance.uniform(14, 20)
            angle = chance.uniform(0, np.pi)
            wave = np.sin(2 * np.pi * ((x * np.cos(angle) + y * np.sin(angle)) / period + chance.uniform()))[..., None]
            dark, light = chance.uniform(20, 90, 3), chance.uniform(165, 235, 3)
            picture = dark + (light - dark) * (wave + 1) / 2 + chance.normal(0, 4, (side, side, 3))
            pictures.append(Image.fromarray(picture.clip(0, 255).round().astype(np.uint8)))
    return drawn


def stripes_net(**fields: object) -> VGG:
    """Random, and wide enough to tell fine stripes from broad ones."""
    return tiny_vgg(seed=1, **{"layers": [24, "M", 48, "M"], **fields})


def tuned(photos, model: VGG | None = None, **options: object) -> Finished:
    """The end of a fine-tuning."""
    *_, finished = finetune(model or stripes_net(), photos, device="cpu", **options)
    return finished


def written(folder: Path, photos: dict[str, list[Image.Image]], prefix: str = "photo") -> dict[str, list[Path]]:
    """The pictures as PNG files, `photo-fine-0.png` and so on."""
    paths = {label: [folder / f"{prefix}-{label}-{i}.png" for i in range(len(p))] for label, p in photos.items()}
    for label, pictures in photos.items():
        for picture, path in zip(pictures, paths[label], strict=True):
            picture.save(path)
    return paths


def saved(path: Path, **fields: object) -> VGG:
    """A tiny net that was saved there."""
    model = tiny_vgg(**fields)
    model.save_pretrained(path)
    return model


def run_python(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh process that finds the package and the tests."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def contents(path: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
