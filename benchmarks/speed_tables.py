"""The tables and the picture of `docs/speed.md`, and the README's short one; see `tables`."""

from __future__ import annotations

from benchmarks.table import Result, table

__all__ = [
    "classifying",
    "deeper",
    "folder",
    "layers_picture",
    "opening",
    "page",
    "short",
    "starting",
    "together",
    "winograd",
]

COLOURS = {"convolutions": "#0f766e", "Linears": "#b45309", "poolings and the rest": "#78716c"}
WIDTH, LEFT, BAR, GAP = 720, 96, 34, 92  # of the picture, in its own units


def opening(result: Result) -> str:
    rows = []
    for cache, found in result["page_cache"].items():
        seconds, grown, over = found["seconds"], found["megabytes"], found["seconds, ours over"]
        for way, name in (
            ("vgg_hub", "`VGG.from_pretrained`"),
            ("mixin", "stock mixin"),
            ("torchvision", "torchvision"),
        ):
            ours = f"{over[way]:.2f}" if way in over else ""
            rows.append([cache, name, f"{seconds[way]:.2f} s", ours, f"{grown[way]:.0f} MB"])
    disk = result["page_cache"]["cold"]["disk alone"]
    header = ["page cache", "VGG16-BN to its first logit", "time", "ours over it", "memory added at the peak"]
    return table(header, rows) + f"\nReading the file from the disk, and nothing more, took {disk:.2f} s.\n"


def classifying(result: Result) -> str:
    rows, ready = [], result.get("seconds to be ready", {})  # older results have not measured it
    for name in result["16"]["engines"]:
        cells = []
        for size in ("1", "16"):
            row = result[size]["engines"][name]
            cells += [f"{row['milliseconds a picture']:.1f} ms", f"{row['times torchvision']:.1f}"]
        apart = f"{result['16']['engines'][name]['largest difference']:.0e}"
        seconds = [f"{ready[name]:.1f} s"] if ready else []
        rows.append([name, *cells, apart, f"{result['megabytes'][name]:,} MB", *seconds])
    header = ["engine", "one picture", "times torchvision", "a picture of sixteen", "times torchvision"]
    header += ["logits apart, in deviations", "memory", *(["ready after"] if ready else [])]
    return table(header, rows)


def winograd(result: Result) -> str:
    rows = []
    for net, found in result["nets"].items():
        for layer, row in found["16"].items():
            _, channels, height, _, out = row["pictures, channels, height, width, out"]
            times = [f"{value:.1f} ms" for value in row["milliseconds"].values()]
            taken = "yes" if row["taken"] else ""
            rows.append(
                [net, f"{layer}: {channels} to {out}, {height} x {height}", *times, f"{row['ratio']:.2f}", taken]
            )
    header = ["net", "layer", "oneDNN, laid out once", "`F.conv2d`", "Winograd", "ratio to the faster", "taken"]
    return table(header, rows)


def deeper(result: Result) -> str:
    rows = [
        [net, f"`{boundary}`"]
        + [
            text
            for part in (row["frozen"], row)
            for text in (*(f"{value:.2f} s" for value in part["seconds"].values()), f"{part['ratio']:.2f}")
        ]
        for net, found in result["nets"].items()
        for boundary, row in found.items()
    ]
    header = ["net", "trained from", "frozen: as the net is", "as its form", "ratio"]
    return table([*header, "trained: direct", "multiplying less", "ratio"], rows)


def folder(result: Result) -> str:
    rows = [[name, f"{value:.1f} s"] for name, value in result["seconds"].items()]
    over, seconds = result["seconds, ours over"]["the slower of the two"], result["seconds"]
    added = seconds["together"] / (seconds["reading alone"] + seconds["net alone"])
    said = f"Together over the slower of the two: {over:.2f}; over the two added up: {added:.2f}."
    return table([result["photos"], "time"], rows) + f"\n{said}\n"


def starting(result: Result) -> str:
    rows = []
    for what, name, peer in (("import", "`import vgg_hub`", "torch"), ("classify", "`vgg-hub classify`", "script")):
        seconds, over = result[what]["seconds"], result[what]["seconds, ours over"][peer]
        other = "`import torch`" if peer == "torch" else "torchvision in a script"
        rows.append([name, f"{seconds['vgg_hub']:.2f} s", other, f"{seconds[peer]:.2f} s", f"{over:.2f}"])
    return table(["ours", "time", "beside", "time", "ours over it"], rows)


