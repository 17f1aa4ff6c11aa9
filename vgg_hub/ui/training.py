"""Section 3: one button that teaches, one that stops, and what is to be seen meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import gradio as gr

from ..config import check_labels
from ..errors import VGGHubError
from ..finetune import Embedding, Event, Finished, Step
from .amounts import seconds_in_words
from .choice import Choice
from .curves import curves_html
from .gpu_work import Outcome, Wishes, adopt, work
from .guard import for_page, sentence
from .look import bar, note, problem
from .mending import Lesson, note_of
from .messages import language_of, say
from .net import choose
from .session import Session, backbones
from .stop_file import StopFile
from .words import word

__all__ = [
    "TRAINABLE",
    "TrainParts",
    "begin",
    "build",
    "explain",
    "invite",
    "settle",
    "stop",
    "teach",
    "teach_again",
    "train",
]

TRAINABLE = ("head", "classifier", "block5", "block4", "block3", "block2", "block1", "all")
SECONDS_BETWEEN_DRAWINGS = 0.15


@dataclass(frozen=True)
class TrainParts:
    """The section's components."""

    teach: gr.Button
    stop: gr.Button
    trainable: gr.Dropdown
    unlike: gr.Checkbox
    progress: gr.HTML
    curves: gr.HTML


def build() -> TrainParts:
    """Lay the section out."""
    gr.Markdown(word("train"), elem_classes="heading")
    with gr.Row(elem_classes="actions"):
        teach_button = gr.Button(word("teach"), variant="primary", size="lg", scale=3, elem_id="teach", min_width=160)
        stop_button = gr.Button(
            word("stop"), variant="stop", size="lg", scale=1, interactive=False, elem_id="stop", min_width=100
        )
    trainable, unlike = _build_more()
    progress = gr.HTML(js_on_load=None, elem_id="progress")
    curves = gr.HTML(js_on_load=None, elem_id="curves")
    return TrainParts(teach_button, stop_button, trainable, unlike, progress, curves)


def _build_more() -> tuple[gr.Dropdown, gr.Checkbox]:
    with gr.Accordion(word("more"), open=False, elem_id="more"), gr.Row():
        with gr.Column(min_width=240):
            trainable = gr.Dropdown(
                [(word(f"trainable_{name}"), name) for name in TRAINABLE if name != "block1"],  # that is all of it
                value=TRAINABLE[0],
                label=word("trainable"),
                info=word("trainable_info"),
                elem_id="trainable",
            )
        with gr.Column(min_width=240):
            unlike = gr.Checkbox(True, label=word("unlike"), info=word("unlike_info"), elem_id="unlike")
    return trainable, unlike


def teach(
    session: Session,
    choice: Choice,
    labels: Sequence[str],
    files: Sequence[Sequence[str] | None],
    wishes: Wishes,
) -> Iterator[Event]:
    """Fine-tune from files and keep the outcome in the session.

    Args:
        session: of the visitor; holds what was taught once the last event has come.
        choice: the net to start from.
        labels: class names.
        files: of each class: pictures and zips.
        wishes: how.

    Yields:
        The events of `finetune`.

    Raises:
        VGGHubError: see `finetune`, `Backbones.get` and `Session.run`.
    """
    with session.run() as stop_file:
        names = check_labels(labels)
        collected = [session.collect(some) for some in files]
        given = {name: found.pictures for name, found in zip(names, collected, strict=True)}
        left_out = [text for found in collected for text in found.left_out]
        yield from _follow(session, Lesson(choice, wishes, given, left_out, session.mending.wanted(given)), stop_file)


def teach_again(session: Session) -> Iterator[Event]:
    """As `teach`, from the photos of the last run with the changes that the visitor made to them since.

    Raises:
        VGGHubError: as `teach`; nothing was taught yet.
    """
    with session.run() as stop_file:
        yield from _follow(session, session.mending.again(), stop_file)


