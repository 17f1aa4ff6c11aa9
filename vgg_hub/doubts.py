"""What to doubt in a report: that it is better than guessing, and what is said of a class with few photos."""

from __future__ import annotations

from .notes import Note
from .report import Report

__all__ = ["SENTENCES", "doubts"]

UNEVEN = 3  # times as many photos, and it is said

GUESSING = "With {n} {what} it cannot be told from guessing, which is right {percent} % of the time{advice}."
SENTENCES = {
    f"guessing{scenes}{more}": GUESSING.replace("{what}", what).replace("{advice}", advice)
    for scenes, what in (("", "photos"), ("_scenes", "different scenes"))
    for more, advice in (("", ""), ("_more", "; add photos of each class"))
} | {
    "uneven": "{many} has {most} photos and {few} {least}: the classes weigh the same in training, but what is said of "
    "{few} rests on few photos; add some of it."
}


def doubts(report: Report) -> list[Note]:
    """The sentences, for a report that has its counts, scenes, validation and verdict."""
    found = []
    (few, least), (many, most) = (f(report.counts.items(), key=lambda item: item[1]) for f in (min, max))
    if most >= UNEVEN * least:
        found.append(Note.of(SENTENCES, "uneven", many=many, most=most, few=few, least=least))
    if not report.verdict.better_than_guessing:
        guessing = max(report.scenes.values()) / sum(report.scenes.values())
        key = "guessing" + ("" if report.scenes == report.counts else "_scenes")
        key += "" if report.verdict.limited_by == "net" else "_more"
        found.append(Note.of(SENTENCES, key, n=report.validation.n, percent=f"{100 * guessing:.0f}"))
    return found
