"""What is doubted in a report, and what is not."""

from dataclasses import replace

import pytest

from vgg_hub.doubts import doubts
from vgg_hub.report import Report, Validation
from vgg_hub.verdict import Verdict

SURE = Validation(0.9, 0.7, 0.98, 20, "", [[9, 1], [1, 9]])
REPORT = Report(
    labels=["cat", "dog"],
    counts={"cat": 10, "dog": 10},
    validation=SURE,
    seconds=1.0,
    trainable="head",
    base="",
    seed=0,
    steps=1,
    stopped=False,
    verdict=Verdict(True, "photos", "", "unknown"),
    scenes={"cat": 10, "dog": 10},
)
GUESSES = replace(REPORT.verdict, better_than_guessing=False)
BY_NET = replace(GUESSES, limited_by="net")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"counts": {"cat": 10, "dog": 29}}, []),
        (
            {"counts": {"cat": 10, "dog": 30}},
            [
                "dog has 30 photos and cat 10: the classes weigh the same in training, but what is said of cat rests on few "
                "photos; add some of it."
            ],
        ),
        (
            {"verdict": GUESSES},
            ["With 20 photos it cannot be told from guessing, which is right 50 % of the time; add photos of each class."],
        ),
        (
            {"verdict": BY_NET},
            ["With 20 photos it cannot be told from guessing, which is right 50 % of the time."],
        ),
        (
            {"verdict": GUESSES, "validation": replace(SURE, n=12), "scenes": {"cat": 4, "dog": 8}},
            [
                "With 12 different scenes it cannot be told from guessing, which is right 67 % of the time; add photos of "
                "each class."
            ],
        ),
        ({"verdict": GUESSES, "counts": {"cat": 12, "dog": 8}, "scenes": {"cat": 4, "dog": 6}}, [
            "With 20 different scenes it cannot be told from guessing, which is right 60 % of the time; add photos of each "
            "class."
        ]),
    ],
)  # fmt: skip
def test_what_is_doubted(changes, expected):
    assert doubts(replace(REPORT, **changes)) == expected
