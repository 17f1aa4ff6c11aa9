"""A head alone against the whole folder: bytes, seconds to push and to load, over HTTP to a Hub on this machine.

    python -m benchmarks.sharing [--depth 16] [--repeats 3]

Full and delta are timed in turn in one run; medians, in seconds, as one JSON document. The Hub answers at the speed of
the machine's own network, so that over a real line the whole folder takes longer still. "first" loads begin with an
empty cache, and so fetch the base too; "again" finds it there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tests.hub_fixtures import LocalHub, local_hub
from vgg_hub import VGG

BASE = "someone/base"
KINDS = {"whole": False, "head alone": True}


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def measure(hub: LocalHub, model: VGG, kind: str, number: int) -> dict[str, float]:
    """One push of one kind to a new repo, and two loads of it."""
    repo = f"tester/{kind.replace(' ', '-')}-{number}"
    push = seconds(lambda: model.push_to_hub(repo, token=hub.writer, delta=KINDS[kind], check=False))
    shutil.rmtree(hub.cache, ignore_errors=True)
    found = {"push": push, "load first": seconds(lambda: VGG.from_pretrained(repo))}
    VGG.from_pretrained(BASE)  # put the base back into the cache
    again = VGG.from_pretrained(repo)
    if not all(
        torch.equal(a, b) for a, b in zip(again.state_dict().values(), model.state_dict().values(), strict=True)
    ):
        raise SystemExit(f"{repo} came back different")
    return found | {"load again": seconds(lambda: VGG.from_pretrained(repo))}


def size(hub: LocalHub, repo: str) -> int:
    return sum(len(content) for name, content in hub.repos[repo].files().items() if name != ".gitattributes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, local_hub(Path(scratch)) as hub:
        torch.manual_seed(0)
        VGG(depth=options.depth, batch_norm=True).save_pretrained(Path(scratch) / "base")
        hub.add_repo(BASE, {path.name: path for path in (Path(scratch) / "base").iterdir()})
        model = VGG.from_pretrained(BASE).replace_head(["cat", "dog"])
        rows = [{kind: measure(hub, model, kind, n) for kind in KINDS} for n in range(options.repeats)]
        result = {
            kind: {"bytes": size(hub, f"tester/{kind.replace(' ', '-')}-0")}
            | {
                what: round(statistics.median(row[kind][what] for row in rows), 3)
                for what in ("push", "load first", "load again")
            }
            for kind in KINDS
        }
    whole, head = result["whole"], result["head alone"]
    ratios = {what: round(head[what] / whole[what], 5) for what in whole}
    print(json.dumps({"net": model.config.name, "torch": torch.__version__, **result, "ratio": ratios}, indent=1))


if __name__ == "__main__":
    main()
