"""Train one net on the three sets together, a head each; a sample counts only in its own.

    python -m training.train --data DIR --out RUN

writes `RUN/log.json` (a row an epoch), `RUN/last.pt` (to resume from) and, at the end, `RUN/final.safetensors`. Run again after
a kill, it goes on from the last epoch. `--start OTHER/final.safetensors` begins from another run's net and heads,
`--start weights/vgg11-bn` from a checkpoint that ships, which has the head of Tiny ImageNet alone: the others are fitted to
its features first. Either may be wider, shallower, or have batch norm where the new net has none (see `starts`).
`--no-bfloat16` is for processors that do not multiply it themselves: there it is ten times slower than float32.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from vgg_hub import VGG, Classifier
from vgg_hub.predict import resolve_device
from vgg_hub.trained import multiply_less

from .augment import SMALLEST_AREA, augment, normalise
from .command import command
from .pictures import PictureSet, load_sets
from .recipe import Recipe, read_recipe
from .starts import begin_from, fit_head

__all__ = ["accuracy", "embed", "heads_for", "make_net", "train"]


def make_net(recipe: Recipe) -> VGG:
    """The net whose features are trained; its own head is not used before the export."""
    torch.manual_seed(recipe.seed)
    net = VGG(
        depth=recipe.depth,
        batch_norm=recipe.batch_norm,
        width=recipe.width,
        pool_size=1,
        hidden_features=0,
        input_size=recipe.last_size,
        crop_pct=1.0,
    )
    return net.to(memory_format=torch.channels_last)


def heads_for(net: VGG, sets: dict[str, dict[str, PictureSet]]) -> nn.ModuleDict:
    return nn.ModuleDict(
        {name: nn.Linear(net.config.embed_features, len(parts["train"].classes)) for name, parts in sets.items()}
    )


def _schedule(sets: dict[str, dict[str, PictureSet]], recipe: Recipe, epoch: int) -> list[dict[str, np.ndarray]]:
    """The epoch's batches, rows by set.

    `mixed` puts all sets in every batch, in proportion. Batches of one set, in random order, give batch norm other
    statistics in training than the average that is used afterwards.
    """
    chance = np.random.default_rng([recipe.seed, epoch])
    rows = {}
    for name, parts in sets.items():
        repeats = {"caltech": recipe.caltech_repeats, "cifar": recipe.cifar_repeats}.get(name, 1)
        found = np.concatenate([chance.permutation(len(parts["train"])) for _ in range(repeats)])
        rows[name] = found if name == "caltech" else found[: round(recipe.share * len(found))]
    if recipe.mixed:
        steps = max(1, sum(map(len, rows.values())) // recipe.batch)
        shares = {name: np.array_split(found, steps) for name, found in rows.items()}
        return [{name: np.sort(share[step]) for name, share in shares.items()} for step in range(steps)]
    batches = []
    for name, found in rows.items():
        whole = len(found) // recipe.batch * recipe.batch or len(found)  # a last batch of one would upset batch norm
        batches += [{name: np.sort(found[i : i + recipe.batch])} for i in range(0, whole, recipe.batch)]
    chance.shuffle(batches)
    return batches


def _embed(net: VGG, x: torch.Tensor) -> torch.Tensor:
    """`net.embed` with each ReLU after its max pooling: equal, and a quarter of the work for it."""
    modules = list(net.features)
    for position, module in enumerate(modules):
        if isinstance(module, nn.ReLU) and isinstance(modules[(position + 1) % len(modules)], nn.MaxPool2d):
            continue
        x = module(x)
        if isinstance(module, nn.MaxPool2d):
            x = F.relu(x)
    return torch.flatten(net.avgpool(x), 1)


@torch.no_grad()
def embed(net: VGG, pictures: PictureSet, size: int) -> torch.Tensor:
    """(N, D) float32 features, on the CPU, of square pictures resized to `size`; leaves the net in eval mode."""
    net.eval()
    device = next(net.parameters()).device
    classifier = Classifier(net, device=device, precision="float32")  # the net itself takes twice as long
    features = []
    for first in range(0, len(pictures), 64):
        x = torch.from_numpy(pictures.images[first : first + 64]).to(device).float().div_(255)
        if x.shape[-1] != size:
            x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        features.append(classifier.embed(normalise(x)).cpu())
    return torch.cat(features)


@torch.no_grad()
def accuracy(net: VGG, head: nn.Linear, pictures: PictureSet, size: int) -> float:
    """Share of pictures named right, resized to `size`, in float32."""
    answers = head(embed(net, pictures, size).to(head.weight.device)).argmax(1).cpu()
    return int((answers == torch.from_numpy(pictures.labels)).sum()) / len(pictures)


class _Run:
    """The state of a training: what is saved each epoch and taken up again."""

    def __init__(self, sets: dict[str, dict[str, PictureSet]], recipe: Recipe, out: Path, device: torch.device) -> None:
        self.sets, self.recipe, self.out, self.device = sets, recipe, out, device
        self.net = make_net(recipe)
        multiply_less(self.net)
        self.heads = heads_for(self.net, sets)
        self.trained = nn.ModuleDict({"net": self.net, "heads": self.heads})
        if recipe.start:
            self._begin_from(Path(recipe.start))
        self.trained.to(device)
        self.averaged = torch.optim.swa_utils.AveragedModel(
            self.trained, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(recipe.average), use_buffers=True
        )
        plain = [p for p in self.trained.parameters() if p.ndim > 1]
        small = [p for p in self.trained.parameters() if p.ndim == 1]  # biases and batch norm are not decayed
        self.optimiser = torch.optim.SGD(
            [{"params": plain, "weight_decay": recipe.weight_decay}, {"params": small, "weight_decay": 0.0}],
            lr=recipe.peak_rate,
            momentum=recipe.momentum,
            nesterov=True,
        )
        self.rows: list[dict[str, object]] = []
        if (out / "last.pt").exists():
            state = torch.load(out / "last.pt", weights_only=True, map_location=device)
            self.trained.load_state_dict(state["trained"])
            self.averaged.load_state_dict(state["averaged"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.rows = state["rows"]

    def _begin_from(self, start: Path) -> None:
        """From `weights/NAME`, which has the head of Tiny ImageNet alone, or from a run's `final.safetensors`."""
        if start.is_dir():
            trained = VGG.from_pretrained(start)
            heads = {"tiny": trained.head.state_dict()}
        else:
            state = load_file(start)
            trained = make_net(read_recipe(start.parent))
            trained.load_state_dict({name[4:]: tensor for name, tensor in state.items() if name.startswith("net.")})
            parts = ("weight", "bias")
            heads = {name: {part: state[f"heads.{name}.{part}"].float() for part in parts} for name in self.heads}
        few = torch.from_numpy(self.sets["tiny"]["train"].images[:: max(1, len(self.sets["tiny"]["train"]) // 512)])
        images = augment(few, self.recipe.first_size, torch.Generator().manual_seed(self.recipe.seed))
        kept = begin_from(self.net, trained.eval(), images)
        for name, head in self.heads.items():
            if name in heads and len(heads[name]["bias"]) == head.out_features:
                head.load_state_dict({"weight": heads[name]["weight"][:, kept], "bias": heads[name]["bias"]})
            else:  # of other categories, or it did not ship: one that knows nothing would spoil the features first
                pictures = _some(self.sets[name]["train"], 10000)
                fit_head(head, embed(self.net, pictures, self.recipe.first_size), torch.from_numpy(pictures.labels))

    def epoch(self) -> None:
        recipe, number = self.recipe, len(self.rows)
        started, losses = time.perf_counter(), []
        generator = torch.Generator().manual_seed(recipe.seed * 1000 + number)
        batches = _schedule(self.sets, recipe, number)
        self.net.train()
        for done, rows in enumerate(batches):
            for group in self.optimiser.param_groups:
                group["lr"] = recipe.rate((number + done / len(batches)) / recipe.epochs)
            losses.append(self._step(rows, generator, number))
        self.rows.append(self._row(number, started, losses))
        self._save()

    def _step(self, rows: dict[str, np.ndarray], generator: torch.Generator, number: int) -> float:
        size = self.recipe.size(number)
        if list(rows) == ["cifar"]:
            size = min(size, self.recipe.validation_size("cifar"))
        least = {"cifar": self.recipe.cifar_smallest_area}  # of 32 pixels a small part shows little
        x = torch.cat(
            [
                augment(
                    torch.from_numpy(self.sets[name]["train"].images[found]).to(self.device),
                    size,
                    generator,
                    least.get(name, SMALLEST_AREA),
                )
                for name, found in rows.items()
            ]
        )
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.recipe.bfloat16):
            features = _embed(self.net, x.contiguous(memory_format=torch.channels_last))
        parts = features.float().split([len(r) for r in rows.values()])
        loss = sum(
            F.cross_entropy(
                self.heads[name](part),
                torch.from_numpy(self.sets[name]["train"].labels[found]).to(self.device),
                label_smoothing=self.recipe.smoothing,
                reduction="sum",
            )
            for (name, found), part in zip(rows.items(), parts, strict=True)
        ) / len(x)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.trained.parameters(), 5.0)
        self.optimiser.step()
        self.averaged.update_parameters(self.trained)
        return float(loss.detach())

    def _row(self, number: int, started: float, losses: list[float]) -> dict[str, object]:
        best = self.averaged.module
        scores = {
            name: round(
                accuracy(best["net"], best["heads"][name], _some(parts["val"]), self.recipe.validation_size(name)), 4
            )
            for name, parts in self.sets.items()
        }
        seconds = round(time.perf_counter() - started, 1)
        row = {"epoch": number + 1, "size": self.recipe.size(number), "loss": round(float(np.mean(losses)), 4)}
        return row | {"validation": scores, "seconds": seconds}

    def _save(self) -> None:
        state = {
            "trained": self.trained.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rows": self.rows,
        }
        torch.save(state, self.out / "last.partial")
        os.replace(self.out / "last.partial", self.out / "last.pt")
        log = {"recipe": asdict(self.recipe), "machine": machine(self.device), "epochs": self.rows}
        (self.out / "log.json").write_text(json.dumps(log, indent=1) + "\n")


def _some(pictures: PictureSet, limit: int = 2000) -> PictureSet:
    """Every few pictures, for the log's rows; the final figures take them all."""
    step = max(1, len(pictures) // limit)
    return pictures.only(np.arange(len(pictures)) % step == 0)


def machine(device: torch.device) -> dict[str, object]:
    """What a reader needs to judge the times: the device's kind, threads, versions and the code's commit."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line for line in lines if line.startswith("model name")]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607
    processor = names[0].split(":", 1)[1].strip() if names else platform.processor()
    return {
        "device": device.type,
        "processor": torch.cuda.get_device_name(device) if device.type == "cuda" else processor,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "commit": commit,
    }


def train(
    sets: dict[str, dict[str, PictureSet]], recipe: Recipe, out: Path, device: str | torch.device = "auto"
) -> list[dict[str, object]]:
    """Train to the end, from where a killed run stopped if there was one. Returns the log's rows."""
    out.mkdir(parents=True, exist_ok=True)
    run = _Run(sets, recipe, out, resolve_device(device))
    while len(run.rows) < recipe.epochs:
        run.epoch()
        print(json.dumps(run.rows[-1]), flush=True)
    final = {name: tensor.cpu().contiguous() for name, tensor in run.averaged.module.state_dict().items()}
    save_file(final, out / "final.safetensors")  # `net.` and `heads.`
    return run.rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the archives, or what they hold")
    parser.add_argument("--cache", type=Path, help="folder for the decoded pictures (default: OUT/cache)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    for name, default in asdict(Recipe()).items():
        kind = {"action": argparse.BooleanOptionalAction} if isinstance(default, bool) else {"type": type(default)}
        parser.add_argument(f"--{name.replace('_', '-')}", default=default, help="default: %(default)r", **kind)
    options = vars(parser.parse_args())
    data, out, cache, device = (options.pop(name) for name in ("data", "out", "cache", "device"))
    recipe = Recipe(**options)
    train(load_sets(data, cache or out / "cache", recipe.keep_all), recipe, out, device)


if __name__ == "__main__":
    command(main)
