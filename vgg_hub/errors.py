"""Every error that the package raises on purpose.

Each message is one sentence or two that a person can act on: what came, what was expected, what to do next. The page
and the command line show the message as it is, so it never holds a secret. Where one is raised, the message stands as a
literal template with named places, by which the page finds the same sentence in another language.
"""

from __future__ import annotations

from .notes import Note

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DeviceError",
    "FinetuneError",
    "HubError",
    "LabelError",
    "ParityError",
    "PhotoError",
    "VGGHubError",
]


class VGGHubError(Exception):
    """Base class: anything a person can put right. Catch this to catch them all.

    Attributes:
        sentence: the template, in English.
        values: what its places are filled in with; the text is the template itself where there are none.
    """

    def __init__(self, sentence: str = "", /, **values: object) -> None:
        super().__init__(str(Note.said(sentence, **values)))
        self.sentence, self.values = sentence, values

    @property
    def note(self) -> Note:
        """The message as a note, to stand in another message or in a list of warnings."""
        return Note.said(self.sentence, **self.values)


class ConfigError(VGGHubError, ValueError):
    """A network was asked for that cannot be built, or a `config.json` that cannot be read."""


class CheckpointError(VGGHubError):
    """A folder or file of weights does not hold what it should; the message names the file."""


class ParityError(CheckpointError):
    """A saved folder opens in another loader, or in ours, as something else than what was saved; names the loader."""


class HubError(VGGHubError):
    """The Hugging Face Hub said no, or could not be reached; the message names the repo."""


class PhotoError(VGGHubError):
    """A picture, folder or archive cannot be used; the message names the file."""


class LabelError(VGGHubError, ValueError):
    """A class name that cannot be used, or classes that do not make a task."""


class FinetuneError(VGGHubError):
    """Training cannot start, or was stopped before there was anything to keep."""


class DeviceError(VGGHubError):
    """A device was asked for that this machine does not have."""
