"""Coming back to one's work after the page was closed or loaded anew, and having it deleted at once."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import gradio as gr

from ..start import WEIGHTS
from .guard import for_page
from .limits import page_limits
from .look import note
from .messages import language_of, say
from .session import Session
from .visitors import visitors
from .words import word

__all__ = ["AwayParts", "ask", "build", "build_banner", "come_back", "forget", "greet", "leave", "restore"]


@dataclass(frozen=True)
class AwayParts:
    """The components of the page's last section; `key` is not shown."""

    said: gr.HTML
    delete: gr.Button
    sure: gr.Row
    yes: gr.Button
    no: gr.Button
    key: gr.Textbox


def build_banner() -> gr.HTML:
    """Where the page says that it has found something again."""
    return gr.HTML(js_on_load=None, elem_id="back")


def build() -> AwayParts:
    """Lay the section out."""
    gr.Markdown(word("away"), elem_classes="subheading")
    said = gr.HTML(js_on_load=None, elem_id="away-said")
    delete = gr.Button(word("away_delete"), size="md", elem_id="delete", scale=0, min_width=260)
    with gr.Row(visible=False, elem_classes="actions", elem_id="sure") as sure:
        yes = gr.Button(word("away_yes"), variant="stop", size="md", elem_id="delete-yes", scale=0, min_width=220)
        no = gr.Button(word("away_no"), size="md", elem_id="delete-no", scale=0, min_width=160)
    return AwayParts(said, delete, sure, yes, no, gr.Textbox(visible=False))


def come_back(key: str | None, session: Session, request: gr.Request) -> tuple[str, Session, str]:
    """When the page opens: the key that its browser is to keep, the session of whoever has it, and HTML of a welcome."""
    session, key, found = visitors.enter(key, session)
    return key, session, _welcome(session, language_of(request)) if found else ""


def _welcome(session: Session, language: str) -> str:
    if session.busy:
        text = say(language, "back_running")
    elif session.tuned is not None:
        text = say(language, "back_taught", labels=" / ".join(session.tuned.config.label_names))
    elif any(card.files for card in session.cards.values()):
        text = say(language, "back_photos")
    else:
        return ""
    whose = escape(say(language, "back_whose"))
    return f'<p class="note good">{escape(text)} <a href="#foot">{whose}</a></p>'


def restore(session: Session) -> tuple[object, ...]:
    """What was on the page: updates of name and files of both cards, of the five inputs of the net, and of the two wishes.

    What was never touched stays as the page has it.
    """
    cards: list[object] = []
    for card in session.cards.values():
        files = [name for name in card.files if Path(name).is_file()]
        cards += [card.name or gr.skip(), files or gr.skip()]
    if session.run is None:
        return (*cards, *[gr.skip()] * 7)
    choice = session.choice
    own = choice.weights not in WEIGHTS
    weights = ["own", choice.weights] if own else [choice.weights, gr.skip()]
    return (*cards, choice.depth, choice.batch_norm, *weights, choice.device, session.trainable, session.unlike)


def greet(request: gr.Request) -> str:
    """What becomes of photos and models: HTML."""
    language = language_of(request)
    return note(say(language, "away_kept", time=say(language, "minutes", n=page_limits().keep_minutes)))


def ask() -> tuple[dict[str, object], dict[str, object]]:
    """The button was pressed: updates of it and of the row that asks whether one is sure."""
    return gr.update(visible=False), gr.update(visible=True)


def leave() -> tuple[dict[str, object], dict[str, object]]:
    """Not sure: the two as they were."""
    return gr.update(visible=True), gr.update(visible=False)


@for_page
def forget(session: Session) -> Session:
    """Delete what the visitor has here, stop what runs, and forget their key; gives the session, which is empty."""
    visitors.forget(session)
    return session
