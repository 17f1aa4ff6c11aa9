"""Two processes against one, on drawn pictures: how far weights and answers are apart, and the time.

    python -m benchmarks.processes [--photos 400] [--epochs 3] [--batch-size 32] [--trainable all] [--repeats 3]
        [--json FILE]

Both train on the same folder with the same batch over all processes, through the command that people use, in turn in one
run: `accelerate launch --multi_gpu --num_processes N -m vgg_hub finetune ... --device cpu`, one thread a process, so that a
process has as much of the machine in both. `seconds` are those of the report: training and judging, without the start of
Python and the first look; medians. One JSON document. Where fewer processors are free than processes, there is nothing
to gain: `processors` says how many this run may use, `load` what else ran.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.result import conditions, publish
from tests.many_helpers import drawn_folder
from vgg_hub import VGG, Classifier
from vgg_hub.start import starting_model


def ran(processes: int, photos: Path, out: Path, options: argparse.Namespace) -> dict[str, object]:
    """One training: seconds of the whole command and of its report, and the report."""
    launch = ["--num_processes", processes, "--num_machines", 1, "--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--multi_gpu"] if processes > 1 else ["--cpu"]
    command = ["--trainable", options.trainable, "--epochs", options.epochs, "--weights", options.weights]
    command += ["--batch-size", options.batch_size // processes, "--out", out, "--device", "cpu", "--json"]
    line = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", *launch]
    line += ["--num_cpu_threads_per_process", 1, "-m", "vgg_hub", "finetune", photos, *command]
    started = time.perf_counter()
    done = subprocess.run([str(part) for part in line], capture_output=True, text=True, env=os.environ, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return {"command": time.perf_counter() - started, "report": json.loads(done.stdout)}


def differences(one: Path, two: Path, pictures: list[Path]) -> dict[str, float]:
    """The largest of a weight, as a share of the root mean square of its tensor, and the largest of a probability."""
    first, second = (VGG.from_pretrained(folder) for folder in (one, two))
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    answers = [Classifier(net, "cpu", precision="float32")(pictures) for net in (first, second)]
    scores = [abs(a.scores[label] - b.scores[label]) for a, b in zip(*answers, strict=True) for label in a.scores]
    shares = [float(((a - b).abs().max() / a.square().mean().sqrt()).detach()) for a, b in pairs]
    return {"weight": max(shares), "weight_median": statistics.median(shares), "probability": max(scores)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"photos": 400, "epochs": 3, "batch-size": 32, "repeats": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--trainable", default="all")
    parser.add_argument("--weights", default="bundled")
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    before = conditions("processes", ["accelerate"])
    with tempfile.TemporaryDirectory() as scratch:
        half = options.photos // 2
        photos = drawn_folder(Path(scratch) / "photos", {"broad": half, "fine": options.photos - half})
        outs = {n: Path(scratch) / f"out{n}" for n in (1, 2)}
        runs: dict[int, list[dict[str, object]]] = {1: [], 2: []}
        for _ in range(options.repeats):
            for n, out in outs.items():
                runs[n].append(ran(n, photos, out, options))
        found = differences(outs[1], outs[2], sorted(photos.rglob("*.png"))[:: max(1, options.photos // 50)])
    seconds = {n: statistics.median(run["report"]["seconds"] for run in rows) for n, rows in runs.items()}
    commands = {n: statistics.median(run["command"] for run in rows) for n, rows in runs.items()}
    result = before | {
        "net": starting_model(options.weights).config.name,
        **{key: getattr(options, key) for key in ("photos", "epochs", "batch_size", "trainable", "repeats")},
        "accuracy": {n: rows[-1]["report"]["validation"]["accuracy"] for n, rows in runs.items()},
        "largest_difference": found,
        "seconds": {n: round(value, 2) for n, value in seconds.items()},
        "seconds_of_command": {n: round(value, 2) for n, value in commands.items()},
        "two_over_one": round(seconds[2] / seconds[1], 3),
        "all_seconds": {n: [run["report"]["seconds"] for run in rows] for n, rows in runs.items()},
        "processors": len(os.sched_getaffinity(0)),
    }
    publish(result, options.json)


if __name__ == "__main__":
    main()
