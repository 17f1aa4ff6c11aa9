"""What a browser or a program says that it uploaded, checked to be just that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gradio.utils import get_upload_folder

from ..data import file_name
from ..errors import PhotoError

__all__ = ["check_file_descriptions", "uploaded_file", "uploaded_files"]

MAX_DEPTH = 20  # of lists and objects; what the page sends is three deep


def uploaded_file(described: object) -> tuple[Path, str]:
    """The file that Gradio's description of an upload means, and what the person calls it.

    Gradio 6.31 does not look where the path of an image leads if its description lacks the mark of a file, so that any
    file of the server could be named. Only what lies in the folder of uploads is taken here.

    Args:
        described: {"path": ..., "orig_name": ...}.

    Raises:
        PhotoError: it describes no upload.
    """
    path = described.get("path") if isinstance(described, Mapping) else None
    found = _in_uploads(path)
    if found is not None and found.is_file():
        return found, file_name(described.get("orig_name") or found.name)
    raise PhotoError("There is no photo; upload one to this page.")


def uploaded_files(described: object) -> list[str]:
    """The paths of several uploads, from a list of descriptions or None.

    Raises:
        PhotoError: one of them describes no upload.
    """
    if described is None:
        return []
    if not isinstance(described, list):
        raise PhotoError("The photos did not come as a list; send a list of uploaded files.")
    return [str(uploaded_file(one)[0]) for one in described]


def check_file_descriptions(value: object) -> None:
    """Refuse a value that names, at any depth, a file that is not an upload: Gradio 6.31 would fetch a web address for
    whoever sends one, into any component, and would answer for another path with a sentence about its own folders.

    Args:
        value: what JSON has. A file that was an upload and is gone passes; whoever opens it says so.

    Raises:
        PhotoError: it names something else, or is nested deeper than anything that the page sends.
    """
    waiting = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise PhotoError(
                "What was sent is nested more than {most} deep; send uploaded files and plain values.", most=MAX_DEPTH
            )
        if isinstance(found, Mapping):
            path = found.get("path")
            if isinstance(path, str) and _in_uploads(path) is None:
                raise PhotoError(
                    "Only files that were uploaded to this page are opened, no web addresses and no other files; upload it."
                )
            waiting += [(inner, depth + 1) for inner in found.values()]
        elif isinstance(found, list):
            waiting += [(inner, depth + 1) for inner in found]


def _in_uploads(path: object) -> Path | None:
    """Where a path leads, links followed, if that lies in the folder of uploads."""
    if not isinstance(path, str) or "\0" in path:
        return None
    try:
        found = Path(path).resolve()
    except (OSError, ValueError, RuntimeError):  # a name that no disk takes, no Unicode, a circle of links
        return None
    return found if found.is_relative_to(Path(get_upload_folder()).resolve()) else None
