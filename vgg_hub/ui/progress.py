"""How far a run is, in words."""

from __future__ import annotations

from ..errors import VGGHubError
from ..finetune import Embedding, Finished, Step
from .amounts import place_in_words, seconds_in_words
from .guard import sentence
from .look import bar, note, problem
from .messages import say
from .run import Run

__all__ = ["progress_html"]


def progress_html(run: Run, language: str) -> str:
    """How far a run is: HTML."""
    if run.over:
        return _end(run, language)
    if run.stopping:
        return bar(say(language, "stopping"), None)
    if run.place is not None:
        return bar(place_in_words(language, run.place.ahead, run.wait), None)
    event = run.events[-1] if run.events else None
    if isinstance(event, Embedding):
        text = say(language, "train_embedding", done=event.done, total=event.total)
        return bar(_with_time_left(text, event.seconds_left, language), event.done / event.total)
    if isinstance(event, Step):
        text = say(language, "train_step", step=event.step)
        return bar(_with_time_left(text, event.seconds_left, language), event.step / event.total)
    return bar(say(language, "train_loading"), None)


def _end(run: Run, language: str) -> str:
    if isinstance(run.error, VGGHubError):
        return problem(say(language, "train_failed", problem=sentence(run.error, language)))
    if run.error is not None:
        return problem(say(language, "train_failed", problem=say(language, "train_broke")))
    stopped = any(isinstance(event, Finished) and event.report.stopped for event in run.events)
    key = "train_done" if not stopped else "train_out_of_time" if run.out_of_time else "train_stopped"
    return note(say(language, key, time=seconds_in_words(language, run.seconds)), "good")


def _with_time_left(text: str, seconds: float, language: str) -> str:
    left = seconds_in_words(language, max(1, round(seconds)))
    return f"{text}, {say(language, 'train_left', time=left)}"
