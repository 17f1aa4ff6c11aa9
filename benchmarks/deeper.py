"""Training past the last layer: the frozen part by the net and by its form, the rest by fewer multiplications and directly.

    python -m benchmarks.deeper [--repeats 5] [--threads 2] [--json FILE]

The paper's VGG11-BN at 224 pixels (random weights: time does not depend on them) and the net that ships, from several
boundaries each, on a batch of drawn pictures as `Learner` takes it. `frozen` is what comes before the boundary. What trains
computes the logits, their loss, and all gradients; the optimiser's step is not in it. `ratio` is the median of the first way's
time over the other's in the same turn; `apart` how far a weight's gradient is from the direct one, as a share of its length, at
most. In float32 on the CPU, whatever the processor is: it says whether `fused.multiplies_less` should hold there.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.result import conditions, publish
from vgg_hub import VGG
from vgg_hub.inference import Prepared
from vgg_hub.learner import BATCH_SIZE, _Suffix
from vgg_hub.preprocess import preprocess
from vgg_hub.samples import draw_samples
from vgg_hub.suffix import boundary

WAYS = {"direct": False, "multiplying less": True}
BOUNDARIES = ("block5", "block4", "block3")


def nets() -> dict[str, VGG]:
    torch.manual_seed(0)
    return {
        "VGG11-BN at 224 pixels": VGG(depth=11, batch_norm=True).eval(),
        "vgg11-bn as it ships": VGG.from_pretrained("vgg11-bn"),
    }


def batch_for(model: VGG) -> tuple[Tensor, Tensor]:
    """(32, 3, H, W) pictures and their classes."""
    drawn = list(draw_samples(BATCH_SIZE // 2).values())
    x = torch.stack([preprocess(image, model.config) for pictures in drawn for image in pictures])
    return x, torch.arange(2).repeat_interleave(BATCH_SIZE // 2)


def there_and_back(suffix: _Suffix, x: Tensor, y: Tensor, less: bool) -> float:
    """Seconds; the parameters have their gradients then."""
    suffix.zero_grad()
    with patch("vgg_hub.trained.multiplies_less", lambda: less):
        started = time.perf_counter()
        F.cross_entropy(suffix(x), y).backward()
        return time.perf_counter() - started


@torch.no_grad()
def frozen(model: VGG, start: int, x: Tensor, repeats: int) -> dict[str, object]:
    form = Prepared(model, x.device, torch.float32)
    ways = {"net": lambda: model.features[:start](x), "form": lambda: form.maps(x, start)}
    torch.testing.assert_close(ways["form"](), ways["net"](), atol=1e-3, rtol=1e-3)  # this turn warms up
    turns = []
    for _ in range(repeats):
        turns.append({})
        for way, compute in ways.items():
            started = time.perf_counter()
            compute()
            turns[-1][way] = time.perf_counter() - started
    return {
        "seconds": {way: round(statistics.median(turn[way] for turn in turns), 3) for way in ways},
        "ratio": round(statistics.median(turn["net"] / turn["form"] for turn in turns), 2),
    }


def measure(model: VGG, trainable: str, repeats: int) -> dict[str, object]:
    start, (x, y) = boundary(model, trainable), batch_for(model)
    before = frozen(model, start, x, repeats)
    with torch.no_grad():
        x = model.features[:start](x)
    head = model.head
    suffix = _Suffix(model, start, head.weight[:2].detach(), head.bias[:2].detach(), torch.Generator())
    suffix.eval()  # without dropout, for the gradients are compared; it changes no time that matters
    gradients = []
    for less in WAYS.values():  # this turn warms up
        there_and_back(suffix, x, y, less)
        gradients.append([parameter.grad for parameter in suffix.parameters()])
    apart = max(float((b - a).norm() / a.norm()) for a, b in zip(*gradients, strict=True) if a.ndim > 1)
    del gradients  # of the paper's Linears half a gigabyte each
    turns = [{way: there_and_back(suffix, x, y, less) for way, less in WAYS.items()} for _ in range(repeats)]
    seconds = {way: statistics.median(turn[way] for turn in turns) for way in WAYS}
    return {
        "frozen": before,
        "seconds": {way: round(value, 3) for way, value in seconds.items()},
        "ratio": round(statistics.median(turn["direct"] / turn["multiplying less"] for turn in turns), 2),
        "apart": float(f"{apart:.1e}"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = conditions("deeper")
    outcome = {
        name: {trainable: measure(net, trainable, options.repeats) for trainable in BOUNDARIES}
        for name, net in nets().items()
    }
    publish({**found, "nets": outcome}, options.json)


if __name__ == "__main__":
    main()
