"""What one visitor has, and the nets that all visitors share. Nothing here knows Gradio."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ..archive import collect_files
from ..errors import FinetuneError, HubError
from ..model import VGG
from ..report import Report
from ..start import starting_model, starting_source
from .account import on_space
from .bounds import check_repo, check_size
from .choice import Choice
from .mending import Mending
from .stop_file import StopFile

__all__ = ["Backbones", "Collected", "Session", "backbones"]

MAX_COLLECTIONS = 8
UNDER_WAY = "A fine-tuning of yours is under way; wait for it to end, or stop it, then start anew."
PUSH_UNDER_WAY = "An upload of yours is under way; wait for it to end, then start anew."


@dataclass(frozen=True)
class Collected:
    """The pictures of one card, zips unpacked, and a sentence for each file that was left out."""

    pictures: list[Path]
    left_out: list[str]


class Session:
    """One visitor's work: small, and gone with them.

    Not a dataclass, for Gradio copies those field by field when it is kept in a state.

    Attributes:
        tuned: what they taught; it shares the frozen tensors of the net that it started from.
        report: of that fine-tuning.
        photos: the photos that it was taught with, by class, in the order given.
        choice: the net that they chose last.
        looks_inside: whether the section that looks into the net is open.
        mending: what they changed about the photos after a look at the mistakes.
        problem: why the last run failed, in one sentence; "" where it did not.
        push_problem: the same of the last upload.
    """

    def __init__(self) -> None:
        self.tuned: VGG | None = None
        self.report: Report | None = None
        self.photos: dict[str, list[Path]] = {}
        self.choice = Choice()
        self.looks_inside = False
        self.mending = Mending()
        self.problem = self.push_problem = ""
        self._stop: StopFile | None = None
        self._busy = threading.Lock()
        self._pushing = threading.Lock()
        self._folder: Path | None = None
        self._collected: OrderedDict[tuple[str, ...], Collected] = OrderedDict()

    def __deepcopy__(self, memo: dict) -> Self:
        """A new session: Gradio copies the initial value of a state, once a visitor, and locks cannot be copied."""
        return type(self)()

    @property
    def folder(self) -> Path:
        """A folder for this visitor's files, made when it is first asked for."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="vgg-hub-"))
            # Also where the server ends before the session does.
            self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    def new_folder(self, name: str) -> Path:
        """A new, empty folder inside `folder`."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    @contextmanager
    def run(self) -> Iterator[StopFile]:
        """Hold the visitor's only place for a fine-tuning; gives what stops it.

        Raises:
            FinetuneError: one is under way.
        """
        if not self._busy.acquire(blocking=False):
            raise FinetuneError(UNDER_WAY)
        try:
            self._stop = StopFile.start(self.new_folder("run") / "goes-on")
            self.problem = ""
            yield self._stop
        finally:
            self._busy.release()

    def check_free(self) -> None:
        """Raise FinetuneError where a fine-tuning is under way."""
        if self._busy.locked():
            raise FinetuneError(UNDER_WAY)

    @contextmanager
    def pushing(self) -> Iterator[None]:
        """Hold the visitor's only place for an upload.

        Raises:
            HubError: one is under way.
        """
        if not self._pushing.acquire(blocking=False):
            raise HubError(PUSH_UNDER_WAY)
        try:
            yield
        finally:
            self._pushing.release()

    def check_not_pushing(self) -> None:
        """Raise HubError where an upload is under way."""
        if self._pushing.locked():
            raise HubError(PUSH_UNDER_WAY)

    def stop(self) -> None:
        """End the fine-tuning that is under way within one step, if there is one."""
        if self._stop:
            self._stop.set()

    def collect(self, files: Sequence[str | Path] | None) -> Collected:
        """The pictures in a card's files; a zip is unpacked once for as long as the files stay the same."""
        key = tuple(map(str, files or ()))
        if key not in self._collected:
            if any(name.casefold().endswith(".zip") for name in key):
                found = Collected(*collect_files(key, self.new_folder("zips")))
            else:
                found = Collected([Path(name) for name in key], [])
            self._collected[key] = found
            while len(self._collected) > MAX_COLLECTIONS:
                self._collected.popitem(last=False)
        return self._collected[key]

    def close(self) -> None:
        """Stop what runs and delete the visitor's files."""
        self.stop()
        self.tuned = self.report = None
        self.photos, self._collected, self.mending = {}, OrderedDict(), Mending()
        if self._folder is not None:
            self._remove()
            self._folder = None


class Backbones:
    """The nets that a fine-tuning starts from, loaded once and shared read-only; the last `limit` asked for are kept.

    They stay on the CPU: what a visitor taught shares these tensors wherever it was computed.
    """

    def __init__(self, limit: int = 3) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[object, ...], _Entry] = OrderedDict()

    def get(self, choice: Choice) -> VGG:
        """Load the net, or give the one that is loaded.

        Raises:
            CheckpointError, HubError, ConfigError: see `starting_model`.
        """
        key = self._key(choice)
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > self._limit:
                self._entries.popitem(last=False)
        with entry.lock:  # one visitor fetches; others who want the same net wait, and those who want another do not
            if entry.model is None:
                # What the owner of this machine may read is not for those who reach it from elsewhere.
                token = None if choice.at_home and not on_space() else False
                check_repo(choice, token)
                model = starting_model(choice.weights, choice.depth, choice.batch_norm, token)
                check_size(model.config, choice.weights)  # a folder's; and a repo may have changed meanwhile
                entry.model = model
            return entry.model

    @staticmethod
    def _key(choice: Choice) -> tuple[object, ...]:
        source = starting_source(choice.weights, choice.depth, choice.batch_norm)
        if source is None:
            return ("random", choice.depth, choice.batch_norm)
        weights = os.path.join(os.path.expanduser(source), "model.safetensors")
        if os.path.isfile(weights):
            return (source, os.stat(weights).st_mtime_ns)  # a folder may be written anew between two runs
        return (source, choice.at_home)


@dataclass
class _Entry:
    model: VGG | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


backbones = Backbones()
