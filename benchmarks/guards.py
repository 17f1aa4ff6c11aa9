"""The guards of fine-tuning: which copies of a photo are found, and how often they and the shortcuts are false alarms.

    python -m benchmarks.guards FOLDER [--photos 400] [--draws 1000] [--json FILE]

FOLDER has a folder of photos a category, such as `caltech101/`. Prints one JSON document. Copies: of random photos, each
kind of copy, the share found among all others; and the pairs found among the photos themselves, by name, for a person to
look at. Shortcuts: on random photos of all categories, dealt to two classes by chance, how often one is named (a false
alarm) and how often a planted one is; the net's accuracy is set to nothing, so that it stands in no warning's way. Last,
how often one is named on two categories: there the light and the like may truly differ.
"""

from __future__ import annotations

import argparse
import io
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps

from benchmarks.result import conditions, publish
from vgg_hub.data import find_images
from vgg_hub.guards import Facts, look_at
from vgg_hub.near_duplicates import near_duplicates
from vgg_hub.predict import as_image
from vgg_hub.report import stratified_folds
from vgg_hub.shortcuts import shortcut

SIZES = (5, 10, 20)  # photos a class
NAMED = 20  # pairs
PLANTED_EVERY = 10  # draws by chance there is one of each other kind
Change = Callable[[Image.Image, random.Random], Image.Image]


def recompressed(image: Image.Image, _: random.Random) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=40)
    return Image.open(file).convert("RGB")


def resized(image: Image.Image, _: random.Random) -> Image.Image:
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)))


def brightened(image: Image.Image, _: random.Random) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.2)


def cropped(image: Image.Image, chance: random.Random) -> Image.Image:
    width, height = round(0.9 * image.width), round(0.9 * image.height)
    left, top = chance.randint(0, image.width - width), chance.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def mirrored(image: Image.Image, _: random.Random) -> Image.Image:
    return ImageOps.mirror(image)


def all_five(image: Image.Image, chance: random.Random) -> Image.Image:
    for change in (resized, brightened, cropped, mirrored, recompressed):
        image = change(image, chance)
    return image


def shifted(image: Image.Image, chance: random.Random) -> Image.Image:
    """As in a burst: another crop of nine tenths, in a little other light, with noise of its own."""
    light = ImageEnhance.Brightness(cropped(image, chance)).enhance(chance.uniform(0.9, 1.1))
    noise = np.random.default_rng(chance.randrange(2**32)).normal(0, 4, (light.height, light.width, 3))
    return Image.fromarray((np.asarray(light) + noise).clip(0, 255).astype(np.uint8))


COPIES = {
    "half the size": resized,
    "JPEG of quality 40": recompressed,
    "20 % brighter": brightened,
    "a tenth cropped away": cropped,
    "mirrored": mirrored,
    "all five": all_five,
    "two of a burst": shifted,
}


def copies(images: dict[Path, Image.Image], chance: random.Random) -> dict[str, object]:
    """Shares of copies found, and the pairs among the photos themselves."""
    names, own = list(images), np.stack([look_at(image, None)[1] for image in images.values()])
    started = time.perf_counter()
    pairs = near_duplicates(own)
    seconds = time.perf_counter() - started
    found = {}
    for kind, change in COPIES.items():
        originals = [look_at(shifted(i, chance), None)[1] for i in images.values()] if change is shifted else list(own)
        both = originals + [look_at(change(image, chance), None)[1] for image in images.values()]
        among = set(near_duplicates(np.stack(both)))
        found[kind] = round(sum((i, i + len(own)) in among for i in range(len(own))) / len(own), 4)
    across = sum(names[i].parent != names[j].parent for i, j in pairs)
    return {
        "photos": len(own),
        "found": found,
        "pairs among the photos": {"of one category": len(pairs) - across, "of two": across},
        "such as": [[f"{names[i].parent.name}/{names[i].name}" for i in pair] for pair in pairs[:NAMED]],
        "seconds": round(seconds, 2),
    }


