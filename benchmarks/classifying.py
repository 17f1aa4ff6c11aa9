"""One picture and sixteen through VGG11-BN at 224 pixels: ours, torchvision, torch.compile and OpenVINO side by side.

    python -m benchmarks.classifying [CALTECH_FOLDER] [--repeats 7] [--threads 2] [--device cpu] [--json FILE]

All hold the same random weights, for time does not depend on them; from a batch to its logits on the CPU. Each engine is
asked some times in a row, the first time not counted, and all of them in turn; medians. `largest difference` is that of the
logits from torchvision's, in their standard deviations. `megabytes` is by how much a process grows at its peak that makes
the net and the engine and asks it once for sixteen, `seconds to be ready` how much longer that takes than asking it again.
`matrix product` is the speed of large products in the same precision, and `share` what part of it the convolutions reach, all
their multiplications counted (more than 1 where fewer are made). `layers` says where the time of ours goes.

With CALTECH_FOLDER (`caltech101/`, a folder a category) the shipped net's answers to 1,000 of its photos are compared too:
ours, in both precisions, with those of the plain net. Whatever is not installed is left out.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.engines import ENGINES, OURS, available
from benchmarks.result import conditions, publish
from benchmarks.watch import Peak
from vgg_hub import VGG, Classifier
from vgg_hub.data import find_images
from vgg_hub.fused import linear
from vgg_hub.inference import Prepared, multiplies_bfloat16
from vgg_hub.predict import as_image, resolve_device
from vgg_hub.preprocess import preprocess
from vgg_hub.summary import layer_table

SIZES = {1: 8, 16: 3}  # pictures at once -> how often in a row
PHOTOS = 1000
SQUARE = 2048  # side of the matrices whose product is the machine's speed


def net() -> VGG:
    torch.manual_seed(0)
    return VGG(depth=11, batch_norm=True).eval()


def batch(size: int) -> Tensor:
    return torch.randn(size, 3, 224, 224, generator=torch.Generator().manual_seed(size))


def milliseconds(action: Callable[[], object], times: int) -> float:
    """Median of several in a row, after one that is not counted."""
    action()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken)


@torch.inference_mode()
def times(size: int, repeats: int, device: torch.device) -> dict[str, dict[str, float]]:
    """Engine -> milliseconds a picture, how many times torchvision's speed that is, how far its logits are away."""
    model, x = net(), batch(size)
    engines = {name: ENGINES[name](model, x, device) for name in available(device)}
    answers = {name: engine(x) for name, engine in engines.items()}
    rows = [
        {name: milliseconds(lambda engine=engine: engine(x), SIZES[size]) / size for name, engine in engines.items()}
        for _ in range(repeats)
    ]
    taken = {name: statistics.median(row[name] for row in rows) for name in engines}
    expected = answers["torchvision"]
    return {
        name: {
            "milliseconds a picture": round(taken[name], 2),
            "times torchvision": round(statistics.median(row["torchvision"] / row[name] for row in rows), 2),
            "largest difference": float(f"{(answers[name] - expected).abs().max() / expected.std():.1e}"),
        }
        for name in engines
    }


