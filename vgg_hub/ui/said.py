"""Errors of the page itself, whose sentences it has in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..errors import VGGHubError
from .amounts import seconds_in_words
from .messages import say

__all__ = ["SaidError"]


class SaidError(VGGHubError):
    """One sentence of `messages`; as text it is the English one.

    Attributes:
        key: which.
        values: what its places are filled in with; a value called `seconds` is put in words.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(_say("en", key, values))
        self.key, self.values = key, values

    def __reduce__(self) -> tuple[object, ...]:
        """How to make it again, from another process say: not from its text, as other exceptions are."""
        return partial(type(self), self.key, **self.values), ()

    def say(self, language: str) -> str:
        """The sentence in a language."""
        return _say(language, self.key, self.values)


def _say(language: str, key: str, values: Mapping[str, object]) -> str:
    values = dict(values)
    if isinstance(values.get("seconds"), (int, float)):
        values["time"] = seconds_in_words(language, max(1.0, float(values["seconds"])))
    return say(language, key, **values)
