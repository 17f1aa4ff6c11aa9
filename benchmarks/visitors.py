"""A class at the page: many visitors at once, each teaching and asking, against a server of its own.

    python -m benchmarks.visitors [--clients 30] [--seconds 300] [--sessions 50] [--photos 8] [--json FILE]

Two measurements, each with a fresh `python app.py`, the net that ships, and drawn photos; prints one JSON document.
Sessions: how much the server grows with each visitor that teaches a head, one after the other. Crowd: every client
teaches, then asks about single photos, again and again; each request is answered, refused with a sentence that says to
wait, or a failure. Beside them the page itself is fetched once a second. The clients run on the same machine and take
part of it, as the `load` before and after shows.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from benchmarks.result import conditions, publish
from vgg_hub.samples import draw_samples
from vgg_hub.ui.visitors import SWEEPS

ROOT = Path(__file__).parents[1]
ASKS = 5  # single photos after each training
KEEP_MINUTES = 3  # so that the sessions end soon after their clients
TOLD_TO_WAIT = re.compile(r"people are waiting already, as many as this page can take; try again in ")


@dataclass
class Seen:
    """What the clients saw, in seconds; lists are appended to by several threads."""

    answers: list[float] = field(default_factory=list)
    trainings: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    places: int = 0  # trainings that were told their place in the line
    refused: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def server(folder: Path, **settings: int) -> Iterator[tuple[str, int]]:
    """`python app.py`; gives its address and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {f"VGG_HUB_{name}": str(value) for name, value in settings.items()}
    environment |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "uploads"), "HF_HUB_OFFLINE": "1"}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(1200):
            if process.poll() is not None:
                raise SystemExit(f"The page did not start: {(folder / 'log.txt').read_text()[-2000:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(30)


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return round(int(re.search(r"VmRSS:\s*(\d+) kB", status)[1]) / 1000, 1)


def draw(folder: Path, count: int, seed: int) -> dict[str, list[Path]]:
    """Photos of one client: no two clients have the same."""
    photos: dict[str, list[Path]] = {}
    for label, pictures in draw_samples(count, seed).items():
        photos[label] = [folder / f"{label} {seed} {number}.png" for number in range(count)]
        for picture, path in zip(pictures, photos[label], strict=True):
            picture.save(path)
    return photos


def teach(client: Client, photos: dict[str, list[Path]]) -> tuple[float, bool]:
    """Seconds of one training from request to report, uploads included; whether it was told its place."""
    started = time.perf_counter()
    files = [[handle_file(path) for path in paths] for paths in photos.values()]
    labels = dict(zip(("label_a", "label_b"), photos, strict=True))
    job = client.submit(*files, **labels, api_name="/finetune")
    job.result()
    told = any(value.get("stage") == "waiting" for value in job.outputs())
    return time.perf_counter() - started, told


def ask(client: Client, path: Path) -> float:
    """Seconds of one answer, its upload included."""
    started = time.perf_counter()
    client.predict(handle_file(path), 2, api_name="/classify")
    return time.perf_counter() - started


def visit(address: str, photos: dict[str, list[Path]], until: float, seen: Seen, seed: int) -> None:
    """One client, until the time is over; what has begun is waited for."""
    chance = random.Random(seed)
    client = Client(address, verbose=False)
    everything = [path for paths in photos.values() for path in paths]
    while time.monotonic() < until:
        try:
            seconds, told = teach(client, photos)
            seen.trainings.append(seconds)
            seen.places += told
            for _ in range(ASKS):
                if time.monotonic() > until:
                    break
                seen.answers.append(ask(client, chance.choice(everything)))
                time.sleep(chance.uniform(0.5, 2.5))  # it is looked at
        except AppError as error:
            if TOLD_TO_WAIT.search(str(error)):
                seen.refused += 1
                time.sleep(chance.uniform(2, 5))
            else:
                seen.failures.append(str(error)[:300])
        except Exception as error:  # a benchmark counts what goes wrong
            seen.failures.append(f"{type(error).__name__}: {error}"[:300])
    client.close()


def watch(address: str, pid: int, over: threading.Event, memory: list[float], seen: Seen) -> None:
    """Once a second: the server's memory, and the time in which it gives out the page."""
    while not over.wait(1):
        memory.append(megabytes(pid))
        started = time.perf_counter()
        try:
            with urllib.request.urlopen(address, timeout=60) as reply:  # noqa: S310 (the server above)
                reply.read()
            seen.pages.append(time.perf_counter() - started)
        except OSError as error:
            seen.failures.append(f"page: {error}")


def spread(seconds: list[float]) -> dict[str, float | int]:
    """How many, and their median, 95th percentile and longest."""
    if not seconds:
        return {"n": 0}
    ordered = sorted(seconds)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    found = {"median": statistics.median(ordered), "95 %": high, "longest": ordered[-1]}
    return {"n": len(ordered)} | {name: round(value, 2) for name, value in found.items()}


def warm(address: str, photos: dict[str, list[Path]]) -> None:
    """So that the net and all code are loaded before anything is measured."""
    client = Client(address, verbose=False)
    teach(client, photos)
    ask(client, next(iter(photos.values()))[0])
    client.close()


def crowd(folder: Path, clients: int, seconds: float, count: int) -> dict[str, object]:
    """All clients at once."""
    seen, memory, over = Seen(), [], threading.Event()
    photos = [draw(folder, count, seed) for seed in range(clients + 1)]
    with tempfile.TemporaryDirectory() as uploads:
        place = Path(uploads)
        with server(place, KEEP_MINUTES=KEEP_MINUTES) as (address, pid):
            warm(address, photos[-1])
            before = megabytes(pid)
            until = time.monotonic() + seconds
            threads = [
                threading.Thread(target=visit, args=(address, photos[i], until, seen, i)) for i in range(clients)
            ]
            watcher = threading.Thread(target=watch, args=(address, pid, over, memory, seen))
            for thread in (watcher, *threads):
                thread.start()
            for thread in threads:
                thread.join()
            over.set()
            watcher.join()
            load = round(os.getloadavg()[0], 1)
            time.sleep(60 * KEEP_MINUTES * (1 + 2 / SWEEPS) + 5)
            left = [path for path in (place / "uploads").rglob("*") if path.is_file()]
            after = megabytes(pid)
        complaints = len(re.findall("Traceback", (place / "log.txt").read_text(errors="replace")))
    return {
        "clients": clients,
        "seconds": seconds,
        "photos a client": 2 * count,
        "trainings": spread(seen.trainings),
        "of them told their place": seen.places,
        "answers while others train": spread(seen.answers),
        "page": spread(seen.pages),
        "told to come back later": seen.refused,
        "failures": seen.failures,
        "tracebacks in the log": complaints,
        "megabytes": {"before": before, "peak": max(memory), "after the sessions ended": after},
        "files left": len(left),
        "load at the end": load,
    }


def sessions(folder: Path, count: int) -> dict[str, object]:
    """One visitor after the other."""
    photos = draw(folder, 8, 10**6)
    grown = []
    keep = 6  # minutes: longer than this takes
    with tempfile.TemporaryDirectory() as uploads, server(Path(uploads), KEEP_MINUTES=keep) as (address, pid):
        warm(address, photos)
        client = Client(address, verbose=False)
        for number in range(count + 1):
            if number in (0, count // 2, count):
                time.sleep(60 * keep / SWEEPS + 5)  # memory that is free has gone back to the system
                grown.append(megabytes(pid))
            if number < count:
                client.reset_session()
                teach(client, photos)
        client.close()
    before, half_way, after = grown
    return {
        "sessions": count,
        "megabytes": {"before": before, "half way": half_way, "after": after},
        "megabytes a session": round((after - before) / count, 3),
        "megabytes a session, second half": round((after - half_way) / (count - count // 2), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--photos", type=int, default=8, help="of each of two classes, for each client")
    parser.add_argument("--json", type=Path, help="also write the outcome here")
    options = parser.parse_args()
    found = conditions("visitors", ["gradio", "gradio_client"])
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "sessions": sessions(Path(folder), options.sessions),
            "crowd": crowd(Path(folder), options.clients, options.seconds, options.photos),
        }
    publish(found | result, options.json)


if __name__ == "__main__":
    main()
