"""The notes for those who learn: `learn.en.md` and `learn.ko.md`, a heading a note, in the order of `NOTE_NAMES`."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType

__all__ = ["LEARN", "NOTE_NAMES"]

NOTE_NAMES = ("net", "train", "report", "convolution", "pooling", "heat")


def _read(language: str) -> list[tuple[str, str]]:
    """Title and text of each note."""
    text = (Path(__file__).parent / f"learn.{language}.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)\n", text, flags=re.M)[1:]
    return [(title, body.strip()) for title, body in zip(parts[::2], parts[1::2], strict=True)]


def _both() -> dict[str, tuple[str, str]]:
    found = {}
    for name, english, korean in zip(NOTE_NAMES, _read("en"), _read("ko"), strict=True):
        found[f"learn_{name}"], found[f"learn_{name}_text"] = zip(english, korean, strict=True)
    return found


LEARN: MappingProxyType[str, tuple[str, str]] = MappingProxyType(_both())
