"""Milliseconds for a picture of every net that ships, side by side: written to `training/logs/times.json`.

python -m training.times
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

import torch

from vgg_hub import VGG, Classifier
from vgg_hub.bundled import bundled_names
from vgg_hub.inference import multiplies_bfloat16

from .train import machine

__all__ = ["measure"]

FILE = Path(__file__).parent / "logs" / "times.json"
WARM, REPEATS = 5, 40
CPU = torch.device("cpu")


def measure(names: tuple[str, ...], warm: int = WARM, repeats: int = REPEATS) -> dict[str, dict[str, float]]:
    """Median milliseconds for one picture at the net's input size, and to open the net; the nets take turns.

    Args:
        names: of checkpoints that ship.
        warm: turns that do not count.
        repeats: turns that do.
    """
    nets = {name: VGG.from_pretrained(name) for name in names}
    classifiers = {name: Classifier(net, device=CPU) for name, net in nets.items()}
    pictures = {name: torch.rand(1, 3, net.config.input_size, net.config.input_size) for name, net in nets.items()}
    taken: dict[str, dict[str, list[float]]] = {name: {"picture": [], "opening": []} for name in names}
    for turn in range(warm + repeats):
        for name, own in classifiers.items():
            moments = [time.perf_counter()]
            own.logits(pictures[name])
            moments.append(time.perf_counter())
            VGG.from_pretrained(name)
            moments.append(time.perf_counter())
            if turn >= warm:
                for what, first, last in zip(("picture", "opening"), moments, moments[1:], strict=False):
                    taken[name][what].append(1000 * (last - first))
    return {
        name: {what: round(statistics.median(all_), 2) for what, all_ in own.items()} for name, own in taken.items()
    }


def main() -> None:
    found = {
        "machine": machine(CPU) | {"bfloat16": multiplies_bfloat16(CPU)},
        "milliseconds": measure(bundled_names()),
    }
    text = json.dumps(found, indent=1)
    FILE.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
