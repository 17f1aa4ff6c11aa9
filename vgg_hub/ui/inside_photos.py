"""Which photos the net can be watched on: the one classified, those it was taught with, a new one."""

from __future__ import annotations

from PIL import Image

from ..data import file_name, read_image
from .messages import say
from .session import Session
from .uploads import uploaded_file

__all__ = ["CLASSIFIED", "NEW", "offered_photos", "open_photo"]

CLASSIFIED, NEW = "classified", "new"
MAX_TAUGHT = 500  # photos that can be chosen; a browser's list is slow with more


def offered_photos(session: Session, classified: bool, language: str) -> list[tuple[str, str]]:
    """What can be chosen, as (what it is called, its key): "class/number" is the key of a photo that was taught with.

    Args:
        session: whose photos.
        classified: whether there is a photo in the section that classifies.
        language: of the words.
    """
    taught = [
        (say(language, "inside_taught", label=label, file=file_name(path)), f"{i}/{j}")
        for i, (label, paths) in enumerate(session.photos.items())
        for j, path in enumerate(paths)
    ]
    first = [(say(language, "inside_classified"), CLASSIFIED)] if classified else []
    return [*first, (say(language, "inside_new"), NEW), *taught[:MAX_TAUGHT]]


def open_photo(session: Session, key: str, classified: object, upload: object) -> Image.Image | None:
    """The photo of a key that `offered_photos` gave; None where the box for a new one is empty.

    Raises:
        PhotoError: it cannot be read.
    """
    if key in (CLASSIFIED, NEW):
        described = classified if key == CLASSIFIED else upload
        if not described:
            return None
        path, name = uploaded_file(described)
        return read_image(path, name=name)
    label, number = map(int, key.split("/"))
    return read_image(list(session.photos.values())[label][number])
