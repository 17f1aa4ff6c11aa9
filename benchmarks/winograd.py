"""Each size of convolution that VGG16 has, direct and with fewer multiplications, side by side in float32.

    python -m benchmarks.winograd [--threads 2] [--repeats 5] [--json FILE]

The layers of the paper's VGG16 at 224 pixels and of the one that ships, for one picture and for as many as `Prepared` takes
at a time out of sixteen. Direct is both oneDNN with weights laid out once, as `fused` has it, and `F.conv2d`, which lays them
out at each call; each with its ReLU. `ratio` is the time of the faster one of these two over that of Winograd's; `taken`
whether `pays` takes it for that size. In turn, medians. The rule in `pays` was found on this table; on a processor with
AVX512 it says whether `fused.multiplies_less` should hold there too.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import torch
from torch.nn import functional as F

from benchmarks.classifying import milliseconds
from benchmarks.result import conditions, publish
from vgg_hub import VGG
from vgg_hub.fused import direct, winograd
from vgg_hub.inference import Prepared
from vgg_hub.summary import layer_table
from vgg_hub.winograd import pays

TIMES = 5  # in a row


def nets() -> dict[str, VGG]:
    return {
        "VGG16 at 224 pixels": VGG(depth=16, init_weights=False).eval(),
        "vgg16-bn as it ships": VGG.from_pretrained("vgg16-bn"),
    }


def sizes(net: VGG, pictures: int) -> dict[str, tuple[int, int, int, int, int]]:
    """Layer -> (B, in, H, W, out), each size once; of `pictures`, as many as are computed at a time."""
    side, channels, found = net.config.input_size, net.config.in_channels, {}
    x = torch.empty(pictures, channels, side, side)
    at_once = min(pictures, Prepared(net, torch.device("cpu"), torch.float32)._piece(x, 0, len(net.config.channels)))
    for row in layer_table(net.config):
        if row.type == "convolution":
            size = (at_once, channels, *row.output[1:], row.output[0])
            if size not in found.values():
                found[row.name] = size
            channels = row.output[0]
    return found


@torch.inference_mode()
def measure(size: tuple[int, int, int, int, int], repeats: int) -> dict[str, object]:
    *shape, out = size
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator).relu().contiguous(memory_format=torch.channels_last)
    weight = torch.randn(out, shape[1], 3, 3, generator=generator) / (9 * shape[1]) ** 0.5
    bias = torch.randn(out, generator=generator)
    filters = weight.contiguous(memory_format=torch.channels_last)
    ways = {
        "direct": direct(filters, bias),
        "F.conv2d": lambda x: F.relu_(F.conv2d(x, filters, bias, padding=1)),
        "Winograd": winograd(weight, bias),
    }
    rows = [{name: milliseconds(lambda way=way: way(x), TIMES) for name, way in ways.items()} for _ in range(repeats)]
    taken = {name: statistics.median(row[name] for row in rows) for name in ways}
    return {
        "pictures, channels, height, width, out": size,
        "milliseconds": {name: round(value, 3) for name, value in taken.items()},
        "ratio": round(statistics.median(min(row["direct"], row["F.conv2d"]) / row["Winograd"] for row in rows), 2),
        "taken": pays(x.shape, out),
        "largest difference": float(f"{(ways['direct'](x) - ways['Winograd'](x)).abs().max():.1e}"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = conditions("winograd")
    outcome = {
        name: {
            str(pictures): {layer: measure(size, options.repeats) for layer, size in sizes(net, pictures).items()}
            for pictures in (1, 16)
        }
        for name, net in nets().items()
    }
    publish({**found, "nets": outcome}, options.json)


if __name__ == "__main__":
    main()
