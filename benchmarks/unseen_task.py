"""Fifteen photos a class of things the shipped net never saw, judged on all the others, beside random weights.

    python -m benchmarks.unseen_task CALTECH_FOLDER [--weights vgg11-bn] [--pairs 20]

CALTECH_FOLDER is `caltech101/` with a folder a category. The pairs come from the 20 categories that the recipe in
`training/` left out. Prints one JSON document: accuracy of each pair, its cross-validated estimate and interval.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from training.pictures import held_out_categories
from vgg_hub import VGG, Classifier, finetune
from vgg_hub.data import find_images
from vgg_hub.start import starting_model

PHOTOS, LEAST_OTHERS = 15, 40


def judge(model: VGG, photos: dict[str, list[Path]], seed: int) -> dict[str, object]:
    """Fine-tune on the first photos of a shuffled order, classify the rest."""
    chance = random.Random(seed)
    shuffled = {label: chance.sample(files, len(files)) for label, files in photos.items()}
    *_, last = finetune(model, {label: files[:PHOTOS] for label, files in shuffled.items()}, seed=seed)
    others = [(label, file) for label, files in shuffled.items() for file in files[PHOTOS:]]
    answers = Classifier(last.model)([file for _, file in others])
    right = sum(answer.label == label for answer, (label, _) in zip(answers, others, strict=True))
    validation = last.report.validation
    return {
        "accuracy": right / len(others),
        "others": len(others),
        "estimate": validation.accuracy,
        "interval": [validation.low, validation.high],
        "seconds": last.report.seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", default="vgg11-bn")
    parser.add_argument("--pairs", type=int, default=20)
    options = parser.parse_args()
    categories = held_out_categories(sorted(p.name for p in options.folder.iterdir() if p.is_dir()))
    photos = {name: find_images(options.folder / name) for name in categories}
    pairs = [(a, b) for a in categories for b in categories if a < b]
    pairs = [(a, b) for a, b in pairs if len(photos[a]) + len(photos[b]) >= 2 * PHOTOS + LEAST_OTHERS]
    random.Random(0).shuffle(pairs)
    nets = {"trained": VGG.from_pretrained(options.weights), "random": starting_model("random")}
    rows = []
    for seed, (a, b) in enumerate(pairs[: options.pairs]):
        task = {a: photos[a], b: photos[b]}
        rows.append({"pair": [a, b]} | {name: judge(net, task, seed) for name, net in nets.items()})
    summary = {
        name: {
            "mean_accuracy": sum(row[name]["accuracy"] for row in rows) / len(rows),
            "intervals_that_hold": sum(
                row[name]["interval"][0] <= row[name]["accuracy"] <= row[name]["interval"][1] for row in rows
            ),
        }
        for name in nets
    }
    print(json.dumps({"summary": summary, "pairs": rows}, indent=1))


if __name__ == "__main__":
    main()
