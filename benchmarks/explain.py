"""Heat maps that are right: where the peak lies on pictures of four photos, and what random weights make of it.

    python -m benchmarks.explain TINY_IMAGENET [--weights vgg11-bn] [--pictures 150] [--stages conv5_2 ...] [--seeds 3]
        [--json FILE]

TINY_IMAGENET holds `classes.tsv` (id, tab, names) and `val/ID/` with the validation pictures, none of which the shipped
net was trained on. Each picture has a photo of another class in each quadrant, each at the net's input size; the map of
each of the four classes is right if its highest place lies in the quadrant of its photo (Boehle et al., "Convolutional
Dynamic Alignment Networks", 2021, section 4.2, https://arxiv.org/abs/2104.00032). Chance is a quarter. The same with all
weights drawn at random (Adebayo et al. 2018, https://arxiv.org/abs/1810.03292), and with the trained head on a random
rest. On single photos: how strong the map of the photo's class is on the scale of `vgg_hub.explain.Evidence`, and that of a
class drawn from all others. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from benchmarks.result import conditions, mean_and_error, publish
from vgg_hub import VGG, Classifier
from vgg_hub.data import find_images, read_image
from vgg_hub.explain import evidence, heat_map
from vgg_hub.preprocess import preprocess

PHOTOS_A_CLASS = 8
SINGLE = 200  # photos looked at alone
Photo = tuple[int, Image.Image]  # class index, picture at the net's input size


def read_photos(folder: Path, model: VGG) -> list[Photo]:
    """The first photos of each class that the net has, in the order of the folders."""
    labels, side = list(model.config.label_names), model.config.input_size
    photos = []
    for line in (folder / "classes.tsv").read_text(encoding="utf-8").splitlines():
        identity, _, names = line.partition("\t")
        index = next((labels.index(name) for name in names.split(", ") if name in labels), None)
        if index is not None:
            for path in find_images(folder / "val" / identity)[:PHOTOS_A_CLASS]:
                photos.append((index, read_image(path).resize((side, side), Image.Resampling.BILINEAR)))
    return photos


def named_right(photos: Sequence[Photo], model: VGG) -> list[Photo]:
    """Those that the net names right when it sees them alone."""
    predictions = Classifier(model, precision="float32")([picture for _, picture in photos])
    labels = model.config.label_names
    return [photo for photo, answer in zip(photos, predictions, strict=True) if answer.label == labels[photo[0]]]


def four_photos(photos: Sequence[Photo], model: VGG, chance: random.Random) -> tuple[Tensor, list[int]]:
    """(1, 3, 2 S, 2 S) preprocessed, and the classes of the quadrants: upper left, upper right, lower left, lower right."""
    side = model.config.input_size
    drawn: dict[int, Image.Image] = {}
    while len(drawn) < 4:
        index, picture = chance.choice(photos)
        drawn.setdefault(index, picture)
    whole = Image.new("RGB", (2 * side, 2 * side))
    for quadrant, picture in enumerate(drawn.values()):
        whole.paste(picture, (quadrant % 2 * side, quadrant // 2 * side))
    return preprocess(whole, replace(model.config, input_size=2 * side, crop_pct=1.0))[None], list(drawn)


def is_right(found: Tensor, quadrant: int) -> bool:
    """Whether the one highest place lies in the quadrant; no evidence, a tie and a place on the middle line do not."""
    places = (found == found.max()).nonzero()
    if len(places) != 1 or not found.max() > 0:
        return False
    offsets = [2 * int(place) + 1 - size for place, size in zip(places[0], found.shape, strict=True)]
    return 0 not in offsets and (offsets[0] > 0, offsets[1] > 0) == divmod(quadrant, 2)


def share_right(model: VGG, pictures: Sequence[tuple[Tensor, list[int]]], stage: str) -> dict[str, float]:
    """Mean over the pictures of the share of their four maps that are right, and its standard error."""
    return mean_and_error(
        [
            sum(is_right(heat_map(model, x, index, stage), quadrant) for quadrant, index in enumerate(classes)) / 4
            for x, classes in pictures
        ]
    )


def strengths(model: VGG, photos: Sequence[Photo], stage: str) -> dict[str, dict[str, float]]:
    """Of full colour, on single photos: the strongest place for the class that is there, and for another one."""
    chance, there, absent = random.Random(0), [], []
    for index, picture in photos:
        x = preprocess(picture, model.config)[None]
        other = chance.choice([other for other in range(model.config.num_classes) if other != index])
        there.append(evidence(model, x, index, stage).strength)
        absent.append(evidence(model, x, other, stage).strength)
    return {"there": mean_and_error(there), "another class": mean_and_error(absent)}


def random_nets(model: VGG, seed: int) -> dict[str, VGG]:
    torch.manual_seed(seed)
    net = VGG(model.config).eval()
    headed = VGG(model.config).eval()
    headed.classifier.load_state_dict(model.classifier.state_dict())
    return {"all weights random": net, "all but the head random": headed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", default="vgg11-bn")
    parser.add_argument("--pictures", type=int, default=150)
    parser.add_argument("--stages", nargs="+", default=["conv5_2", "conv5_1", "conv4_2"])
    parser.add_argument("--seeds", type=int, default=3, help="of random nets")
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    found = conditions("explain")
    started = time.perf_counter()
    model = VGG.from_pretrained(options.weights)
    photos = read_photos(options.folder, model)
    kinds = {"photos that the net names right": named_right(photos, model), "all photos": photos}
    chance = random.Random(0)
    drawn = {
        kind: [four_photos(chosen, model, chance) for _ in range(options.pictures)] for kind, chosen in kinds.items()
    }
    right, *_ = drawn.values()
    outcome = {
        stage: {
            **{kind: share_right(model, pictures, stage) for kind, pictures in drawn.items()},
            "strength on single photos": {
                kind: strengths(model, random.Random(1).sample(chosen, min(SINGLE, len(chosen))), stage)
                for kind, chosen in kinds.items()
            },
            **{
                kind: [
                    share_right(random_nets(model, seed)[kind], right, stage)["mean"] for seed in range(options.seeds)
                ]
                for kind in random_nets(model, 0)
            },
        }
        for stage in options.stages
    }
    facts = {
        "weights": options.weights,
        "photos": {kind: len(chosen) for kind, chosen in kinds.items()},
        "pictures": options.pictures,
        "chance": 0.25,
        "seconds": round(time.perf_counter() - started, 1),
    }
    publish({**found, **facts, "right": outcome}, options.json)


if __name__ == "__main__":
    main()
