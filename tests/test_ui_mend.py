"""Mending without a server: what a press does, what is shown, what is refused, and what it weighs."""

import re
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest

from tests.page_helpers import draw_photos, plain_photo, request, tiny_checkpoint
from vgg_hub import bundled
from vgg_hub.errors import FinetuneError
from vgg_hub.mend import Change
from vgg_hub.report import Judged, Report, Validation
from vgg_hub.ui import gpu_work, mend_heat, training
from vgg_hub.ui import mend as module
from vgg_hub.ui.backbones import Backbones
from vgg_hub.ui.choice import Choice
from vgg_hub.ui.gpu_work import Wishes
from vgg_hub.ui.mend import act, effect_html, show, why
from vgg_hub.ui.mending import Lesson
from vgg_hub.ui.photos import look_a, look_again
from vgg_hub.ui.session import Session
from vgg_hub.ui.training import teach, teach_again

HOSTILE = "<img src=x onerror=alert(1)>"


def judged(label: str, index: int, predicted: str, score: float = 0.9, nearest=None) -> Judged:
    return Judged(f"{label} {index}.png", label, index, predicted, score, None, nearest)


@pytest.fixture
def session(tmp_path):
    """Taught cats and hostile things, three photos each; cat 1 and cat 2 were named wrong."""
    session = Session()
    labels = ["cat", HOSTILE]
    given = {label: [plain_photo(tmp_path / f"{j}{i}.png") for i in range(3)] for j, label in enumerate(labels)}
    predictions = [
        judged("cat", 0, "cat"),
        judged("cat", 1, HOSTILE, 0.6),
        judged("cat", 2, HOSTILE, 0.75, [[0], [3, 4]]),
    ]
    predictions += [judged(HOSTILE, i, HOSTILE) for i in range(3)]
    validation = Validation(4 / 6, 0.22, 0.96, 6, "", [[1, 2], [0, 3]])
    report = Report(labels, {}, validation, 1.0, "head", "", 0, 1, False, predictions=predictions)
    session.report, session.photos = report, given
    session.mending.keep(Lesson(Choice(), Wishes(), given), report)
    yield session
    session.close()


def press(session: Session, language: str = "en", **data: object):
    data = {"run": session.mending.number} | data
    return act(SimpleNamespace(_data={key: str(value) for key, value in data.items()}), session, request(language))


def test_nothing_taught_shows_nothing_and_refuses_a_press():
    session = Session()
    assert show(session, request())[:2] == ("", "")
    with pytest.raises(gr.Error, match="Nothing was taught yet; teach it first"):
        press(session, do="all")
    with pytest.raises(
        FinetuneError, match="Nothing was taught yet; teach it first, then change photos and teach it again"
    ):
        list(teach_again(session))


def test_all_mistakes_come_first_the_surest_before_the_others(session):
    html, changes, again, _ = show(session, request())
    assert re.search(r"<h3[^>]*>Photos it got wrong: 2</h3>", html)
    assert re.findall(r'<figure id="mend-photo-(\d)">', html) == ["2", "1"]
    assert '<b class="wrong">Said &lt;img src=x onerror=alert(1)&gt;, 75\N{NO-BREAK SPACE}%</b>' in html
    assert html.count("<img src=x") == 0
    assert html.count('<div class="nearest">') == 2
    assert html.count('<img src="data:image/jpeg;base64,') == 2 + 3
    assert (changes, again["visible"]) == ("", False)


def test_a_cell_shows_its_photos(session):
    html, *_, focus, _ = press(session, do="cell", truth=1, answer=1)
    assert "Photos of &lt;img src=x onerror=alert(1)&gt; that it named right: 3" in html
    assert html.count("<figure") == 3
    assert focus == "#mend .mend-title"
    assert "cat 사진인데" in press(session, "ko", do="cell", truth=0, answer=1)[0]
    assert "Photos it got wrong: 2" in press(session, do="all")[0]


def test_moved_left_out_and_undone(session):
    html, changes, again, focus, _ = press(session, do="move", photo=1, to=1)
    assert session.mending.changes == [Change("cat", 1, HOSTILE)]
    assert '<b class="done">✓ Moved to &lt;img' in html
    assert "Your changes: 1 moved, 0 left out" in changes
    assert "press “Teach again”" in changes
    assert (again["visible"], focus) == (True, "#mend-photo-1 button")
    press(session, do="leave", photo=3)
    assert session.mending.changes == [Change("cat", 1, HOSTILE), Change(HOSTILE, 0, None)]
    press(session, do="leave", photo=1)  # thought better of
    assert session.mending.changes == [Change(HOSTILE, 0, None), Change("cat", 1, None)]
    press(session, do="keep", photo=1)
    assert session.mending.changes == [Change(HOSTILE, 0, None)]
    press(session, do="move", photo=1, to=0)  # its own class: no change
    assert session.mending.changes == [Change(HOSTILE, 0, None)]
    press(session, do="undo", own=1, at=0)
    press(session, do="leave", photo=1)
    _, changes, again, focus, _ = press(session, do="undo-all")
    assert (session.mending.changes, changes, again["visible"]) == ([], "", False)
    assert focus == "#changes .mend-title"


