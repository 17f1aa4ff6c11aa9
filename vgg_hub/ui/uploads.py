"""What a browser or a program says that it uploaded, checked to be just that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gradio.utils import get_upload_folder

from ..data import file_name
from ..errors import PhotoError

__all__ = ["uploaded_file"]


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
    if isinstance(path, str) and "\0" not in path:
        found = Path(path).resolve()
        if found.is_relative_to(Path(get_upload_folder()).resolve()) and found.is_file():
            return found, file_name(described.get("orig_name") or found.name)
    raise PhotoError("There is no photo; upload one to this page.")
