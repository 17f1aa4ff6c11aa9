"""What does training more than the head gain, or lose, from ten photos a class; and at which learning rate?

    python -m benchmarks.boundaries CALTECH_FOLDER [--weights vgg11-bn] [--draws 8] [--boundaries block5 all]
        [--rates 0.01 0.003 0.001]

CALTECH_FOLDER is `caltech101/` with a folder a category. Tasks are pairs of the categories that the recipe in
`training/` left out; each draw takes ten photos a class, fine-tunes from each boundary at each rate, beside the head
alone, and judges on up to forty other photos of each class. Prints one JSON document: accuracy and loss of each way,
their difference from the head's in the same draw, and how often "none of these" was said of photos of the classes, and
of photos of other categories.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from training.pictures import held_out_categories
from vgg_hub import VGG, Classifier, finetune, learner
from vgg_hub.data import find_images

PHOTOS, OTHERS, LEAST_OTHERS, STRANGE = 10, 40, 20, 40
FIGURES = ("accuracy", "loss", "estimate", "own_unlike", "strange_unlike", "seconds")


def judge(model: VGG, task: dict[str, list[Path]], strange: list[Path], trainable: str, seed: int) -> dict[str, float]:
    """Fine-tune on the first photos, classify the rest; classes weigh the same."""
    *_, last = finetune(
        model, {label: files[:PHOTOS] for label, files in task.items()}, trainable=trainable, seed=seed, device="cpu"
    )
    classifier = Classifier(last.model, "cpu")
    answers = {label: classifier(files[PHOTOS : PHOTOS + OTHERS]) for label, files in task.items()}

    def mean(figure) -> float:
        return statistics.mean(statistics.mean(figure(a, label) for a in found) for label, found in answers.items())

    return {
        "accuracy": mean(lambda answer, label: answer.label == label),
        "loss": mean(lambda answer, label: -math.log(max(answer.scores[label], 1e-12))),
        "estimate": last.report.validation.accuracy,
        "own_unlike": mean(lambda answer, _: bool(answer.unlike)),
        "strange_unlike": statistics.mean(bool(answer.unlike) for answer in classifier(strange)),
        "seconds": last.report.seconds,
        "changed": last.model.base is None or trainable == "head",
    }


def summary(rows: Sequence[dict[str, float]], of_head: Sequence[dict[str, float]]) -> dict[str, object]:
    found: dict[str, object] = {name: round(statistics.mean(row[name] for row in rows), 4) for name in FIGURES}
    found["kept_the_head_alone"] = sum(not row["changed"] for row in rows)
    for name in ("accuracy", "loss"):
        gains = [row[name] - head[name] for row, head in zip(rows, of_head, strict=True)]
        error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else None
        found[f"{name}_over_the_head"] = [round(statistics.mean(gains), 4), error and round(error, 4)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", default="vgg11-bn")
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--boundaries", nargs="+", default=["block5", "all"])
    parser.add_argument("--rates", nargs="+", type=float, default=[0.01, 0.003, 0.001])
    options = parser.parse_args()
    model = VGG.from_pretrained(options.weights)
    categories = held_out_categories(sorted(p.name for p in options.folder.iterdir() if p.is_dir()))
    photos = {name: find_images(options.folder / name) for name in categories}
    pairs = [(a, b) for a in categories for b in categories if a < b]
    pairs = [p for p in pairs if min(len(photos[name]) for name in p) >= PHOTOS + LEAST_OTHERS]
    random.Random(0).shuffle(pairs)
    ways = [("head", learner.RATE), *((b, rate) for b in options.boundaries for rate in options.rates)]
    rows: dict[str, list[dict[str, float]]] = {}
    for seed, pair in enumerate(pairs[: options.draws]):
        chance = random.Random(seed)
        task = {name: chance.sample(photos[name], len(photos[name])) for name in pair}
        strange = chance.sample([file for name in categories if name not in pair for file in photos[name]], STRANGE)
        for trainable, rate in ways:
            learner.RATE = rate
            way = trainable if trainable == "head" else f"{trainable} at {rate:g}"
            rows.setdefault(way, []).append(judge(model, task, strange, trainable, seed))
            print(way, pair, rows[way][-1], file=sys.stderr, flush=True)
    table = {way: summary(found, rows["head"]) for way, found in rows.items()}
    print(json.dumps({"draws": options.draws, "photos_a_class": PHOTOS, "table": table, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
