"""Telling pictures of other things: scores compared, and the rule that ships at its working point.

    python -m benchmarks.unlike CALTECH_FOLDER [--weights vgg11-bn] [--photos 10] [--classes 2] [--draws 40]
        [--json FILE]

CALTECH_FOLDER is `caltech101/` with a folder a category. The classes are drawn from the 20 categories that the recipe in
`training/` left out; other things are photos of the remaining ones, and pictures drawn by code. Prints one JSON document:
for each score the area under the curve (own photos, not taught with, against other things), and for the rule the shares
of pictures that it calls unlike all classes, beside what cross-validation on the photos taught with said of them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.result import conditions, publish
from training.pictures import held_out_categories
from vgg_hub import VGG, Classifier
from vgg_hub.data import find_images
from vgg_hub.head import fit_heads
from vgg_hub.predict import BATCH_SIZE, Picture, as_image
from vgg_hub.preprocess import preprocess
from vgg_hub.report import stratified_folds
from vgg_hub.samples import draw_samples
from vgg_hub.unlike import class_means, fit_unlike

JUDGED, OTHERS = 30, 30  # photos of each class, and of each other category
SHRINKAGE = 0.6  # of the covariance towards a multiple of the identity; the best of 0.1, 0.3 and 0.6 on these photos


def embed(net: Classifier, pictures: list[Picture]) -> Tensor:
    """(n, 2, D): features of the pictures and of their mirror images."""
    found = []
    for first in range(0, len(pictures), BATCH_SIZE):
        batch = pictures[first : first + BATCH_SIZE]
        x = torch.stack([preprocess(as_image(picture), net.config) for picture in batch])
        found.append(torch.stack([net.embed(x), net.embed(x.flip(3))], dim=1))
    return torch.cat(found)


def drawn_pictures() -> list[np.ndarray]:
    """Stripes, dots, noise and plain colours, fifty of each."""
    chance = np.random.default_rng(0)
    textures = [np.asarray(picture) for pictures in draw_samples(50).values() for picture in pictures]
    noise = [chance.integers(0, 256, (160, 160, 3), dtype=np.uint8) for _ in range(50)]
    plain = [np.full((160, 160, 3), chance.integers(0, 256, 3, dtype=np.uint8)) for _ in range(50)]
    return textures + noise + plain


def scores(views: tuple[Tensor, Tensor], targets: Tensor) -> dict[str, Callable[[Tensor], Tensor]]:
    """The scores of others, by name: features (N, D) -> (N,), higher for what is unlike the classes."""
    both, targets = torch.cat(views), targets.repeat(2)
    near = F.normalize(both, dim=1)
    means = class_means((both,), targets).float()
    residuals = near - means[targets]
    covariance = residuals.T @ residuals / len(near)
    flat = covariance.diagonal().mean() * torch.eye(len(covariance))
    whitening = torch.linalg.cholesky(torch.linalg.inv((1 - SHRINKAGE) * covariance + SHRINKAGE * flat))
    *_, heads = fit_heads(both, targets, torch.ones(1, len(both)), len(means), len(both) // 2)

    def neighbour(x: Tensor) -> Tensor:
        return torch.cdist(F.normalize(x, dim=1), near).topk(4, largest=False)[0][:, -1]

    return {
        "distance to the class mean": lambda x: torch.cdist(F.normalize(x, dim=1), means).amin(1),
        "the same, features not normalised": lambda x: torch.cdist(x, _plain_means(both, targets)).amin(1),
        "Mahalanobis, shrunk (Lee 2018)": lambda x: torch.cdist(
            F.normalize(x, dim=1) @ whitening, means @ whitening
        ).amin(1),
        "fourth neighbour (Sun 2022)": neighbour,
        "energy of the head (Liu 2020)": lambda x: -heads.logits(x)[0].logsumexp(1),
        "probability of the head (Hendrycks 2017)": lambda x: -heads.logits(x)[0].softmax(1).amax(1),
    }


def _plain_means(features: Tensor, targets: Tensor) -> Tensor:
    return torch.stack([features[targets == label].mean(0) for label in range(int(targets.max()) + 1)])


def area(own: Tensor, other: Tensor) -> float:
    """Area under the curve: how often a picture of another thing scores higher than one of the classes."""
    return float((other[:, None] > own).double().mean() + (other[:, None] == own).double().mean() / 2)


def one_draw(features: dict[str, Tensor], drawn: Tensor, photos: int, classes: int, seed: int) -> dict[str, object]:
    chance = random.Random(seed)
    names = chance.sample([name for name in features if len(features[name]) >= photos + 10], classes)
    order = {name: chance.sample(range(len(features[name])), len(features[name])) for name in features}
    taught = torch.cat([features[name][order[name][:photos]] for name in names])
    own = torch.cat([features[name][order[name][photos : photos + JUDGED], 0] for name in names])
    other = torch.cat([features[name][order[name][:OTHERS], 0] for name in features if name not in names])
    targets = torch.arange(classes).repeat_interleave(photos)
    views = (taught[:, 0], taught[:, 1])
    fit = fit_unlike(views, targets, stratified_folds(targets, 8, seed))
    compared = {"the rule": fit.rule.score, **scores(views, targets)}
    shares = {
        name: float((fit.rule.score(x) > 1).double().mean())
        for name, x in (("own", own), ("other", other), ("drawn", drawn))
    }
    return {
        "area": {name: area(score(own), score(other)) for name, score in compared.items()},
        "area, drawn": {name: area(score(own), score(drawn)) for name, score in compared.items()},
        "called unlike": shares,
        "estimated": {"own": fit.own, "other": fit.others},
    }


def averages(rows: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and standard error of every figure over the draws."""
    return {
        part: {
            name: {
                "mean": round(statistics.fmean(row[part][name] for row in rows), 4),
                "error": round(statistics.stdev(row[part][name] for row in rows) / len(rows) ** 0.5, 4),
            }
            for name in rows[0][part]
        }
        for part in rows[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", default="vgg11-bn")
    parser.add_argument("--photos", type=int, nargs="+", default=[10], help="of each class")
    parser.add_argument("--classes", type=int, nargs="+", default=[2])
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    found = conditions("unlike")
    net = Classifier(VGG.from_pretrained(options.weights), precision="float32")
    names = held_out_categories(sorted(p.name for p in options.folder.iterdir() if p.is_dir()))
    started = time.perf_counter()
    features = {name: embed(net, find_images(options.folder / name)) for name in names}
    drawn = embed(net, drawn_pictures())[:, 0]
    outcome = [
        {"classes": classes, "photos": photos, "draws": options.draws}
        | averages([one_draw(features, drawn, photos, classes, seed) for seed in range(options.draws)])
        for classes in options.classes
        for photos in options.photos
    ]
    facts = {"weights": options.weights, "seconds": round(time.perf_counter() - started, 1)}
    publish({**found, **facts, "outcome": outcome}, options.json)


if __name__ == "__main__":
    main()
