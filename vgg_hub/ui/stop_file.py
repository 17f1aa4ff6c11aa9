"""A stop signal that crosses processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["StopFile"]


@dataclass(frozen=True)
class StopFile:
    """Set once its file is gone, or the folder that it was in. Can be pickled; `threading.Event` cannot.

    Attributes:
        path: of the file, which `start` makes.
    """

    path: Path

    @classmethod
    def start(cls, path: Path) -> StopFile:
        """Not set yet."""
        path.touch()
        return cls(path)

    def set(self) -> None:
        """Ask for an end."""
        self.path.unlink(missing_ok=True)

    def is_set(self) -> bool:
        """Whether an end was asked for."""
        return not self.path.exists()
