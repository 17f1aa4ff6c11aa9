"""VGG16-BN from its folder to the first logit: ours, the Hub's stock mixin around torchvision's net, and torchvision alone.

    python -m benchmarks.opening [--repeats 7] [--threads 2] [--json FILE]

All three hold the same weights and answer the same picture of 224 pixels; a run whose logits differ ends the benchmark. Each
opening happens in a fresh process, after its imports and before anything else, in turn. Warm: the file's pages are in
memory. Cold: they were given back (posix_fadvise(2), POSIX_FADV_DONTNEED). Prints one JSON document: medians of seconds
and of the megabytes by which the process grew at its peak, mapped files counted, and ours over the others'; for the cold
ones also how long the file takes to be read from the disk and nothing done with it, below which no opening can be.
`classifier` opens the same folder and answers by `Classifier`, which makes its own form of the net first. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from benchmarks.result import conditions, publish
from benchmarks.watch import Peak
from vgg_hub import VGG, Classifier

TOLERANCE = 1e-4  # of the logits' spread; ours computes in float32 here too
FILES = {"vgg_hub": "ours/model.safetensors", "mixin": "mixin/model.safetensors", "torchvision": "weights.pth"}
FILES["classifier"] = FILES["vgg_hub"]


def _vgg16_bn(num_classes: int = 1000) -> nn.Module:
    from torchvision.models import vgg16_bn  # here, that the processes of ours need not import it

    return vgg16_bn(num_classes=num_classes)


class Stock(nn.Module, PyTorchModelHubMixin):
    """What the Hub's guide tells the author of a model to write."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.net = _vgg16_bn(num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def write(folder: Path) -> None:
    """The same weights in all three forms."""
    torch.manual_seed(0)
    stock = Stock(num_classes=1000).eval()
    stock.save_pretrained(folder / "mixin")
    torch.save(stock.net.state_dict(), folder / "weights.pth")
    ours = VGG(depth=16, batch_norm=True, num_classes=1000, init_weights=False).eval()
    ours.load_state_dict(stock.net.state_dict())
    ours.save_pretrained(folder / "ours")
    for file in FILES.values():
        with (folder / file).open("rb") as written:
            os.fsync(written.fileno())  # only what is on the disk can be given back


def _torchvision(folder: Path) -> nn.Module:
    net = _vgg16_bn()
    net.load_state_dict(torch.load(folder / "weights.pth", weights_only=True))
    return net.eval()


WAYS: dict[str, Callable[[Path], Callable[[Tensor], Tensor]]] = {
    "vgg_hub": lambda folder: VGG.from_pretrained(folder / "ours"),
    "classifier": lambda folder: Classifier(VGG.from_pretrained(folder / "ours"), "cpu", precision="float32").logits,
    "mixin": lambda folder: Stock.from_pretrained(folder / "mixin").eval(),
    "torchvision": _torchvision,
}


def opened(way: str, folder: Path) -> dict[str, object]:
    """Seconds, megabytes and logits of one opening, in this process."""
    if way in ("mixin", "torchvision"):
        import torchvision.models  # noqa: F401
    x = torch.linspace(-2, 2, 3 * 224 * 224).reshape(1, 3, 224, 224)
    with Peak() as peak:
        started = time.perf_counter()
        with torch.inference_mode():
            logits = WAYS[way](folder)(x)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "megabytes": peak.megabytes, "logits": logits[0].tolist()}


def _read(file: Path) -> float:
    """Seconds."""
    started = time.perf_counter()
    with file.open("rb", buffering=0) as opened:
        while opened.read(2**24):
            pass
    return time.perf_counter() - started


def _forget(file: Path) -> None:
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _disk(file: Path) -> float:
    _forget(file)
    return _read(file)


def _in_fresh_process(way: str, folder: Path, threads: int, cold: bool) -> dict[str, object]:
    file = folder / FILES[way]
    _forget(file) if cold else _read(file)
    command = [sys.executable, "-m", "benchmarks.opening", "--open", way, "--folder", str(folder)]
    done = subprocess.run([*command, "--threads", str(threads)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])  # the mixin prints


def _checked(rows: dict[str, dict[str, object]]) -> None:
    expected = torch.tensor(rows["torchvision"]["logits"])
    for way, row in rows.items():
        apart = float((torch.tensor(row.pop("logits")) - expected).abs().max() / expected.std())
        if apart > TOLERANCE:
            raise SystemExit(f"{way} answers otherwise than torchvision: logits {apart:.1e} of their spread apart")


def measure(folder: Path, repeats: int, threads: int) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Page cache -> way -> medians, and ours over the others'."""
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for cache in ("warm", "cold"):
        rows, disk = [], []
        for repeat in range(repeats):
            disk.append(_disk(folder / FILES["vgg_hub"]))
            order = list(WAYS)[repeat % len(WAYS) :] + list(WAYS)[: repeat % len(WAYS)]
            rows.append({way: _in_fresh_process(way, folder, threads, cache == "cold") for way in order})
            _checked(rows[-1])
        medians = {
            what: {way: statistics.median(row[way][what] for row in rows) for way in WAYS}
            for what in ("seconds", "megabytes")
        }
        ratios = {
            f"{what}, ours over": {other: round(of["vgg_hub"] / of[other], 3) for other in ("mixin", "torchvision")}
            for what, of in medians.items()
        }
        rounded = {
            what: {way: round(v, 3 if what == "seconds" else 0) for way, v in of.items()}
            for what, of in medians.items()
        }
        runs = [{way: round(row[way]["seconds"], 3) for way in WAYS} for row in rows]
        found[cache] = {**rounded, **ratios, "runs": runs}
        if cache == "cold":
            found[cache]["disk alone"] = round(statistics.median(disk), 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    parser.add_argument("--open", choices=list(WAYS), help="open once, in this process (used by itself)")
    parser.add_argument("--folder", type=Path, help="for --open")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.open:
        print(json.dumps(opened(options.open, options.folder)))
        return
    found = conditions("opening", ["torchvision", "huggingface_hub", "safetensors"])
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        outcome = measure(Path(folder), options.repeats, options.threads)
    publish(
        {**found, "net": "vgg16_bn, 1000 classes, float32, one picture of 224 x 224", "page_cache": outcome},
        options.json,
    )


if __name__ == "__main__":
    main()