def alone(name: str, size: int, threads: int, device: str) -> dict[str, float]:
    """Megabytes and seconds, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.classifying", "--engine", name, "--size", str(size)]
    command += ["--threads", str(threads), "--device", device]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@torch.inference_mode(False)
def grown(name: str, size: int, device: torch.device) -> dict[str, float]:
    """By how many megabytes this process grows, and how many seconds the first answer takes more than the second."""
    if name not in OURS:
        import torchvision.models  # noqa: F401
    with Peak() as peak, torch.no_grad():
        model, x = net(), batch(size)
        started = time.perf_counter()
        engine = ENGINES[name](model, x, device)
        engine(x)
        first = time.perf_counter() - started
    with torch.no_grad():
        started = time.perf_counter()
        engine(x)
        ready = first - (time.perf_counter() - started)
    return {"megabytes": round(peak.megabytes), "seconds to be ready": round(max(0.0, ready), 2)}


@torch.inference_mode()
def product_speed(dtype: torch.dtype, device: torch.device) -> float:
    """10^9 operations a second in the product of two square matrices, the faster of what PyTorch has for it."""
    a, b = (torch.randn(SQUARE, SQUARE).to(device, dtype) for _ in range(2))
    step = linear(b, torch.zeros(SQUARE, dtype=dtype, device=device))

    def finished(action: Callable[[], Tensor]) -> Callable[[], float]:
        return lambda: action()[0, 0].item()  # on a GPU this waits for it

    fastest = min(milliseconds(finished(action), 9) for action in (lambda: a @ b, lambda: step(a)))
    return 2 * SQUARE**3 / fastest / 1e6


def layers(size: int, dtype: torch.dtype, device: torch.device) -> dict[str, object]:
    """Milliseconds a picture in each layer of the prepared form, and what the convolutions reach."""
    model, x = net(), batch(size)
    form = Prepared(model, device, dtype)
    spent: dict[str, float] = {}

    def timed(name: str, step: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def run(x: Tensor) -> Tensor:
            started = time.perf_counter()
            found = step(x)
            if device.type == "cuda":
                torch.cuda.synchronize()
            spent[name] = spent.get(name, 0.0) + 1000 * (time.perf_counter() - started)
            return found

        return run

    names = [row.name for row in layer_table(model.config) if row.type == "convolution"]
    convolutions = iter(names)
    form._convolutions = [s and (timed(next(convolutions), s[0]), s[1]) for s in form._convolutions]
    form._linears = [timed(f"fc{6 + n}", step) for n, step in enumerate(form._linears)]
    form.embed(x)
    rows = []
    for _ in range(15):
        spent.clear()
        started = time.perf_counter()
        form.embed(x)
        whole = 1000 * (time.perf_counter() - started)
        rows.append(spent | {"poolings and the rest": whole - sum(spent.values())})
    median = {name: statistics.median(row[name] for row in rows) / size for name in rows[0]}
    operations = 2 * sum(row.multiply_adds for row in layer_table(model.config) if row.type == "convolution")
    reached = operations / sum(median[name] for name in names) / 1e6
    product = product_speed(dtype, device)
    return {
        "milliseconds a picture": {name: round(value, 3) for name, value in median.items()},
        "convolutions, GFLOP/s": round(reached),
        "matrix product, GFLOP/s": round(product),
        "share": round(reached / product, 2),
    }


@torch.inference_mode()
def answers(folder: Path, device: torch.device) -> dict[str, object]:
    """How far the shipped net's answers to photos are from those of the plain net in float32."""
    model = VGG.from_pretrained("vgg11-bn")
    photos = random.Random(0).sample(sorted(find_images(folder)), PHOTOS)
    nets = {
        name: Classifier(model, device, precision) for name, precision in zip(OURS, ("auto", "float32"), strict=True)
    }
    rows: dict[str, list[Tensor]] = {"plain": [], **{name: [] for name in OURS}}
    for first in range(0, PHOTOS, 16):
        x = torch.stack([preprocess(as_image(photo), model.config) for photo in photos[first : first + 16]])
        rows["plain"].append(model(x))
        for name, classifier in nets.items():
            rows[name].append(classifier.logits(x))
    logits = {name: torch.cat(found) for name, found in rows.items()}
    exact = logits["plain"].softmax(1)
    best = exact.topk(2).values
    outcome: dict[str, object] = {"net": "vgg11-bn as shipped", "photos": PHOTOS}
    for name in OURS:
        other = logits[name].argmax(1) != logits["plain"].argmax(1)
        outcome[name] = {
            "largest difference of a logit": float(f"{(logits[name] - logits['plain']).abs().max():.1e}"),
            "largest difference of a probability": float(f"{(logits[name].softmax(1) - exact).abs().max():.1e}"),
            "another answer": int(other.sum()),
            "and there the first two apart by at most": round(float((best[other, 0] - best[other, 1]).max()), 4)
            if other.any()
            else None,
        }
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    parser.add_argument("--engine", choices=list(ENGINES), help="the memory of one, in this process (used by itself)")
    parser.add_argument("--size", type=int, help="for --engine")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = resolve_device(options.device)
    if options.engine:
        print(json.dumps(grown(options.engine, options.size, device)))
        return
    found = conditions("classifying", [name for name in ("torchvision", "openvino") if _installed(name)])
    fast = torch.bfloat16 if multiplies_bfloat16(device) else torch.float32
    outcome: dict[str, object] = {"device": str(device)}
    for size in SIZES:
        engines = times(size, options.repeats, device)
        parts = {name: layers(size, dtype, device) for name, dtype in zip(OURS, (fast, torch.float32), strict=True)}
        outcome[str(size)] = {"engines": engines, "layers": parts}
    found_alone = {name: alone(name, max(SIZES), options.threads, str(device)) for name in available(device)}
    for figure in ("megabytes", "seconds to be ready"):
        outcome[figure] = {name: row[figure] for name, row in found_alone.items()}
    if options.folder:
        outcome["answers"] = answers(options.folder, device)
    publish({**found, "net": "vgg11_bn, 1000 classes, 224 x 224", **outcome}, options.json)


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    main()
