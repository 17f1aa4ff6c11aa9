"""Writes the tables of measurements in the README and in `docs/` from the JSON in `benchmarks/results/`.

    python -m benchmarks.tables

A table stands between `<!-- table: NAME -->` and `<!-- end -->`, and is made from `results/` alone, so that no figure is
copied by hand. Each ends with the command that measured it, on what.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from benchmarks import speed_tables, visitor_tables
from benchmarks.table import Result, table

__all__ = ["DOCUMENTS", "PICTURE", "TABLES", "filled"]

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DOCUMENTS = (
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("speed", "classroom", "finetuning", "many")),
)
PICTURE = ROOT / "docs" / "speed.svg"  # made from classifying.json
PLACE = re.compile(r"(?<=<!-- table: )([^>]*)( -->\n)(.*?)(?=<!-- end -->)", re.S)


def filled(text: str, results: Path = RESULTS) -> str:
    """The text with every table made anew.

    Raises:
        SystemExit: a table that nobody makes, or a result that is not there; it names it.
    """

    def made(place: re.Match[str]) -> str:
        name = place[1]
        if name not in TABLES:
            raise SystemExit(f"There is no table {name!r}; expected {', '.join(TABLES)}.")
        file, make = TABLES[name]
        path = results / f"{file}.json"
        if not path.is_file():
            benchmark = file.partition("-")[0]  # of several machines, each has a file
            raise SystemExit(f"{path.name} is missing; run python -m benchmarks.{benchmark} with --json {path.name}.")
        result = json.loads(path.read_text(encoding="utf-8"))
        return f"{name}{place[2]}{make(result)}\n{_caption(result)}\n"

    return PLACE.sub(made, text)


def _caption(result: Result) -> str:
    cpu, versions = result["cpu"], result["versions"]
    where = f"{cpu['name']}, {cpu['threads']} thread{'' if cpu['threads'] == 1 else 's'}, {cpu['instructions']}"
    return f"`{result['command']}`, torch {versions['torch']} on {where}.\n"


def _points(gain: dict[str, float]) -> str:
    """A difference of shares and its standard error, in points."""
    return f"{100 * gain['mean']:+.1f} ± {100 * gain['error']:.1f}".replace("-", "\N{MINUS SIGN}")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def speed(result: Result) -> str:
    seconds, ratio = result["seconds"], result["ratio"]
    rows = [
        [kind, f"{found['vgg_hub']:.1f} s", f"{found['tutorial']:.1f} s", f"{ratio[kind]:.1f} times"]
        for kind, found in seconds.items()
    ]
    return table(["time", "`finetune`", "PyTorch's tutorial", "ratio"], rows)


def few_photos(result: Result) -> str:
    rows = []
    for size, found in result["photos a class"].items():
        gains = [_points(found[f"over {other}"]) for other in ("tutorial", "probe")]
        rows.append([size, *(_percent(found["accuracy"][way]) for way in ("ours", "tutorial", "probe")), *gains])
    header = ["photos a class", "`finetune`", "tutorial's loop", "scikit-learn", "over the loop", "over scikit-learn"]
    return table(header, rows)


SETS = {
    "all": "all",
    "caltech": "Caltech 101, unseen categories",
    "cifar": "CIFAR-10",
    "tiny": "Tiny ImageNet",
    "hard": "the hard ones",
}


def coverage(result: Result) -> str:
    rows = []
    for size, found in result["photos a class"].items():
        for name, row in found.items():
            held = f"{_percent(row['held']['mean'])} ± {100 * row['held']['error']:.1f}"
            verdicts = " / ".join(f"{100 * share:.0f}" for share in row["limited by"].values())
            figures = [held, _percent(row["accuracy"]), _points(row["estimate less accuracy"]), verdicts]
            rows.append([size, SETS[name], str(row["draws"]), *figures])
    header = ["photos a class", "tasks", "draws", "interval holds", "accuracy", "estimate less accuracy"]
    return table([*header, "limited by photos / net / cannot tell, %"], rows)


def unlike(result: Result) -> str:
    rows = [
        [str(row["classes"]), str(row["photos"])]
        + [f"{row[part]['the rule']['mean']:.3f}" for part in ("area", "area, drawn")]
        + [_percent(row["called unlike"][name]["mean"]) for name in ("own", "other", "drawn")]
        for row in result["outcome"]
    ]
    header = ["classes", "photos a class", "area, other things", "area, drawn pictures"]
    return table([*header, "none of these: the classes", "other things", "drawn pictures"], rows)


def growth(result: Result) -> str:
    rows = []
    for row in result["rows"]:
        time = [f"{row['seconds']:.1f} s", f"{row['milliseconds_a_photo']:.1f} ms"]
        peaks = [f"{row[part]:.0f} MB" for part in ("peak_megabytes_added", "peak_megabytes_of_files")]
        rows.append([f"{row['photos']:,}", f"`{row['trainable']}`", *time, *peaks])
    return table(["photos", "trained", "time", "a photo", "memory added at the peak", "and of mapped files"], rows)


def processes(result: Result) -> str:
    apart, seconds = result["largest_difference"], result["seconds"]
    rows = [[n, f"{seconds[n]:.1f} s", _percent(result["accuracy"][n])] for n in ("1", "2")]
    largest = f"Largest difference of a probability between the two: {apart['probability']:.1e}.\n"
    return table(["processes", "training and judging", "accuracy"], rows) + "\n" + largest


TABLES: dict[str, tuple[str, Callable[[Result], str]]] = {
    "speed": ("tutorial", speed),
    "few photos": ("few_photos", few_photos),
    "coverage": ("coverage", coverage),
    "unlike": ("unlike", unlike),
    "growth": ("growth", growth),
    "processes": ("processes", processes),
    "classifying, in short": ("classifying", speed_tables.short),
    "opening": ("opening", speed_tables.opening),
    "classifying": ("classifying", speed_tables.classifying),
    "classifying, AVX2": ("classifying-avx2", speed_tables.classifying),
    "winograd": ("winograd", speed_tables.winograd),
    "deeper": ("deeper", speed_tables.deeper),
    "folder": ("folder", speed_tables.folder),
    "starting": ("starting", speed_tables.starting),
    "page": ("page", speed_tables.page),
    "together": ("together", speed_tables.together),
    "visitors": ("visitors", visitor_tables.visitors),
}


def main() -> None:
    for path in DOCUMENTS:
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
    result = json.loads((RESULTS / "classifying.json").read_text(encoding="utf-8"))
    PICTURE.write_text(speed_tables.layers_picture(result), encoding="utf-8")


if __name__ == "__main__":
    main()
