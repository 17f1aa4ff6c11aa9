"""Section 4: the report's words, table and mistakes; every name is escaped."""

import re
from dataclasses import replace
from html import escape

import pytest

from tests.page_helpers import plain_photo, request
from vgg_hub.notes import Note
from vgg_hub.report import Mistake, Report, Validation
from vgg_hub.ui.notes import NOTES
from vgg_hub.ui.report import MAX_MISTAKES, report_html, show
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
    "percent": 50,
    "best": "vgg11", "worst": HOSTILE, "others": "vgg13, vgg16",
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
    cell = r'<td class="(right|wrong)"[^>]*aria-label="([^"]*)">(\d+)(?:<span[^>]*>(.)</span>)?'
    cells = re.findall(cell, report_html(REPORT, "en"))
    assert [(kind, count, mark) for kind, _, count, mark in cells] == [
        ("right", "11", "✓"),
        ("wrong", "1", "✗"),
        ("wrong", "1", "✗"),
        ("right", "7", "✓"),
    ]
    assert cells[0][1] == "11 photos of cat were named cat"


def test_guessing_is_the_larger_class():
    assert "guessing: 60 %" in report_html(REPORT, "en")
    assert "interval from 68 to 99 %" in report_html(REPORT, "en")


@pytest.fixture
def session(tmp_path):
    session = Session()
    session.photos = {
        "cat": [plain_photo(tmp_path / f"{i}.png") for i in range(3)],
        HOSTILE: [plain_photo(tmp_path / f"{i}.jpg", "blue") for i in range(3)],
    }
    yield session
    session.close()


def test_nothing_taught_says_what_to_do(session):
    html, same = show(session, request())
    assert "Nothing taught yet. The report comes here" in html
    assert same is session


def test_mistakes_are_shown_with_truth_answer_and_score(session):
    session.report = replace(
        REPORT,
        mistakes=[Mistake("1.png", "cat", 1, HOSTILE, 0.61), Mistake(f"{HOSTILE}.jpg", HOSTILE, 2, "cat", 0.5512)],
    )
    html, _ = show(session, request())
    assert "Photos it got wrong: 2" in html
    assert html.count('<img src="data:image/jpeg;base64,') == 2
    assert "<img src=x" not in html
    assert (
        "<b>Said &lt;img src=x onerror=alert(1)&gt;, 61\N{NO-BREAK SPACE}%</b> <span>It is cat</span> <span>1.png</span>"
        in html
    )
    assert "<b>Said cat, 55\N{NO-BREAK SPACE}%</b>" in html


def test_a_photo_that_is_gone_leaves_the_others(session):
    session.photos["cat"][0].unlink()
    session.report = replace(
        REPORT, mistakes=[Mistake("0.png", "cat", 0, "cat", 0.5), Mistake("1.png", "cat", 1, "cat", 0.5)]
    )
    assert show(session, request())[0].count("<figure>") == 1


def test_many_mistakes_are_cut_and_none_is_said(session):
    session.report = replace(REPORT, mistakes=[Mistake("1.png", "cat", 1, HOSTILE, 0.6)] * (MAX_MISTAKES + 5))
    assert show(session, request())[0].count("<figure>") == MAX_MISTAKES
    session.report = REPORT
    assert "It got none of its photos wrong" in show(session, request())[0]
