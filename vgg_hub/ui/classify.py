"""Section 5: what is on one photo or many, by what was taught, else by the net chosen in section 1."""

from __future__ import annotations

import csv
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import gradio as gr

from ..data import file_name, read_image
from ..errors import PhotoError, VGGHubError
from ..predict import Classifier, Prediction
from .amounts import place_in_words, seconds_in_words
from .backbones import backbones
from .choice import Choice, look_up
from .collected import Collected
from .gpu_work import on_zero_gpu
from .guard import for_page, sentence
from .limits import page_limits
from .lines import lines
from .look import note, problem
from .messages import language_of, say
from .net import choose
from .notes import say_note
from .session import Session
from .together import ask
from .uploads import uploaded_file
from .words import word

__all__ = [
    "ClassifyParts",
    "answer_one",
    "build",
    "classify_again",
    "classify_many",
    "classify_one",
    "neutral_cell",
    "none_of_these",
    "who_answers",
]

TOP_K = 5
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")  # and their wide forms: "＝1+1" is a formula in Korean Excel
SECONDS_BETWEEN_ROWS = 0.5


@dataclass(frozen=True)
class ClassifyParts:
    """The section's components."""

    who: gr.HTML
    photo: gr.Image
    answer: gr.Label
    time_taken: gr.HTML
    files: gr.File
    said: gr.HTML
    table: gr.HTML
    csv: gr.DownloadButton


def build() -> ClassifyParts:
    """Lay the section out."""
    gr.Markdown(word("classify"), elem_classes="heading")
    who = gr.HTML(js_on_load=None, elem_id="who-answers")
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            photo = gr.Image(
                sources=["upload", "webcam", "clipboard"],
                type="filepath",
                label=word("one_photo"),
                height=280,
                buttons=[],
                elem_id="one-photo",
            )
        with gr.Column(min_width=300):
            answer = gr.Label(num_top_classes=TOP_K, label=word("answer"), elem_id="answer")
            time_taken = gr.HTML(js_on_load=None, elem_id="time-taken")
    files = gr.File(label=word("many_photos"), file_count="multiple", height=120, elem_id="many-photos")
    said = gr.HTML(js_on_load=None, elem_id="many-said")
    table = gr.HTML(js_on_load=None, elem_id="many-table")
    download = gr.DownloadButton(word("csv"), visible=False, elem_id="csv")
    return ClassifyParts(who, photo, answer, time_taken, files, said, table, download)


def _classifier(session: Session, choice: Choice) -> Classifier:
    """Exact arithmetic, so that the page, the shell and a fresh process give the same numbers."""
    model = session.tuned if session.tuned is not None else backbones.get(choice)
    device = "cpu" if on_zero_gpu() else choice.device  # a GPU that is lent by the call is not worth waiting for here
    return Classifier(model, device, precision="float32")


def answer_one(session: Session, choice: Choice, photo: object) -> tuple[Prediction, float, str]:
    """Classify an uploaded photo, read from the very file that was sent.

    Args:
        session: whose tuned model answers, if there is one.
        choice: the net that answers otherwise, and the device.
        photo: Gradio's description of the upload: "path", "orig_name".

    Returns:
        The prediction, seconds from file to answer, and the device.

    Raises:
        PhotoError: it is no upload, or cannot be read.
        SaidError: too many wait for an answer.
    """
    path, name = uploaded_file(photo)
    session.files.see(path)
    classifier = _classifier(session, choice)
    prediction, seconds = ask(session, classifier, lambda: read_image(path, name=name, limits=page_limits().pictures))
    return prediction, seconds, str(classifier.device)


@for_page
def classify_one(
    photo: dict[str, object] | None,
    session: Session,
    depth: int,
    batch_norm: bool,
    weights: str,
    repo: str,
    device: str,
    request: gr.Request,
) -> tuple[dict[str, float] | str | None, str, Session]:
    """What is on one photo.

    Returns:
        Probability by class, or what stands in place of a class where the photo is unlike all of them, or None where it
        cannot be answered; HTML with the time taken, or why not; and the session.
    """
    if not photo:
        return None, "", session
    language = language_of(request)
    try:
        prediction, seconds, where = answer_one(session, choose(depth, batch_norm, weights, repo, device), photo)
    except VGGHubError as error:  # said in place, where there would else be the answer for another photo or net
        return None, problem(sentence(error, language)), session
    text = say(language, "classify_time", time=seconds_in_words(language, seconds), device=where.upper())
    if not prediction.unlike:
        return prediction.scores, note(text), session
    best = ", ".join(
        f"{label} {100 * score:.0f}\N{NO-BREAK SPACE}%" for label, score in list(prediction.scores.items())[:TOP_K]
    )
    why = say(language, "classify_unlike", score=f"{prediction.unlike_score:.1f}", best=best)
    return none_of_these(prediction, language), note(why) + note(text), session


