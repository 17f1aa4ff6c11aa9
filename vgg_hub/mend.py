"""Photos moved to another class or left out after a look at the mistakes, and what that changed.

    *_, first = finetune(model, photos)
    changes = [Change("cat", 3, "dog"), Change("dog", 0, None)]
    *_, second = finetune(model, mended(photos, changes))
    print(*what_changed(photos, changes, first.report, second.report).sentences(), sep="\\n")

Whoever picks photos by the mistakes takes away mistakes, and the accuracy rises even if nothing was learned better. So the
comparison rests on the photos that nobody touched, by the exact sign test (see `lab`), scene by scene.
"""

from __future__ import annotations

import filecmp
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .errors import FinetuneError
from .lab import sign_test
from .notes import Note
from .report import Judged, Report, Validation

__all__ = ["SENTENCES", "Change", "Difference", "Flip", "carried", "mended", "mended_note", "places", "what_changed"]

CHANCE = 0.05
Photo = TypeVar("Photo")
Place = tuple[str, int]

SENTENCES = {
    "mend_mended": "Changed by hand after a look at the mistakes: {moved} moved to another class, {left_out} left out. Photos "
    "chosen by the mistakes flatter the estimate.",
    "mend_accuracy": "Before your changes about {right} of {n} were right ({percent} %, likely between {low} and {high} %); now "
    "about {right_now} of {n_now} ({percent_now} %, likely between {low_now} and {high_now} %).",
    "mend_same": "Of the {n} photos that you did not touch, about {right} were right before and as many are now.",
    "mend_noise": "Of the {n} photos that you did not touch, about {right} were right before and about {right_now} now: that may "
    "well be chance, it is within the noise.",
    "mend_beyond": "Of the {n} photos that you did not touch, about {right} were right before and about {right_now} now: more "
    "than chance would mostly do ({p}).",
    "mend_none": "There is no photo that you did not touch, so nothing can be compared.",
    "mend_flatters": "You chose photos by the mistakes, and that flatters the figure: it rises even if nothing was learned "
    "better. Only new photos, not chosen by its answers, tell.",
}


@dataclass(frozen=True)
class Change:
    """What a person did to the photo at `index` of those given for the class `label`: it belongs `to` another, or (None)
    is left out."""

    label: str
    index: int
    to: str | None


@dataclass(frozen=True)
class Flip:
    """A photo whose answer changed: it is one of `label` now, and was named `before`, now `after`."""

    file: str
    label: str
    index: int
    before: str
    after: str


@dataclass(frozen=True)
class Difference:
    """What changed between two reports.

    Attributes:
        before, after: the estimates of both.
        moved, left_out: photos changed by hand.
        flips: photos judged both times whose answer changed; `label` and `index` as the later report has them.
        untouched: photos judged both times that were not changed; those of one scene count as one.
        right_before, right_after: of them, how many were right, those of one scene on average.
        better, worse: scenes among them that were right more often after, and less often.
        chance: the probability that chance alone would give a change as one-sided as this; 1 where nothing changed.
    """

    before: Validation
    after: Validation
    moved: int
    left_out: int
    flips: list[Flip]
    untouched: int
    right_before: float
    right_after: float
    better: int
    worse: int
    chance: float

    def within_noise(self) -> bool:
        """Whether the untouched photos cannot tell it from chance, at 5 %."""
        return self.chance >= CHANCE

    def sentences(self) -> list[Note]:
        """The accuracy before and after, what the untouched photos say, and what flatters."""
        old, new = self.before, self.after
        accuracy = {
            "right": f"{old.accuracy * old.n:.0f}",
            "n": old.n,
            "right_now": f"{new.accuracy * new.n:.0f}",
            "n_now": new.n,
            "percent": _percent(old.accuracy),
            "percent_now": _percent(new.accuracy),
            "low": _percent(old.low),
            "high": _percent(old.high),
            "low_now": _percent(new.low),
            "high_now": _percent(new.high),
        }
        right, right_now = f"{self.right_before:.0f}", f"{self.right_after:.0f}"
        if not self.untouched:
            untouched = Note.of(SENTENCES, "mend_none")
        elif not self.better + self.worse:
            untouched = Note.of(SENTENCES, "mend_same", n=self.untouched, right=right)
        elif self.within_noise():
            untouched = Note.of(SENTENCES, "mend_noise", n=self.untouched, right=right, right_now=right_now)
        else:
            p = "p < 0.001" if self.chance < 0.001 else f"p = {self.chance:.3f}"
            untouched = Note.of(SENTENCES, "mend_beyond", n=self.untouched, right=right, right_now=right_now, p=p)
        return [Note.of(SENTENCES, "mend_accuracy", **accuracy), untouched, Note.of(SENTENCES, "mend_flatters")]


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def mended(photos: Mapping[str, Sequence[Photo]], changes: Iterable[Change]) -> dict[str, list[Photo]]:
    """The photos with the changes: those that stay keep their order, those moved here follow in the order of the changes.

    Raises:
        FinetuneError: a change names a class or photo that is not there, or one photo twice.
    """
    order = _order({label: len(some) for label, some in photos.items()}, changes)
    return {label: [photos[given][index] for given, index in some] for label, some in order.items()}


