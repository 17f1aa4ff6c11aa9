"""Teaching a head with 2 x 20 photos: `vgg_hub.finetune` beside the loop of PyTorch's transfer learning tutorial.

    python -m benchmarks.tutorial [--epochs 25] [--repeats 2] [--threads N] [--json FILE]

Both start from the same VGG11-BN of full width at 224 x 224 with random weights, which cost the same time as trained
ones, and from the same photos in files: drawn, 500 x 375, JPEG. The loop is that of the section "ConvNet as fixed feature
extractor" of https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html (S. Chilamkurthy), written anew
from its description: all but a new last layer frozen, SGD of rate 0.001 and momentum 0.9, the rate a tenth after every 7
epochs, 25 epochs of batches of 4, in each a phase of training on random crops and a phase of validation, the best kept.
Of 20 photos it trains on 15 and validates on 5, so it sees each once an epoch. Two things are kinder to it than the
tutorial: the best epoch is kept in memory instead of a file of all weights, and photos are read in the process itself,
for starting workers in every phase takes longer than such small photos do (on two cores).

What is timed is all from the net and the files to a net with a new head. `finetune` also judges it by cross-validation,
which the loop does not. The two take turns, each going first in every other repeat. With fewer than 25 epochs the loop's
time is scaled to 25, and the JSON says so. One epoch and one run of ours before the clock starts warm up. Beside the time
on the clock stand the seconds of processor. Where other programs keep the machine busy, threads wait for one another and
both figures suffer, ours more: measure with one thread there.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from benchmarks.result import conditions, publish
from vgg_hub import VGG, finetune

PHOTOS, VALIDATION = 20, 5  # of each class
SIZE, GRID = (500, 375), (8, 6)
EPOCHS, BATCH_SIZE = 25, 4


def draw_photos(folder: Path) -> dict[str, list[Path]]:
    """Smooth random pictures, one class warm and one cold, as `train/CLASS/` and `val/CLASS/` as the tutorial has them."""
    chance = np.random.default_rng(0)
    photos = {}
    for label, tint in (("cold", (0.6, 0.8, 1.0)), ("warm", (1.0, 0.8, 0.6))):
        photos[label] = []
        for number in range(PHOTOS):
            part = "val" if number < VALIDATION else "train"
            path = folder / part / label / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            cells = chance.integers(0, 256, (GRID[1], GRID[0], 3)) * tint
            picture = Image.fromarray(cells.astype(np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
            picture.save(path, quality=90)
            photos[label].append(path)
    return photos


def loaders(folder: Path, model: VGG) -> dict[str, DataLoader]:
    side, ending = model.config.input_size, [transforms.ToTensor(), transforms.Normalize(*_statistics(model))]
    ways = {
        "train": [transforms.RandomResizedCrop(side), transforms.RandomHorizontalFlip()],
        "val": [transforms.Resize(side * 256 // 224), transforms.CenterCrop(side)],
    }
    return {
        part: DataLoader(ImageFolder(folder / part, transforms.Compose([*way, *ending])), BATCH_SIZE, shuffle=True)
        for part, way in ways.items()
    }


def _statistics(model: VGG) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return model.config.mean, model.config.std


def tutorial(model: VGG, folder: Path, epochs: int) -> nn.Module:
    """The loop of the tutorial."""
    net = copy.deepcopy(model).requires_grad_(False)
    net.replace_head(["cold", "warm"])
    net.head.requires_grad_(True)
    data = loaders(folder, net)
    criterion = nn.CrossEntropyLoss()
    optimiser = torch.optim.SGD(net.head.parameters(), lr=0.001, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=7, gamma=0.1)
    best, most = copy.deepcopy(net.head.state_dict()), -1
    for _ in range(epochs):
        for part, loader in data.items():
            training = part == "train"
            net.train(training)
            right = 0
            for pictures, targets in loader:
                optimiser.zero_grad()
                with torch.set_grad_enabled(training):
                    logits = net(pictures)
                    loss = criterion(logits, targets)
                if training:
                    loss.backward()
                    optimiser.step()
                right += int((logits.argmax(1) == targets).sum())
            if training:
                schedule.step()
            elif right > most:
                best, most = copy.deepcopy(net.head.state_dict()), right
    net.head.load_state_dict(best)
    return net


def ours(model: VGG, photos: dict[str, list[Path]]) -> VGG:
    *_, last = finetune(model, photos, device="cpu")
    return last.model


def seconds(action: Callable[[], object]) -> dict[str, float]:
    """On the clock, and of processor, all threads together."""
    clock, processor = time.perf_counter(), time.process_time()
    action()
    return {"clock": time.perf_counter() - clock, "processor": time.process_time() - processor}


def measure(model: VGG, folder: Path, epochs: int, repeats: int) -> list[dict[str, dict[str, float]]]:
    """Of each repeat, way -> seconds, in the order in which they ran."""
    photos = draw_photos(folder)
    ways = {"tutorial": lambda: tutorial(model, folder, epochs), "vgg_hub": lambda: ours(model, photos)}
    tutorial(model, folder, 1)
    ours(model, photos)
    scales = {"tutorial": EPOCHS / epochs, "vgg_hub": 1.0}
    rows = []
    for repeat in range(repeats):
        order = list(ways) if repeat % 2 else list(ways)[::-1]
        taken = {name: seconds(ways[name]) for name in order}
        rows.append({name: {kind: scales[name] * v for kind, v in row.items()} for name, row in taken.items()})
    return rows


def summary(rows: list[dict[str, dict[str, float]]]) -> dict[str, object]:
    """Medians, and the ratio of them."""
    medians = {
        kind: {name: statistics.median(row[name][kind] for row in rows) for name in ("tutorial", "vgg_hub")}
        for kind in ("clock", "processor")
    }
    return {
        "seconds": {kind: {name: round(v, 1) for name, v in found.items()} for kind, found in medians.items()},
        "ratio": {kind: round(found["tutorial"] / found["vgg_hub"], 1) for kind, found in medians.items()},
        "runs": [{name: {k: round(v, 1) for k, v in of_way.items()} for name, of_way in row.items()} for row in rows],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the loop that are run")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = conditions("tutorial", ["torchvision"])
    torch.manual_seed(0)
    model = VGG(depth=11, batch_norm=True).eval()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(model, Path(folder), options.epochs, options.repeats)
    scaled = "" if options.epochs == EPOCHS else f", scaled from {options.epochs}"
    setting = {
        "net": f"{model.config.name}, {model.config.input_size} x {model.config.input_size}, random weights, float32",
        "photos": f"2 x {PHOTOS}, drawn, JPEG, {SIZE[0]} x {SIZE[1]}",
        "tutorial": f"{EPOCHS} epochs{scaled}, batches of {BATCH_SIZE}",
    }
    publish({**found, "setting": setting, **summary(rows)}, options.json)


if __name__ == "__main__":
    main()
