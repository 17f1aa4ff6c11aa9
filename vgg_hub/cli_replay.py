"""`vgg-hub replay`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .cli_text import one_line, show, show_json

__all__ = ["replay_text", "run_replay"]


def run_replay(options: argparse.Namespace) -> int:
    from .archive import open_photos
    from .replay import replay

    with tempfile.TemporaryDirectory(prefix="vgg-hub-") as scratch:
        found = replay(options.folder, open_photos(options.photos, Path(scratch)).photos).to_dict()
    if options.json:
        show_json(found)
    else:
        show(replay_text(found))
    return int(not found["matches"])


def replay_text(found: Mapping[str, object]) -> str:
    """A replay, as `Replay.to_dict` gives it, in words."""
    if found["matches"]:
        lines = ["It matches: the run gives the same weights, bit for bit, and the same report."]
    else:
        lines = ["It does not match.", *(f"  {sentence}" for sentence in found["differences"])]
        if found["largest_difference"] is not None:
            answers = "every photo gets the same answer" if found["same_answers"] else "some photos get another answer"
            lines.append(f"The weights differ by at most {found['largest_difference']:.2g}; {answers}.")
    lines += [f"Note: {sentence}" for sentence in found["notes"]]
    return "\n".join(map(one_line, lines))
