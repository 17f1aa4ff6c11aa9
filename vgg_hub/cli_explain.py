"""`vgg-hub explain`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from .cli_text import one_line, show, show_json
from .errors import LabelError, PhotoError

__all__ = ["add_explain", "run_explain"]


def add_explain(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Declare the command, by what `argparse` adds one with."""
    summary = "draw what on a picture speaks for a class (Grad-CAM)"
    parser = add_parser("explain", help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.set_defaults(run=run_explain)
    parser.add_argument("model", metavar="MODEL", help="a folder, a checkpoint that ships (vgg11-bn) or a Hub repo")
    parser.add_argument("image", metavar="IMAGE", help="a picture")
    parser.add_argument("--label", metavar="L", help="the class (default: the most probable one)")
    parser.add_argument(
        "--stage", metavar="S", help="such as conv4_2; inspect lists them (default: the last convolution)"
    )
    parser.add_argument(
        "--out",
        required=True,
        type=os.path.expanduser,
        metavar="FILE.png",
        help="where photo and heat map go, side by side",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run_explain(options: argparse.Namespace) -> int:
    from PIL import Image

    from .data import read_image
    from .explain import evidence, last_convolution
    from .folder import replaced_file
    from .model import VGG
    from .overlay import heat_picture, seen_picture
    from .preprocess import preprocess

    out = _checked(options.out, options.image)
    model = VGG.from_pretrained(options.model)
    image = read_image(options.image)
    x = preprocess(image, model.config)[None]
    labels = list(model.config.label_names) or [f"class {i}" for i in range(model.config.num_classes)]
    index = _index(options.label, labels)
    if index is None:
        from .predict import Classifier

        index = labels.index(Classifier(model, "cpu", precision="float32")([image])[0].label)
    stage = options.stage or last_convolution(model)
    found = evidence(model, x, index, stage)
    photo = seen_picture(image, model.config)
    pair = Image.new("RGB", (2 * photo.width, photo.height))
    pair.paste(photo, (0, 0))
    pair.paste(heat_picture(photo, found, model.config.input_size), (photo.width, 0))
    with replaced_file(out) as temporary:
        pair.save(temporary, format="PNG")
    facts = {
        "file": str(options.image),
        "label": labels[index],
        "probability": found.probability,
        "stage": stage,
        "strength": found.strength,
        "points": found.points,
        "out": str(out),
    }
    if options.json:
        show_json(facts)
    else:
        show(_text(facts))
    return 0


def _text(facts: dict[str, object]) -> str:
    return one_line(
        f"{facts['file']}: the net gives {facts['label']} {100 * facts['probability']:.1f} %; at {facts['stage']} the strongest "
        f"place has {100 * facts['strength']:.0f} % of full colour. Photo and heat map are in {facts['out']}."
    )


def _checked(out: str, image: str) -> Path:
    """Say before anything is computed what saving would say after it."""
    path = Path(out)
    if path.suffix.casefold() != ".png":
        raise PhotoError(f"--out is {out[:200]!r}; expected the name of a picture to write, ending in .png.")
    if not path.parent.is_dir():
        raise PhotoError(f"--out is {out[:200]!r}, but there is no folder {str(path.parent)[:200]}; make it first.")
    if os.path.realpath(path) == os.path.realpath(image):
        raise PhotoError(f"--out is {out[:200]!r}, the picture itself; name another file to write.")
    return path


def _index(label: str | None, labels: list[str]) -> int | None:
    if label is None or label in labels:
        return None if label is None else labels.index(label)
    shown = ", ".join(labels[:10]) + (", ..." if len(labels) > 10 else "")
    raise LabelError(f"--label is {label[:100]!r}, which the model does not know; its classes are {shown}.")
