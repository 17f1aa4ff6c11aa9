"""What one visitor has. Nothing here knows Gradio."""

from __future__ import annotations

import shutil
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ..errors import FinetuneError, HubError
from ..model import VGG
from ..report import Report
from .amounts import megabytes
from .choice import Choice
from .collected import Collected, gather
from .limits import page_limits
from .line import Line
from .mending import Lesson, Mending
from .own_files import OwnFiles
from .run import Run
from .said import SaidError
from .stop_file import StopFile
from .upload import Upload

__all__ = ["Card", "Session", "all_sessions"]

MAX_COLLECTIONS = 8
UNDER_WAY = "A fine-tuning of yours is under way; wait for it to end, or stop it, then start anew."
COMPARISON_UNDER_WAY = "A comparison of yours is under way; wait for it to end, or stop it, then start anew."
PUSH_UNDER_WAY = "An upload of yours is under way; wait for it to end, then start anew."


@dataclass
class Card:
    """What the visitor has put on one card: the thing's name, and files in their folder."""

    name: str = ""
    files: list[str] = field(default_factory=list)


Work = Callable[[StopFile], Iterator[object]]

_alive: weakref.WeakSet[Session] = weakref.WeakSet()
_alive_lock = threading.Lock()


def all_sessions() -> list[Session]:
    """Every session that somebody holds."""
    with _alive_lock:
        return list(_alive)


