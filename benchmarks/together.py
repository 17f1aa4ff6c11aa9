"""Sixteen clients who ask about one photo each, again and again, beside the same photos in batches.

    python -m benchmarks.together [--clients 16] [--photos 16] [--net vgg11-bn] [--repeats 3] [--json FILE]

Each client is a thread that asks about `--photos` photos one after the other, as a visitor's request is served by the page:
a turn in its line, then one photo through its `Classifier`. Beside it the same photos go through the same `Classifier` in
batches of sixteen. What Gradio and the network add is left out (`benchmarks.visitors` has it). In turn, medians; for photos
of two sizes, since of a large one decoding takes most of the time. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.folder import draw
from benchmarks.result import conditions, publish
from vgg_hub import VGG, Classifier
from vgg_hub.data import read_image
from vgg_hub.ui.together import ask

SIZES = ((400, 300), (1600, 1200))


def batched(classifier: Classifier, files: list[Path]) -> float:
    """Photos a second."""
    started = time.perf_counter()
    classifier(files)
    return len(files) / (time.perf_counter() - started)


def asked(classifier: Classifier, files: list[Path], clients: int) -> tuple[float, list[float]]:
    """Photos a second, and the seconds from each question to its answer."""
    waited: list[float] = []

    def client(own: list[Path]) -> None:
        visitor = object()
        for file in own:
            started = time.perf_counter()
            ask(visitor, classifier, lambda file=file: read_image(file))
            waited.append(time.perf_counter() - started)

    threads = [threading.Thread(target=client, args=(files[number::clients],)) for number in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(waited) != len(files):
        raise SystemExit(f"{len(files) - len(waited)} questions had no answer; see above.")
    return len(files) / (time.perf_counter() - started), waited


def measure(classifier: Classifier, files: list[Path], clients: int, repeats: int) -> dict[str, object]:
    asked(classifier, files, clients), batched(classifier, files)  # warm
    rates: dict[str, list[float]] = {"in batches": [], "one by one": []}
    waited: list[float] = []
    for _ in range(repeats):
        rates["in batches"].append(batched(classifier, files))
        rate, seconds = asked(classifier, files, clients)
        rates["one by one"].append(rate)
        waited += seconds
    medians = {name: statistics.median(found) for name, found in rates.items()}
    return {
        "photos a second": {name: round(value, 1) for name, value in medians.items()},
        "one by one over in batches": round(medians["one by one"] / medians["in batches"], 2),
        "seconds to an answer": {"median": round(statistics.median(waited), 3), "longest": round(max(waited), 3)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--photos", type=int, default=16, help="that each asks about")
    parser.add_argument("--net", default="vgg11-bn")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    found = conditions("together")
    classifier = Classifier(VGG.from_pretrained(options.net), precision="float32")  # as the page has it
    outcome = {}
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            files = draw(Path(folder), options.clients * options.photos, size)
            outcome[f"{size[0]} x {size[1]}"] = measure(classifier, files, options.clients, options.repeats)
    publish({**found, "net": options.net, "clients": options.clients, "photos": outcome}, options.json)


if __name__ == "__main__":
    main()
