"""Judge a finished run: accuracy on pictures never trained on, and on tasks never trained on.

    python -m training.evaluate --data DIR --run RUN

writes `RUN/evaluation.json`. The net is in eval mode and float32. A task is two of the Caltech categories that the run
never saw: ten photos of each to fit a head on, the rest to judge it, with the head that the package itself fits.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vgg_hub import VGG
from vgg_hub.head import fit_heads
from vgg_hub.predict import resolve_device

from .command import command
from .pictures import PictureSet, load_sets
from .recipe import Recipe, read_recipe
from .train import accuracy, embed, heads_for, make_net

__all__ = ["TRANSFER_SIZES", "evaluate", "load_run", "ten_photo_accuracy"]

TRANSFER_SIZES = (64, 80, 96, 112, 128)
SCORE_SIZES = {"tiny": (64, 80), "caltech": (64, 80, 96), "cifar": (48, 64)}
TASKS, PHOTOS = 100, 10


def load_run(run: Path, sets: dict[str, dict[str, PictureSet]]) -> tuple[Recipe, VGG, nn.ModuleDict]:
    """The recipe, the trained net (eval mode) and its heads, one a set."""
    recipe = read_recipe(run)
    net = make_net(recipe)
    heads = heads_for(net, sets)
    nn.ModuleDict({"net": net, "heads": heads}).load_state_dict(load_file(run / "final.safetensors"))
    return recipe, net.eval(), heads.eval()


def ten_photo_accuracy(
    features: Tensor, labels: np.ndarray, tasks: int = TASKS, photos: int = PHOTOS, seed: int = 0
) -> np.ndarray:
    """Accuracy on each of `tasks` drawn tasks.

    Args:
        features: (N, D) float32.
        labels: (N,) int64.
        tasks: pairs of classes drawn, each with its own photos.
        photos: photos a class that the head is fitted on; all others judge it.
        seed: of the draws; equal seeds give equal tasks, so that two nets or two sizes meet the same ones.

    Returns:
        (tasks,) float64, each the mean of the two classes' accuracies.
    """
    chance = np.random.default_rng(seed)
    results = []
    for _ in range(tasks):
        pair = chance.choice(np.unique(labels), size=2, replace=False)
        rows = [chance.permutation(np.flatnonzero(labels == label)) for label in pair]
        known = features[np.concatenate([own[:photos] for own in rows])]
        targets = torch.arange(2).repeat_interleave(photos)
        for heads in fit_heads(known, targets, torch.ones(1, 2 * photos), 2, 2 * photos):
            head = heads  # each step's head is better than the one before
        unseen = [head.logits(features[own[photos:]])[0].argmax(1) == answer for answer, own in enumerate(rows)]
        results.append(float(np.mean([right.float().mean().item() for right in unseen])))
    return np.array(results)


def _transfer(net: VGG, pictures: PictureSet, sizes: Sequence[int]) -> dict[str, dict[str, float]]:
    """By size: mean accuracy, its standard deviation over tasks, and the standard error of the mean."""
    table = {}
    for size in sizes:
        found = ten_photo_accuracy(embed(net, pictures, size), pictures.labels)
        spread = float(found.std(ddof=1))
        table[str(size)] = {
            "mean": round(float(found.mean()), 4),
            "deviation": round(spread, 4),
            "standard_error": round(spread / len(found) ** 0.5, 4),
        }
    return table


def evaluate(
    net: VGG, heads: nn.ModuleDict, recipe: Recipe, sets: dict[str, dict[str, PictureSet]]
) -> dict[str, object]:
    """All figures of one net, and the ten-photo one of the same net with random weights at the size that did best.

    Raises:
        FileNotFoundError: it was trained on all categories, and that which it began from has no `evaluation.json`.
    """
    scores = {
        name: {
            "pictures": len(parts["val"]),
            "accuracy": {str(s): round(accuracy(net, heads[name], parts["val"], s), 4) for s in SCORE_SIZES[name]},
        }
        for name, parts in sets.items()
    }
    return {"scores": scores} | (_before_all(recipe) if recipe.keep_all else _on_tasks(net, recipe, sets))


def _on_tasks(net: VGG, recipe: Recipe, sets: dict[str, dict[str, PictureSet]]) -> dict[str, object]:
    pictures = sets["caltech"]["transfer"]
    trained = _transfer(net, pictures, TRANSFER_SIZES)
    best = max(TRANSFER_SIZES, key=lambda size: trained[str(size)]["mean"])
    untrained = make_net(replace(recipe, seed=recipe.seed + 1))
    return {
        "transfer": {
            "tasks": TASKS,
            "photos_a_class": PHOTOS,
            "categories": list(pictures.classes),
            "trained": trained,
            "random": _transfer(untrained.to(next(net.parameters()).device), pictures, [best]),
        },
        "input_size": best,
    }


def _before_all(recipe: Recipe) -> dict[str, object]:
    """Of tasks that a net was trained on it says nothing: what counts is the run that it began from."""
    start = Path(recipe.start)
    file = (start if start.is_dir() else start.parent) / "evaluation.json"
    if not recipe.start or not file.is_file():
        missing = f"{file} is missing" if recipe.start else "This run began from random weights"
        raise FileNotFoundError(
            f"{missing}: a net trained on all categories is judged on ten photos by the one it began from. "
            "Train that without --keep-all, judge it by training.evaluate, and begin from it."
        )
    earlier = json.loads(file.read_text(encoding="utf-8"))
    return {name: earlier[name] for name in ("transfer", "input_size")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the archives, or what they hold")
    parser.add_argument("--run", type=Path, required=True, help="folder that training.train wrote")
    parser.add_argument("--cache", type=Path, help="folder for the decoded pictures (default: RUN/cache)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    options = parser.parse_args()
    sets = load_sets(options.data, options.cache or options.run / "cache", read_recipe(options.run).keep_all)
    recipe, net, heads = load_run(options.run, sets)
    device = resolve_device(options.device)
    text = json.dumps(evaluate(net.to(device), heads.to(device), recipe, sets), indent=1)
    (options.run / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    command(main)
