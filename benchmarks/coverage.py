"""How often the report's 95 % interval holds the accuracy on a large set of unseen pictures, and what the verdict says.

    python -m benchmarks.coverage DATA [--weights vgg11-bn] [--draws 210] [--json FILE]

DATA holds `caltech101/`, `cifar10/test/` and `tiny-imagenet/val/`, with a folder a class in each. Tasks are pairs of
- the large Caltech categories that the recipe in `training/` left out, of which the net saw nothing;
- the classes of CIFAR-10's test set, hard ones such as cat and dog among them, with hundreds of unseen pictures;
- classes of Tiny ImageNet's validation set.
The net was trained on the training sets of the latter two, but on no picture that teaches or judges here.

In each draw 10 or 20 photos of each class teach, and all others, 40 a class or more, judge the head; classes weigh the
same. Estimate, interval and verdict are made by the functions that `finetune` calls. An interval misses `above` where the
head is better than it says, and `below` where it is worse. `hard` are the pairs of all sets of which less than 90 % are
named right. The judges are a sample too: with 40 a class their own standard
error is up to five points, which lowers the share that is held.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.result import conditions, mean_and_error, publish
from benchmarks.tasks import Group, accuracy, draw, embed, fit, pairs_of
from training.pictures import held_out_categories
from vgg_hub import VGG, Classifier
from vgg_hub.crossval import unseen_hits, unseen_logits
from vgg_hub.data import find_images
from vgg_hub.interval import binomial_interval
from vgg_hub.verdict import curve_steps, judge

SIZES = (10, 20)
LEAST_OTHERS = 40
CIFAR_PICTURES = 250  # of each class: enough, and the net need not run on all thousand
TINY_CLASSES = 24
HARD = 0.9


def one_draw(pair: Sequence[Group], size: int, seed: int) -> dict[str, object]:
    orders = draw(pair, seed)
    known = torch.cat([group.features[order[:size]] for group, order in zip(pair, orders, strict=True)])
    others = [group.features[order[size:], 0] for group, order in zip(pair, orders, strict=True)]
    targets = torch.arange(2).repeat_interleave(size)
    heads, folds = fit(known, targets, seed)
    logits = heads.logits(known[:, 0])[1:]
    estimate = float((unseen_logits(logits, folds).argmax(1) == targets).double().mean())
    low, high = binomial_interval(estimate, len(targets))
    for _, part in curve_steps(known, targets, folds, seed):
        curve = part
    curve = torch.cat([curve, unseen_hits(logits, folds, targets).mean(0, keepdim=True)])
    return {
        "accuracy": accuracy([heads.logits(pictures)[0].argmax(1) for pictures in others]),
        "estimate": estimate,
        "low": low,
        "high": high,
        "verdict": judge(curve, targets, [group.name for group in pair], estimate).limited_by,
        "others": sum(map(len, others)),
        "pair": ", ".join(group.name for group in pair),
    }


def summary(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    above = [row["accuracy"] > row["high"] for row in rows]
    below = [row["accuracy"] < row["low"] for row in rows]
    verdicts = Counter(row["verdict"] for row in rows)
    return {
        "draws": len(rows),
        "unseen pictures": round(statistics.fmean(row["others"] for row in rows)),
        "held": mean_and_error([not (a or b) for a, b in zip(above, below, strict=True)]),
        "above": round(statistics.fmean(above), 4),
        "below": round(statistics.fmean(below), 4),
        "accuracy": round(statistics.fmean(row["accuracy"] for row in rows), 4),
        "estimate less accuracy": mean_and_error([row["estimate"] - row["accuracy"] for row in rows]),
        "width": round(statistics.fmean(row["high"] - row["low"] for row in rows), 4),
        "limited by": {word: round(verdicts[word] / len(rows), 4) for word in ("photos", "net", "cannot tell")},
    }


def hard(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The draws of the pairs that are hard: on the average over its draws, a head names less than so many right."""
    of_pair: dict[str, list[float]] = {}
    for row in rows:
        of_pair.setdefault(row["pair"], []).append(row["accuracy"])
    return [row for row in rows if statistics.fmean(of_pair[row["pair"]]) < HARD]


def sources(data: Path, net: Classifier) -> dict[str, list[Group]]:
    """The classes of each set, embedded."""
    folders = {"caltech": data / "caltech101", "cifar": data / "cifar10/test", "tiny": data / "tiny-imagenet/val"}
    names = {key: sorted(path.name for path in folder.iterdir() if path.is_dir()) for key, folder in folders.items()}
    names["caltech"] = held_out_categories(names["caltech"])
    names["tiny"] = random.Random(0).sample(names["tiny"], TINY_CLASSES)
    groups = {}
    for key, folder in folders.items():
        files = {name: find_images(folder / name)[:CIFAR_PICTURES] for name in names[key]}
        enough = {name: some for name, some in files.items() if len(some) >= min(SIZES) + LEAST_OTHERS}
        groups[key] = [embed(net, name, some) for name, some in enough.items()]
    return groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default="vgg11-bn")
    parser.add_argument("--draws", type=int, default=210, help="of each set and number of photos")
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    found = conditions("coverage")
    groups = sources(options.data, Classifier(VGG.from_pretrained(options.weights), "cpu"))
    torch.set_num_threads(1)  # what follows are many small problems
    rows: dict[tuple[str, int], list[dict[str, object]]] = {}
    for key, some in groups.items():
        for size in SIZES:
            pairs = pairs_of(some, size + LEAST_OTHERS)
            random.Random(size).shuffle(pairs)
            if pairs:
                rows[key, size] = [one_draw(pairs[i % len(pairs)], size, i) for i in range(options.draws)]
    table = {}
    for size in SIZES:
        of_set = {key: some for (key, s), some in rows.items() if s == size}
        everything = [row for some in of_set.values() for row in some]
        parts = {"all": everything, **of_set, "hard": hard(everything)}
        table[size] = {name: summary(some) for name, some in parts.items() if some}  # of few draws none may be hard
    setting = {"weights": options.weights, "classes": {key: [g.name for g in some] for key, some in groups.items()}}
    publish({**found, "setting": setting, "photos a class": table}, options.json)


if __name__ == "__main__":
    main()
