"""What the tests of the page share: drawn photos, a tiny stand-in for the checkpoint that ships, a served page."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
import pytest
import torch
from PIL import Image

from vgg_hub import VGG, bundled
from vgg_hub.samples import draw_samples
from vgg_hub.ui import build, launch
from vgg_hub.ui.backbones import Backbones

ROOT = Path(__file__).parent.parent
PROVENANCE = {
    "data": [{"name": "drawn <b>shapes</b> (nobody, 2020)", "pictures": 1234, "licence": "CC0"}],
    "scores": [{"dataset": "shapes", "split": "test", "accuracy": 0.875, "n": 400}, {"accuracy": "high"}],
}


def tiny_checkpoint(root: Path) -> Path:
    """A folder to stand for `weights/`, with one tiny net in place of vgg11-bn."""
    torch.manual_seed(0)
    model = VGG(
        layers=[8, "M", 16, "M"],
        hidden_features=0,
        input_size=32,
        pool_size=2,
        crop_pct=1.0,
        label_names=("line", "spot"),
    )
    model.provenance = PROVENANCE
    model.save_pretrained(root / "vgg11-bn")
    return root


def draw_photos(folder: Path, count: int = 6, seed: int = 1) -> dict[str, list[Path]]:
    """Real files of two classes, stripes and dots, in several formats."""
    folder.mkdir(parents=True, exist_ok=True)
    suffixes = ("jpg", "png", "JPG", "webp", "bmp", "tif")
    photos = {}
    for label, pictures in draw_samples(count, seed).items():
        photos[label] = [folder / f"{label} {i}.{suffixes[i % len(suffixes)]}" for i in range(count)]
        for picture, path in zip(pictures, photos[label], strict=True):
            picture.save(path)
    return photos


@contextmanager
def served() -> Iterator[str]:
    """The page on a free port; gives its address."""
    demo, url = asyncio.run(_open())
    try:
        yield url.rstrip("/")
    finally:
        demo.close(verbose=False)


@contextmanager
def tiny_page(scratch: Path) -> Iterator[str]:
    """A served page whose shipped checkpoint is a tiny stand-in; `scratch` also holds the uploads."""
    with pytest.MonkeyPatch.context() as patch:
        root = tiny_checkpoint(scratch / "weights")
        patch.setattr(bundled, "_root", lambda: root)
        nets = Backbones()
        for module in ("classify", "training", "gpu_work"):
            patch.setattr(f"vgg_hub.ui.{module}.backbones", nets)
        (scratch / "uploads").mkdir()
        patch.setenv("GRADIO_TEMP_DIR", str(scratch / "uploads"))
        with served() as url:
            yield url


async def _open() -> tuple[gr.Blocks, str]:
    """In a running event loop, for without one Gradio makes several and leaves them unclosed."""
    demo = build()
    with socket.socket() as probe:  # Gradio looks for a port itself, but leaves a socket open for each that is taken
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _, url, _ = launch(demo, server_port=port, prevent_thread_lock=True, quiet=True)
    return demo, url


def request(language: str = "en") -> gr.Request:
    """What a handler is told of the browser."""
    return gr.Request(headers={"accept-language": language})


def scores_in_fresh_process(folder: Path, photos: list[Path]) -> list[dict[str, float]]:
    """What a process that knows only the unpacked folder says of the photos."""
    code = (
        "import json, sys\n"
        "from vgg_hub import VGG, Classifier\n"
        "clf = Classifier(VGG.from_pretrained(sys.argv[1]), 'cpu', precision='float32')\n"
        "print(json.dumps([p.scores for p in clf(sys.argv[2:])]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), *map(str, photos)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return json.loads(done.stdout)


def text_file(path: Path) -> Path:
    """A text that calls itself a photo."""
    path.write_text("not a picture", encoding="utf-8")
    return path


def plain_photo(path: Path, colour: str = "red", side: int = 48) -> Path:
    """A photo of one colour."""
    Image.new("RGB", (side, side), colour).save(path)
    return path