class Session:
    """One visitor's work: small, and gone with them.

    Not a dataclass, for Gradio copies those field by field when it is kept in a state.

    Attributes:
        tuned: what they taught; it shares the frozen tensors of the net that it started from.
        report: of that fine-tuning.
        photos: the photos that it was taught with, by class, in the order given.
        choice: the net that they chose last; `trainable` and `unlike` are their other wishes.
        mending: what they changed about the photos after a look at the mistakes.
        cards: "a" and "b".
        run, comparison: the last fine-tuning and the last comparison of nets, under way or over; None before the first.
        problem: why the last run failed, in one sentence; "" where it did not.
        upload: the last one to the Hub, under way or over.
        push_problem: why the last upload failed, as `problem`.
        files: theirs.
    """

    def __init__(self) -> None:
        self.files = OwnFiles()
        self._lock, self._pushing = threading.RLock(), threading.Lock()
        self._collecting = threading.RLock()  # held while zips are unpacked; taken before `_lock`, never within it
        self._stop: StopFile | None = None
        self._used = time.monotonic()
        self._reset()
        with _alive_lock:
            _alive.add(self)

    def _reset(self) -> None:
        self.tuned: VGG | None = None
        self.report: Report | None = None
        self.photos: dict[str, list[Path]] = {}
        self.choice, self.trainable, self.unlike = Choice(), "head", True
        self.mending = Mending()
        self.cards = {"a": Card(), "b": Card()}
        self.run: Run | None = None
        self.comparison: Run | None = None
        self.upload: Upload | None = None
        self.problem = self.push_problem = ""
        self._collected: OrderedDict[tuple[str, ...], Collected] = OrderedDict()

    def __deepcopy__(self, memo: dict) -> Self:
        """A new session: Gradio copies the initial value of a state, once a visitor, and locks cannot be copied."""
        return type(self)()

    @property
    def folder(self) -> Path:
        """A folder for this visitor's files, made when it is first asked for."""
        return self.files.folder

    def new_folder(self, name: str) -> Path:
        """A new, empty folder inside `folder`."""
        return self.files.new_folder(name)

    def touch(self) -> None:
        """The visitor is here."""
        self._used = time.monotonic()

    @property
    def idle(self) -> float:
        """Seconds since the visitor was here, or a run of theirs ended."""
        return 0.0 if self.busy else time.monotonic() - self._used

    @property
    def busy(self) -> bool:
        """Whether a fine-tuning, a comparison or an upload is under way."""
        return any(run is not None and not run.over for run in (self.run, self.comparison)) or self._pushing.locked()

    @property
    def compares(self) -> bool:
        """Whether a comparison of nets is under way."""
        return self.comparison is not None and not self.comparison.over

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return self.tuned is None and not self.busy and self.files.is_empty()

    def start(self, work: Work, line: Line, prepare: Callable[[StopFile], object] | None = None) -> Run:
        """Begin a fine-tuning in a thread of its own, once it has its turn. A visitor has one at a time.

        Args:
            work: given what stops it; hands its outcome to `keep`.
            line: where it waits.
            prepare: called before it stands in the line; given what stops it.

        Raises:
            FinetuneError: one is under way.
        """
        with self._lock:
            self.check_free()
            self.problem = ""
            self._stop = StopFile.start(self.new_folder("run") / "goes-on")
            self.run = self._begun(work, self._stop, line, prepare)
            return self.run

    def start_comparison(self, work: Work, line: Line, prepare: Callable[[StopFile], object]) -> Run:
        """As `start`, of nets that are compared."""
        with self._lock:
            if self.compares:
                raise FinetuneError(COMPARISON_UNDER_WAY)
            stop = StopFile.start(self.new_folder("run") / "goes-on")
            self.comparison = self._begun(work, stop, line, prepare)
            return self.comparison

    def _begun(self, work: Work, stop: StopFile, line: Line, prepare: Callable[[StopFile], object] | None) -> Run:
        run = Run(work, stop, line, self, 60.0 * page_limits().max_minutes, prepare)
        run.start()
        return run

    def keep(self, stop: StopFile, tuned: VGG, report: Report, lesson: Lesson) -> None:
        """Take the outcome of the run that `stop` stops, and what it was taught with.

        Raises:
            SaidError: its visitor has had everything deleted meanwhile.
        """
        with self._lock:
            if stop is not self._stop:
                raise SaidError("line_left")
            self.tuned, self.report, self.photos = tuned, report, lesson.photos()
            self.mending.keep(lesson, report)
            self.touch()

    def check_free(self) -> None:
        """Raise FinetuneError where a fine-tuning is under way."""
        if self.run is not None and not self.run.over:
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
        if self.run is not None:
            self.run.stop()

    def _stop_all(self) -> None:
        for run in (self.run, self.comparison):
            if run is not None:
                run.stop()

    def own(self, files: Sequence[str | Path] | None) -> list[str]:
        """Uploads as they lie in this visitor's folder; what lies elsewhere stays there."""
        return [str(self.files.take(Path(name))) for name in files or ()]

    def put(self, letter: str, name: str | None, files: Sequence[str | Path] | None) -> None:
        """Remember what is on a card."""
        self.cards[letter] = Card(str(name or ""), self.own(files))

    def collect(self, files: Sequence[str | Path] | None, stop: StopFile | None = None) -> Collected:
        """The pictures in a card's files; a zip is unpacked once for as long as the files stay the same.

        Args:
            files: as they were uploaded.
            stop: of the run that they are for.

        Raises:
            SaidError: there are more photos of them, or they are larger, than one visitor may have here; or the run was
                stopped.
        """
        limits = page_limits()
        with self._collecting:
            if stop is not None and stop.is_set():  # asked here, where nobody can delete all in between
                raise SaidError("line_left")
            key = tuple(self.own(files))
            if key not in self._collected:
                self._collected[key] = gather(self.files, key)
                with self._lock:
                    self._make_room(key, limits.max_megabytes)
            self._collected.move_to_end(key)
            found = self._collected[key]
        if len(found.pictures) > limits.max_photos:
            raise SaidError("too_many_photos", n=len(found.pictures), most=limits.max_photos)
        return found

    def _make_room(self, new: tuple[str, ...], most: int) -> None:
        """Let go of files that are on no card any more, where all together are too large or too many."""
        needed = {new, *(tuple(card.files) for card in self.cards.values())}
        for key in [key for key in self._collected if key not in needed]:
            if len(self._collected) > MAX_COLLECTIONS or self.files.size() > most * 10**6:
                self._drop(key)
        size = self.files.size()
        if size > most * 10**6:
            self._drop(new)
            raise SaidError("too_large", size=megabytes(size), most=megabytes(most * 10**6))

    def _drop(self, key: tuple[str, ...]) -> None:
        """Delete what belongs to this choice of files alone, and is in no report."""
        dropped = self._collected.pop(key)
        others = [found.taken for found in self._collected.values()]
        taught = self.mending.lesson.given.values() if self.mending.lesson else ()
        used = {path for paths in (*others, *self.photos.values(), *taught) for path in paths}
        self.files.drop(path for path in dropped.taken if path not in used)
        if dropped.folder is not None and used.isdisjoint(dropped.pictures):
            shutil.rmtree(dropped.folder, ignore_errors=True)

    def close(self) -> None:
        """Stop what runs and delete the visitor's files; then it is as new."""
        self._stop_all()
        with self._collecting, self._lock:
            self._stop_all()  # what began meanwhile
            self._stop = None
            self._reset()
            self.files.clear()
