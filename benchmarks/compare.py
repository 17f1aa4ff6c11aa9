"""Two runs of one benchmark compared: what became worse by a tenth or more.

    python -m benchmarks.compare OLD.json NEW.json [--tolerance 0.1]

Prints each figure of ours that stands in both, its old and its new value, and the new over the old; the exit status is 1
where one is worse by a tenth. The keys that lead to a figure tell which way is better: seconds and megabytes should be
small, speeds and times a peer's speed large. What peers took alone is left out, and so are the single runs of a median.
Compare runs of one machine: of two, only the ratios can be compared.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Change", "compare", "figures"]

SMALL = ("second", "megabyte")  # also milliseconds, and "seconds, ours over": {peer: ...}
LARGE = ("times torchvision", "ratio", "accuracy", "share", "gflop/s")
RATIO = "ours over"
PEERS = (
    "mixin",
    "torchvision",
    "tutorial",
    "torch.compile",
    "OpenVINO",
    "torch",
    "script",
    "decode alone",
    "net alone",
)
LEFT_OUT = (
    "runs",
    "versions",
    "cpu",
    "setting",
    "load",
    "command",
    "repeats",
    "all_seconds",
    "matrix product, GFLOP/s",
)
TOLERANCE = 0.1


@dataclass(frozen=True)
class Change:
    """A figure in both files.

    Attributes:
        name: the keys that lead to it.
        old, new: its values.
        worse: by what share, measured so that a doubled time and a halved speed are both 1; below 0, it is better.
    """

    name: str
    old: float
    new: float
    worse: float


def figures(
    document: object, path: tuple[str, ...] = (), small: bool | None = None
) -> Iterator[tuple[str, float, bool]]:
    """(name, value, whether small is good) of each figure of ours; the innermost key that tells the direction decides."""
    if isinstance(document, list):
        document = {str(index): item for index, item in enumerate(document)}
    if isinstance(document, dict):
        for key, value in document.items():
            peer = key.startswith(PEERS) and not any(RATIO in outer for outer in path)
            if key not in LEFT_OUT and not peer:
                yield from figures(value, (*path, key), _direction(key, small))
    elif isinstance(document, (int, float)) and not isinstance(document, bool) and small is not None and document > 0:
        yield " / ".join(path), float(document), small


def _direction(key: str, inherited: bool | None) -> bool | None:
    words = key.casefold().replace("_", " ")
    if any(word in words for word in SMALL):
        return True
    return False if any(word in words for word in LARGE) else inherited


def compare(old: object, new: object) -> list[Change]:
    """The figures of both, the worst first."""
    before = {name: value for name, value, _ in figures(old)}
    found = []
    for name, value, small in figures(new):
        if name in before:
            ratio = value / before[name] if small else before[name] / value
            found.append(Change(name, before[name], value, ratio - 1))
    return sorted(found, key=lambda change: -change.worse)


def _read(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path.name} cannot be read as JSON ({error}); give what a benchmark wrote.") from None
    if not isinstance(document, dict) or "command" not in document:
        raise SystemExit(f"{path.name} is not what a benchmark wrote: it names no command.")
    return document


def _module(document: dict[str, object]) -> str:
    return str(document["command"]).partition("benchmarks.")[2].split(" ")[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    options = parser.parse_args()
    old, new = _read(options.old), _read(options.new)
    if _module(old) != _module(new):
        raise SystemExit(f"These are of two benchmarks, {_module(old)} and {_module(new)}; give two runs of one.")
    changes = compare(old, new)
    if not changes:
        raise SystemExit("The two have no figure in common; give two runs of one benchmark.")
    print("| figure | old | new | new / old | |\n| --- | ---: | ---: | ---: | --- |")
    for change in changes:
        verdict = (
            "worse" if change.worse >= options.tolerance else "better" if change.worse <= -options.tolerance else ""
        )
        print(f"| {change.name} | {change.old:g} | {change.new:g} | {change.new / change.old:.2f} | {verdict} |")
    worse = sum(change.worse >= options.tolerance for change in changes)
    alone = len({n for n, *_ in figures(old)} ^ {n for n, *_ in figures(new)})
    print(
        f"\n{worse} of {len(changes)} figures worse by {options.tolerance:.0%} or more; {alone} in one of the files alone."
    )
    if old.get("cpu") != new.get("cpu"):
        print("They were measured on different machines: only the ratios can be compared.")
    return int(worse > 0)


if __name__ == "__main__":
    raise SystemExit(main())
