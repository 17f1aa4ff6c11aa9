"""Where on a photo the net finds evidence for the answer it gave: the heat map beside a photo that is to be mended."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from ..data import read_image
from ..explain import evidence, last_convolution
from ..overlay import FAINTEST_MARKED, heat_picture, seen_picture
from ..preprocess import preprocess
from .messages import say
from .session import Session

__all__ = ["draw_heat", "heat_figure"]

SIDE = 240  # pixels


def draw_heat(session: Session, row: int) -> None:
    """Draw the heat map of a photo of the report for the class that it was named, once.

    Args:
        session: whose report and tuned model; the model runs on the CPU, as it lies there.
        row: of the report's predictions.

    Raises:
        PhotoError: the photo cannot be read any more.
    """
    target = _file(session, row)
    if row in session.mending.heats and target.exists():
        return
    photo, model = session.report.predictions[row], session.tuned
    image = read_image(session.photos[photo.label][photo.index], name=photo.file)
    index = session.report.labels.index(photo.predicted)
    found = evidence(model, preprocess(image, model.config)[None], index, last_convolution(model))
    heat_picture(seen_picture(image, model.config, SIDE), found, model.config.input_size).save(
        target, "JPEG", quality=85
    )
    session.mending.heats[row] = found.strength


def heat_figure(session: Session, row: int, language: str) -> str:
    """The heat map as HTML; "" where it was not asked for."""
    strength = session.mending.heats.get(row)
    if strength is None:
        return ""
    answer = session.report.predictions[row].predicted
    key = "mend_heat" if strength >= FAINTEST_MARKED else "mend_heat_none"
    said = escape(say(language, key, answer=answer))
    data = base64.b64encode(_file(session, row).read_bytes()).decode()
    return (
        f'<div class="heated"><img src="data:image/jpeg;base64,{data}" alt="{said}"><p>{said} '
        f"{escape(say(language, 'mend_heat_now'))}</p></div>"
    )


def _file(session: Session, row: int) -> Path:
    return session.folder / f"heat-{row}.jpg"
