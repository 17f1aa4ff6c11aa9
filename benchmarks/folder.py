"""A folder of photos classified, beside the time that reading them alone and the net alone take.

    python -m benchmarks.folder [--photos 1000] [--net vgg11-bn] [--repeats 3] [--threads 2] [--json FILE]

The photos are drawn, 1600 x 1200 pixels, JPEG; a hundred of them lie there under as many names as it takes. `reading alone` is
done as `Classifier.each` does it, in as many threads, and nothing with what was read; `net alone` begins with the squares that
the net sees, in memory; `one after the other` reads a batch in one thread, then computes it. In turn, medians of seconds.
Prints one JSON document, also with the megabytes by which the process grows while it does both. Linux only.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.result import conditions, publish
from benchmarks.watch import Peak
from vgg_hub import VGG, Classifier
from vgg_hub.reader import read_in_batches

DRAWN, SIZE = 100, (1600, 1200)


def draw(folder: Path, count: int, size: tuple[int, int] = SIZE) -> list[Path]:
    """Coarse and fine random fields on top of each other, so that a file is as large as a photo's."""
    chance = np.random.default_rng(0)
    files = []
    for number in range(count):
        files.append(folder / f"{number}.jpg")
        if number >= DRAWN:
            files[-1].hardlink_to(files[number % DRAWN])
            continue
        fields = [
            Image.fromarray(chance.integers(0, 256, (cells, cells, 3), dtype=np.uint8)).resize(
                size, Image.Resampling.BICUBIC
            )
            for cells in (6, 60, 400)
        ]
        Image.blend(Image.blend(fields[1], fields[2], 0.3), fields[0], 0.6).save(files[-1], quality=90)
    return files


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def ways(classifier: Classifier, files: list[Path]) -> dict[str, Callable[[], object]]:
    size = classifier.batch_size
    squares = [square for batch in read_in_batches(files, size, classifier._read) for square in batch]
    batches = [slice(first, first + size) for first in range(0, len(files), size)]
    return {
        "together": lambda: list(classifier.each(files)),
        "reading alone": lambda: [len(batch) for batch in read_in_batches(files, size, classifier._read)],
        "net alone": lambda: [classifier._predict(squares[batch]) for batch in batches],
        "one after the other": lambda: [
            classifier._predict([classifier._read(file) for file in files[batch]]) for batch in batches
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--net", default="vgg11-bn")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = conditions("folder")
    with tempfile.TemporaryDirectory() as folder:
        files = draw(Path(folder), options.photos)
        kilobytes = statistics.fmean(file.stat().st_size for file in files) / 1000
        classifier = Classifier(VGG.from_pretrained(options.net))
        actions = ways(classifier, files)
        classifier(files[:32])
        with Peak() as peak:
            actions["together"]()
        rows = [{name: seconds(action) for name, action in actions.items()} for _ in range(options.repeats)]
    medians = {name: statistics.median(row[name] for row in rows) for name in actions}
    slower = max(medians["reading alone"], medians["net alone"])
    outcome = {
        "net": options.net,
        "photos": f"{options.photos}, {SIZE[0]} x {SIZE[1]}, JPEG of {kilobytes:.0f} KB",
        "seconds": {name: round(value, 2) for name, value in medians.items()},
        "seconds, ours over": {
            "the slower of the two": round(medians["together"] / slower, 2),
            "one after the other": round(medians["together"] / medians["one after the other"], 2),
        },
        "megabytes": round(peak.megabytes),
        "runs": [{name: round(value, 2) for name, value in row.items()} for row in rows],
    }
    publish({**found, **outcome}, options.json)


if __name__ == "__main__":
    main()