def framed(image: Image.Image, _: random.Random) -> Image.Image:
    edge = max(1, min(image.size) // 10)
    return ImageOps.expand(ImageOps.crop(image, edge), edge, (200, 30, 30))


def portrait(image: Image.Image, _: random.Random) -> Image.Image:
    return ImageOps.fit(image, (240, 320))


def landscape(image: Image.Image, _: random.Random) -> Image.Image:
    return ImageOps.fit(image, (320, 240))


def lit(image: Image.Image, _: random.Random) -> Image.Image:
    return Image.blend(image, Image.new("RGB", image.size, "white"), 0.6)


# Shortcut: how the photos of the first class are changed, and those of the second.
PLANTED: dict[str, tuple[Change | None, Change | None]] = {
    "brightness": (lit, None),
    "shape": (portrait, landscape),
    "border": (framed, None),
}


def drawn(facts: list[list[Facts]], seed: int) -> str | None:
    """The warning on two classes."""
    targets = torch.arange(2).repeat_interleave(len(facts[0]))
    folds = stratified_folds(targets, 8, seed)
    return shortcut([*facts[0], *facts[1]], targets, folds, ["first", "second"], 0.0, seed)


def shortcuts(images: list[Image.Image], size: int, draws: int, chance: random.Random) -> dict[str, float]:
    """Shares of draws of 2 x size photos in which a shortcut is named: by chance, and with one planted."""
    plain = [look_at(image, None)[0] for image in images]
    changed = {
        name: [
            plain if change is None else [look_at(change(image, chance), None)[0] for image in images]
            for change in both
        ]
        for name, both in PLANTED.items()
    }
    changed["kind"] = [[replace(fact, kind=kind) for fact in plain] for kind in ("PNG", "JPEG")]
    named, planted = dict.fromkeys(["by chance", *changed], 0), max(1, draws // PLANTED_EVERY)
    for seed in range(draws):
        rows = chance.sample(range(len(images)), 2 * size)
        first, second = rows[:size], rows[size:]
        named["by chance"] += drawn([[plain[i] for i in first], [plain[i] for i in second]], seed) is not None
        if seed < planted:
            for name, (ones, others) in changed.items():
                named[name] += drawn([[ones[i] for i in first], [others[i] for i in second]], seed) is not None
    return {name: round(count / (draws if name == "by chance" else planted), 4) for name, count in named.items()}


def categories_told(folders: list[list[Path]], size: int, draws: int, chance: random.Random) -> dict[str, float]:
    """On two categories: how often each cue is named."""
    draws //= PLANTED_EVERY
    named: dict[str, int] = {}
    for seed in range(draws):
        pair = [chance.sample(files, size) for files in chance.sample([f for f in folders if len(f) >= size], 2)]
        note = drawn([[look_at(as_image(file), file)[0] for file in files] for files in pair], seed)
        if note is not None:
            named[note.key.removesuffix("_which")] = named.get(note.key.removesuffix("_which"), 0) + 1
    return {cue: round(count / draws, 4) for cue, count in sorted(named.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    if options.photos < 2 * max(SIZES):
        parser.error(
            f"--photos is {options.photos}; expected {2 * max(SIZES)} or more, for the largest of two classes."
        )
    found = conditions("guards")
    folders = [find_images(path) for path in sorted(options.folder.iterdir()) if path.is_dir()]
    files = sorted(file for folder in folders for file in folder)
    chance, started = random.Random(0), time.perf_counter()
    images = {file: as_image(file) for file in chance.sample(files, min(options.photos, len(files)))}
    result = found | {
        "copies": copies(images, chance),
        "shortcuts": {n: shortcuts(list(images.values()), n, options.draws, chance) for n in SIZES},
        "draws": options.draws,
        "two categories": {n: categories_told(folders, n, options.draws, chance) for n in SIZES},
    }
    publish(result | {"seconds": round(time.perf_counter() - started, 1)}, options.json)


if __name__ == "__main__":
    main()
