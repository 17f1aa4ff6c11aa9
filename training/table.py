"""The tables and the picture of the nets that ship, from what was recorded of them.

    python -m training.table

reads `training/logs/` and writes the nets' table into `weights/README.md` and that of the steps into `training/README.md`,
each between its two marks, and `weights/nets.svg`. No figure is copied by hand. `training.export` records the accuracies,
`training.times` the milliseconds.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from vgg_hub.config_json import read_config
from vgg_hub.summary import multiply_adds, parameter_count

from .steps import ROOT, STEPS, log_of

__all__ = ["DEPTHS", "PLACES", "picture", "recorded", "steps_table", "table"]

DEPTHS = (11, 13, 16, 19)
PLACES = {name: re.compile(rf"(?<=<!-- table: {name} -->\n)(.*?)(?=<!-- end -->)", re.S) for name in ("nets", "steps")}
COLUMNS = ["net", "Tiny ImageNet", "Caltech 101", "CIFAR-10", "ten photos", "random weights", "input"]
COLUMNS += ["parameters", "multiply-adds", "a picture", "opening"]
STEP_COLUMNS = [
    "step",
    "begins from",
    "epochs",
    "pixels",
    "peak rate",
    "minutes",
    "Tiny ImageNet",
    "Caltech 101",
    "CIFAR-10",
]

Record = dict[str, object]

# Of the picture: a panel's sides and margins, in its own units.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 300, 52, 16, 40, 44
COLOURS = {"with batch normalisation": "#0f766e", "without": "#b45309", "random weights": "#78716c"}


def recorded(root: Path = ROOT) -> dict[str, Record]:
    """What the log of each net that ships says, in the order of the table, and its `milliseconds`."""
    times = json.loads((root / "training/logs/times.json").read_text(encoding="utf-8"))["milliseconds"]
    names = [f"vgg{depth}{norm}" for norm in ("", "-bn") for depth in DEPTHS]
    logs = {name: root / "training/logs" / f"{name}.json" for name in names}
    found = {n: json.loads(p.read_text(encoding="utf-8")) for n, p in logs.items() if (root / "weights" / n).is_dir()}
    return {name: record | {"milliseconds": times[name]} for name, record in found.items()}


def transfer_of(record: Record) -> tuple[dict[str, float], dict[str, float], int]:
    """Ten-photo accuracies of the net and of random weights, and at which input size."""
    size = record["evaluation"]["input_size"]
    tables = record["evaluation"]["transfer"]
    return tables["trained"][str(size)], tables["random"][str(size)], size


def table(records: dict[str, Record], root: Path = ROOT) -> str:
    """In Markdown, a row a net."""
    lines = [COLUMNS, ["---", *["---:"] * (len(COLUMNS) - 1)]]
    for name, record in records.items():
        config, _ = read_config(root / "weights" / name / "config.json", name)
        scores, (trained, random, size) = record["as_shipped"]["scores"], transfer_of(record)
        lines.append(
            [f"`{name}`"]
            + [f"{100 * scores[part]:.1f} %" for part in ("tiny", "caltech", "cifar")]
            + [f"{100 * each['mean']:.1f} ± {100 * each['deviation']:.1f} %" for each in (trained, random)]
            + [f"{size} px", f"{parameter_count(config):,}", f"{multiply_adds(config) / 1e6:,.0f} million"]
            + [f"{record['milliseconds'][what]:.1f} ms" for what in ("picture", "opening")]
        )
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def steps_table(root: Path = ROOT) -> str:
    """In Markdown, a row a run: how long it took, and its last accuracies on about 2000 pictures of each set."""
    lines = [STEP_COLUMNS, ["---", "---", *["---:"] * (len(STEP_COLUMNS) - 2)]]
    for step, (start, _) in STEPS.items():
        log = json.loads(log_of(step, root).read_text(encoding="utf-8"))
        rows, recipe = log["epochs"], log["recipe"]
        sides = sorted({row["size"] for row in (rows[0], rows[-1])})
        lines.append(
            [f"`{step}`", f"`{start}`" if start else "random weights", str(recipe["epochs"])]
            + [
                " to ".join(map(str, sides)),
                f"{recipe['peak_rate']:g}",
                f"{sum(row['seconds'] for row in rows) / 60:.0f}",
            ]
            + [f"{100 * rows[-1]['validation'][part]:.1f} %" for part in ("tiny", "caltech", "cifar")]
        )
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def picture(records: dict[str, Record]) -> str:
    """SVG of two panels over depth: ten-photo accuracy, beside that of random weights, and Tiny ImageNet's."""
    rows: dict[str, dict[str, dict[int, float]]] = {"ten": {}, "tiny": {}}
    for name, record in records.items():
        depth, kind = int(re.match(r"vgg(\d+)", name)[1]), list(COLOURS)[0 if name.endswith("-bn") else 1]
        trained, random, _ = transfer_of(record)
        rows["ten"].setdefault(kind, {})[depth] = trained["mean"]
        rows["tiny"].setdefault(kind, {})[depth] = record["as_shipped"]["scores"]["tiny"]
        if kind == "with batch normalisation":
            rows["ten"].setdefault("random weights", {})[depth] = random["mean"]
    panels = [
        _panel("Ten photos of two things never seen", rows["ten"], 0.5, 1.0),
        _panel("Tiny ImageNet, 200 classes", rows["tiny"], 0.3, 0.6),
    ]
    body = "".join(f'<g transform="translate({n * WIDTH} 0)">{panel}</g>' for n, panel in enumerate(panels))
    keys = "".join(
        f'<circle cx="{LEFT + 8 + 190 * n}" cy="{HEIGHT + 8}" r="4" fill="{colour}"/>'
        f'<text x="{LEFT + 18 + 190 * n}" y="{HEIGHT + 12}">{kind}</text>'
        for n, (kind, colour) in enumerate(COLOURS.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT + 24}" font-family="sans-serif" '
        f'font-size="12" fill="#44403c" role="img" aria-label="Accuracy over depth"><rect width="100%" height="100%" '
        f'fill="#ffffff"/>{body}{keys}</svg>\n'
    )


