"""What each subcommand does; each `run_*` takes the parsed options and returns the exit status."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from .bundled import bundled_names
from .cli_text import answer_text, complain, report_text, show, show_json, summary_text
from .config import DEPTHS
from .errors import CheckpointError, ConfigError, PhotoError, VGGHubError

if TYPE_CHECKING:
    from .predict import Prediction
    from .report import Report

__all__ = [
    "bar",
    "check_name",
    "check_out",
    "check_outside",
    "find_pictures",
    "run_app",
    "run_classify",
    "run_finetune",
    "run_inspect",
    "show_answers",
    "show_report",
    "starting_model",
]


def run_finetune(options: argparse.Namespace) -> int:
    from .archive import open_photos
    from .finetune import finetune
    from .predict import resolve_device

    check_out(options.out, options.photos)
    resolve_device(options.device)
    with tempfile.TemporaryDirectory(prefix="vgg-hub-") as scratch:
        photos = open_photos(options.photos, Path(scratch))
        try:
            model = starting_model(options)
            events = finetune(
                model,
                photos.photos,
                trainable=options.trainable,
                seed=options.seed,
                device=options.device,
                unlike=options.unlike,
            )
            finished = _watch(events, sum(map(len, photos.photos.values())))
        except VGGHubError:
            for sentence in photos.skipped:  # they may be why; otherwise they stand in the report
                complain(sentence)
            raise
        finished.model.save_pretrained(options.out)
    show_report(finished.report, photos.skipped, options)
    return 0


def show_report(report: Report, skipped: Sequence[str], options: argparse.Namespace) -> None:
    """Show a report as `--json` has it; `skipped`: what was said of files before the training, which goes first."""
    facts = report.to_dict()
    facts["warnings"] = [*skipped, *facts["warnings"]]
    if options.json:
        show_json(facts)
    else:
        show(report_text(facts, options.out))


def check_name(out: str) -> None:
    """A folder of that name would stand in the way of the net that ships, in every command given beside it."""
    if out in bundled_names():
        raise CheckpointError(f"{out} is the name of a net that ships; choose another for the folder to save in.")


def check_outside(folder: str | Path, photos: str) -> None:
    """What a run writes must not lie among its photos."""
    place, source = Path(os.path.realpath(folder)), Path(os.path.realpath(photos))
    if source in (place, *place.parents):
        raise CheckpointError(
            f"{place.name} is in {source.name or source}, where the next run would take it for a class; "
            "choose a folder outside of the photos."
        )


def check_out(out: str, photos: str) -> None:
    """Say before anything is trained what saving would say after it."""
    from .folder import replaced_folder

    check_name(out)
    check_outside(out, photos)
    place = Path(os.path.realpath(out))
    try:
        place.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:  # too long a name, or a file where a folder should be
        raise CheckpointError(f"{out[:200]} cannot be a folder: {error.strerror}; choose another for --out.") from error
    made = [parent for parent in place.parents if not os.path.exists(parent)]
    try:
        with replaced_folder(place):
            raise _EnoughError
    except _EnoughError:
        pass
    finally:
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()


class _EnoughError(Exception):
    """Ends a trial of saving."""


def starting_model(options: argparse.Namespace):
    from .start import starting_model

    batch_norm = True if options.batch_norm is None else options.batch_norm
    model = starting_model(options.weights, DEPTHS[0] if options.depth is None else options.depth, batch_norm)
    config = model.config
    if options.depth not in (None, config.depth) or options.batch_norm not in (None, config.batch_norm):
        raise ConfigError(
            f"{options.weights} is {config.name}, not the net that --depth and --batch-norm name; leave these two out."
        )
    return model


def _watch(events: Iterator[object], total: int):
    """Show the events on a bar; returns the last one, `Finished`."""
    from .finetune import Embedding, Step

    event = None
    with bar(total) as shown:
        for event in events:
            if isinstance(event, Embedding):
                shown.update(event.done - shown.n)
            elif isinstance(event, Step):
                shown.set_postfix(accuracy=f"{event.validation_accuracy:.2f}", loss=f"{event.validation_loss:.3f}")
    return event


def run_classify(options: argparse.Namespace) -> int:
    from .model import VGG
    from .predict import Classifier

    classifier = Classifier(VGG.from_pretrained(options.model), options.device, unlike=options.unlike)
    pictures = list(find_pictures(options.images))
    return show_answers(options, pictures, classifier.each(path for path, error in pictures if error is None))


def show_answers(
    options: argparse.Namespace,
    pictures: Sequence[tuple[str, PhotoError | None]],
    answers: Iterator[Prediction | PhotoError],
) -> int:
    """Print the answers as they come, or one JSON document of all.

    Args:
        options: `json` and `top_k`.
        pictures: as `find_pictures` gives them.
        answers: for those that have no error yet, in their order.
    """
    rows, failed = [], False
    with bar(len(pictures)) as shown:
        for path, error in pictures:
            answer = error or next(answers)
            shown.update()
            if isinstance(answer, PhotoError):
                failed = True
                rows.append({"file": path, "error": str(answer)})
            else:
                row = {"file": path, "label": answer.label, "scores": answer.scores}
                if answer.unlike is not None:
                    row |= {"unlike": answer.unlike, "unlike_score": answer.unlike_score}
                rows.append(row)
            if options.json:
                continue
            if isinstance(answer, PhotoError):
                with shown.external_write_mode(file=sys.stderr):
                    complain(answer)
            else:
                show(answer_text(rows[-1], options.top_k))
    if options.json:
        show_json(rows)
    return int(failed)


def find_pictures(given: Iterable[str]) -> Iterator[tuple[str, PhotoError | None]]:
    """The paths of the pictures in order, folders looked into; an error for a folder that has none."""
    from .data import file_name, find_images

    for path in given:
        if not os.path.isdir(path):
            yield path, None
            continue
        try:
            found = find_images(Path(path))
        except PhotoError as error:
            yield path, error
            continue
        if not found:
            yield path, PhotoError(f"{file_name(path)} holds no picture; give pictures or a folder of them.")
        for picture in found:
            yield str(picture), None


def run_inspect(options: argparse.Namespace) -> int:
    from .model import VGG
    from .summary import summarise

    summary = summarise(VGG.from_pretrained(options.model, dtype=None))  # the sizes are those on disk
    if options.json:
        show_json(summary)
    else:
        show(summary_text(summary))
    return 0


def run_app(options: argparse.Namespace) -> int:
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # must be set before Gradio is imported
    from .ui import main as serve

    try:
        serve(host=options.host, port=options.port)
    except OSError as error:
        raise VGGHubError(
            f"The page cannot listen on {options.host}, port {options.port}: something else does, or the address is not "
            "this machine's; choose another with --port or --host."
        ) from error
    return 0


def bar(total: int, unit: str = "photo") -> tqdm:
    """A progress bar on a terminal, nothing in a pipe or a log."""
    return tqdm(total=total, unit=unit, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False)
