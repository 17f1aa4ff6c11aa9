"""Write a judged run as a checkpoint that ships, reload it, and judge what was written.

    python -m training.export --data DIR --run RUN

writes `weights/NAME` (half-precision, with the head for Tiny ImageNet's 200 classes) and `training/logs/NAME.json`: the
run's recipe, rows and figures, and those of the folder as it is read back.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from vgg_hub import VGG
from vgg_hub.card import render_card
from vgg_hub.config import VGGConfig
from vgg_hub.config_json import read_config
from vgg_hub.predict import resolve_device

from .augment import MEAN, STD
from .command import command
from .evaluate import PHOTOS, TASKS, load_run, ten_photo_accuracy
from .pictures import PictureSet, load_sets, read_classes, unpack
from .recipe import Recipe, read_recipe
from .train import accuracy, embed

__all__ = ["facts", "label_names", "shipped_net", "start_name"]

TITLES = {
    "tiny": ("Tiny ImageNet", "validation", "Tiny ImageNet (Stanford CS231N; ImageNet, Russakovsky et al. 2015)"),
    "caltech": ("Caltech 101", "15 % left out", "Caltech 101 (Li, Andreeto, Ranzato, Perona)"),
    "cifar": ("CIFAR-10", "test", "CIFAR-10 (Krizhevsky 2009)"),
}
# Copies of the sets at the Hub, for the card's metadata; the pictures here are those of training/README.md.
HUB_IDS = {"tiny": "zh-plus/tiny-imagenet", "cifar": "uoft-cs/cifar10"}
LICENCES = {"tiny": "for non-commercial research", "caltech": "CC BY 4.0", "cifar": "for research"}
SEEN_SINCE = (
    "Those pairs judged the net that this one began from, which had seen none of their categories. "
    "This one was trained on all, so that nothing that is known of them is lost."
)
ROOT = Path(__file__).parent.parent


def label_names(wnids: Sequence[str], words: dict[str, str]) -> tuple[str, ...]:
    """A readable name for each WNID: the first of its words that no class before it has, else that with a number."""
    taken: set[str] = set()
    names = []
    for wnid in wnids:
        synonyms = [word.strip() for word in words[wnid].split(",")]
        numbered = (f"{synonyms[0]} ({number})" for number in range(2, len(wnids) + 2))
        name = next(name for name in (*synonyms, *numbered) if name.casefold() not in taken)
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def shipped_net(net: VGG, head: nn.Linear, labels: Sequence[str], input_size: int) -> VGG:
    """The net with the trained head for `labels` in place; reads the whole short side at `input_size` pixels."""
    net.replace_head(labels)
    with torch.no_grad():
        net.head.weight.copy_(head.weight)
        net.head.bias.copy_(head.bias)
    net.config = replace(net.config, input_size=input_size, crop_pct=1.0, mean=MEAN, std=STD)
    return net.eval()


def judge(
    net: VGG,
    heads: nn.ModuleDict,
    sets: dict[str, dict[str, PictureSet]],
    recipe: Recipe,
    evaluation: dict[str, object],
) -> dict[str, object]:
    """The card's figures, of a net as it was read back: heads that do not ship stay in float32."""
    size, pictures = net.config.input_size, sets["caltech"]["transfer"]
    transfer = evaluation["transfer"]["trained"][str(size)]
    if not recipe.keep_all:
        found = ten_photo_accuracy(embed(net, pictures, size), pictures.labels)
        transfer = {"mean": round(float(found.mean()), 4), "deviation": round(float(found.std(ddof=1)), 4)}
    answering = {name: net.head if name == "tiny" else heads[name] for name in sets}
    return {
        "scores": {
            name: round(accuracy(net, answering[name], parts["val"], recipe.last_size), 4)
            for name, parts in sets.items()
        },
        "tiny_at_input_size": round(accuracy(net, net.head, sets["tiny"]["val"], size), 4),
        "transfer": {name: transfer[name] for name in ("mean", "deviation")},
    }