@for_page
def classify_again(
    photo: dict[str, object] | None,
    session: Session,
    depth: int,
    batch_norm: bool,
    weights: str,
    repo: str,
    device: str,
    request: gr.Request,
) -> tuple[object, object, Session]:
    """Section 1 changed: where nothing is taught, another net answers now. As `classify_one`, but it fetches nothing."""
    if not photo or session.tuned is not None:
        return gr.skip(), gr.skip(), session
    try:
        here = look_up(choose(depth, batch_norm, weights, repo, device)).here
    except VGGHubError:  # section 1 says it
        here = False
    if not here:
        return None, "", session
    return classify_one(photo, session, depth, batch_norm, weights, repo, device, request)


def none_of_these(prediction: Prediction, language: str) -> str:
    """What is answered in place of a class."""
    return say(language, "classify_neither" if len(prediction.scores) == 2 else "classify_none")


@for_page
def classify_many(
    files: list[str] | None,
    session: Session,
    depth: int,
    batch_norm: bool,
    weights: str,
    repo: str,
    device: str,
    request: gr.Request,
) -> Iterator[tuple[str, object, object, Session]]:
    """What is on many photos; zips are looked into. A file that cannot be read keeps its row, with the reason.

    Yields:
        HTML with the count and time, HTML of the table, an update of the CSV's button, and the session.
    """
    language = language_of(request)
    nothing = "", gr.update(value=None, visible=False), session
    if not files:
        yield "", *nothing
        return
    try:
        collected = session.collect(files)
        classifier = _classifier(session, choose(depth, batch_norm, weights, repo, device))
        with lines().many.ticket(session) as ticket:
            for place in lines().many.wait(ticket):
                yield note(place_in_words(language, place.ahead, place.seconds)), gr.skip(), gr.skip(), session
            yield from _answers(collected, classifier, session, language)
    except VGGHubError as error:  # as for one photo
        yield problem(sentence(error, language)), *nothing


def _answers(
    collected: Collected, classifier: Classifier, session: Session, language: str
) -> Iterator[tuple[str, object, object, Session]]:
    started = said = time.perf_counter()
    rows = [("", "", "", say_note(language, text)) for text in collected.left_out]
    failed = len(rows)
    for path, answer in zip(collected.pictures, classifier.each(collected.pictures), strict=True):
        if isinstance(answer, PhotoError):
            failed += 1
            rows.append((file_name(path), "", "", say_note(language, answer.note)))
        else:
            label = none_of_these(answer, language) if answer.unlike else answer.label
            probability = "" if answer.unlike else f"{answer.scores[answer.label]:.4f}"
            rows.append((file_name(path), label, probability, ""))
        if time.perf_counter() - said > SECONDS_BETWEEN_ROWS:
            said = time.perf_counter()
            yield _many_said(len(rows) - failed, failed, said - started, language), gr.skip(), gr.skip(), session
    headers = [say(language, f"classify_{key}") for key in ("file", "answer", "probability", "error")]
    target = session.new_folder("answers") / "answers.csv"
    _write_csv(target, headers, rows)
    yield (
        _many_said(len(rows) - failed, failed, time.perf_counter() - started, language),
        _table(headers, rows),
        gr.update(value=str(target), visible=True),
        session,
    )


def _many_said(done: int, failed: int, seconds: float, language: str) -> str:
    text = say(language, "classify_many", n=done, time=seconds_in_words(language, seconds))
    if failed:
        text += f"; {say(language, 'classify_failed', n=failed)}"
    return note(f"{text}.", "problem" if failed else "good")


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headers)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    scrolls = f'role="region" aria-label="{escape(headers[1])}" tabindex="0"'  # so that the keyboard can scroll it
    return f'<div class="answers" {scrolls}><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def neutral_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    start = unicodedata.normalize("NFKC", text.lstrip(" ")[:1])
    return f"'{text}" if start.startswith(FORMULA_STARTS) else text


def _write_csv(path: Path, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8-sig") as file:  # the mark tells spreadsheets that it is UTF-8
        # All quoted: a spreadsheet that splits at ";" would else begin a cell, and a formula, within a name.
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [headers, *([neutral_cell(cell) for cell in row] for row in rows)]
        )


def who_answers(session: Session, request: gr.Request) -> tuple[str, Session]:
    """Says which model answers: HTML, and the session."""
    language = language_of(request)
    if session.tuned is None:
        return note(say(language, "classify_by_start")), session
    labels = " / ".join(session.tuned.config.label_names)
    return note(say(language, "classify_by_tuned", labels=labels), "good"), session
