"""A table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Result", "table"]

Result = dict[str, object]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
