"""Numbers as people say them, in English and Korean."""

from __future__ import annotations

from .messages import say

__all__ = ["count_in_words", "megabytes", "place_in_words", "seconds_in_words"]


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def count_in_words(language: str, n: int) -> str:
    """A large number as people say it: 9.23 million, 923만."""
    if language == "ko":
        unit, name = (10**8, "억") if n >= 10**8 else (10**4, "만")
        return f"{_three_digits(n / unit)}{name}" if n >= 10**4 else f"{n:,}"
    if n >= 10**9:
        return say(language, "billion", n=_three_digits(n / 10**9))
    return say(language, "million", n=_three_digits(n / 10**6)) if n >= 10**6 else f"{n:,}"


def megabytes(size: int) -> str:
    """Bytes as people read them: 9.2 MB, 33.0 kB."""
    if size < 1e5:
        return f"{_three_digits(size / 1e3)} kB"
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{_three_digits(size / 1e6)} MB"


def seconds_in_words(language: str, seconds: float) -> str:
    """A duration: 0.08 s, 3 s, 2 min."""
    if seconds >= 100:
        return say(language, "minutes", n=round(seconds / 60))
    return say(language, "seconds", n=f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}")


def place_in_words(language: str, ahead: int, seconds: float | None) -> str:
    """Where one stands in a line, and for how long about, where that is known."""
    text = say(language, "line_next") if ahead == 0 else say(language, "line_place", n=ahead)
    if seconds is None:
        return text
    return f"{text}, {say(language, 'train_left', time=seconds_in_words(language, max(1, round(seconds))))}"
