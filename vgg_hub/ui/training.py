"""Section 3: one button that teaches, one that stops, and what is to be seen meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import gradio as gr

from ..config import check_labels
from ..errors import VGGHubError
from ..finetune import Event, Finished
from .backbones import backbones
from .choice import Choice
from .curves import curves_html
from .gpu_work import Outcome, Wishes, adopt, work
from .guard import for_page, sentence
from .line import Place
from .lines import lines
from .look import bar, note, problem
from .mending import Lesson, note_of
from .messages import language_of, say
from .net import choose
from .progress import progress_html
from .run import Run
from .said import SaidError
from .session import Session
from .stop_file import StopFile
from .words import word

__all__ = [
    "TRAINABLE",
    "TrainParts",
    "begin",
    "build",
    "explain",
    "settle",
    "start_again",
    "start_run",
    "stop",
    "teach",
    "teach_again",
    "train",
    "watch",
]

TRAINABLE = ("head", "classifier", "block5", "block4", "block3", "block2", "block1", "all")
SECONDS_BETWEEN_DRAWINGS = 0.15
SECONDS_BETWEEN_SIGNS = 2.0  # of those who wait: their time left


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
    with gr.Row(elem_classes="actions"):  # no button works before the page has found its visitor, see `settle`
        shape = {"size": "lg", "interactive": False}
        teach_button = gr.Button(word("teach"), variant="primary", scale=3, elem_id="teach", min_width=160, **shape)
        stop_button = gr.Button(word("stop"), variant="stop", scale=1, elem_id="stop", min_width=100, **shape)
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


def start_run(
    session: Session,
    choice: Choice,
    labels: Sequence[str],
    files: Sequence[Sequence[str] | None],
    wishes: Wishes,
) -> Run:
    """Begin a fine-tuning from files; it goes on by itself, and its outcome is kept in the session.

    Args:
        session: of the visitor; holds what was taught once the run is over.
        choice: the net to start from.
        labels: class names.
        files: of each class: pictures and zips.
        wishes: how.

    Raises:
        VGGHubError: see `check_labels`, `Session.collect` and `Session.start`.
    """
    session.check_free()
    names = check_labels(labels)

    def lesson(stop: StopFile) -> Lesson:
        collected = [session.collect(some, stop) for some in files]
        given = {name: found.pictures for name, found in zip(names, collected, strict=True)}
        left_out = [text for found in collected for text in found.left_out]
        return Lesson(choice, wishes, given, left_out, session.mending.wanted(given))

    return _start(session, choice, wishes, lesson)


def start_again(session: Session) -> Run:
    """As `start_run`, from the photos of the last run with the changes that the visitor made to them since.

    Raises:
        VGGHubError: as `start_run`; nothing was taught yet.
    """
    session.check_free()
    lesson = session.mending.again()
    return _start(session, lesson.choice, lesson.wishes, lambda stop: lesson)


def _start(session: Session, choice: Choice, wishes: Wishes, prepare: Callable[[StopFile], Lesson]) -> Run:
    prepared: list[Lesson] = []  # zips may be unpacked for it: in the run, so that it can be stopped and found again

    def teach_it(stop: StopFile) -> Iterator[Event]:
        lesson, start = prepared[0], backbones.get(choice)
        for event in work(choice, lesson.photos(), wishes, stop):
            if not isinstance(event, Outcome):
                yield event
                continue
            said = note_of(lesson.changes)
            event.report.warnings[:0] = [*lesson.left_out, *said]
            tuned = adopt(start, event)
            if said:
                tuned.provenance = {**tuned.provenance, "notes": said}
            session.keep(stop, tuned, event.report, lesson)
            yield Finished(tuned, event.report)

    run = session.start(teach_it, lines().for_training(wishes.trainable), lambda stop: prepared.append(prepare(stop)))
    session.choice, session.trainable, session.unlike = choice, wishes.trainable, wishes.unlike
    return run


def teach(
    session: Session,
    choice: Choice,
    labels: Sequence[str],
    files: Sequence[Sequence[str] | None],
    wishes: Wishes,
) -> Iterator[Event | Place]:
    """As `start_run`, for who stays: yields places while it waits, then its events; who stops listening ends it.

    Raises:
        VGGHubError: see `start_run`, `finetune` and `Backbones.get`.
    """
    yield from _heard(start_run(session, choice, labels, files, wishes))


def teach_again(session: Session) -> Iterator[Event | Place]:
    """As `teach`, with `start_again`."""
    yield from _heard(start_again(session))


def _heard(run: Run) -> Iterator[Event | Place]:
    try:
        yield from run.follow()
    finally:
        run.stop()


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
    """Teach what the page holds, or, `again`, the photos of the last run as the visitor changed them; and watch.

    The run goes on when nobody watches any more.

    Yields:
        HTML of the progress, HTML of the curves, and the session.
    """
    language = language_of(request)
    yield bar(say(language, "train_loading"), None), curves_html([], language), session  # zips may be unpacked now
    try:
        if again:
            run = start_again(session)
        else:
            choice = choose(depth, batch_norm, weights, repo, device)
            wishes = Wishes(str(trainable), unlike=bool(unlike))
            session.put("a", label_a, files_a)
            session.put("b", label_b, files_b)
            for label, missing in ((label_a, "unnamed_a"), (label_b, "unnamed_b")):
                if not (label or "").strip():
                    raise SaidError(missing)
            run = start_run(session, choice, (label_a, label_b), (files_a, files_b), wishes)
        yield from _watched(run, session, language)
        if run.error is not None:
            raise run.error
    except VGGHubError as error:
        session.problem = sentence(error, language)
        raise


def watch(session: Session, said: str | None, request: gr.Request) -> Iterator[tuple[str, str, Session]]:
    """When the page opens: the run that was found again, until its end; where there is none, what to do first.

    Args:
        session: of the visitor.
        said: what stands there: a refusal of who was quicker than the page stays.

    Yields:
        HTML of the progress, HTML of the curves, and the session.
    """
    language = language_of(request)
    if session.run is None:
        yield gr.skip() if said else note(say(language, "train_idle")), curves_html([], language), session
    else:
        yield from _watched(session.run, session, language)


def _watched(run: Run, session: Session, language: str) -> Iterator[tuple[str, str, Session]]:
    for _ in run.changes(SECONDS_BETWEEN_DRAWINGS, SECONDS_BETWEEN_SIGNS):
        yield progress_html(run, language), curves_html(run.steps, language), session


def stop(session: Session) -> None:
    """Stop within one step. What watches says so, and what was kept: said here, it might come after the end."""
    session.stop()


def settle(session: Session) -> tuple[dict[str, object], dict[str, object], Session]:
    """After a run, however it ended, or a page that found one: updates that put the two buttons right, and the session."""
    under_way = session.run is not None and not session.run.over
    return gr.update(interactive=not under_way), gr.update(interactive=under_way), session


def explain(session: Session, request: gr.Request) -> tuple[str, Session]:
    """After a run that failed: why, in HTML that stays when the passing message is gone, and the session."""
    language = language_of(request)
    broke = session.run is not None and session.run.error is not None
    why = session.problem or say(language, "train_broke" if broke else "train_full")
    return problem(say(language, "train_failed", problem=why)), session
