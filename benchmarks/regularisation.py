"""Does it pay to choose the head's regularisation by cross-validation, instead of one constant for all tasks?

    python -m benchmarks.regularisation FOLDER [--all] [--weights vgg11-bn] [--draws 40]

FOLDER has a folder a class. Of `caltech101/` tasks are pairs of the categories that the recipe in `training/` left out;
with `--all`, pairs of any twelve classes (for CIFAR-10's test set and Tiny ImageNet's validation set). Each draw takes 3,
5, 10 or 20 photos a class, fits a head for each strength, and judges on all others. Prints one JSON document: mean
accuracy of each constant, and of two ways of choosing: the strength with the least out-of-fold loss, and the same only
where it beats the constant 2 by more than one standard error.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from training.pictures import held_out_categories
from vgg_hub import VGG, Classifier
from vgg_hub.cache import FeatureCache
from vgg_hub.crossval import problem_weights, unseen_logits
from vgg_hub.data import find_images
from vgg_hub.head import fit_heads
from vgg_hub.report import fit_scale, stratified_folds

STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)
CONSTANT = 2.0  # what the others are compared with
CLASSES, PICTURES = 12, 200  # at most, with --all
SIZES = (3, 5, 10, 20)
LEAST_OTHERS = 20


def features_of(net: Classifier, files: list[Path]) -> Tensor:
    """(n, 2, D): of each photo and its mirror image."""
    cache = FeatureCache(["photo"])
    for _ in cache.fill(net, {"photo": files}, threading.Event()):
        pass
    return cache.features()


def draw(groups: list[Tensor], size: int, seed: int) -> dict[str, float]:
    """One task: accuracy on the other photos of each constant and of the two choices."""
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(group), generator=generator) for group in groups]
    known = torch.cat([group[order[:size]] for group, order in zip(groups, orders, strict=True)])  # (n, 2, D)
    others = [group[order[size:], 0] for group, order in zip(groups, orders, strict=True)]
    targets = torch.arange(2).repeat_interleave(size)
    folds = stratified_folds(targets, 8, seed)
    weights = problem_weights(targets, folds)
    prior = torch.tensor(STRENGTHS).repeat_interleave(len(weights))
    both, rows = known.flatten(0, 1), targets.repeat_interleave(2)
    *_, heads = fit_heads(both, rows, weights.repeat(len(STRENGTHS), 1), 2, len(targets), prior)
    logits = heads.logits(known[:, 0]).reshape(len(STRENGTHS), len(weights), len(targets), 2)
    judged = [heads.logits(other)[:: len(weights)].argmax(2) == label for label, other in enumerate(others)]
    accuracy = torch.stack([right.double().mean(1) for right in judged]).mean(0)  # (strengths,), classes weigh the same
    losses = torch.stack([_losses(row, folds, targets) for row in logits])  # (strengths, n)
    constant = STRENGTHS.index(CONSTANT)
    best = int(losses.mean(1).argmin())
    gain = losses[constant] - losses[best]
    careful = best if gain.mean() > gain.std() / len(targets) ** 0.5 else constant
    row = {f"{strength:g}": float(value) for strength, value in zip(STRENGTHS, accuracy, strict=True)}
    return row | {"chosen": float(accuracy[best]), "chosen beyond noise": float(accuracy[careful])}


def _losses(logits: Tensor, folds: Tensor, targets: Tensor) -> Tensor:
    """(n,) cross-entropy of each photo by the heads that had not seen it, on the scale that suits them all best."""
    scores = unseen_logits(logits[1:], folds)
    return F.cross_entropy(scores * fit_scale(scores, targets), targets, reduction="none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="any classes, not only those left out in training")
    parser.add_argument("--weights", default="vgg11-bn")
    parser.add_argument("--draws", type=int, default=40)
    options = parser.parse_args()
    net = Classifier(VGG.from_pretrained(options.weights))
    categories = sorted(p.name for p in options.folder.iterdir() if p.is_dir())
    if options.all:
        categories = random.Random(0).sample(categories, min(CLASSES, len(categories)))
    else:
        categories = held_out_categories(categories)
    features = {name: features_of(net, find_images(options.folder / name)[:PICTURES]) for name in categories}
    pairs = [(a, b) for a in categories for b in categories if a < b]
    pairs = [p for p in pairs if min(len(features[name]) for name in p) >= max(SIZES) + LEAST_OTHERS]
    random.Random(0).shuffle(pairs)
    table = {}
    for size in SIZES:
        rows = [draw([features[n] for n in pairs[i % len(pairs)]], size, seed=i) for i in range(options.draws)]
        mean = {way: sum(row[way] for row in rows) / len(rows) for way in rows[0]}
        gains = {way: torch.tensor([row[way] - row[f"{CONSTANT:g}"] for row in rows]) for way in rows[0]}
        table[size] = {
            way: {
                "accuracy": round(value, 4),
                "over the constant": round(float(gains[way].mean()), 4),
                "standard error": round(float(gains[way].std()) / len(rows) ** 0.5, 4),
            }
            for way, value in mean.items()
        }
    print(json.dumps({"constant": CONSTANT, "pairs": len(pairs), "draws": options.draws, "table": table}, indent=1))


if __name__ == "__main__":
    main()
