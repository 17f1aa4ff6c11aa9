"""What every benchmark says beside its figures, and where it puts them."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch

from vgg_hub.fingerprint import versions

__all__ = ["conditions", "mean_and_error", "publish"]


def conditions(module: str, packages: Sequence[str] = ()) -> dict[str, object]:
    """The command, the versions and the machine, as they are when the measurement begins.

    Args:
        module: the benchmark's name in `benchmarks`.
        packages: distributions that took part beside those of every run.
    """
    return {
        "command": shlex.join(["python", "-m", f"benchmarks.{module}", *sys.argv[1:]]),
        "versions": versions() | {name: version(name) for name in packages},
        "cpu": _cpu(),
        "load": round(os.getloadavg()[0], 1),  # of other programs: processes that wanted a core, over the minute before
    }


def _cpu() -> dict[str, object]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return {
        "name": facts.get("model name", platform.processor()),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "bfloat16": "bf16" in facts.get("flags", ""),
        "threads": torch.get_num_threads(),
    }


def mean_and_error(values: Sequence[float]) -> dict[str, float]:
    """Mean and standard error, of values that were drawn independently."""
    found = torch.tensor(values, dtype=torch.float64)
    return {"mean": round(float(found.mean()), 4), "error": round(float(found.std()) / len(values) ** 0.5, 4)}


def publish(result: dict[str, object], path: Path | None) -> None:
    """Print the JSON, and write it to `path` where one is given."""
    text = json.dumps(result, indent=1)
    print(text)
    if path is not None:
        path.write_text(text + "\n", encoding="utf-8")
