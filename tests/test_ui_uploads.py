"""Only what was uploaded is opened."""

import pytest

from tests.page_helpers import plain_photo
from vgg_hub.errors import PhotoError
from vgg_hub.ui.uploads import uploaded_file


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_an_upload_is_found_with_the_name_that_the_person_gave_it(uploads):
    path = plain_photo(uploads / "0a1b.png")
    assert uploaded_file({"path": str(path), "orig_name": "../한글.png"}) == (path, "한글.png")
    assert uploaded_file({"path": str(path), "orig_name": None}) == (path, "0a1b.png")


def test_nothing_else_is(uploads, tmp_path):
    secret = plain_photo(tmp_path / "secret.png")
    (uploads / "link.png").symlink_to(secret)
    outside = [
        str(secret),
        f"{uploads}/../secret.png",
        str(uploads / "link.png"),
        str(uploads),
        str(uploads / "gone.png"),
    ]
    for path in (*outside, "http://127.0.0.1/x.png", "a\0b", "", None, 5, ["x"]):
        with pytest.raises(PhotoError, match=r"There is no photo; upload one to this page\."):
            uploaded_file({"path": path})
    for described in (None, "text", str(secret), [], {}):
        with pytest.raises(PhotoError, match=r"There is no photo; upload one to this page\."):
            uploaded_file(described)
