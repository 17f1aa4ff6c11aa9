"""Section 6: the zip, its name, and the lines that load it."""

import re
import zipfile
from pathlib import PurePosixPath

import gradio as gr
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.page_helpers import request
from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG
from vgg_hub.config import VGGConfig
from vgg_hub.errors import FinetuneError, LabelError
from vgg_hub.ui.session import Session
from vgg_hub.ui.share import NAME_BYTES, make_zip, offer, prepare, safe_name, snippet


@pytest.fixture
def session():
    session = Session()
    yield session
    session.close()


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (("cat", "dog"), "vgg11-bn-cat-dog"),
        (("고양이", "강아지"), "vgg11-bn-고양이-강아지"),
        (("a: b", "$(rm -rf)"), "vgg11-bn-a-b-rm-rf"),
        (("!?", "..."), "vgg11-bn"),
        (("x" * 100, "y"), "vgg11-bn-" + "x" * (NAME_BYTES - 9)),
        (("강" * 100, "y"), "vgg11-bn-" + "강" * 23),
    ],
)
def test_names_are_safe(labels, name):
    assert safe_name(VGGConfig(label_names=labels)) == name


@given(st.lists(st.text(min_size=1, max_size=100), min_size=2, max_size=3))
def test_any_labels_make_one_plain_path_part(labels):
    try:
        config = VGGConfig(label_names=tuple(labels))
    except LabelError:
        return
    name = safe_name(config)
    assert re.fullmatch(r"[\w-]+", name)
    assert PurePosixPath(name).name == name
    assert name.startswith("vgg11-bn")
    assert len(name.encode()) <= NAME_BYTES


def test_the_zip_holds_one_folder_that_loads_with_equal_logits(session, tmp_path):
    session.tuned = tiny_vgg(label_names=("cat", "dog"))
    archive = make_zip(session)
    assert archive.name == "vgg-bn-cat-dog.zip"
    with zipfile.ZipFile(archive) as file:
        assert {entry.compress_type for entry in file.infolist()} == {zipfile.ZIP_STORED}
        file.extractall(tmp_path)
    again = VGG.from_pretrained(tmp_path / "vgg-bn-cat-dog")
    x = smooth_batch(2, 32)
    with torch.no_grad():
        torch.testing.assert_close(again(x), session.tuned(x), rtol=0, atol=0)
    assert again.config == session.tuned.config


def test_nothing_taught_has_nothing_to_download(session):
    with pytest.raises(FinetuneError, match=r"Nothing was taught yet; fine-tune first, then download the model\."):
        make_zip(session)
    with pytest.raises(gr.Error, match=r"아직 가르친 것이 없습니다\. 먼저 가르친 뒤에 모델을 내려받으세요\."):
        prepare(session, request("ko"))
    said, button, file, code, _ = offer(session, request())
    assert "Nothing taught yet. Once you have taught it something" in said
    assert (button["interactive"], file["visible"]) == (False, False)
    assert "vgg11-bn-cat-dog" in code


def test_what_was_taught_is_offered(session):
    session.tuned = tiny_vgg(label_names=("고양이", "&"))
    said, button, file, code, _ = offer(session, request("ko"))
    assert "vgg-bn-고양이.zip" in said
    assert button["interactive"] is True
    assert file == gr.update(value=None, visible=False)
    assert code == snippet("vgg-bn-고양이", "ko")
    compile(code, "snippet", "exec")
    update, _ = prepare(session, request())
    assert update["visible"] is True
    assert update["value"].endswith("vgg-bn-고양이.zip")
