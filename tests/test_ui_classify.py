"""Section 5 without a server: one photo, many photos, and the CSV."""

import csv
from pathlib import Path

import gradio as gr
import pytest
import torch

from tests.page_helpers import draw_photos, plain_photo, request, text_file
from tests.toys import tiny_vgg
from vgg_hub import Classifier
from vgg_hub.ui.classify import classify_again, classify_many, classify_one, neutral_cell, who_answers
from vgg_hub.ui.limits import PageLimits
from vgg_hub.ui.session import Session
from vgg_hub.unlike import UnlikeRule

NET = (11, True, "random", "", "cpu")
LABELS = ("cat & co", "=dog")


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    session = Session()
    session.tuned = tiny_vgg(label_names=LABELS)
    yield session
    session.close()


def test_one_photo_is_answered_as_the_engine_answers(session, tmp_path):
    path = draw_photos(tmp_path, 1)["dots"][0]
    scores, html, same = classify_one({"path": str(path), "orig_name": "사진.png"}, session, *NET, request())
    assert scores == Classifier(session.tuned, "cpu", precision="float32")([path])[0].scores
    assert html.endswith(" s on CPU</p>")
    assert same is session
    assert classify_one(None, session, *NET, request()) == (None, "", session)


@pytest.mark.parametrize(
    ("classes", "language", "heading"),
    [(2, "en", "Neither"), (2, "ko", "둘 다 아님"), (3, "en", "None of these"), (3, "ko", "어느 것도 아님")],
)
def test_a_photo_unlike_all_classes_is_none_of_them(session, tmp_path, classes, language, heading):
    path = draw_photos(tmp_path, 1)["dots"][0]
    session.tuned = tiny_vgg(label_names=("cat", "dog", "eel")[:classes], num_classes=classes)
    taught = Classifier(session.tuned, "cpu", precision="float32")
    for limit, unlike in ((1e-3, True), (1e3, False)):
        session.tuned.unlike = UnlikeRule(torch.eye(classes, 16), (limit,) * classes)
        found, html, _ = classify_one({"path": str(path)}, session, *NET, request(language))
        scores = taught([path])[0].scores
        best = max(scores, key=scores.get)
        assert found == (heading if unlike else scores)
        assert ("Unlike all photos" in html or "닮지 않았습니다" in html) is unlike
        assert (f": {best} {100 * scores[best]:.0f}\N{NO-BREAK SPACE}%, " in html) is unlike
        _, table, button, _ = list(classify_many([str(path)], session, *NET, request(language)))[-1]
        with open(button["value"], encoding="utf-8-sig", newline="") as file:
            row = list(csv.reader(file))[1]
        assert row[1:3] == ([heading, ""] if unlike else [best, f"{scores[best]:.4f}"])
        assert (f"<td>{heading}</td>" in table) is unlike


def test_a_bad_photo_is_named_as_the_person_named_it(session, tmp_path):
    bad = text_file(tmp_path / "0a1b2c.jpg")
    found, said, same = classify_one({"path": str(bad), "orig_name": "<i>mine.jpg"}, session, *NET, request())
    assert (found, same) == (None, session), "no answer for an earlier photo stays"
    assert "&lt;i&gt;mine.jpg is text, not a picture" in said
    assert 'role="alert"' in said


def test_too_many_photos_are_refused_in_place_of_the_table(session, tmp_path, monkeypatch):
    monkeypatch.setattr("vgg_hub.ui.session.page_limits", lambda: PageLimits(max_photos=1))
    files = [str(path) for path in draw_photos(tmp_path / "photos", 2)["dots"]]
    [(said, table, button, same)] = classify_many(files, session, *NET, request())
    assert "There are 2 photos; this page takes at most 1 of one thing: remove some." in said
    assert 'role="alert"' in said
    assert (table, button["visible"], same) == ("", False, session)


def test_without_a_tuned_model_the_chosen_net_answers(session, tmp_path):
    session.tuned = None
    path = plain_photo(tmp_path / "a.png")
    scores, _, _ = classify_one({"path": str(path)}, session, *NET, request())
    assert set(scores) == {"class 0", "class 1"}
    assert "Nothing taught yet: answers come from the net chosen in section 1" in who_answers(session, request())[0]


