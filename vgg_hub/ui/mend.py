"""The half of section 4 where mistakes are mended: a cell's photos, what they are like, and what is done to them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

import gradio as gr

from ..data import file_name
from ..errors import FinetuneError, PhotoError
from ..mend import Change
from ..report import Judged, Report
from .guard import for_page
from .look import note
from .mend_heat import draw_heat, heat_figure
from .messages import language_of, say
from .notes import say_note
from .photos import THUMBNAIL_SIDE, thumbnail
from .session import Session
from .words import word

__all__ = ["FOCUS", "PRESSES", "MendParts", "act", "build", "effect_html", "show", "why"]

GONE = "That is not in the report any more; load the page again."
SHOWN = 24
MOST_FLIPS = 50
SIDE = 240  # pixels, of the photo itself
# Buttons in the HTML say what they do in data attributes; the handler checks all of it.
PRESSES = """element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-do]');
    if (button) trigger(button.dataset.do === 'why' ? 'select' : 'click', {...button.dataset});
});"""
# What was pressed is drawn anew, so the keyboard would lose its place: on to the photo's next button, else the heading.
FOCUS = """(wish) => { if (wish) setTimeout(() => {
    const next = document.querySelector(wish) || document.querySelector('#mend .mend-title, #changes .mend-title');
    next?.focus({preventScroll: !wish.startsWith('#mend .mend-title')});
}, 60) }"""


@dataclass(frozen=True)
class MendParts:
    """The components: the photos, the changes, the button that teaches again, and where the keyboard goes next."""

    photos: gr.HTML
    changes: gr.HTML
    again: gr.Button
    focus: gr.Textbox


def build() -> MendParts:
    """Lay it out below the table."""
    photos = gr.HTML(js_on_load=PRESSES, elem_id="mend")
    changes = gr.HTML(js_on_load=PRESSES, elem_id="changes")
    again = gr.Button(word("teach_again"), variant="primary", visible=False, elem_id="teach-again")
    return MendParts(photos, changes, again, gr.Textbox(visible=False))


def show(session: Session, request: gr.Request) -> tuple[str, str, dict[str, object], Session]:
    """The photos of the open cell, the changes: HTML; an update of the button; and the session."""
    language = language_of(request)
    if session.report is None or session.mending.lesson is None:
        return "", "", gr.update(visible=False), session
    pending = gr.update(visible=not session.mending.is_taught())
    return _photos(session, language), _changes(session, language), pending, session


@for_page
def act(event: gr.EventData, session: Session, request: gr.Request) -> tuple[str, str, dict[str, object], str, Session]:
    """A button in the HTML was pressed.

    Returns:
        What `show` does, with the place where the keyboard goes next (a CSS selector) before the session.
    """
    focus = _act(event._data if isinstance(event._data, Mapping) else {}, session)
    *shown, session = show(session, request)
    return (*shown, focus, session)


@for_page
def why(event: gr.EventData, session: Session, request: gr.Request) -> tuple[str, str, Session]:
    """What the net looked at was asked for: the photos as HTML, where the keyboard goes next, and the session."""
    if session.report is None or session.tuned is None:
        raise FinetuneError("Nothing was taught yet; teach it first, then ask what it looked at.")
    pressed = event._data if isinstance(event._data, Mapping) else {}
    row = _row(pressed, session)
    draw_heat(session, row)
    return _photos(session, language_of(request)), f"#mend-photo-{row} button", session


def _act(pressed: Mapping[str, object], session: Session) -> str:
    mending, report, what = session.mending, session.report, pressed.get("do")
    if report is None:
        raise FinetuneError("Nothing was taught yet; teach it first, then change photos.")
    if what == "cell":
        classes = len(report.labels)
        mending.cell = _number(pressed, "truth", classes), _number(pressed, "answer", classes)
    elif what == "all":
        mending.cell = None
    elif what == "undo":
        _check_run(pressed, session)
        label, photos = [*mending.lesson.given.items()][_number(pressed, "own", len(mending.lesson.given))]
        mending.undo(label, _number(pressed, "at", len(photos)))
        return "#changes .mend-title"
    elif what == "undo-all":
        mending.undo_all()
        return "#changes .mend-title"
    elif what in ("move", "leave", "keep"):
        row = _row(pressed, session)
        photo = report.predictions[row]
        if what == "keep":
            _, change = mending.wish(photo.label, photo.index)
            if change is not None:
                mending.undo(change.label, change.index)
        else:
            to = report.labels[_number(pressed, "to", len(report.labels))] if what == "move" else None
            mending.put(photo.label, photo.index, to)
        return f"#mend-photo-{row} button"
    else:
        raise FinetuneError("That is no button of this page; load the page again.")
    return "#mend .mend-title"


def _row(pressed: Mapping[str, object], session: Session) -> int:
    """The place in the report of the photo whose button was pressed."""
    _check_run(pressed, session)
    return _number(pressed, "photo", len(session.report.predictions))


def _check_run(pressed: Mapping[str, object], session: Session) -> None:
    """Refuse a button of an earlier report, which another tab may still show: its numbers mean other photos."""
    if pressed.get("run") != str(session.mending.number):
        raise FinetuneError(GONE)


def _number(pressed: Mapping[str, object], key: str, count: int) -> int:
    text = str(pressed.get(key))[:9]
    if not (text.isascii() and text.isdecimal()) or int(text) >= count:
        raise FinetuneError(GONE)
    return int(text)


def _photos(session: Session, language: str) -> str:
    report, cell = session.report, session.mending.cell
    rows = _rows(report, cell)
    if cell is None and not rows:
        title = say(language, "report_no_mistakes")
    elif cell is None:
        title = say(language, "mend_all", n=len(rows))
    else:
        truth, answer = (report.labels[place] for place in cell)
        key = "mend_cell_right" if truth == answer else "mend_cell"
        title = say(language, key, truth=truth, answer=answer, n=len(rows))
    if len(rows) > SHOWN:
        title += f" ({say(language, 'mend_first', n=SHOWN)})"
    back = "" if cell is None else _button("all", say(language, "mend_back"))
    figures = "".join(_figure(session, row, language) for row in rows[:SHOWN])
    return (
        f'<div class="mend-head"><h3 class="mend-title" tabindex="-1">{escape(title)}</h3>{back}</div>'
        f'{note(say(language, "mend_hint"))}<div class="mistakes">{figures}</div>'
    ).replace(" %", "\N{NO-BREAK SPACE}%")


def _rows(report: Report, cell: tuple[int, int] | None) -> list[int]:
    """Places in the report's predictions: the surest mistakes first, and of those named right the least sure."""
    judged = report.predictions
    if cell is None:
        rows = [row for row, photo in enumerate(judged) if photo.predicted != photo.label]
    else:
        truth, answer = (report.labels[place] for place in cell)
        rows = [row for row, photo in enumerate(judged) if (photo.label, photo.predicted) == (truth, answer)]
    right = cell is not None and cell[0] == cell[1]
    return sorted(rows, key=lambda row: judged[row].score if right else -judged[row].score)