def test_what_is_changed_while_it_is_taught_again_stays_and_is_not_taught_yet(session):
    press(session, do="move", photo=1, to=1)
    lesson, report = session.mending.again(), session.report
    press(session, do="leave", photo=3)
    session.mending.keep(lesson, report)
    assert session.mending.changes == [Change("cat", 1, HOSTILE), Change(HOSTILE, 0, None)]
    assert not session.mending.is_taught()
    lesson = session.mending.again()
    session.mending.undo_all()
    session.mending.keep(lesson, report)
    assert session.mending.changes == []
    assert not session.mending.is_taught()


@pytest.mark.parametrize(
    "data",
    [{"do": "cell", "truth": 0, "answer": 2}, {"do": "cell", "truth": "-1", "answer": 0}, {"do": "move", "photo": 6, "to": 0},
     {"do": "move", "photo": "1e9", "to": 0}, {"do": "move", "photo": 1}, {"do": "undo", "own": 2, "at": 0}, {"do": "leave"},
     {"do": "move", "photo": "９", "to": 1}],
)  # fmt: skip
def test_what_no_button_says_is_refused(session, data):
    with pytest.raises(gr.Error, match="That is not in the report any more; load the page again"):
        press(session, **data)


def buttons(html):
    """What the buttons of the HTML send, in order."""
    return [dict(re.findall(r'data-([a-z]+)="([^"]*)"', tag)) for tag in re.findall(r"<button[^>]*>", html)]


def test_a_tab_that_shows_an_earlier_report_changes_no_other_photo(session):
    """The same number means another photo there."""
    press(session, do="leave", photo=1)
    stale = [*buttons(show(session, request())[0]), *buttons(show(session, request())[1])]
    assert sorted({button["do"] for button in stale}) == ["keep", "leave", "move", "undo", "undo-all", "why"]
    session.tuned = "another model"
    session.mending.keep(Lesson(Choice(), Wishes(), {"dog": [], **session.photos}), session.report)
    before = list(session.mending.changes)
    for button in stale:
        if button["do"] != "undo-all":
            with pytest.raises(gr.Error, match="That is not in the report any more; load the page again"):
                (why if button["do"] == "why" else act)(SimpleNamespace(_data=button), session, request())
    assert session.mending.changes == before


def test_a_change_that_another_tab_took_back_takes_no_other_with_it(session):
    press(session, do="leave", photo=1)
    press(session, do="leave", photo=3)
    first, *_ = (button for button in buttons(show(session, request())[1]) if button["do"] == "undo")
    press(session, **first)
    assert session.mending.changes == [Change(HOSTILE, 0, None)]
    with pytest.raises(gr.Error, match=r"That change was taken back already\."):
        press(session, **first)
    assert session.mending.changes == [Change(HOSTILE, 0, None)]


def test_an_unknown_deed_and_no_data(session):
    for event in (
        SimpleNamespace(_data=None),
        SimpleNamespace(_data={"do": ["all"]}),
        SimpleNamespace(_data={"do": "format"}),
    ):
        with pytest.raises(gr.Error, match="That is no button of this page"):
            act(event, session, request())


def test_many_are_cut_and_one_that_is_gone_leaves_the_others(session, monkeypatch):
    session.photos["cat"][2].unlink()
    assert re.findall(r'<figure id="mend-photo-(\d)">', show(session, request())[0]) == ["1"]
    monkeypatch.setattr(module, "SHOWN", 1)
    assert "Photos it got wrong: 2 (the first 1 are shown)" in show(session, request())[0]
    session.report = replace(session.report, predictions=session.report.predictions[:1])
    assert "It got none of its photos wrong" in show(session, request())[0]


@pytest.fixture
def own_net(tmp_path, monkeypatch):
    root = tiny_checkpoint(tmp_path / "weights")
    monkeypatch.setattr(bundled, "_root", lambda: root)
    nets = Backbones()
    for used_in in (training, gpu_work):
        monkeypatch.setattr(used_in, "backbones", nets)
    session = Session()
    yield session
    session.close()


