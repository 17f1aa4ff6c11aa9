"""Sentences that the page can say in another language."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Note"]


class Note(str):
    """A sentence that remembers how it was made. It is a plain string to all who do not ask, JSON among them.

    Attributes:
        key: which sentence; one made by `said` is its own key.
        values: what its places were filled in with.
    """

    key: str
    values: Mapping[str, object]

    @classmethod
    def of(cls, sentences: Mapping[str, str], key: str, **values: object) -> Note:
        """Fill in `sentences[key]`."""
        note = cls(sentences[key].format(**values))
        note.key, note.values = key, values
        return note

    @classmethod
    def said(cls, sentence: str, **values: object) -> Note:
        """Fill in a literal template, as gettext's message ids; without values it is taken as it is, braces and all.

        Args:
            sentence: in English.
            values: of its places. One that is a note itself is said in the other language too.
        """
        note = cls(sentence.format(**values) if values else sentence)
        note.key, note.values = sentence, values
        return note
