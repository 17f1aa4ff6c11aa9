"""The `vgg-hub` command: the engine of the page, in the shell.

Results go to standard output, everything else to standard error; progress bars appear only on a terminal.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from . import __version__
from .config import DEPTHS
from .errors import PhotoError, VGGHubError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, 1 (an error, said in one line), 130 (interrupted)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except VGGHubError as error:
        print(f"vgg-hub: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `vgg-hub classify ... | head`
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        print("vgg-hub: interrupted.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vgg-hub", description="Teach a VGG net something new from a few photos, and hand it on."
    )
    parser.add_argument("--version", action="version", version=f"vgg-hub {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_finetune(commands)
    _add_classify(commands)
    _add_push(commands)
    inspect = _command(commands, "inspect", _inspect, "show what a model is: its layers, labels and scores")
    _add_model(inspect)
    _add_json(inspect)
    app = _command(commands, "app", _app, "open the page in a local server")
    app.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    app.add_argument("--port", type=int, default=7860, help="port to listen on (default: %(default)s)")
    return parser


def _command(commands, name: str, run, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.set_defaults(run=run)
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a folder, a checkpoint that ships (vgg11-bn) or a Hub repo")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")


def _add_finetune(commands) -> None:
    parser = _command(commands, "finetune", _finetune, "teach a net the classes of a folder or zip of photos")
    parser.add_argument("photos", metavar="PHOTOS", help="a folder or zip with one subfolder of photos a class")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="folder to save the tuned model in")
    parser.add_argument("--depth", type=int, default=11, help=f"{', '.join(map(str, DEPTHS))} (default: %(default)s)")
    parser.add_argument("--batch-norm", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--weights",
        default="bundled",
        metavar="bundled|imagenet|random|REPO",
        help="what to start from; REPO is a Hub repo or a folder, with its own depth (default: %(default)s)",
    )
    parser.add_argument("--trainable", default="head", help="what is trained (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    _add_device(parser)
    _add_json(parser)


def _add_classify(commands) -> None:
    parser = _command(commands, "classify", _classify, "name what is on pictures")
    _add_model(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of pictures")
    parser.add_argument("--top-k", type=int, default=5, help="classes shown a picture (default: %(default)s)")
    _add_device(parser)
    _add_json(parser)


def _add_push(commands) -> None:
    parser = _command(commands, "push", _push, "upload a model's folder to the Hugging Face Hub")
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("repo", metavar="REPO", help="owner/name; made if it is not there")
    parser.add_argument("--private", action="store_true", help="make the repo private, if it is made")


def _finetune(options: argparse.Namespace) -> int:
    from .data import open_photos
    from .finetune import Embedding, Finished, Step, finetune
    from .start import starting_model

    with tempfile.TemporaryDirectory(prefix="vgg-hub-") as scratch:
        photos = open_photos(Path(options.photos), Path(scratch))
        for sentence in photos.skipped:
            print(f"vgg-hub: {sentence}", file=sys.stderr)
        model = starting_model(options.weights, options.depth, options.batch_norm, options.seed)
        events = finetune(
            model, photos.photos, trainable=options.trainable, seed=options.seed, device=options.device
        )
        with _bar(sum(map(len, photos.photos.values())), "photos") as bar:
            for event in events:
                if isinstance(event, Embedding):
                    bar.update(event.done - bar.n)
                elif isinstance(event, Step):
                    bar.set_postfix(accuracy=f"{event.validation_accuracy:.2f}", loss=f"{event.validation_loss:.3f}")
                elif isinstance(event, Finished):
                    finished = event
        finished.model.save_pretrained(options.out)
    report = finished.report.to_dict()
    report["warnings"] = [*photos.skipped, *report["warnings"]]
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _print_report(report, options.out)
    return 0


def _print_report(report: dict, out: str) -> None:
    from .card import accuracy_sentence

    validation = report["validation"]
    for sentence in report["warnings"]:
        print(f"Note: {sentence}")
    print(accuracy_sentence(*(validation[key] for key in ("accuracy", "low", "high", "n"))))
    width = max(5, *map(len, report["labels"]))
    print("\nTrue class, and how it was named:")
    print(" " * width, *(f"{label:>{width}}" for label in report["labels"]))
    for label, row in zip(report["labels"], validation["confusion"], strict=True):
        print(f"{label:>{width}}", *(f"{count:>{width}}" for count in row))
    print(f"\nSaved in {out} after {report['seconds']:.1f} s. Try it: vgg-hub classify {out} PHOTO.jpg")


def _classify(options: argparse.Namespace) -> int:
    from .data import find_images
    from .model import VGG
    from .predict import Classifier

    if options.top_k < 1:
        raise VGGHubError(f"--top-k is {options.top_k}; expected 1 or more.")
    classifier = Classifier(VGG.from_pretrained(options.model), options.device)
    paths = [
        file for image in options.images for file in (find_images(Path(image)) if Path(image).is_dir() else [image])
    ]
    if not paths:
        raise PhotoError(f"{', '.join(options.images)}: no picture in it; give pictures or a folder of them.")
    rows, failed = [], False
    with _bar(len(paths), "photos") as bar:
        for path, answer in zip(paths, classifier.each(paths), strict=True):
            bar.update()
            if isinstance(answer, PhotoError):
                failed = True
                rows.append({"file": str(path), "error": str(answer)})
            else:
                rows.append({"file": str(path), "label": answer.label, "scores": answer.scores})
            if not options.json:
                _print_answer(rows[-1], options.top_k)
    if options.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    return int(failed)


def _print_answer(row: dict, top_k: int) -> None:
    if "error" in row:
        tqdm.write(f"vgg-hub: {row['error']}", file=sys.stderr)
        return
    best = list(row["scores"].items())[:top_k]
    tqdm.write(f"{row['file']}: " + ", ".join(f"{label} {100 * score:.1f} %" for label, score in best))


def _push(options: argparse.Namespace) -> int:
    from .model import VGG

    model = VGG.from_pretrained(Path(options.folder), dtype=None)
    print(model.push_to_hub(options.repo, private=options.private or None))
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from .model import VGG
    from .summary import summarise

    model = VGG.from_pretrained(options.model)
    summary = summarise(model)
    print(json.dumps(summary, ensure_ascii=False, indent=2) if options.json else _summary_text(summary))
    return 0


def _app(options: argparse.Namespace) -> int:
    from .ui import main as serve

    serve(host=options.host, port=options.port)
    return 0


def _bar(total: int, unit: str) -> tqdm:
    """A progress bar on a terminal, nothing in a pipe or a log."""
    return tqdm(total=total, unit=unit, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False)