def test_taught_again_the_report_compares_and_undone_it_is_what_it_was(own_net, tmp_path):
    session, drawn = own_net, draw_photos(tmp_path / "photos", count=6)
    files = [[str(path) for path in paths] for paths in drawn.values()]
    list(teach(session, Choice(device="cpu"), ("stripes", "dots"), files, Wishes()))
    first = session.report
    session.mending.put("stripes", 2, "dots")
    session.mending.put("dots", 5, None)
    gallery_a, note_a, gallery_b, note_b, _ = look_again(*files, session, request())
    assert [name for _, name in gallery_b["value"]] == [path.name for path in [*drawn["dots"][:5], drawn["stripes"][2]]]
    assert "<b>5 photos; with your changes: 0 moved here, 1 moved away, 0 left out.</b>" in note_a
    assert "<b>6 photos; with your changes: 1 moved here, 0 moved away, 1 left out.</b>" in note_b
    assert len(gallery_a["value"]) == 5

    list(teach_again(session))
    assert session.report.counts == {"stripes": 5, "dots": 6}
    assert session.photos["dots"][-1] == drawn["stripes"][2]
    assert session.mending.is_taught()
    assert "1 moved to another class, 1 left out" in session.report.warnings[0]
    assert "1 moved to another class, 1 left out" in session.tuned.provenance["notes"][0]
    effect = effect_html(session, "en")
    assert "Your changes: 1 moved, 1 left out." in effect
    assert "of 12 were right" in effect
    assert "Of the 10 photos that you did not touch" in effect
    assert "손대지 않은 사진 10장" in effect_html(session, "ko")
    own, change = session.mending.wish("dots", 5)  # where the one moved is now
    assert (own, change) == ("stripes", Change("stripes", 2, "dots"))

    session.mending.undo_all()
    assert not session.mending.is_taught()
    list(teach_again(session))
    assert effect_html(session, "en") == ""
    assert session.report.head_sha256 == first.head_sha256
    assert replace(session.report, seconds=0) == replace(first, seconds=0)


def test_changes_go_with_the_files_but_are_compared_only_with_the_same(own_net, tmp_path):
    session, drawn = own_net, draw_photos(tmp_path / "photos", count=5)
    files = [[str(path) for path in paths] for paths in drawn.values()]
    list(teach(session, Choice(device="cpu"), ("a", "b"), files, Wishes()))
    session.mending.put("a", 1, "b")
    fewer = [files[0], files[1][:4]]
    assert "4 photos; with your changes: 0 moved here, 1 moved away" in look_a(*fewer, session, request())[1]
    list(teach(session, Choice(device="cpu"), ("c", "d"), fewer, Wishes()))
    assert session.report.counts == {"c": 4, "d": 5}
    assert session.mending.lesson.changes == (Change("c", 1, "d"),)
    assert effect_html(session, "en") == ""
    list(teach(session, Choice(device="cpu"), ("c", "d"), [files[0][2:], files[1]], Wishes()))
    assert session.mending.lesson.changes == ()


def test_why_shows_the_evidence_for_the_answer_once(own_net, tmp_path, monkeypatch):
    session, drawn = own_net, draw_photos(tmp_path / "photos", count=4)
    with pytest.raises(gr.Error, match="Nothing was taught yet; teach it first, then ask what it looked at"):
        why(SimpleNamespace(_data={"photo": "0"}), session, request())
    list(
        teach(
            session,
            Choice(device="cpu"),
            ("stripes", "dots"),
            [list(map(str, some)) for some in drawn.values()],
            Wishes(),
        )
    )
    asked = []
    original = mend_heat.evidence
    monkeypatch.setattr(mend_heat, "evidence", lambda *given: (asked.append(given[2:]), original(*given))[1])
    right = [row for row, photo in enumerate(session.report.predictions) if photo.label == photo.predicted]
    session.mending.cell = (session.report.labels.index(session.report.predictions[right[0]].label),) * 2
    for _ in range(2):
        pressed = {"photo": str(right[0]), "run": str(session.mending.number)}
        html, focus, same = why(SimpleNamespace(_data=pressed), session, request())
    assert asked == [(session.mending.cell[0], "conv2_1")]
    assert html.count('<div class="heated"><img src="data:image/jpeg;base64,') == 1
    assert "the answer is of one that was not" in html
    assert (focus, same) == (f"#mend-photo-{right[0]} button", session)
    with pytest.raises(gr.Error, match="That is not in the report any more"):
        why(SimpleNamespace(_data=pressed | {"photo": "99"}), session, request())
    list(teach_again(session))
    assert session.mending.heats == {}
