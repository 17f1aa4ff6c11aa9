"""Section 2: the photos of the two things, looked at as they come in."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import gradio as gr
from PIL import Image

from ..data import file_name, read_image
from ..errors import PhotoError
from ..mend import Change, mended
from ..samples import draw_samples
from .amounts import megabytes
from .guard import for_page
from .limits import page_limits
from .look import note, problem
from .messages import language_of, say
from .notes import say_note
from .said import SaidError
from .session import Session
from .uploads import uploaded_file
from .words import word

__all__ = [
    "Card",
    "add_snap",
    "build",
    "draw",
    "limits_said",
    "look_a",
    "look_again",
    "look_b",
    "rename_a",
    "rename_b",
    "small_jpeg",
    "thumbnail",
]

PREVIEWED = 60
THUMBNAIL_SIDE = 160
SAMPLES_EACH = 15


@dataclass(frozen=True)
class Card:
    """The components of one thing's card."""

    name: gr.Textbox
    files: gr.File
    preview: gr.Gallery
    note: gr.HTML
    snap: gr.Image


def build() -> tuple[Card, Card, gr.HTML]:
    """Lay the section out: two cards side by side, one below the other on a phone; then how much there may be."""
    gr.Markdown(word("photos"), elem_classes="heading")
    gr.Markdown(word("photos_info"), elem_classes="lead")
    with gr.Row(equal_height=False):
        cards = _card("a"), _card("b")
    return *cards, gr.HTML(js_on_load=None, elem_id="limits")


def _card(letter: str) -> Card:
    with gr.Column(elem_classes=["photo-card", f"photo-card-{letter}"], min_width=300):
        gr.Markdown(word(f"card_{letter}"))
        name = gr.Textbox(
            label=word("name"),
            placeholder=word(f"name_{letter}_hint"),
            max_lines=1,
            elem_id=f"name-{letter}",
        )
        files = gr.File(label=word(f"files_{letter}"), file_count="multiple", height=140, elem_id=f"files-{letter}")
        note = gr.HTML(js_on_load=None, elem_id=f"note-{letter}", elem_classes="photo-note")
        preview = gr.Gallery(
            label=word("preview"),
            show_label=False,
            columns=5,
            height="auto",
            object_fit="cover",
            allow_preview=False,
            interactive=False,
            buttons=[],
            visible=False,
            elem_id=f"preview-{letter}",
            elem_classes="preview",
        )
        with gr.Accordion(word("webcam"), open=False):
            snap = gr.Image(
                sources=["webcam"], label=word("snap"), type="filepath", height=260, elem_id=f"snap-{letter}"
            )
    return Card(name, files, preview, note, snap)


Looked = tuple[dict[str, object], str]


@for_page
def look_a(
    files_a: list[str] | None, files_b: list[str] | None, session: Session, request: gr.Request
) -> tuple[dict[str, object], str, Session]:
    """Show the first card's photos small, and say which files are not photos. The session remembers what is on the card.

    Returns:
        An update of the gallery, HTML, and the session.
    """
    session.put("a", session.cards["a"].name, files_a)
    return (*_look(0, (files_a, files_b), session, language_of(request)), session)


@for_page
def look_b(
    files_a: list[str] | None, files_b: list[str] | None, session: Session, request: gr.Request
) -> tuple[dict[str, object], str, Session]:
    """As `look_a`, of the second card."""
    session.put("b", session.cards["b"].name, files_b)
    return (*_look(1, (files_a, files_b), session, language_of(request)), session)


@for_page
def look_again(
    files_a: list[str] | None, files_b: list[str] | None, session: Session, request: gr.Request
) -> tuple[dict[str, object], str, dict[str, object], str, Session]:
    """Show both cards with what the visitor changed since: updates and HTML of each, and the session."""
    language = language_of(request)
    return (*_look(0, (files_a, files_b), session, language), *_look(1, (files_a, files_b), session, language), session)


def _look(position: int, files: Sequence[list[str] | None], session: Session, language: str) -> Looked:
    mending = session.mending
    looked_at = files if mending.changes else [some if i == position else None for i, some in enumerate(files)]
    try:
        collected = [session.collect(some) for some in looked_at]
    except SaidError as error:  # said in place, and again where someone goes on with them
        return gr.update(value=None, visible=False), problem(error.say(language))
    given = dict(zip("ab", (found.pictures for found in collected), strict=True))
    changes, letter = mending.wanted(given) if mending.changes else (), "ab"[position]
    pictures = mended(given, changes)[letter]
    if not files[position] and not pictures:
        return gr.update(value=None, visible=False), _empty(language)
    shown, left_out = [], list(collected[position].left_out)
    for path in pictures[:PREVIEWED]:
        try:
            shown.append((thumbnail(session, path), file_name(path)))
        except PhotoError as error:
            left_out.append(error.note)
    ready = len(shown) + len(pictures[PREVIEWED:])
    html = _note(ready, left_out, _changed(changes, letter, language), language)
    return gr.update(value=shown, visible=bool(shown)), html