def page(result: Result) -> str:
    ours, theirs, over = *(result["medians"][name] for name in ("vgg_hub", "torchvision")), result["ours_over_theirs"]
    lines = (
        ("from the command to the first page", "first_page", "{:.2f} s"),
        ("to the first answer", "first_answer", "{:.2f} s"),
        ("the next answer", "second_answer_takes", "{:.2f} s"),
        ("memory at the peak", "peak_megabytes", "{:.0f} MB"),
    )
    rows = [
        [what, shown.format(ours[key]), shown.format(theirs[key]), f"{over[key]:.2f}"] for what, key, shown in lines
    ]
    return table(["", "ours", "Gradio's Interface around torchvision", "ours over it"], rows)


def together(result: Result) -> str:
    rows = []
    for size, found in result["photos"].items():
        rate, wait = found["photos a second"], found["seconds to an answer"]
        row = [size, *(f"{rate[way]:.0f} a second" for way in ("in batches", "one by one"))]
        rows.append([*row, f"{found['one by one over in batches']:.2f}", *(f"{wait[k]:.2f} s" for k in wait)])
    clients = f"{result['clients']} clients, one photo a question"
    return table(["photos", "in batches", clients, "ratio", "median wait", "longest"], rows)


def short(result: Result) -> str:
    """The README's: one and sixteen pictures, against torchvision."""
    rows = []
    for size, name in (("1", "one picture"), ("16", "a picture of sixteen")):
        engines = result[size]["engines"]
        ours, exact, other = (engines[name] for name in ("ours", "ours, float32", "torchvision"))
        cells = [f"{row['milliseconds a picture']:.0f} ms" for row in (ours, exact, other)]
        rows.append([name, *cells, f"{ours['times torchvision']:.1f} / {exact['times torchvision']:.1f} times"])
    return table(["VGG11-BN at 224 pixels", "`Classifier`", "in float32", "torchvision", "ratio"], rows)


def layers_picture(result: Result) -> str:
    """SVG: where the milliseconds of one picture go, alone and among sixteen, in both precisions."""
    bars = [
        (f"{kind} · {'one' if size == '1' else 'sixteen'}", result[size]["layers"][name]["milliseconds a picture"])
        for name, kind in (("ours", "bfloat16"), ("ours, float32", "float32"))
        for size in ("1", "16")
    ]
    longest = max(sum(layers.values()) for _, layers in bars)
    scale = (WIDTH - LEFT - 80) / longest
    drawn = "".join(_bar(n, name, layers, scale) for n, (name, layers) in enumerate(bars))
    below = len(bars) * (GAP - 30) + 30
    keys = "".join(
        f'<rect x="{LEFT + 170 * n}" y="{below}" width="12" height="12" fill="{colour}"/>'
        f'<text x="{LEFT + 170 * n + 18}" y="{below + 10}">{kind}</text>'
        for n, (kind, colour) in enumerate(COLOURS.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {below + 28}" font-family="sans-serif" font-size="12" '
        f'fill="#44403c" role="img" aria-label="Milliseconds a picture in each layer"><rect width="100%" height="100%" '
        f'fill="#ffffff"/><text x="{LEFT}" y="18" font-size="14" font-weight="bold">Milliseconds a picture, layer by layer'
        f"</text>{drawn}{keys}</svg>\n"
    )


def _bar(number: int, name: str, layers: dict[str, float], scale: float) -> str:
    kind, _, size = name.partition(" · ")
    y, x = 32 + number * (GAP - 30), float(LEFT)
    drawn = f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{kind}</text>'
    drawn += f'<text x="{LEFT - 8}" y="{y + 28}" text-anchor="end">{size}</text>'
    for layer, milliseconds in layers.items():
        wide = milliseconds * scale
        colour = COLOURS["convolutions" if layer.startswith("conv") else "Linears" if layer.startswith("fc") else layer]
        drawn += f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{BAR}" fill="{colour}" stroke="#ffffff"/>'
        if wide > 44 and layer.startswith(("conv", "fc")):
            middle = f'x="{x + wide / 2:.1f}" y="{y + 21}" text-anchor="middle"'
            drawn += f'<text {middle} fill="#ffffff" font-size="10">{layer}</text>'
        x += wide
    return drawn + f'<text x="{x + 6:.1f}" y="{y + 21}">{sum(layers.values()):.1f} ms</text>'
