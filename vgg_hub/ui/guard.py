"""From the package's errors to what a person sees: one sentence, in their language."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import isgeneratorfunction
from typing import ParamSpec, TypeVar

import gradio as gr

from ..errors import VGGHubError
from .messages import MESSAGES, language_of, say
from .notes import is_known, say_note
from .said import SaidError
from .session import Session

__all__ = ["for_page", "for_programs", "sentence"]

P = ParamSpec("P")
R = TypeVar("R")


def sentence(error: VGGHubError, language: str) -> str:
    """An error as it is said in a language; file names and labels in it are as they came, not escaped."""
    if isinstance(error, SaidError):
        return error.say(language)
    if language == "en" or is_known(error.note):
        return say_note(language, error.note)
    key = next(key for kind in type(error).__mro__ if (key := f"error_{kind.__name__}") in MESSAGES)
    return say(language, key, sentence=error)


@contextmanager
def _spoken(arguments: tuple[object, ...], page: bool) -> Iterator[None]:
    for argument in arguments:
        if isinstance(argument, Session):
            argument.touch()
    try:
        yield
    except VGGHubError as error:
        language = language_of(next((a for a in arguments if isinstance(a, gr.Request)), None))
        text = sentence(error, language)
        # The page shows the text as HTML; a program gets it as it is.
        raise gr.Error(html.escape(text) if page else text, print_exception=False) from error


def _guard(handler: Callable[P, R], page: bool) -> Callable[P, R]:
    if isgeneratorfunction(handler):

        @wraps(handler)
        def stream(*args: P.args, **kwargs: P.kwargs) -> Iterator[object]:
            with _spoken((*args, *kwargs.values()), page):
                yield from handler(*args, **kwargs)

        return stream

    @wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _spoken((*args, *kwargs.values()), page):
            return handler(*args, **kwargs)

    return call


def for_page(handler: Callable[P, R]) -> Callable[P, R]:
    """A handler of the page: what the package raises becomes a `gr.Error`; nothing else is caught."""
    return _guard(handler, page=True)


def for_programs(handler: Callable[P, R]) -> Callable[P, R]:
    """A named endpoint: as `for_page`, with the sentence unescaped."""
    return _guard(handler, page=False)
