"""What the tests of training with many photos share; the fixtures among it are imported by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.toys import ROOT, stripes_net, textures
from vgg_hub.events import Finished
from vgg_hub.many.image_folder import open_table
from vgg_hub.many.processes import start_processes
from vgg_hub.many.train import finetune_many

__all__ = ["accelerator", "drawn_folder", "launch", "taught"]

LAUNCH = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--multi_gpu", "--num_processes", "2"]
LAUNCH += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]


@pytest.fixture
def accelerator() -> Iterator[object]:
    """That of a single process on the CPU; the next test finds none."""
    from accelerate.state import AcceleratorState

    yield start_processes("cpu")
    AcceleratorState._reset_state(reset_partial_state=True)


def drawn_folder(folder: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """FOLDER/CLASS/CLASS-0.png ...: as many pictures of each class, which are "fine" and "broad" stripes in turn."""
    drawn = textures(max(counts.values()), seed, side=32)
    pictures: dict[str, list[Image.Image]] = dict(zip(counts, drawn.values(), strict=True))
    for label, count in counts.items():
        (folder / label).mkdir(parents=True)
        for number, picture in enumerate(pictures[label][:count]):
            picture.save(folder / label / f"{label}-{number}.png")
    return folder


def taught(folder: Path, accelerator: object, checkpoints: Path, model=None, **options: object) -> Finished:
    """The end of a run in this process."""
    *_, last = finetune_many(model or stripes_net(), open_table(folder), accelerator, checkpoints, **options)
    return last


def launch(*command: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run `-m MODULE ...` or a script in two processes on the CPU."""
    return subprocess.run(
        [*LAUNCH, *map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
