"""The subcommands that hand models or the page on: push, convert, export, space; each `run_*` returns the exit status."""

from __future__ import annotations

import argparse
from pathlib import Path
from shlex import quote

from .cli_commands import check_name
from .cli_text import complain, one_line, show, show_json
from .config import MAX_CHANNELS
from .errors import CheckpointError, ConfigError, LabelError
from .folder import CARD_FILE

__all__ = ["run_convert", "run_export", "run_push", "run_space"]

WEIGHTS_FILES = (".pth", ".pt", ".bin", ".ckpt", ".safetensors")
MAX_LABEL_BYTES = 4_000_000


def run_push(options: argparse.Namespace) -> int:
    from .model import VGG

    folder = Path(options.folder)
    if not folder.is_dir():  # without a slash or with one it could name a checkpoint that ships or another's repo
        raise CheckpointError(f"{folder.name} is not a folder here; give one that `vgg-hub finetune --out` wrote.")
    model = VGG.from_pretrained(folder.resolve(), dtype=None)
    card = folder / CARD_FILE
    url = model.push_to_hub(
        options.repo,
        private=options.private or None,
        dtype=options.dtype,
        delta=options.delta,
        replace_card=options.replace_card,
        card=card.read_bytes().decode("utf-8", "surrogateescape") if card.is_file() else "",
        check=options.check,
        say=complain,
    )
    show(url)
    return 0


def run_space(options: argparse.Namespace) -> int:
    from .space import push_space

    show(push_space(options.repo, private=options.private, hardware=options.hardware, say=complain))
    return 0


def run_convert(options: argparse.Namespace) -> int:
    from .convert import convert_file, with_labels
    from .model import VGG

    check_name(options.out)
    labels = None if options.labels is None else _labels(options.labels)
    path = Path(options.source).expanduser()
    sha256, notes = None, ()
    if path.is_file() or (path.suffix in WEIGHTS_FILES and not path.is_dir()):
        converted = convert_file(path, labels=labels, layers=options.layers and _layers(options.layers))
        model, sha256, notes = converted.model, converted.sha256, converted.notes
    elif options.layers:
        raise ConfigError(
            f"{options.source[:120]} has a config.json with its layers; --layers is for a file without one."
        )
    else:
        model = VGG.from_pretrained(options.source, dtype=None)
        if labels is not None:
            before = model.config.label_names
            model.config = with_labels(model.config, labels, model.source)
            model.provenance = _renamed(model.provenance, dict(zip(before, model.config.label_names, strict=False)))
    model.save_pretrained(options.out, dtype=options.dtype)
    config, shown = model.config, one_line(options.out)
    if options.json:
        facts = {"folder": options.out, "name": config.name, "num_classes": config.num_classes}
        show_json(facts | {"label_names": list(config.label_names), "sha256": sha256, "warnings": list(notes)})
        return 0
    for note in notes:
        complain(note)
    show(
        f"Saved {config.name} with {config.num_classes} classes in {shown}. Look at it: python -m vgg_hub inspect {quote(shown)}"
    )
    return 0


def _renamed(facts: dict[str, object] | None, names: dict[str, str]) -> dict[str, object] | None:
    """What is known of a model's making, by the new names of its classes."""
    if facts is None:
        return None
    by_class = {
        key: {names.get(label, label): value for label, value in facts[key].items()}
        for key in ("counts", "photo_digests", "scenes")
        if isinstance(facts.get(key), dict)
    }
    listed = facts.get("labels")
    if isinstance(listed, list):
        by_class["labels"] = [names.get(label, label) if isinstance(label, str) else label for label in listed]
    return facts | by_class


def _labels(text: str) -> list[str]:
    """Names between commas, or the lines of a text file, or `imagenet`."""
    from .config_foreign import imagenet_labels

    if text == "imagenet":
        return list(imagenet_labels())
    path = Path(text).expanduser()
    if not path.is_file():
        return text.split(",")
    if path.stat().st_size > MAX_LABEL_BYTES:
        raise LabelError(
            f"{path.name} is over {MAX_LABEL_BYTES // 1_000_000} MB; give a text file with a class name a line."
        )
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except ValueError as error:
        raise LabelError(f"{path.name} is no UTF-8 text; give a text file with a class name a line.") from error


def _layers(text: str) -> list[int | str]:
    """`64,M,128,M`: what is no number of channels is left for the check of the layer list to name."""
    entries = [entry.strip() for entry in text.split(",")]
    return [
        int(entry) if entry.isascii() and entry.isdecimal() and len(entry) <= len(str(MAX_CHANNELS)) else entry
        for entry in entries
    ]


def run_export(options: argparse.Namespace) -> int:
    from .model import VGG
    from .onnx_export import OPSET, export_onnx

    model = VGG.from_pretrained(options.model, dtype=None)
    difference = export_onnx(model, options.file)
    config = model.config
    if options.json:
        facts = {
            "file": options.file,
            "opset": OPSET,
            "input": [config.in_channels, config.input_size, config.input_size],
        }
        show_json(facts | {"label_names": list(config.label_names), "largest_difference": difference})
        return 0
    show(
        one_line(
            f"Saved {config.name} in {options.file}: ONNX opset {OPSET}, input pixels (batch, {config.in_channels}, "
            f"{config.input_size}, {config.input_size}), labels and preprocessing in its metadata. onnxruntime's logits "
            f"differ from the model's by {difference:.1e} at most."
        )
    )
    return 0
