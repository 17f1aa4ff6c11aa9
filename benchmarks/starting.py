"""How long the start takes: `import vgg_hub` against `import torch`, `vgg-hub classify` against the shortest script.

    python -m benchmarks.starting [--repeats 9] [--json FILE]

Each in a fresh process, in turn, from the command to its end; the files are in the system's memory. The script is what a
user of torchvision would write to classify one photo; both hold the same weights, VGG11-BN of 1000 classes at 224 pixels,
and the most probable class has to be the same. Prints one JSON document: median seconds, and ours over the others'.
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

import torch
from PIL import Image

from benchmarks.result import conditions, publish
from vgg_hub import VGG
from vgg_hub.samples import draw_samples

SCRIPT = """
import sys

import torch
from PIL import Image
from torchvision import models, transforms

net = models.vgg11_bn()
net.load_state_dict(torch.load(sys.argv[1]))
prepare = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
                              transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
with torch.no_grad():
    scores = net.eval()(prepare(Image.open(sys.argv[2]).convert("RGB"))[None]).softmax(1)
print(scores.argmax().item())
"""


def write(folder: Path) -> None:
    torch.manual_seed(0)
    net = VGG(depth=11, batch_norm=True, label_names=[str(i) for i in range(1000)]).eval()
    torch.nn.init.normal_(net.head.weight, 0, 1)  # else all classes are as probable as each other
    net.save_pretrained(folder / "model")
    torch.save(net.state_dict(), folder / "weights.pth")
    picture = next(iter(draw_samples(1).values()))[0]
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).resize((1200, 900)).save(
        folder / "photo.jpg"
    )


def commands(folder: Path) -> dict[str, dict[str, list[str]]]:
    photo, python = str(folder / "photo.jpg"), sys.executable
    return {
        "import": {"vgg_hub": [python, "-c", "import vgg_hub"], "torch": [python, "-c", "import torch"]},
        "classify": {
            "vgg_hub": [python, "-m", "vgg_hub", "classify", str(folder / "model"), photo, "--json"],
            "script": [python, "-c", SCRIPT, str(folder / "weights.pth"), photo],
        },
    }


def seconds(command: list[str]) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ)
    return time.perf_counter() - started, done.stdout


def checked(outputs: dict[str, str]) -> None:
    """Both answer the same."""
    ours = json.loads(outputs["vgg_hub"])
    label = (ours[0] if isinstance(ours, list) else ours["predictions"][0])["label"]
    if label != outputs["script"].strip():
        raise SystemExit(f"vgg-hub answers {label}, the script {outputs['script'].strip()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    found = conditions("starting", ["torchvision"])
    outcome: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        for what, pair in commands(Path(folder)).items():
            rows = []
            for repeat in range(options.repeats + 1):
                order = list(pair) if repeat % 2 else list(pair)[::-1]
                taken = {name: seconds(pair[name]) for name in order}
                if what == "classify":
                    checked({name: text for name, (_, text) in taken.items()})
                rows.append({name: value for name, (value, _) in taken.items()})
            rows = rows[1:]  # the first brings the libraries into memory
            medians = {name: statistics.median(row[name] for row in rows) for name in pair}
            ours, other = medians.values()
            outcome[what] = {
                "seconds": {name: round(value, 3) for name, value in medians.items()},
                "seconds, ours over": {list(medians)[1]: round(ours / other, 3)},
                "runs": [{name: round(value, 3) for name, value in row.items()} for row in rows],
            }
    publish({**found, "net": "vgg11_bn, 1000 classes, 224 x 224, one photo", **outcome}, options.json)


if __name__ == "__main__":
    main()
