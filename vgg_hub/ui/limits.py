"""What one visitor may take of the server, and all together: settings of whoever serves the page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Self

from ..errors import ConfigError
from ..picture import Limits

__all__ = ["PageLimits", "page_limits"]

PREFIX = "VGG_HUB_"
# The largest value of each that makes sense: one past it is more likely a slip than a wish. A photo cannot be larger
# than what the package itself reads.
HIGHEST = {
    "max_photos": 100_000,
    "max_file_megabytes": 2_000,
    "max_megabytes": 100_000,
    "max_megapixels": Limits().pixels // 10**6,
    "max_minutes": 24 * 60,
    "keep_minutes": 24 * 60,
    "trainings_at_once": 64,
    "answers_at_once": 64,
    "min_free_megabytes": 1_000_000,
    "max_waiting": 10_000,
    "max_visitors": 10_000,
}


@dataclass(frozen=True, kw_only=True)
class PageLimits:
    """Whole numbers; each is read from an environment variable of its name in capitals after `VGG_HUB_`.

    Attributes:
        max_photos: photos of one class, and photos that are classified in one go.
        max_file_megabytes: size of one uploaded file.
        max_megabytes: size of what one visitor has here, what zips unpack to included.
        max_megapixels: width times height of one photo.
        max_minutes: time of one fine-tuning; then it ends with the best so far.
        keep_minutes: how long photos and models are kept after their visitor last used the page.
        trainings_at_once: fine-tunings that run at a time, of each kind: of the last layer, and of more than that.
        answers_at_once: single photos to be classified that are read at a time, for all visitors together, while trainings
            go on; what is read is answered together.
        min_free_megabytes: of the disk that uploads go to; less than that free, they are refused.
        max_waiting: how many may wait in each line.
        max_visitors: visitors whose work is kept; past that the one who has been away longest is forgotten.
    """

    max_photos: int = 500
    max_file_megabytes: int = 200
    max_megabytes: int = 500
    max_megapixels: int = HIGHEST["max_megapixels"]
    max_minutes: int = 10
    keep_minutes: int = 60
    trainings_at_once: int = 1
    answers_at_once: int = 2
    min_free_megabytes: int = 500
    max_waiting: int = 40
    max_visitors: int = 200

    def __post_init__(self) -> None:
        for each in fields(self):
            _check(each.name, getattr(self, each.name))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read what is set; the rest stays as it is.

        Raises:
            ConfigError: names the variable, what it holds and what it may hold; or a name that is none of ours.
        """
        names = {PREFIX + each.name.upper(): each.name for each in fields(cls)}
        values: dict[str, int] = {}
        for variable, text in environment.items():
            if not variable.startswith(PREFIX):
                continue
            if variable not in names:
                raise ConfigError(
                    "{variable:.80} is no setting of this page; expected {names}.",
                    variable=variable,
                    names=", ".join(sorted(names)),
                )
            number = text.strip()
            values[names[variable]] = _check(names[variable], int(number) if _is_whole(number) else text)
        return cls(**values)

    @property
    def pictures(self) -> Limits:
        """The same for what reads pictures and zips."""
        total = self.max_megabytes * 10**6
        return Limits(pixels=self.max_megapixels * 10**6, total_bytes=total)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _check(name: str, value: object) -> int:
    if type(value) is not int or not 1 <= value <= HIGHEST[name]:
        variable = PREFIX + name.upper()
        raise ConfigError(
            "{variable} is {value!r:.60}; expected a whole number from 1 to {most}.",
            variable=variable,
            value=value,
            most=HIGHEST[name],
        )
    return value


@cache
def page_limits() -> PageLimits:
    """The limits of this process, as the environment has them when they are first asked for; see `from_environment`."""
    return PageLimits.from_environment(os.environ)
