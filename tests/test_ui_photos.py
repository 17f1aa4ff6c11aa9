"""Section 2: thumbnails, the line under them, the webcam and the samples."""

import threading

import gradio as gr
import pytest
from PIL import Image

from tests.page_helpers import plain_photo, request, text_file
from vgg_hub.samples import SAMPLE_LABELS
from vgg_hub.ui import photos as module
from vgg_hub.ui.line import Line
from vgg_hub.ui.photos import add_snap, draw, look_a, look_b, small_jpeg
from vgg_hub.ui.session import Session


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    session = Session()
    yield session
    session.close()


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


def test_photos_are_shown_small_and_bad_ones_named(session, tmp_path):
    files = [
        str(plain_photo(tmp_path / "큰 사진.JPG", "green", 400)),
        str(text_file(tmp_path / "<b>notes.jpg")),
        str(plain_photo(tmp_path / "b.png")),
    ]
    gallery, note, same = look_a(files, None, session, request())
    assert same is session
    assert [name for _, name in gallery["value"]] == ["큰 사진.JPG", "b.png"]
    assert [size_of(path) for path, _ in gallery["value"]] == [(160, 160), (48, 48)]
    assert "<b>2 photos; 1 left out.</b>" in note
    assert "<li>&lt;b&gt;notes.jpg is text, not a picture" in note


def test_too_few_and_none(session, tmp_path):
    gallery, note, _ = look_b(None, [str(plain_photo(tmp_path / "a.png"))], session, request())
    assert "<b>1 photo.</b> Add at least two; ten or more are better." in note
    gallery, note, _ = look_a(None, None, session, request("ko"))
    assert gallery["visible"] is False
    assert "아직 사진이 없습니다" in note


def test_many_photos_are_counted_and_the_first_shown(session, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PREVIEWED", 3)
    files = [str(plain_photo(tmp_path / f"{i}.png")) for i in range(5)]
    gallery, note, _ = look_a(files, None, session, request())
    assert len(gallery["value"]) == 3
    assert "5 photos; the first 3 are shown." in note


def test_a_small_jpeg_keeps_the_shape(tmp_path):
    path = tmp_path / "wide.png"
    Image.new("RGB", (600, 200), "navy").save(path)
    (tmp_path / "small.jpg").write_bytes(small_jpeg(path, 90))
    with Image.open(tmp_path / "small.jpg") as small:
        assert (small.format, small.size) == ("JPEG", (90, 30))


def test_a_snap_joins_the_other_files(session, tmp_path):
    first = {"path": str(plain_photo(tmp_path / "a.png")), "orig_name": "a.png"}
    snap = {"path": str(plain_photo(tmp_path / "image.webp", "blue")), "orig_name": "image.webp"}
    files, emptied, _ = add_snap(snap, [first], session)
    assert emptied is None
    assert files[0] == first["path"]
    assert files[1].endswith("webcam-2.webp")
    with Image.open(files[1]) as copied, Image.open(snap["path"]) as original:
        assert copied.tobytes() == original.tobytes()
    with pytest.raises(gr.Error, match="There is no photo; upload one to this page"):
        add_snap({"path": "/etc/hostname"}, [first], session)
    unchanged, _, _ = add_snap(None, [first], session)
    assert unchanged["__type__"] == "update"


def test_samples_fill_both_cards(session):
    name_a, files_a, name_b, files_b, same = draw(session)
    assert ((name_a, name_b), same) == (SAMPLE_LABELS, session)
    assert (len(files_a), len(files_b)) == (15, 15)
    for path in (*files_a, *files_b):
        with Image.open(path) as picture:
            picture.verify()
    assert [(card.name, card.files) for card in session.cards.values()] == [(name_a, files_a), (name_b, files_b)]


def test_samples_leave_the_cards_as_they_are_while_it_is_taught(session, tmp_path):
    go_on = threading.Event()
    session.put("a", "cat", [plain_photo(tmp_path / "a.png")])
    cards = dict(session.cards)
    run = session.start(lambda stop: iter([go_on.wait(20)]), Line(1, 1))
    with pytest.raises(gr.Error, match="A fine-tuning of yours is under way; wait for it to end"):
        draw(session)
    assert session.cards == cards
    go_on.set()
    assert run.join(20)
    draw(session)
    assert session.cards["a"].name == SAMPLE_LABELS[0]