def facts(
    judged: dict[str, object], log: dict[str, object], evaluation: dict[str, object], sets: dict, recipe: Recipe
) -> dict[str, object]:
    """What the card and `config.json` say of the weights' making."""
    size = str(evaluation["input_size"])
    random = evaluation["transfer"]["random"][size]["mean"]
    data = [
        {"name": TITLES[name][2], "pictures": len(parts["train"]), "licence": LICENCES[name]}
        | ({"hub": HUB_IDS[name]} if name in HUB_IDS else {})
        for name, parts in sets.items()
    ]
    scores = [
        {
            "dataset": TITLES[name][0],
            "split": f"{TITLES[name][1]}, {recipe.last_size} pixels",
            "accuracy": judged["scores"][name],
            "n": len(parts["val"]),
        }
        for name, parts in sets.items()
    ]
    scores.append(
        {
            "dataset": "Pairs of Caltech 101 categories left out",
            "split": f"{PHOTOS} photos a class, {TASKS} tasks",
            "accuracy": judged["transfer"]["mean"],
        }
    )
    start = log["recipe"]["start"]
    begun = f"Begun from a trained {start} (see training) and trained" if start else "Trained from random weights"
    minutes = sum(row["seconds"] for row in log["epochs"]) / 60
    place = f"one {log['machine']['processor']}"
    if log["machine"].get("device", "cpu") == "cpu":  # the first logs name no device
        place = f"{log['machine']['threads']} threads of {place}"
    return {
        "data": data,
        "scores": scores,
        "licence": "other",
        "seed": recipe.seed,
        "notes": [
            f"{begun} on the {len(data)} sets together, a head each, {recipe.epochs} epoch{'' if recipe.epochs == 1 else 's'}, "
            f"{minutes:.0f} minutes on {place}; "
            f"seed {recipe.seed}. The recipe and its log are in training.",
            "The head that ships names Tiny ImageNet's 200 classes; those of Caltech 101 and CIFAR-10 do not ship. "
            f"The shipped input size, {size} pixels, is the one that did best on the categories left out, which chose "
            "it; on it "
            f"Tiny ImageNet's validation accuracy is {100 * judged['tiny_at_input_size']:.1f} %.",
            f"On the same pairs of categories left out, whose accuracies have a standard deviation of "
            f"{judged['transfer']['deviation']:.3f}, the same net with random weights reaches {random:.3f}.",
            *([SEEN_SINCE] if recipe.keep_all else []),
            "All figures were measured in eval mode and float32, on the half-precision weights as they ship.",
            "Tiny ImageNet is for non-commercial research: ask its licence before you use these weights for more.",
        ],
    }


def start_name(recipe: Recipe) -> str:
    """The net that a run began from, such as vgg11-bn; empty for random weights."""
    if not recipe.start:
        return ""
    start = Path(recipe.start)
    if start.is_dir():
        return read_config(start / "config.json", start.name)[0].name
    recipe = read_recipe(start.parent)
    return VGGConfig(depth=recipe.depth, batch_norm=recipe.batch_norm).name


def export(
    data: Path, run: Path, cache: Path, out: Path | None, log_file: Path | None, device: torch.device
) -> dict[str, object]:
    """Write the folder and judge it on `device`; returns the log's content."""
    sets = load_sets(data, cache, read_recipe(run).keep_all)
    recipe, net, heads = load_run(run, sets)
    log = json.loads((run / "log.json").read_text(encoding="utf-8"))
    log["recipe"]["start"] = start_name(recipe)  # a path of the machine that trained says nothing elsewhere
    evaluation = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    labels = label_names(sets["tiny"]["train"].classes, read_classes(unpack(data, cache)))
    net = shipped_net(net, heads["tiny"], labels, evaluation["input_size"])
    name = net.config.name
    out, log_file = out or ROOT / "weights" / name, log_file or ROOT / "training" / "logs" / f"{name}.json"
    net.save_pretrained(out, dtype="float16")
    judged = judge(VGG.from_pretrained(str(out)).to(device), heads.to(device), sets, recipe, evaluation)
    net.provenance = facts(judged, log, evaluation, sets, recipe)
    net.save_pretrained(out, dtype="float16", card=render_card(net.config, net.provenance, name))
    log |= {
        "evaluation": evaluation,
        "as_shipped": judged | {"bytes": {path.name: path.stat().st_size for path in sorted(out.iterdir())}},
        "facts": net.provenance,
    }
    log_file.parent.mkdir(parents=True, exist_ok=True)
    log_file.write_text(json.dumps(log, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the archives, or what they hold")
    parser.add_argument(
        "--run", type=Path, required=True, help="folder with log.json, final.safetensors and evaluation.json"
    )
    parser.add_argument("--cache", type=Path, help="folder for the decoded pictures (default: RUN/cache)")
    parser.add_argument("--out", type=Path, help="folder of the checkpoint (default: weights/NAME)")
    parser.add_argument("--log", type=Path, help="file of the log (default: training/logs/NAME.json)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    options = parser.parse_args()
    cache, device = options.cache or options.run / "cache", resolve_device(options.device)
    log = export(options.data, options.run, cache, options.out, options.log, device)
    print(json.dumps({"as_shipped": log["as_shipped"], "facts": log["facts"]}, indent=1))


if __name__ == "__main__":
    command(main)
