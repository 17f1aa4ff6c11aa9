"""From the command to the first page and to the first answer: ours against the shortest page around torchvision.

    python -m benchmarks.page [--repeats 5] [--json FILE]

Each is started in a process of its own, in turn, on a free port, with no network. The first page is there when `GET /`
gives it, the first answer when a picture that was sent comes back with its classes. The other page is Gradio's own
`Interface` with torchvision's VGG11-BN, random weights in float32, for its trained ones are not at hand everywhere; ours is
what a visitor finds: the net that ships, which is smaller and reads smaller pictures, so that the two answers are not the
same work. What can be compared is the time to the page, and how soon somebody has an answer.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

from benchmarks.result import conditions, publish

ROOT = Path(__file__).parents[1]
PEER = """
import gradio as gr
import torch
from torchvision import models
from torchvision.transforms import v2

net = models.vgg11_bn(weights=None).eval()
prepare = v2.Compose([v2.ToImage(), v2.Resize(256), v2.CenterCrop(224), v2.ToDtype(torch.float32, scale=True),
                      v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])


@torch.inference_mode()
def classify(image):
    return {str(i): float(p) for i, p in enumerate(net(prepare(image)[None])[0].softmax(0))}


gr.Interface(classify, gr.Image(type="pil"), gr.Label(num_top_classes=5), api_name="classify").launch()
"""
PAGES = {"vgg_hub": [sys.executable, "app.py"], "torchvision": [sys.executable, "-c", PEER]}
PATIENCE = 120  # seconds


@contextlib.contextmanager
def served(command: list[str]) -> Iterator[tuple[int, subprocess.Popen[bytes], float]]:
    """Start a page; gives its port, its process and when the command was given."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    offline = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "GRADIO_SERVER_PORT": str(port)}
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | offline, stdout=subprocess.DEVNULL)
    try:
        yield port, process, started
    finally:
        process.terminate()
        process.wait()


def wait_for_page(port: int, process: subprocess.Popen[bytes]) -> int:
    """Ask until the page comes; gives its bytes."""
    until = time.perf_counter() + PATIENCE
    while time.perf_counter() < until and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("GET", "/")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 200:
                return len(body)
        time.sleep(0.01)
    raise SystemExit("The page did not open.")


def measure(command: list[str], picture: Path) -> dict[str, float]:
    """Seconds from the command to the page and to two answers, the page's kilobytes, and the server's megabytes."""
    with served(command) as (port, process, started):
        page = wait_for_page(port, process)
        moments = [time.perf_counter()]
        client = Client(f"http://127.0.0.1:{port}", verbose=False)
        for _ in range(2):
            client.predict(image=handle_file(picture), api_name="/classify")
            moments.append(time.perf_counter())
        memory = Path(f"/proc/{process.pid}/status")
        facts = dict(line.split(":") for line in memory.read_text().splitlines()) if memory.exists() else {}
        first, answer, second = (moment - started for moment in moments)
        return {
            "first_page": first,
            "first_answer": answer,
            "second_answer_takes": second - answer,
            "page_kilobytes": page / 1000,
            "peak_megabytes": int(facts.get("VmHWM", "0 kB").split()[0]) / 1000,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    found = conditions("page", ("gradio", "torchvision"))
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in PAGES}
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "photo.jpg"
        noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((1600, 1200), Image.Resampling.BICUBIC).save(picture, quality=90)
        for turn in range(options.repeats + 1):  # the first fills the system's caches and does not count
            for name, command in PAGES.items():
                row = measure(command, picture)
                if turn:
                    rows[name].append(row)
    medians = {
        name: {key: round(statistics.median(row[key] for row in own), 3) for key in own[0]}
        for name, own in rows.items()
    }
    ratios = {key: round(medians["vgg_hub"][key] / medians["torchvision"][key], 3) for key in medians["vgg_hub"]}
    publish({**found, "repeats": options.repeats, "medians": medians, "ours_over_theirs": ratios}, options.json)


if __name__ == "__main__":
    main()
