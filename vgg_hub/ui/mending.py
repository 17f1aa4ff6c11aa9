"""What a visitor changed about the photos after a look at the mistakes, and what it is compared with. No Gradio here."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import FinetuneError
from ..mend import Change, Difference, carried, mended, mended_note, places, what_changed
from ..report import Report
from .choice import Choice

__all__ = ["Lesson", "Mending", "note_of"]

GONE = "That photo is not in the report any more; open the cell of the table again."


_numbers = itertools.count(1)


@dataclass(frozen=True)
class Lesson:
    """What a run was taught with.

    Attributes:
        choice: the net it started from.
        wishes: how (`gpu_work.Wishes`).
        given: the photos as the cards gave them, by class.
        left_out: a sentence for each file that was left out on the way.
        changes: made to these photos.
    """

    choice: Choice
    wishes: object
    given: dict[str, list[Path]]
    left_out: list[str] = field(default_factory=list)
    changes: tuple[Change, ...] = ()

    def photos(self) -> dict[str, list[Path]]:
        """The photos with the changes."""
        return mended(self.given, self.changes)

    def comparable(self, other: Lesson) -> bool:
        """Whether two lessons differ in their changes at most."""
        return (self.choice, self.wishes, self.given) == (other.choice, other.wishes, other.given)


class Mending:
    """The changes that a visitor wants, and those that the last run was taught with.

    Attributes:
        lesson: of the last run that ended; None before it.
        number: of that run, among all of this process: a page may still show an earlier one.
        changes: what the visitor wants now, in the order it was done.
        cell: the true class and the answer of the table's cell that is open; None: all mistakes.
        heats: how strong the heat map is of each photo, by its place in the report, for which one was asked.
    """

    def __init__(self) -> None:
        self.lesson: Lesson | None = None
        self.number = 0
        self.changes: list[Change] = []
        self.cell: tuple[int, int] | None = None
        self.heats: dict[int, float] = {}
        self._first: tuple[Lesson, Report] | None = None  # the last run on unchanged photos

    def wanted(self, given: Mapping[str, Sequence[Path]]) -> tuple[Change, ...]:
        """The changes as they apply to these photos, which may be others than those of the last run."""
        if self.lesson is None or given == self.lesson.given:
            return tuple(self.changes)
        return tuple(carried(self.changes, self.lesson.given, given))

    def again(self) -> Lesson:
        """The last lesson, with the changes that are wanted now.

        Raises:
            FinetuneError: there was none.
        """
        if self.lesson is None:
            raise FinetuneError("Nothing was taught yet; teach it first, then change photos and teach it again.")
        last = self.lesson
        return Lesson(last.choice, last.wishes, last.given, last.left_out, tuple(self.changes))

    def keep(self, lesson: Lesson, report: Report) -> None:
        """A run ended."""
        if not lesson.changes:
            self._first = (lesson, _slim(report))
        # What was done while it ran is wanted still, and not taught yet.
        changes = lesson.changes if self.lesson is None else self.wanted(lesson.given)
        self.lesson, self.changes, self.cell, self.heats = lesson, list(changes), None, {}
        self.number = next(_numbers)

    def is_taught(self) -> bool:
        """Whether the last run was taught with just these changes."""
        return self.lesson is not None and tuple(self.changes) == self.lesson.changes

    def difference(self, report: Report) -> Difference | None:
        """What the changes did, compared with the same photos unchanged; None where there is nothing to compare."""
        if self.lesson is None or not self.lesson.changes or self._first is None:
            return None
        lesson, first = self._first
        return (
            what_changed(lesson.given, self.lesson.changes, first, report) if lesson.comparable(self.lesson) else None
        )

    def wish(self, label: str, index: int) -> tuple[str, Change | None]:
        """Of a photo of the last run, by its class and place there: the class it was given in, and what is wanted of it.

        Raises:
            FinetuneError: there is no such photo.
        """
        place = self._place(label, index)
        wanted = (change for change in self.changes if (change.label, change.index) == place)
        return place[0], next(wanted, None)

    def put(self, label: str, index: int, to: str | None) -> None:
        """Want a photo of the last run in another class, or left out; back in its own, the change is undone.

        Raises:
            FinetuneError: there is no such photo or class.
        """
        own, place = self._place(label, index)
        if to is not None and to not in self.lesson.given:
            raise FinetuneError(GONE)
        self.changes = [change for change in self.changes if (change.label, change.index) != (own, place)]
        if to != own:
            self.changes.append(Change(own, place, to))

    def undo(self, label: str, index: int) -> None:
        """Take back the change of a photo, by its class and place among those given.

        Raises:
            FinetuneError: there is none.
        """
        kept = [change for change in self.changes if (change.label, change.index) != (label, index)]
        if len(kept) == len(self.changes):
            raise FinetuneError("That change was taken back already.")
        self.changes = kept

    def undo_all(self) -> None:
        """Take all changes back."""
        self.changes = []

    def path_of(self, change: Change) -> Path:
        """The file of a photo that was changed."""
        return self.lesson.given[change.label][change.index]

    def _place(self, label: str, index: int) -> tuple[str, int]:
        counts = {label: len(paths) for label, paths in self.lesson.given.items()} if self.lesson else {}
        place = places(counts, self.lesson.changes if self.lesson else ()).get((label, index))
        if place is None:
            raise FinetuneError(GONE)
        return place


def note_of(changes: Sequence[Change]) -> list[str]:
    """What the report and the model's card have to say of the changes."""
    return [mended_note(changes)] if changes else []


def _slim(report: Report) -> Report:
    """The part of a report that a comparison needs."""
    return Report(
        report.labels,
        report.counts,
        report.validation,
        report.seconds,
        report.trainable,
        report.base,
        report.seed,
        report.steps,
        report.stopped,
        predictions=[replace(photo, nearest=None) for photo in report.predictions],
    )