def test_another_net_answers_when_it_is_chosen_and_nothing_is_taught(session, tmp_path):
    photo, nothing_new = {"path": str(plain_photo(tmp_path / "a.png"))}, (gr.skip(), gr.skip(), session)
    assert classify_again(photo, session, *NET, request()) == nothing_new
    session.tuned = None
    assert classify_again(None, session, *NET, request()) == nothing_new
    found, html, _ = classify_again(photo, session, *NET, request())
    assert found == classify_one(photo, session, *NET, request())[0]
    assert html.endswith(" s on CPU</p>")


@pytest.mark.parametrize(
    "weights", [("imagenet", ""), ("own", ""), ("own", "someone/net"), ("own", "no such"), ("bundled", "")]
)
def test_a_net_that_is_not_here_is_not_fetched_and_the_old_answer_goes(
    session, tmp_path, shipped, monkeypatch, weights
):
    session.tuned = None
    monkeypatch.setattr("vgg_hub.ui.choice.try_to_load_from_cache", lambda *asked: None)
    monkeypatch.setattr("vgg_hub.ui.classify.backbones", None)
    photo = {"path": str(plain_photo(tmp_path / "a.png"))}
    assert classify_again(photo, session, 16, True, *weights, "cpu", request()) == (None, "", session)


def test_who_answers_is_escaped(session):
    assert "Answers come from what you taught: cat &amp; co / =dog." in who_answers(session, request())[0]


def test_many_photos_make_a_table_and_a_csv(session, tmp_path):
    good = draw_photos(tmp_path / "p", 2)["dots"]
    files = [str(good[0]), str(text_file(tmp_path / "@SUM(A1).jpg")), str(good[1])]
    said, table, button, _ = list(classify_many(files, session, *NET, request()))[-1]
    assert "2 photos classified in" in said
    assert "1 could not be read" in said
    with open(button["value"], encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert Path(button["value"]).read_bytes().startswith(b"\xef\xbb\xbf")
    assert rows[0] == ["File", "Answer", "Probability", "Error"]
    assert [row[0] for row in rows[1:]] == ["dots 0.jpg", "'@SUM(A1).jpg", "dots 1.png"]
    predictions = Classifier(session.tuned, "cpu", precision="float32")(good)
    for row, prediction in zip((rows[1], rows[3]), predictions, strict=True):
        assert row[1] == neutral_cell(prediction.label)
        assert float(row[2]) == pytest.approx(prediction.scores[prediction.label], abs=1e-4)
    assert rows[2][1:3] == ["", ""]
    assert "is text, not a picture" in rows[2][3]
    assert table.count("<tr>") == 4
    assert "<td>@SUM(A1).jpg</td>" in table


def test_no_name_begins_a_cell_within_a_cell(session, tmp_path):
    """Where lists are split at semicolons, so is a cell that is not quoted."""
    files = [str(plain_photo(tmp_path / 'a;=HYPERLINK("x").png'))]
    button = list(classify_many(files, session, *NET, request()))[-1][2]
    lines = Path(button["value"]).read_text(encoding="utf-8-sig").splitlines()
    assert lines[1].startswith('"a;=HYPERLINK(""x"").png",')
    assert all(line.startswith('"') and line.endswith('"') for line in lines)


def test_the_headers_speak_korean(session, tmp_path):
    files = [str(plain_photo(tmp_path / "a.png"))]
    _, table, _, _ = list(classify_many(files, session, *NET, request("ko")))[-1]
    assert '<th scope="col">파일</th><th scope="col">답</th><th scope="col">확률</th>' in table


def test_no_files_empty_the_section(session):
    said, table, button, _ = next(classify_many(None, session, *NET, request()))
    assert (said, table, button["visible"]) == ("", "", False)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", " =1", "＝1+1", "＋1", "－1", "＠x"])
def test_formula_cells_are_neutralised(cell):
    assert neutral_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "cat", "1-1", "0.5", "고양이"])
def test_other_cells_stay(cell):
    assert neutral_cell(cell) == cell
