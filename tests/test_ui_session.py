"""What a visitor has."""

import copy
import gc
import threading
import time
import zipfile
from pathlib import Path

import pytest

from tests.page_helpers import plain_photo
from tests.test_ui_line import until
from vgg_hub.errors import FinetuneError
from vgg_hub.mend import Change
from vgg_hub.ui.choice import Choice
from vgg_hub.ui.collected import gather
from vgg_hub.ui.limits import PageLimits
from vgg_hub.ui.line import Line
from vgg_hub.ui.mending import Lesson
from vgg_hub.ui.said import SaidError
from vgg_hub.ui.session import Session


@pytest.fixture(autouse=True)
def uploads(tmp_path, monkeypatch):
    """Gradio's folder of uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))


@pytest.fixture
def session():
    session = Session()
    yield session
    session.close()


@pytest.fixture
def limits(monkeypatch):
    """Set limits of the page."""

    def set_them(**values):
        for used_in in ("collected", "session"):
            monkeypatch.setattr(f"vgg_hub.ui.{used_in}.page_limits", lambda: PageLimits(**values))

    return set_them


def upload(folder, name, size):
    """A file as Gradio puts it."""
    path = folder / "uploads" / f"hash of {name}" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(size))
    return path


def test_each_visitor_gets_a_new_session_from_gradio():
    first = Session()
    first.problem = "something"
    second = copy.deepcopy(first)
    assert second is not first
    assert (second.problem, second.tuned) == ("", None)


def waiting_work(stop):
    """A run that does nothing until it is stopped."""
    while not stop.is_set():
        time.sleep(0.01)
    yield from ()


def test_a_second_run_is_refused_until_the_first_is_over(session):
    sentence = r"A fine-tuning of yours is under way; wait for it to end, or stop it, then start anew\."
    line = Line(2, 2)
    run = session.start(waiting_work, line)
    with pytest.raises(FinetuneError, match=sentence):
        session.start(waiting_work, line)
    with pytest.raises(FinetuneError, match=sentence):
        session.check_free()
    assert session.busy
    assert session.idle == 0
    session.stop()
    assert run.join(5)
    session.check_free()
    assert not session.busy


def test_an_outcome_is_kept_unless_everything_was_deleted_meanwhile(session):
    session.start(waiting_work, Line(1, 1))
    stop = session._stop
    photo = Path("cat.jpg")
    lesson = Lesson(Choice(), None, {"cat": [photo]}, changes=(Change("cat", 0, None),))
    session.keep(stop, "model", "report", lesson)
    assert (session.tuned, session.report, session.photos) == ("model", "report", {"cat": []})
    assert session.mending.lesson is lesson
    session.close()
    assert stop.is_set()
    assert (session.tuned, session.report, session.photos, session.run) == (None, None, {}, None)
    with pytest.raises(SaidError, match=r"^It was stopped before its turn came\.$"):
        session.keep(stop, "model", "report", lesson)
    assert session.tuned is None


def test_a_run_begins_and_is_stopped_by_who_deletes_all_while_a_zip_is_unpacked(session, monkeypatch):
    ended = []

    def meanwhile():
        run = session.start(waiting_work, Line(1, 1))
        threading.Thread(target=lambda: run.join(5) and ended.append(run), daemon=True).start()
        session.close()

    def unpack(*given):
        other = threading.Thread(target=meanwhile, daemon=True)
        other.start()
        until(lambda: ended)
        assert other.is_alive(), "nothing is deleted under the hands of who unpacks"
        deleting.append(other)
        return gather(*given)

    deleting = []
    monkeypatch.setattr("vgg_hub.ui.session.gather", unpack)
    session.collect(["photos.zip"])
    deleting[0].join(5)
    assert session.run is None
    assert not session._collected


def test_who_deletes_all_between_two_zips_has_nothing_unpacked_afterwards(session, monkeypatch, tmp_path):
    cards = [[upload(tmp_path, f"{letter}.zip", 10)] for letter in "ab"]
    someone = Session()  # with the same photos: the uploads stay
    for card in cards:
        someone.collect(card)
    closing = threading.Thread(target=session.close, daemon=True)

    def unpack(*given):
        closing.start()
        until(lambda: session.run.stopping)
        return gather(*given)

    monkeypatch.setattr("vgg_hub.ui.session.gather", unpack)
    run = session.start(
        waiting_work, Line(1, 1), lambda stop: [(session.collect(card, stop), closing.join(5)) for card in cards]
    )
    assert run.join(5)
    assert isinstance(run.error, SaidError)
    assert session.is_empty
    someone.close()


def test_a_zip_is_unpacked_once_and_gone_with_the_session(session, tmp_path):
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(plain_photo(tmp_path / "red.png"), "in/red.png")
    single = plain_photo(tmp_path / "blue.jpg", "blue")
    found = session.collect([str(archive), str(single)])
    assert [path.name for path in found.pictures] == ["red.png", "blue.jpg"]
    assert session.collect([str(archive), str(single)]) is found
    unpacked = found.pictures[0]
    assert unpacked.is_file()
    assert session.folder in unpacked.parents
    session.close()
    assert not unpacked.exists()
    assert single.exists()
    assert session.collect(None).pictures == []


def test_a_session_that_is_forgotten_leaves_no_files():
    session = Session()
    folder = session.new_folder("photos")
    assert folder.is_dir()
    del session
    gc.collect()
    assert not folder.exists()


def test_uploads_are_taken_and_the_oldest_choices_go(session, tmp_path, limits):
    """Pictures that the report shows stay; what is on no card and in no report makes room."""
    limits(max_megabytes=1)
    uploads = [upload(tmp_path, f"{i}.bmp", 400_000) for i in range(4)]
    first = session.collect(uploads[:1])
    session.photos = {"cat": first.pictures}
    second = session.collect(uploads[1:2])
    assert [path.name for path in (*first.pictures, *second.pictures)] == ["0.bmp", "1.bmp"]
    assert all(session.folder in path.parents for path in (*first.pictures, *second.pictures))
    third = session.collect(uploads[2:3])
    assert (first.pictures[0].exists(), second.pictures[0].exists()) == (True, False)
    session.put("a", "cat", uploads[2:3])
    with pytest.raises(
        SaidError, match=r"^Your files together have 1\.2 MB; this page takes at most 1 MB of one visitor: remove"
    ):
        session.collect(uploads[3:])
    assert third.pictures[0].exists()
    session.close()
    assert not third.pictures[0].exists()
    assert not any(path.exists() for path in uploads)


def test_too_many_photos_are_too_many(session, tmp_path, limits):
    limits(max_photos=2)
    paths = [plain_photo(tmp_path / f"{i}.png") for i in range(3)]
    assert len(session.collect(paths[:2]).pictures) == 2
    with pytest.raises(SaidError, match=r"^There are 3 photos; this page takes at most 2 of one thing: remove some\.$"):
        session.collect(paths)


def test_a_photo_with_too_many_pixels_is_left_out_by_name(session, tmp_path, limits):
    limits(max_megapixels=1)
    large, small = plain_photo(tmp_path / "large.png", side=1001), plain_photo(tmp_path / "small.png", side=999)
    found = session.collect([large, small])
    assert found.pictures == [small]
    sentence = "large.png has 1001 x 1001 pixels (1.0 million); the limit is 1 million: make it smaller."
    assert found.left_out == [sentence]
