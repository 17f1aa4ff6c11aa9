"""`vgg-hub compare`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .bundled import bundled_names
from .cli_commands import bar
from .cli_text import complain, one_line, show, show_json
from .errors import FinetuneError

__all__ = ["run_compare"]


def run_compare(options: argparse.Namespace) -> int:
    from .archive import open_photos
    from .lab import compare_nets, conclusion
    from .predict import resolve_device

    nets = list(dict.fromkeys(options.nets or bundled_names()))
    if not nets:
        raise FinetuneError("No trained net ships with this version; name some: --nets FOLDER_OR_REPO ...")
    resolve_device(options.device)
    with tempfile.TemporaryDirectory(prefix="vgg-hub-") as scratch:
        photos = open_photos(options.photos, Path(scratch))
        for sentence in photos.skipped:
            complain(sentence)
        events = compare_nets(
            nets, photos.photos, trainable=options.trainable, seed=options.seed, device=options.device
        )
        trials = list(_watch(events, sum(map(len, photos.photos.values()))))
    sentences = conclusion(trials)
    if options.json:
        show_json({"trials": [trial.to_dict() for trial in trials], "conclusion": sentences})
    else:
        show(compare_text(trials, sentences))
    return 0


def _watch(events: Iterator[object], photos: int) -> Iterator[object]:
    """Show the events on a bar, and pass on the trials."""
    from .events import Embedding, Step
    from .lab import Opening, Trial

    with bar(photos) as shown:
        for event in events:
            if isinstance(event, Opening):
                shown.reset()
                shown.set_description(one_line(f"{event.net} ({event.number} of {event.total})"))
            elif isinstance(event, Embedding):
                shown.update(event.done - shown.n)
            elif isinstance(event, Step):
                shown.set_postfix(accuracy=f"{event.validation_accuracy:.2f}", loss=f"{event.validation_loss:.3f}")
            elif isinstance(event, Trial):
                yield event


def compare_text(trials: Sequence[object], sentences: Sequence[str]) -> str:
    """A row a net, and what can be said of them."""
    rows = [["net", "right", "likely", "seconds", "parameters", "multiply-adds"]]
    for trial in trials:
        likely = f"{100 * trial.low:.0f} to {100 * trial.high:.0f} %"
        sizes = [f"{trial.seconds:.1f}", f"{trial.parameters:,}", f"{trial.multiply_adds / 1e6:,.0f} million"]
        rows.append([one_line(trial.net), f"{100 * trial.accuracy:.0f} %", likely, *sizes])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", *map(one_line, sentences)])
