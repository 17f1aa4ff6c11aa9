"""All the runs behind the nets that ship, in order, each begun from an earlier one; all of them by one command.

    python -m training.steps --data DIR --runs RUNS

trains each step in `RUNS/STEP`, and judges and exports those that ship. Killed and run again it goes on where it stopped.
A day's work for two threads of a processor, much less for a GPU; the logs of `training/logs` hold what each step took.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

from .recipe import Recipe

__all__ = ["SHIPPED", "STEPS", "log_of", "recipe_of"]

ROOT = Path(__file__).parents[1]
MIXED = {"caltech_repeats": 4, "cifar_smallest_area": 0.6}
NARROW = MIXED | {"width": 0.4375}
LAST = NARROW | {"epochs": 1, "first_size": 64, "last_size": 64, "size_step": 32}
NORM, PLAIN = LAST | {"peak_rate": 0.02}, LAST | {"peak_rate": 0.005, "batch_norm": False}

# step: (the step it begins from, what differs from `Recipe`)
STEPS: MappingProxyType[str, tuple[str, dict[str, object]]] = MappingProxyType(
    {
        "first": ("", {"epochs": 10, "mixed": False, "cifar_size": 40}),
        "mixed": (
            "first",
            MIXED | {"epochs": 10, "first_size": 40, "last_size": 48, "peak_rate": 0.1, "cifar_repeats": 2},
        ),
        "narrow": ("mixed", NARROW | {"epochs": 7, "first_size": 32, "peak_rate": 0.08}),
        "long": ("narrow", NARROW | {"epochs": 14, "first_size": 48, "peak_rate": 0.1}),
        "vgg11-bn": ("long", NARROW | {"epochs": 7, "first_size": 64, "peak_rate": 0.04, "cifar_repeats": 2}),
        "vgg13-bn": ("vgg11-bn", NORM | {"depth": 13}),
        "vgg16-bn": ("vgg13-bn", NORM | {"depth": 16}),
        "vgg19-bn": ("vgg16-bn", NORM | {"depth": 19}),
        "vgg11": ("vgg11-bn", PLAIN),
        "vgg13": ("vgg13-bn", PLAIN | {"depth": 13}),
        "vgg16": ("vgg16-bn", PLAIN | {"depth": 16}),
        "vgg19": ("vgg19-bn", PLAIN | {"depth": 19}),
    }
)
SHIPPED = tuple(name for name in STEPS if name.startswith("vgg"))


def recipe_of(step: str, runs: Path) -> Recipe:
    """A step's recipe, where the runs are kept in `runs`."""
    start, differs = STEPS[step]
    return Recipe(**differs, start=str(runs / start / "final.safetensors") if start else "")


def log_of(step: str, root: Path = ROOT) -> Path:
    """Where a step's log is kept: those of nets that ship apart from the runs before them."""
    return root / "training" / "logs" / ("" if step in SHIPPED else "before") / f"{step}.json"


def _options(recipe: Recipe) -> list[str]:
    given = []
    for name, value in asdict(recipe).items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            given.append(f"--{'' if value else 'no-'}{option}")
        elif value != "":
            given += [f"--{option}", str(value)]
    return given


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the archives, or what they hold")
    parser.add_argument("--runs", type=Path, required=True, help="folder for a folder a step")
    parser.add_argument("--cache", type=Path, help="folder for the decoded pictures (default: RUNS/cache)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    options = parser.parse_args()
    where = ["--data", str(options.data), "--cache", str(options.cache or options.runs / "cache")]
    device = ["--device", options.device]
    for step in STEPS:
        run = options.runs / step
        if not (run / "final.safetensors").exists():
            _call("training.train", [*where, *device, "--out", str(run), *_options(recipe_of(step, options.runs))])
        if step in SHIPPED and not (run / "evaluation.json").exists():
            _call("training.evaluate", [*where, *device, "--run", str(run)])
            _call("training.export", [*where, *device, "--run", str(run)])


def _call(module: str, arguments: list[str]) -> None:
    """In a process of its own, as by hand: one that fails ends all, and says itself why."""
    if subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode:  # noqa: S603 (our own modules)
        sys.exit(f"{module} failed: see above. Run this again to go on from there.")


if __name__ == "__main__":
    main()
