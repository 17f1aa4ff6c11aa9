"""How time and memory grow with the photos: each number of them in a fresh process, from drawn pictures on the disk.

    python -m benchmarks.growth [--photos 10 100 1000 10000 40000] [--boundaries head block2] [--net tiny] [--threads 1]
        [--json FILE]

`tiny` is a random net of 32 pixels with two blocks and 64 features; any other name is loaded (vgg11-bn). Prints one JSON
document: seconds of the whole fine-tuning, milliseconds for a photo, and by how much the process grew at its peak: of
memory, and of temporary files that were mapped into it. Linux only, for it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.result import conditions, publish
from vgg_hub import VGG, finetune

LABELS = ("fine", "broad")
SIDE = 48


def draw(folder: Path, count: int) -> None:
    """Smooth random fields, one class of finer cells than the other, half of the pictures each; no two are the same."""
    chance = np.random.default_rng(0)
    for label, cells in zip(LABELS, (12, 5), strict=True):
        (folder / label).mkdir()
        for number in range(count // 2):
            field = Image.fromarray(chance.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
            field.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(
                folder / label / f"{number}.png", compress_level=1
            )


def net_of(name: str) -> VGG:
    if name != "tiny":
        return VGG.from_pretrained(name)
    torch.manual_seed(0)
    return VGG(layers=[8, "M", 64, "M"], hidden_features=0, input_size=32, pool_size=1, num_classes=2).eval()


class Peak(threading.Thread):
    """By how many megabytes the process grew at most: of memory, and of mapped files, whose pages can be taken back."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()

    def __enter__(self) -> Peak:
        self._before = self._now()
        self.memory = self.files = 0.0
        self.start()
        return self

    def run(self) -> None:
        while not self._over.wait(0.005):
            memory, files = self._now()
            self.memory = max(self.memory, memory - self._before[0])
            self.files = max(self.files, files - self._before[1])

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def _now(self) -> tuple[float, float]:
        found = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
        memory, mapped, shared = (int(found[name].split()[0]) / 1000 for name in ("RssAnon", "RssFile", "RssShmem"))
        return memory, mapped + shared


def measure(folder: Path, trainable: str, net: str, threads: int) -> dict[str, float]:
    """In a process of its own, for the peak is the process's."""
    torch.set_num_threads(threads)
    model = net_of(net)
    photos = {label: sorted((folder / label).iterdir()) for label in LABELS}
    warm = {label: files[:2] for label, files in photos.items()}
    for _ in finetune(model, warm, device="cpu"):  # what is imported and allocated once
        pass
    with Peak() as peak:
        started = time.perf_counter()
        *_, last = finetune(model, photos, trainable=trainable, device="cpu")
        seconds = time.perf_counter() - started
    count = sum(last.report.counts.values())
    return {
        "photos": count,
        "trainable": trainable,
        "seconds": round(seconds, 2),
        "milliseconds_a_photo": round(1000 * seconds / count, 2),
        "peak_megabytes_added": round(peak.memory, 1),
        "peak_megabytes_of_files": round(peak.files, 1),
        "steps": last.report.steps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", nargs="+", type=int, default=[10, 100, 1000, 10_000, 40_000])
    parser.add_argument("--boundaries", nargs="+", default=["head", "block2"])
    parser.add_argument("--net", default="tiny")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="of drawn pictures: measure these, here (used by itself)")
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    if options.folder:
        print(json.dumps(measure(options.folder, options.boundaries[0], options.net, options.threads)))
        return
    found, rows = conditions("growth"), []
    for count in options.photos:
        with tempfile.TemporaryDirectory() as folder:
            draw(Path(folder), count)
            for trainable in options.boundaries:
                command = [sys.executable, "-m", "benchmarks.growth", "--folder", folder, "--boundaries", trainable]
                command += ["--net", options.net, "--threads", str(options.threads)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                rows.append(json.loads(done.stdout))
    publish({**found, "net": options.net, "threads": options.threads, "rows": rows}, options.json)


if __name__ == "__main__":
    main()