def rename_a(name: str | None, session: Session) -> Session:
    """The session, which remembers the first card's new name."""
    session.cards["a"].name = str(name or "")
    return session


def rename_b(name: str | None, session: Session) -> Session:
    """As `rename_a`, of the second card."""
    session.cards["b"].name = str(name or "")
    return session


def limits_said(request: gr.Request) -> str:
    """How much the page takes: HTML."""
    limits, language = page_limits(), language_of(request)
    return note(
        say(
            language,
            "limits",
            photos=limits.max_photos,
            pixels=limits.max_megapixels,
            file=megabytes(limits.max_file_megabytes * 10**6),
            total=megabytes(limits.max_megabytes * 10**6),
            minutes=say(language, "minutes", n=limits.max_minutes),
        )
    )


def _changed(changes: Sequence[Change], letter: str, language: str) -> str:
    """How a card's photos were changed by hand; "" where they were not."""
    of_card = [change for change in changes if letter in (change.label, change.to)]
    if not of_card:
        return ""
    here = sum(change.to == letter for change in of_card)
    out = sum(change.to is None for change in of_card)
    return say(language, "photos_changed", here=here, away=len(of_card) - here - out, out=out)


def thumbnail(session: Session, source: Path, side: int = THUMBNAIL_SIDE) -> Path:
    """The file of a photo made small (see `small_jpeg`), written when it is first asked for and gone with the visitor.

    Raises:
        PhotoError: it cannot be read.
    """
    name = hashlib.sha256(f"{side} {source}".encode()).hexdigest()
    target = session.folder / f"small-{name}.jpg"
    if not target.exists():
        half = session.new_folder("small") / target.name  # whole or not at all: another event may be reading
        half.write_bytes(small_jpeg(source, side))
        half.replace(target)
        half.parent.rmdir()
    return target


def small_jpeg(source: Path, side: int = THUMBNAIL_SIDE) -> bytes:
    """A picture made small, as the bytes of a JPEG; `side` is that of the square that it fits in, in pixels.

    Raises:
        PhotoError: it cannot be read.
    """
    image = read_image(source)
    image.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _empty(language: str) -> str:
    return note(say(language, "photos_none"))


def _note(ready: int, left_out: Sequence[str], changed: str, language: str) -> str:
    parts = [say(language, "photo_ready") if ready == 1 else say(language, "photos_ready", n=ready)]
    if ready > PREVIEWED:
        parts.append(say(language, "photos_shown", n=PREVIEWED))
    if left_out:
        parts.append(say(language, "photos_left_out", n=len(left_out)))
    if changed:
        parts.append(changed)
    more = f" {escape(say(language, 'photos_more'))}" if ready < 2 else ""
    sentences = "".join(f"<li>{escape(say_note(language, text))}</li>" for text in left_out[:20])
    listing = f'<ul class="left-out">{sentences}</ul>' if sentences else ""
    return f'<p class="note {"problem" if ready < 2 else "good"}"><b>{escape("; ".join(parts))}.</b>{more}</p>{listing}'


@for_page
def add_snap(
    snap: dict[str, object] | None, files: list[dict[str, object]] | None, session: Session
) -> tuple[object, object, Session]:
    """Put a photo from the webcam beside the card's other files. Takes the raw values of the two components.

    Returns:
        The card's files, the webcam emptied for the next one, and the session.
    """
    if not snap:
        return gr.skip(), gr.skip(), session
    source, _ = uploaded_file(snap)
    others = [str(uploaded_file(file)[0]) for file in files or []]
    target = session.new_folder("snap") / f"webcam-{len(others) + 1}{source.suffix}"
    shutil.copyfile(source, target)
    return [*others, str(target)], None, session


@for_page
def draw(session: Session) -> tuple[str, list[str], str, list[str], Session]:
    """Fill both cards with samples drawn by code: name and files of each, and the session.

    Refused while a run of the visitor's goes: the cards would else lose what it is taught with, for nothing.
    """
    session.check_free()
    folder = session.new_folder("samples")
    values: list[object] = []
    for letter, (label, pictures) in zip("ab", draw_samples(SAMPLES_EACH).items(), strict=True):
        paths = [folder / f"{label}-{number:02d}.png" for number in range(1, len(pictures) + 1)]
        for picture, path in zip(pictures, paths, strict=True):
            picture.save(path)
        session.put(letter, label, paths)
        values += [label, session.cards[letter].files]
    return (*values, session)