def _figure(session: Session, row: int, language: str) -> str:
    photo = session.report.predictions[row]
    picture = _picture(session, session.photos[photo.label][photo.index], photo.file, SIDE)
    if not picture:  # the file is gone: an upload older than an hour
        return ""
    kind = "right" if photo.predicted == photo.label else "wrong"
    said = say(language, "mend_answer", answer=photo.predicted, score=f"{100 * photo.score:.0f}")
    truth = say(language, "mend_truth", truth=photo.label)
    return (
        f'<figure id="mend-photo-{row}">{picture}<figcaption><b class="{kind}">{escape(said)}</b> '
        f"<span>{escape(truth)}</span> <span>{escape(photo.file)}</span></figcaption>"
        f"{heat_figure(session, row, language)}{_nearest(session, photo, language)}{_deeds(session, row, language)}</figure>"
    )


def _nearest(session: Session, photo: Judged, language: str) -> str:
    html = ""
    for label, rows in zip(session.report.labels, photo.nearest or [], strict=False):
        others = [session.report.predictions[row] for row in rows]
        pictures = "".join(
            _picture(session, session.photos[other.label][other.index], other.file, THUMBNAIL_SIDE) for other in others
        )
        if pictures:
            said = escape(say(language, "mend_nearest", label=label))
            html += f'<div class="nearest"><span>{said}</span><div>{pictures}</div></div>'
    return html


