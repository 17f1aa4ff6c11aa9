"""The comparison of nets: the same photos, every net that ships, one after the other."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gradio as gr

from ..bundled import bundled_names
from ..config import check_labels
from ..errors import PhotoError, VGGHubError
from ..events import Embedding, Step
from ..explain import evidence, last_convolution
from ..lab import Opening, Trial, compare_nets
from ..mend import mended
from ..model import VGG
from ..overlay import heat_picture, seen_picture
from ..predict import as_image
from ..preprocess import preprocess
from .amounts import place_in_words, seconds_in_words
from .choice import Choice
from .gpu_work import on_zero_gpu
from .guard import for_page, sentence
from .lab_chart import trials_html
from .lines import lines
from .look import bar, note, problem
from .messages import language_of, say
from .run import Run
from .session import Session
from .stop_file import StopFile
from .words import word

__all__ = ["LabParts", "build", "compare", "stop", "watch"]

SECONDS_BETWEEN_DRAWINGS, SECONDS_BETWEEN_SIGNS = 0.3, 5.0
HEAT_SIDE = 128  # pixels


@dataclass(frozen=True)
class LabParts:
    """The section's components."""

    start: gr.Button
    stop: gr.Button
    progress: gr.HTML
    trials: gr.HTML


def build() -> LabParts:
    """Lay the section out."""
    gr.Markdown(word("lab"), elem_classes="heading")
    gr.Markdown(word("lab_info"), elem_classes="lead")
    with gr.Row(elem_classes="actions"):  # no button works before the page has found its visitor, see `watch`
        shape = {"size": "lg", "interactive": False}
        start = gr.Button(word("lab_start"), variant="secondary", scale=3, elem_id="compare", min_width=160, **shape)
        end = gr.Button(word("stop"), variant="stop", scale=1, elem_id="compare-stop", min_width=100, **shape)
    progress = gr.HTML(js_on_load=None, elem_id="compare-progress")
    return LabParts(start, end, progress, gr.HTML(js_on_load=None, elem_id="trials"))


def nets() -> list[str]:
    """The nets that ship, by depth, with batch norm first."""
    return sorted(bundled_names(), key=lambda name: (int(re.sub(r"\D", "", name) or 0), not name.endswith("-bn"), name))


@for_page
def compare(
    session: Session,
    label_a: str,
    label_b: str,
    files_a: list[str] | None,
    files_b: list[str] | None,
    device: str,
    request: gr.Request,
) -> Iterator[tuple[str, str, dict[str, object], dict[str, object], Session]]:
    """Compare the nets on what the cards hold, and watch. It goes on when nobody watches any more.

    Yields:
        HTML of the progress and of the trials, updates of the two buttons, and the session.
    """
    language = language_of(request)
    try:
        run = _start(session, (label_a or "", label_b or ""), (files_a, files_b), Choice.of(device=device).device)
    except VGGHubError as error:  # said in place; what the last comparison found stays
        if session.compares:  # begun in another tab: this one goes on to watch it
            raise
        yield problem(sentence(error, language)), gr.skip(), *_buttons(None), session
        return
    yield from _watched(run, session, language)
    if isinstance(run.error, VGGHubError):
        raise run.error


def watch(
    session: Session, request: gr.Request
) -> Iterator[tuple[str, str, dict[str, object], dict[str, object], Session]]:
    """When the page opens, or after an error: the comparison that there is, until its end; where there is none, what to do
    first.
    """
    language = language_of(request)
    if session.comparison is None:
        yield note(say(language, "lab_idle")), "", *_buttons(None), session
    else:
        yield from _watched(session.comparison, session, language)


def stop(session: Session) -> None:
    """Stop within one step; the nets that are done stay. What watches says so: said here, it might come after the end."""
    if session.comparison is not None:
        session.comparison.stop()


def _buttons(run: Run | None) -> tuple[dict[str, object], dict[str, object]]:
    under_way = run is not None and not run.over
    return gr.update(interactive=not under_way), gr.update(interactive=under_way)


def _start(session: Session, labels: Sequence[str], files: Sequence[Sequence[str] | None], device: str) -> Run:
    names = check_labels(labels)
    photos: dict[str, list[Path]] = {}
    if on_zero_gpu():
        device = "cpu"  # a GPU is lent for one net's time, and these are small

    def prepare(stop: StopFile) -> None:
        given = {name: session.collect(some, stop).pictures for name, some in zip(names, files, strict=True)}
        photos.update(mended(given, session.mending.wanted(given)))  # as the cards show them

    def work(stop: StopFile) -> Iterator[object]:
        # One photo of each, the first that can be read, shows where the nets look.
        yield from compare_nets(nets(), photos, device=device, stop=stop, look=partial(_looked_at, photos=photos))

    return session.start_comparison(work, lines().deep, prepare)


def _looked_at(model: VGG, photos: Mapping[str, Sequence[Path]]) -> list[str]:
    """A heat map of each class on a photo of it, as the text of a JPEG for an HTML page."""
    drawn = []
    for index, pictures in enumerate(photos.values()):
        for path in pictures:
            try:
                image = as_image(path)
            except PhotoError:
                continue
            x = preprocess(image, model.config)[None]
            found = evidence(model, x, index, last_convolution(model))
            buffer = io.BytesIO()
            seen = seen_picture(image, model.config, HEAT_SIDE)
            heat_picture(seen, found, model.config.input_size).save(buffer, "JPEG", quality=85)
            drawn.append(base64.b64encode(buffer.getvalue()).decode())
            break
    return drawn


def _watched(
    run: Run, session: Session, language: str
) -> Iterator[tuple[str, str, dict[str, object], dict[str, object], Session]]:
    for _ in run.changes(SECONDS_BETWEEN_DRAWINGS, SECONDS_BETWEEN_SIGNS):
        trials = [event for event in run.events if isinstance(event, Trial)]
        yield _progress(run, language), trials_html(trials, language, run.over), *_buttons(run), session


def _progress(run: Run, language: str) -> str:
    """How far a comparison is: HTML."""
    opened = [event for event in run.events if isinstance(event, Opening)]
    done = sum(isinstance(event, Trial) for event in run.events)
    if run.over:
        if run.error is not None:
            known = isinstance(run.error, VGGHubError)
            return problem(sentence(run.error, language) if known else say(language, "lab_broke"))
        total = opened[-1].total if opened else 0
        time = seconds_in_words(language, run.seconds)
        if total and done == total:
            return note(say(language, "lab_done", total=total, time=time), "good")
        return note(say(language, "lab_stopped", total=total, done=done, time=time), "good")
    if run.stopping:
        return bar(say(language, "stopping"), None)
    if run.place is not None:
        return bar(place_in_words(language, run.place.ahead, run.wait), None)
    if not opened:
        return bar(say(language, "lab_starting"), None)
    now, last = opened[-1], run.events[-1]
    where = {"net": now.net, "number": now.number, "total": now.total}
    if isinstance(last, Embedding):
        share = (done + 0.8 * last.done / last.total) / now.total
        return bar(say(language, "lab_embedding", done=last.done, photos=last.total, **where), share)
    key = "lab_learning" if isinstance(last, Step) else "lab_opening"
    return bar(say(language, key, **where), done / now.total)