def _follow(session: Session, lesson: Lesson, stop_file: StopFile) -> Iterator[Event]:
    photos, session.choice = lesson.photos(), lesson.choice
    start = backbones.get(lesson.choice)
    for event in work(lesson.choice, photos, lesson.wishes, stop_file):
        if not isinstance(event, Outcome):
            yield event
            continue
        said = note_of(lesson.changes)
        event.report.warnings[:0] = [*lesson.left_out, *said]
        tuned = adopt(start, event)
        if said:
            tuned.provenance = {**tuned.provenance, "notes": said}
        session.tuned, session.report, session.photos = tuned, event.report, photos
        session.mending.keep(lesson, event.report)
        yield Finished(tuned, event.report)


def invite(request: gr.Request) -> tuple[str, str]:
    """What the section says before the first run: HTML of the progress and of the curves."""
    language = language_of(request)
    return note(say(language, "train_idle")), curves_html([], language)


@for_page
def begin(session: Session, request: gr.Request) -> tuple[dict[str, object], dict[str, object], str, Session]:
    """The button was pressed: refuse a second run, else get ready.

    Returns:
        Updates of the two buttons, HTML of the progress, and the session.
    """
    session.check_free()
    session.problem = ""
    busy = bar(say(language_of(request), "train_starting"), None)
    return gr.update(interactive=False), gr.update(interactive=True), busy, session


@for_page
def train(
    session: Session,
    label_a: str,
    label_b: str,
    files_a: list[str] | None,
    files_b: list[str] | None,
    depth: int,
    batch_norm: bool,
    weights: str,
    repo: str,
    device: str,
    trainable: str,
    unlike: bool,
    again: bool,
    request: gr.Request,
) -> Iterator[tuple[str, str, Session]]:
    """Teach what the page holds, or, `again`, the photos of the last run as the visitor changed them.

    Yields:
        HTML of the progress, HTML of the curves, and the session.
    """
    language = language_of(request)
    steps: list[Step] = []
    started = drawn = time.perf_counter()
    yield bar(say(language, "train_loading"), None), curves_html(steps, language), session
    try:
        if again:
            events = teach_again(session)
        else:
            choice, wishes = (
                choose(depth, batch_norm, weights, repo, device),
                Wishes(str(trainable), unlike=bool(unlike)),
            )
            events = teach(session, choice, (label_a or "", label_b or ""), (files_a, files_b), wishes)
        for event in events:
            if isinstance(event, Step):
                steps.append(event)
            last_step = isinstance(event, Step) and event.seconds_left == 0
            if time.perf_counter() - drawn >= SECONDS_BETWEEN_DRAWINGS or last_step or isinstance(event, Finished):
                drawn = time.perf_counter()
                yield _progress(event, drawn - started, language), curves_html(steps, language), session
    except VGGHubError as error:
        session.problem = sentence(error, language)
        raise


def _progress(event: Event, seconds: float, language: str) -> str:
    if isinstance(event, Finished):
        key = "train_stopped" if event.report.stopped else "train_done"
        return note(say(language, key, time=seconds_in_words(language, seconds)), "good")
    if isinstance(event, Embedding):
        text = say(language, "train_embedding", done=event.done, total=event.total)
        return bar(_with_time_left(text, event.seconds_left, language), event.done / event.total)
    if isinstance(event, Step):
        text = say(language, "train_step", step=event.step)
        return bar(_with_time_left(text, event.seconds_left, language), event.step / event.total)
    return bar(say(language, "train_loading"), None)


def _with_time_left(text: str, seconds: float, language: str) -> str:
    left = seconds_in_words(language, max(1, round(seconds)))
    return f"{text}, {say(language, 'train_left', time=left)}"


def stop(session: Session, request: gr.Request) -> str:
    """Stop within one step; the run itself says what it kept."""
    session.stop()
    return bar(say(language_of(request), "train_stopping"), None)


def settle(session: Session) -> tuple[dict[str, object], dict[str, object], Session]:
    """After a run, however it ended: updates that put the two buttons back, and the session."""
    return gr.update(interactive=True), gr.update(interactive=False), session


def explain(session: Session, request: gr.Request) -> tuple[str, Session]:
    """After a run that failed: why, in HTML that stays when the passing message is gone, and the session."""
    language = language_of(request)
    # Without a sentence of ours the run never began: the line of those who wait was full.
    text = say(language, "train_failed", problem=session.problem or say(language, "train_full"))
    return problem(text), session
