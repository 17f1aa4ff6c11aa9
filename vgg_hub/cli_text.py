"""What the command line shows. Names and facts may come from strangers: nothing in them acts on the terminal."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping
from shlex import quote
from typing import TextIO

from tqdm import tqdm

from .card import accuracy_sentence, provenance_rows

__all__ = ["answer_text", "complain", "one_line", "report_text", "show", "show_json", "summary_text"]

LABELS_SHOWN = 5
ROWS_SHOWN = 20


def one_line(text: object) -> str:
    """A text without line breaks and without what a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " if c.isspace() else "?" for c in str(text)).split(" "))


def complain(sentence: object) -> None:
    """Say what is wrong, in one line on standard error."""
    sys.stderr.write(_encodable(f"vgg-hub: {one_line(sentence)}\n", sys.stderr))


def _encodable(text: str, stream: TextIO) -> str:
    """The text as this stream can take it: a terminal of another alphabet shows escapes, not an error."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def show(text: str) -> None:
    """Write a result to standard output."""
    tqdm.write(_encodable(text, sys.stdout))  # beside a bar, if there is one


def show_json(document: object) -> None:
    """Write the one JSON document of `--json` to standard output."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # another alphabet, or a file name that is no text: JSON has escapes for both
        text = json.dumps(document, indent=2)
    sys.stdout.write(f"{text}\n")


def answer_text(row: Mapping[str, object], top_k: int) -> str:
    """One line for a picture: its name, whether it is unlike all classes, and the `top_k` most probable ones."""
    best = list(row["scores"].items())[:top_k]
    none = ("neither; " if len(row["scores"]) == 2 else "none of these; ") if row.get("unlike") else ""
    return one_line(f"{row['file']}: {none}" + ", ".join(f"{label} {100 * score:.1f} %" for label, score in best))


def _abstention(unlike: Mapping[str, float], classes: int) -> str:
    """How often the model says that a picture is none of the classes, in words."""
    return (
        f'It answers "{"neither" if classes == 2 else "none of these"}" for about {100 * unlike["classes"]:.0f} % of photos '
        f"of the classes, wrongly (likely between {100 * unlike['low']:.0f} and {100 * unlike['high']:.0f} %), and for "
        f"about {100 * unlike['others']:.0f} % of photos of other things."
    )


def report_text(report: Mapping[str, object], out: str) -> str:
    """The report of a fine-tuning, as `Report.to_dict` gives it.

    Args:
        report: the facts.
        out: where the model was saved.
    """
    validation = report["validation"]
    lines = [f"Note: {one_line(sentence)}" for sentence in report["warnings"]]
    lines.append(accuracy_sentence(*(validation[key] for key in ("accuracy", "low", "high", "n"))))
    lines += [one_line(report["verdict"]["sentence"])] if report.get("verdict") else []
    rows = [["", *report["labels"]]]
    rows += [[label, *map(str, row)] for label, row in zip(report["labels"], validation["confusion"], strict=True)]
    lines += ["", "True class (rows), and how it was named (columns):", *_columns(rows), ""]
    if report["mistakes"]:
        lines.append("Named wrong:")
        lines += [
            one_line(f"  {wrong['file']} ({wrong['label']}): {wrong['predicted']} {100 * wrong['score']:.0f} %")
            for wrong in report["mistakes"][:ROWS_SHOWN]
        ]
        more = len(report["mistakes"]) - ROWS_SHOWN
        lines += [f"  and {more} more", ""] if more > 0 else [""]
    if report.get("unlike"):
        lines += [_abstention(report["unlike"], len(report["labels"])), ""]
    shown = one_line(out)
    lines.append(
        f"Saved in {shown} after {report['seconds']:.1f} s. Try it: python -m vgg_hub classify {quote(shown)} PHOTO.jpg"
    )
    return "\n".join(lines)


def summary_text(summary: Mapping[str, object]) -> str:
    """What `summary.summarise` knows of a model: its size, classes and making, then the table of its layers."""
    side = summary["input_size"]
    lines = [
        one_line(f"{summary['name']}, from {summary['source']}"),
        f"{summary['parameters']:,} parameters, {summary['weight_bytes'] / 1e6:.1f} MB of weights",
        f"{summary['multiply_adds']:,} multiply-adds for a picture of {side} x {side}",
        _classes(summary),
        *map(one_line, _making(summary["provenance"] or {})),
        "",
    ]
    rows = [["layer", "type", "output", "kernel", "stride", "activation", "parameters", "multiply-adds"]]
    for layer in summary["layers"]:
        cells = [layer["name"], layer["type"], " x ".join(map(str, layer["output"]))]
        cells += [str(layer[key] or "") for key in ("kernel", "stride", "activation")]
        rows.append([*cells, f"{layer['parameters']:,}", f"{layer['multiply_adds']:,}"])
    return "\n".join(lines + _columns(rows, left=3))


def _classes(summary: Mapping[str, object]) -> str:
    labels = summary["label_names"]
    names = ", ".join(labels[:LABELS_SHOWN]) + (", ..." if len(labels) > LABELS_SHOWN else "")
    return one_line(f"{summary['num_classes']} classes" + (f": {names}" if names else ", not named"))


def _making(provenance: Mapping[str, object]) -> list[str]:
    """What is of the expected kind of the facts on how the weights came to be."""
    lines = []
    for row in provenance_rows(provenance, "data")[:ROWS_SHOWN]:
        parts = [str(row.get("name", "pictures"))]
        parts += [f"{row['pictures']:,} pictures"] if isinstance(row.get("pictures"), int) else []
        parts += [row["licence"]] if isinstance(row.get("licence"), str) else []
        lines.append(f"trained on {', '.join(parts)}")
    for row in provenance_rows(provenance, "scores")[:ROWS_SHOWN]:
        if isinstance(row.get("accuracy"), (int, float)):
            of = f" of {row['n']:,}" if isinstance(row.get("n"), int) else ""
            lines.append(f"right on {100 * row['accuracy']:.1f} %{of}: {row.get('dataset')}, {row.get('split')}")
    counts, validation = provenance.get("counts"), provenance.get("validation")
    if isinstance(counts, dict) and provenance.get("base"):
        lines.append(
            f"fine-tuned from {provenance['base']} on {', '.join(f'{n} {label}' for label, n in counts.items())}"
        )
    keys = ("accuracy", "low", "high", "n")
    if isinstance(validation, dict) and all(isinstance(validation.get(key), (int, float)) for key in keys):
        lines.append(accuracy_sentence(*(validation[key] for key in keys)))
    return [line[:300] for line in lines]


def _columns(rows: list[list[str]], left: int = 1) -> list[str]:
    """Rows of texts under each other: the first `left` columns to the left, the others to the right."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
            gap = " " * (width - _width(cell))
            cells.append(cell + gap if i < left else gap + cell)
        lines.append("  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    """Columns that a terminal needs: Korean and the like take two each."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