def _deeds(session: Session, row: int, language: str) -> str:
    """The buttons of a photo, or what was done to it."""
    photo = session.report.predictions[row]
    own, change = session.mending.wish(photo.label, photo.index)
    this = {"photo": row, "run": session.mending.number}
    if change is not None:
        done = say(language, "mend_left") if change.to is None else say(language, "mend_moved", label=change.to)
        undo = _button("keep", say(language, "mend_undo"), say(language, "mend_undo_this", file=photo.file), **this)
        return f'<div class="deeds"><b class="done">✓ {escape(done)}</b>{undo}</div>'
    moves = ""
    for place, label in enumerate(session.report.labels):
        if label != own:
            said = say(language, "mend_move_this", file=photo.file, label=label)
            moves += _button("move", say(language, "mend_move", label=label), said, **this, to=place)
    leave = _button("leave", say(language, "mend_leave"), say(language, "mend_leave_this", file=photo.file), **this)
    ask = ""
    if row not in session.mending.heats:
        ask = _button("why", say(language, "mend_why"), say(language, "mend_why_this", file=photo.file), **this)
    return f'<div class="deeds">{moves}{leave}{ask}</div>'


def _changes(session: Session, language: str) -> str:
    mending = session.mending
    if not mending.changes and mending.is_taught():
        return ""
    left_out = sum(change.to is None for change in mending.changes)
    title = say(language, "mend_changes", moved=len(mending.changes) - left_out, left_out=left_out)
    if not mending.changes:
        title = say(language, "mend_undone")
    state = note(say(language, "mend_taught"), "good") if mending.is_taught() else note(say(language, "mend_pending"))
    rows = "".join(_change(session, change, language) for change in mending.changes)
    undo_all = _button("undo-all", say(language, "mend_undo_all")) if mending.changes else ""
    return (
        f'<div class="mend-head"><h3 class="mend-title" tabindex="-1">{escape(title)}</h3>{undo_all}</div>'
        f'<ul class="changes">{rows}</ul>{state}'
    )


def _change(session: Session, change: Change, language: str) -> str:
    path = session.mending.path_of(change)
    name = file_name(path)
    key = "mend_from_out" if change.to is None else "mend_from_to"
    said = say(language, key, file=name, label=change.label, to=change.to)
    this = {"own": [*session.mending.lesson.given].index(change.label), "at": change.index}
    said_of = say(language, "mend_undo_this", file=name)
    undo = _button("undo", say(language, "mend_undo"), said_of, **this, run=session.mending.number)
    return f"<li>{_picture(session, path, '', THUMBNAIL_SIDE)}<span>{escape(said)}</span>{undo}</li>"


def _button(do: str, text: str, label: str = "", **data: object) -> str:
    """A button that says what it does; a longer `label` tells those who hear it apart."""
    named = f' aria-label="{escape(label)}"' if label else ""
    values = "".join(f' data-{key}="{value}"' for key, value in data.items())
    return f'<button type="button" class="small" data-do="{do}"{values}{named}>{escape(text)}</button>'


def _picture(session: Session, path: Path, name: str, side: int) -> str:
    """A photo of the last run as HTML; "" where its file is gone."""
    try:
        data = base64.b64encode(thumbnail(session, path, side).read_bytes()).decode()
    except (PhotoError, FileNotFoundError):
        return ""
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(name)}" title="{escape(name)}" loading="lazy">'


def effect_html(session: Session, language: str) -> str:
    """What the changes did, as HTML; "" where there is nothing to compare."""
    difference = session.mending.difference(session.report)
    if difference is None:
        return ""
    counts = say(language, "mend_changes", moved=difference.moved, left_out=difference.left_out)
    said = "".join(f"<li>{escape(say_note(language, text))}</li>" for text in (f"{counts}.", *difference.sentences()))
    flips = difference.flips
    if flips:
        rows = [say(language, "mend_flip", **asdict(flip)) for flip in flips[:MOST_FLIPS]]
        if len(flips) > MOST_FLIPS:
            rows.append(say(language, "mend_flips_first", n=len(flips) - MOST_FLIPS))
        items = "".join(f"<li>{escape(row)}</li>" for row in rows)
        changed = f"<p>{escape(say(language, 'mend_flips', n=len(flips)))}</p><ul>{items}</ul>"
    else:
        changed = f"<p>{escape(say(language, 'mend_no_flips'))}</p>"
    return f'<div class="effect"><h3>{escape(say(language, "mend_effect"))}</h3><ul>{said}</ul>{changed}</div>'
