"""A visitor's files: theirs, unguessable, and gone when they say so."""

import os
import shutil
import time
from pathlib import Path

import pytest
from gradio.utils import get_upload_folder

from vgg_hub.ui import own_files
from vgg_hub.ui.own_files import OwnFiles, has_room, own_upload_folder, remove_old_uploads


@pytest.fixture(autouse=True)
def uploads(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


def upload(folder: Path, content: str, name: str = "photo.jpg") -> Path:
    """As Gradio puts it: where its content says."""
    path = folder / f"hash-of-{content}" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


def test_the_folder_cannot_be_guessed_and_is_for_this_user_alone(uploads):
    first, second = OwnFiles(), OwnFiles()
    assert first.is_empty()
    assert first.folder != second.folder
    for files in (first, second):
        assert files.folder.parent == uploads
        assert len(files.folder.name) == len("visitor-") + 43  # 256 bits
        assert files.folder.stat().st_mode & 0o777 == 0o700
    assert not first.is_empty()


def test_two_visitors_with_the_same_photo_do_not_delete_each_others(uploads):
    first, second = OwnFiles(), OwnFiles()
    shared = upload(uploads, "same")
    own = [files.take(shared) for files in (first, second)]
    assert own[0] != own[1]
    assert [path.name for path in own] == ["photo.jpg", "photo.jpg"]
    assert first.take(shared) == own[0]
    assert first.take(own[0]) == own[0]
    first.clear()
    assert (own[0].exists(), own[1].read_text(), shared.exists()) == (False, "same", True)
    second.clear()
    assert (own[1].exists(), shared.exists()) == (False, False)


def test_what_lies_elsewhere_is_left_there(uploads, tmp_path):
    files, elsewhere = OwnFiles(), tmp_path / "mine.jpg"
    elsewhere.write_text("mine")
    assert files.take(elsewhere) == elsewhere
    assert files.take(uploads / "gone.jpg") == uploads / "gone.jpg"
    assert files.take(uploads / ".." / "mine.jpg").resolve() == elsewhere
    files.clear()
    assert elsewhere.exists()


def test_without_links_it_is_copied(uploads, monkeypatch):
    def refuse(*args):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    files, original = OwnFiles(), upload(uploads, "text")
    own = files.take(original)
    original.unlink()
    assert own.read_text() == "text"
    assert files.size() == 4


def test_an_owner_that_is_forgotten_leaves_nothing(uploads):
    files = OwnFiles()
    own, seen = files.take(upload(uploads, "taken")), upload(uploads, "seen")
    files.see(seen)
    del files
    assert not own.exists()
    assert [path for path in uploads.rglob("*") if path.is_file()] == []


def test_old_uploads_go_and_visitors_folders_stay(uploads):
    files = OwnFiles()
    own = files.take(upload(uploads, "old"))
    upload(uploads, "fresh")
    (uploads / "tmpbroken").write_text("of an upload that broke off")
    hours_ago = time.time() - 7200
    for path in (uploads / "hash-of-old", uploads / "tmpbroken", own, files.folder):
        os.utime(path, (hours_ago, hours_ago))
    remove_old_uploads(3600)
    assert sorted(path.name for path in uploads.iterdir()) == ["hash-of-fresh", files.folder.name]
    assert own.read_text() == "old"


def test_room_is_that_of_the_disk_of_the_uploads(uploads, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads / "not" / "there yet"))
    free = shutil.disk_usage(uploads).free // 10**6
    assert has_room(1)
    assert not has_room(2 * free + 1_000)


def test_a_process_gets_a_folder_of_uploads_of_its_own(monkeypatch):
    before = get_upload_folder()
    own_upload_folder()
    assert get_upload_folder() == before
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    monkeypatch.setattr(own_files.weakref, "finalize", lambda *args, **kwargs: None)
    own_upload_folder()
    folder = Path(get_upload_folder())
    assert folder.name.startswith("vgg-hub-")
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