def places(counts: Mapping[str, int], changes: Iterable[Change]) -> dict[Place, Place]:
    """Where each photo of `mended` was given: (class, index) now -> (class, index) of the photos given.

    Raises:
        FinetuneError: see `mended`.
    """
    order = _order(counts, changes)
    return {(label, i): place for label, some in order.items() for i, place in enumerate(some)}


def _order(counts: Mapping[str, int], changes: Iterable[Change]) -> dict[str, list[Place]]:
    moved: dict[Place, str | None] = {}
    for change in changes:
        place = (change.label, change.index)
        there = isinstance(change.index, int) and 0 <= change.index < counts.get(change.label, 0)
        if not there or change.to not in (None, *counts) or change.to == change.label or place in moved:
            classes = ", ".join(f"{label} ({count} photos)" for label, count in counts.items())
            raise FinetuneError(
                f"A change moves photo {change.index!r:.20} of {change.label!r:.80} to {change.to!r:.80}; expected each photo "
                f"at most once, its index counted from 0, and another of the classes {classes:.200} or None."
            )
        moved[place] = change.to
    stay = {label: [(label, i) for i in range(count) if (label, i) not in moved] for label, count in counts.items()}
    return {label: some + [place for place, to in moved.items() if to == label] for label, some in stay.items()}


def carried(
    changes: Iterable[Change], before: Mapping[str, Sequence[Path]], after: Mapping[str, Sequence[Path]]
) -> list[Change]:
    """The same changes to the same files in another choice of photos; what is not there any more is dropped.

    Classes correspond by their order, for they may have new names. A file is the same by its path, else by name and
    content, for a zip may have been unpacked anew.
    """
    if len(before) != len(after):
        return []
    names = dict(zip(before, after, strict=True))
    found: dict[Place, Change] = {}
    for change in changes:
        label = names[change.label]
        index = _place_of(before[change.label][change.index], after[label])
        if index is not None:
            to = None if change.to is None else names[change.to]
            found.setdefault((label, index), Change(label, index, to))
    return list(found.values())


def _place_of(path: Path, files: Sequence[Path]) -> int | None:
    if path in files:
        return list(files).index(path)
    try:
        same = (i for i, file in enumerate(files) if file.name == path.name and filecmp.cmp(file, path, shallow=False))
        return next(same, None)
    except OSError:  # one of them is gone
        return None


def mended_note(changes: Sequence[Change]) -> Note:
    """What has to be said of a model taught with photos that were changed so."""
    left_out = sum(change.to is None for change in changes)
    return Note.of(SENTENCES, "mend_mended", moved=len(changes) - left_out, left_out=left_out)


def what_changed(
    photos: Mapping[str, Sequence[object]], changes: Sequence[Change], before: Report, after: Report
) -> Difference:
    """Compare a fine-tuning on photos with one on the same photos changed.

    Args:
        photos: as they were given for `before`.
        changes: what was done to them.
        before: of `photos`.
        after: of `mended(photos, changes)`.

    Raises:
        FinetuneError: see `mended`.
    """
    changed = {(change.label, change.index) for change in changes}
    then = {(judged.label, judged.index): judged for judged in before.predictions}
    was = places({label: len(some) for label, some in photos.items()}, changes)
    both = [
        (was[judged.label, judged.index], then[was[judged.label, judged.index]], judged)
        for judged in after.predictions
        if was[judged.label, judged.index] in then
    ]
    flips = [
        Flip(new.file, new.label, new.index, old.predicted, new.predicted)
        for _, old, new in both
        if old.predicted != new.predicted
    ]
    scenes = _by_scene((old, new) for place, old, new in both if place not in changed)
    better, worse = sum(new > old for old, new in scenes), sum(new < old for old, new in scenes)
    left_out = sum(change.to is None for change in changes)
    return Difference(
        before=before.validation,
        after=after.validation,
        moved=len(changes) - left_out,
        left_out=left_out,
        flips=flips,
        untouched=len(scenes),
        right_before=sum(old for old, _ in scenes),
        right_after=sum(new for _, new in scenes),
        better=better,
        worse=worse,
        chance=sign_test([old for old, _ in scenes], [new for _, new in scenes]),
    )


def _by_scene(pairs: Iterable[tuple[Judged, Judged]]) -> list[tuple[float, float]]:
    """Of each scene the shares of its photos that were right before and after."""
    scenes: dict[object, list[tuple[bool, bool]]] = {}
    for number, (old, new) in enumerate(pairs):
        key = ("alone", number) if old.scene is None else old.scene
        scenes.setdefault(key, []).append((old.predicted == old.label, new.predicted == new.label))
    return [tuple(sum(side) / len(hits) for side in zip(*hits, strict=True)) for hits in scenes.values()]
