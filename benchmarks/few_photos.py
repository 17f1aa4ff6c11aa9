"""Accuracy from 3, 5, 10 and 20 photos a class: ours, the loop of PyTorch's tutorial, and a linear probe of scikit-learn.

    pip install -r requirements-benchmarks.txt
    python -m benchmarks.few_photos CALTECH_FOLDER [--weights vgg11-bn] [--draws 20] [--json FILE]

CALTECH_FOLDER is `caltech101/` with a folder a category. Tasks are all pairs of the large categories among those that the
recipe in `training/` left out, so the net saw none of them. In each draw, 20 photos of each class in random order teach
(the first 3, 5 ...), and all others, 40 a class or more, judge; classes weigh the same.

All three have the same photos and the same features of the net in eval mode:
- ours: what `finetune` fits, by the same functions; on one draw of each size `finetune` itself is run on the files, and
  its answers are compared.
- tutorial: the last layer by the loop of https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html (SGD
  of rate 0.001 and momentum 0.9, the rate a tenth after every 7 epochs, 25 epochs, batches of 4, each photo mirrored or
  not at random). It trains on all photos, where the tutorial's keeps some back for choosing an epoch.
- probe: `LogisticRegression()` on `StandardScaler()`, as most people write it; C is 1.

Differences are paired, ours less the other's. Their standard error counts pairs, not draws: the draws of one pair share
its pictures. `worst` is the pair where ours stands worst, with the standard error over its own draws.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.result import conditions, mean_and_error, publish
from benchmarks.tasks import Group, accuracy, draw, embed, fit, pairs_of
from training.pictures import held_out_categories
from vgg_hub import VGG, Classifier, finetune
from vgg_hub.data import find_images

SIZES = (3, 5, 10, 20)
LEAST_OTHERS = 40
EPOCHS, BATCH_SIZE = 25, 4


def by_ours(known: Tensor, targets: Tensor, others: Sequence[Tensor], seed: int) -> list[Tensor]:
    heads, _ = fit(known, targets, seed)
    return [heads.logits(pictures)[0].argmax(1) for pictures in others]


def by_tutorial(known: Tensor, targets: Tensor, others: Sequence[Tensor], seed: int) -> list[Tensor]:
    torch.manual_seed(seed)
    head = nn.Linear(known.shape[2], len(others))
    optimiser = torch.optim.SGD(head.parameters(), lr=0.001, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=7, gamma=0.1)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(targets)).split(BATCH_SIZE):
            optimiser.zero_grad()
            pictures = known[rows, torch.randint(2, (len(rows),))]
            F.cross_entropy(head(pictures), targets[rows]).backward()
            optimiser.step()
        schedule.step()
    with torch.no_grad():
        return [head(pictures).argmax(1) for pictures in others]


def by_probe(known: Tensor, targets: Tensor, others: Sequence[Tensor], seed: int) -> list[Tensor]:
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(known[:, 0].numpy(), targets.numpy())
    return [torch.from_numpy(probe.predict(pictures.numpy())) for pictures in others]


WAYS = {"ours": by_ours, "tutorial": by_tutorial, "probe": by_probe}


def one_draw(pair: Sequence[Group], seed: int) -> dict[int, dict[str, float]]:
    """size -> way -> accuracy."""
    orders = draw(pair, seed)
    others = [group.features[order[max(SIZES) :], 0] for group, order in zip(pair, orders, strict=True)]
    found = {}
    for size in SIZES:
        known = torch.cat([group.features[order[:size]] for group, order in zip(pair, orders, strict=True)])
        targets = torch.arange(2).repeat_interleave(size)
        found[size] = {name: accuracy(way(known, targets, others, seed)) for name, way in WAYS.items()}
    return found


def same_answers(model: VGG, pair: Sequence[Group], size: int, seed: int) -> dict[str, int]:
    """How many pictures `finetune` on the files names as `by_ours` does."""
    orders = draw(pair, seed)
    known = torch.cat([group.features[order[:size]] for group, order in zip(pair, orders, strict=True)])
    rest = [order[max(SIZES) :].tolist() for order in orders]
    views = [group.features[rows, 0] for group, rows in zip(pair, rest, strict=True)]
    expected = torch.cat(by_ours(known, torch.arange(2).repeat_interleave(size), views, seed))
    photos = {group.name: [group.files[i] for i in order[:size]] for group, order in zip(pair, orders, strict=True)}
    *_, last = finetune(model, photos, seed=seed)
    files = [group.files[i] for group, rows in zip(pair, rest, strict=True) for i in rows]
    answers = [pair[int(label)].name for label in expected]
    named = [answer.label for answer in Classifier(last.model)(files)]
    return {"pictures": len(files), "same": sum(a == b for a, b in zip(answers, named, strict=True))}


def compare(rows: list[list[dict[str, float]]], names: Sequence[str], other: str) -> dict[str, object]:
    """Ours less the other, from the accuracies of each pair's draws."""
    gains = [[row["ours"] - row[other] for row in draws] for draws in rows]
    of_pair = [mean_and_error(values) for values in gains]
    worst = min(range(len(rows)), key=lambda i: of_pair[i]["mean"] / max(of_pair[i]["error"], 1e-4))
    return {
        **mean_and_error([statistics.fmean(values) for values in gains]),
        "pairs where worse": sum(gain["mean"] < 0 for gain in of_pair),
        "by more than two standard errors": sum(gain["mean"] < -2 * gain["error"] for gain in of_pair),
        "worst": {"pair": names[worst], **of_pair[worst]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", default="vgg11-bn")
    parser.add_argument("--draws", type=int, default=20, help="of each pair")
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    found = conditions("few_photos", ["scikit-learn"])
    model = VGG.from_pretrained(options.weights)
    net = Classifier(model, "cpu")
    categories = held_out_categories(sorted(p.name for p in options.folder.iterdir() if p.is_dir()))
    files = {name: find_images(options.folder / name) for name in categories}
    large = {name: some for name, some in files.items() if len(some) >= max(SIZES) + LEAST_OTHERS}
    pairs = pairs_of([embed(net, name, some) for name, some in large.items()], max(SIZES) + LEAST_OTHERS)
    torch.set_num_threads(1)  # what follows are many small problems
    draws = [[one_draw(pair, seed) for seed in range(options.draws)] for pair in pairs]
    names = [f"{a.name}, {b.name}" for a, b in pairs]
    table = {}
    for size in SIZES:
        rows = [[row[size] for row in of_pair] for of_pair in draws]
        means = {way: statistics.fmean(row[way] for of_pair in rows for row in of_pair) for way in WAYS}
        table[size] = {
            "accuracy": {way: round(mean, 4) for way, mean in means.items()},
            **{f"over {other}": compare(rows, names, other) for other in WAYS if other != "ours"},
        }
    checks = {size: same_answers(model, pairs[i], size, seed=0) for i, size in enumerate(SIZES)}
    setting = {
        "weights": options.weights,
        "pairs": names,
        "draws of each": options.draws,
        "features": "frozen, eval mode",
    }
    publish({**found, "setting": setting, "photos a class": table, "finetune itself": checks}, options.json)


if __name__ == "__main__":
    main()