def _panel(title: str, rows: dict[str, dict[int, float]], low: float, high: float) -> str:
    def place(depth: int, share: float) -> tuple[float, float]:
        across = LEFT + 20 + (depth - DEPTHS[0]) / (DEPTHS[-1] - DEPTHS[0]) * (WIDTH - LEFT - RIGHT - 40)
        down = TOP + (high - min(max(share, low), high)) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return round(across, 1), round(down, 1)

    drawn = f'<text x="{LEFT}" y="22" font-size="14" font-weight="bold">{title}</text>'
    for step in range(6):
        share = low + step / 5 * (high - low)
        y = place(DEPTHS[0], share)[1]
        drawn += f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#e7e5e4"/>'
        drawn += f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{100 * share:.0f} %</text>'
    for depth in DEPTHS:
        drawn += f'<text x="{place(depth, low)[0]}" y="{HEIGHT - 20}" text-anchor="middle">VGG{depth}</text>'
    for kind, points in rows.items():
        ends = [place(depth, share) for depth, share in sorted(points.items())]
        line = "L".join(f"{x} {y}" for x, y in ends)
        drawn += f'<path d="M{line}" fill="none" stroke="{COLOURS[kind]}" stroke-width="2"/>'
        for (x, y), share in zip(ends, [share for _, share in sorted(points.items())], strict=True):
            drawn += f'<circle cx="{x}" cy="{y}" r="4" fill="{COLOURS[kind]}"/>'
            above = -9 if kind == "with batch normalisation" else 18
            drawn += f'<text x="{x}" y="{y + above}" text-anchor="middle" font-size="10">{100 * share:.1f}</text>'
    return drawn


def main() -> None:
    records = recorded()
    for name, folder, text in (("nets", "weights", table(records)), ("steps", "training", steps_table())):
        readme = ROOT / folder / "README.md"
        old = readme.read_text(encoding="utf-8")
        readme.write_text(PLACES[name].sub(lambda _, text=text: text, old), encoding="utf-8")
    (ROOT / "weights" / "nets.svg").write_text(picture(records), encoding="utf-8")


if __name__ == "__main__":
    main()
