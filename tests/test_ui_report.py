"""Section 4: the report's words and table; every name is escaped."""

import re
from dataclasses import replace
from html import escape

import pytest

from tests.page_helpers import request
from vgg_hub.notes import Note
from vgg_hub.report import Report, Validation
from vgg_hub.ui.notes import NOTES
from vgg_hub.ui.report import report_html, show
from vgg_hub.ui.session import Session
from vgg_hub.verdict import SENTENCES, Verdict

HOSTILE = "<img src=x onerror=alert(1)>"
REPORT = Report(
    labels=["cat", HOSTILE],
    counts={"cat": 12, HOSTILE: 8},
    validation=Validation(0.9, 0.683, 0.988, 20, "5-fold", [[11, 1], [1, 7]]),
    seconds=2.5,
    trainable="head",
    base=f"{HOSTILE}@abc",
    seed=0,
    steps=9,
    stopped=False,
    warnings=[f"{HOSTILE}.jpg is damaged"],
)


def test_the_sentence_stands_in_both_languages():
    assert "Right on about 18 of 20 photos that it had not seen (90 %)" in report_html(REPORT, "en")
    korean = report_html(REPORT, "ko")
    assert "보지 못한 사진 20장 가운데 약 18장을 맞혔습니다(90 %)" in korean
    assert "68 %에서 99 % 사이" in korean


def test_names_run_no_markup():
    for language in ("en", "ko"):
        html = report_html(REPORT, language)
        assert "<img" not in html
        assert html.count("&lt;img src=x onerror=alert(1)&gt;") >= 7


NOTE_VALUES = {
    "count": 12, "own": 7, "scenes": 16, "right": 19, "n": 20, "one": "a.jpg", "other": "b.jpg", "kind": "PNG",
    "other_kind": "JPEG", "label": HOSTILE, "other_label": "cat", "many": HOSTILE, "most": 30, "few": "cat", "least": 5,
    "best": "vgg11", "worst": HOSTILE, "others": "vgg13, vgg16",
    "percent": 50, "moved": 3, "left_out": 1, "right_now": 21, "n_now": 22, "percent_now": 95, "low": 40,
    "high": 60, "low_now": 77, "high_now": 99, "p": "p = 0.031",
}  # fmt: skip


@pytest.mark.parametrize("key", NOTES)
def test_the_warnings_stand_in_both_languages(key):
    places = set(re.findall(r"{(\w+)", NOTES[key][0]))
    note = Note.of({key: NOTES[key][0]}, key, **{place: NOTE_VALUES[place] for place in places})
    report = replace(REPORT, warnings=[note, "x.jpg is damaged"])
    english, korean = (report_html(report, language) for language in ("en", "ko"))
    assert f"<li>{escape(note)}</li><li>x.jpg is damaged</li>" in english
    assert escape(note) not in korean
    assert "<li>x.jpg is damaged</li>" in korean
    (said,) = re.findall(r"<ul><li>(.*?)</li>", korean)
    assert re.search("[가-힣]", said)
    assert all(escape(str(NOTE_VALUES[place])) in said for place in places)
    assert "<img" not in english + korean


def test_guessing_counts_a_burst_once():
    assert "guessing: 75 %" in report_html(replace(REPORT, scenes={"cat": 3, HOSTILE: 9}), "en")


@pytest.mark.parametrize("key", SENTENCES)
def test_the_verdict_stands_in_both_languages(key):
    verdict = Verdict(True, "photos", "", key, HOSTILE, 15, [[0.5, 0.7], [1.0, 0.76]])
    report = replace(REPORT, verdict=verdict)
    english, korean = (re.sub(r"&lt;.*?&gt;", "B", report_html(report, language)) for language in ("en", "ko"))
    assert SENTENCES[key].format(gain="+6", more=15, label="B") in english
    assert SENTENCES[key][:20] not in korean
    for place, value in {"gain": "+6%p", "more": "15장", "label": "B"}.items():
        assert ("{" + place + "}" not in SENTENCES[key]) or value in korean
    assert "<img" not in english + korean


def test_the_matrix_is_readable_without_colour():
    cell = r'<td class="(right|wrong)"[^>]*><button type="button"[^>]* aria-label="([^"]*)">(\d+)<span[^>]*>(.)</span>'
    cells = re.findall(cell, report_html(REPORT, "en"))
    assert [(kind, count, mark) for kind, _, count, mark in cells] == [
        ("right", "11", "✓"),
        ("wrong", "1", "✗"),
        ("wrong", "1", "✗"),
        ("right", "7", "✓"),
    ]
    assert cells[0][1] == "11 photos of cat were named cat; show them"
    empty = report_html(replace(REPORT, validation=replace(REPORT.validation, confusion=[[12, 0], [0, 8]])), "en")
    assert empty.count('data-do="cell"') == 2  # there is nothing to open where there is none
    assert '<span aria-label="0 photos of cat were named' in empty


def test_guessing_is_the_larger_class():
    assert "guessing: 60 %" in report_html(REPORT, "en")
    assert "interval from 68 to 99 %" in report_html(REPORT, "en")


def test_nothing_taught_says_what_to_do():
    session = Session()
    html, same = show(session, request())
    assert "Nothing taught yet. The report comes here" in html
    assert same is session
