"""Errors of the page itself, whose sentences it has in both languages."""

from __future__ import annotations

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
        self.key, self.values = key, values
        super().__init__(self.say("en"))

    def say(self, language: str) -> str:
        """The sentence in a language."""
        values = dict(self.values)
        if isinstance(values.get("seconds"), (int, float)):
            values["time"] = seconds_in_words(language, max(1.0, float(values["seconds"])))
        return say(language, self.key, **values)
