"""The comparison's handlers: one at a time, gone with the visitor, its errors in a sentence."""

from __future__ import annotations

import base64
import io
import re

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from tests.page_helpers import draw_photos, request
from tests.test_ui_line import until
from tests.toys import stripes_net, tiny_vgg
from vgg_hub.lab import Trial
from vgg_hub.mend import Change
from vgg_hub.ui import lab
from vgg_hub.ui.choice import Choice
from vgg_hub.ui.collected import gather
from vgg_hub.ui.mending import Lesson
from vgg_hub.ui.session import Session


@pytest.fixture
def page(shipped, tmp_path, monkeypatch):
    """Two nets, photos of two things, and a session."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    for name, net in {"vgg13": tiny_vgg(num_classes=2), "vgg11-bn": stripes_net(), "vgg11": tiny_vgg(seed=3)}.items():
        net.save_pretrained(shipped / name)
    drawn = draw_photos(tmp_path / "uploads" / "photos", count=4)
    files = [[str(path) for path in paths] for paths in drawn.values()]
    session = Session()
    yield session, list(drawn), files
    session.close()


def compared(session, labels, files, language="en"):
    return list(lab.compare(session, *labels, *files, "cpu", request(language)))


def test_all_that_ship_by_depth_and_batch_norm_first(page):
    session, labels, files = page
    *_, last = compared(session, labels, files)
    trials = [event for event in session.comparison.events if isinstance(event, Trial)]
    assert [trial.net for trial in trials] == lab.nets() == ["vgg11-bn", "vgg11", "vgg13"]
    assert "3 nets compared in" in last[0]
    assert last[1].count("<tr") == 4
    assert [update["interactive"] for update in last[2:4]] == [True, False]
    for trial in trials:
        pictures = [Image.open(io.BytesIO(base64.b64decode(text))) for text in trial.shown]
        assert [picture.size for picture in pictures] == [(128, 128)] * 2
    first, other = (np.asarray(Image.open(io.BytesIO(base64.b64decode(t.shown[0])))) for t in trials[:2])
    assert (first.shape, (first != other).any()) == ((128, 128, 3), True), "each net has maps of its own"


def test_a_page_that_opens_finds_it(page):
    session, labels, files = page
    (idle,) = lab.watch(session, request("ko"))
    assert "2번의 두 칸에 사진을 넣고" in idle[0]
    assert [update["interactive"] for update in idle[2:4]] == [True, False], "from now on, not before"
    compared(session, labels, files)
    *_, found = lab.watch(session, request("ko"))
    assert "신경망 3개를" in found[0]
    assert found[1].count("<tr") == 4
    session.close()
    (again,) = lab.watch(session, request("ko"))
    assert again[:2] == idle[:2], "deleted with all else"


def test_one_at_a_time_and_it_stops(page):
    """Another tab that is refused goes on to watch, so its buttons are put right at the end."""
    session, labels, files = page
    watching = lab.compare(session, *labels, *files, "cpu", request())
    assert "Getting ready" in next(watching)[0]
    for names in (labels, ["", ""]):
        with pytest.raises(gr.Error, match=r"A comparison of yours is under way; wait for it|Class name 1 is empty"):
            compared(session, names, files)
    other_tab = lab.watch(session, request())
    assert [update["interactive"] for update in next(other_tab)[2:4]] == [False, True]
    assert session.busy
    until(lambda: session.comparison.events)  # its turn has come
    lab.stop(session)
    *said, last = watching
    assert all("Stopping" in text for text, *_ in said)
    assert "Stopped after" in last[0] or "3 nets compared" in last[0]
    assert not session.busy
    *_, seen = other_tab
    assert seen[:2] == last[:2]
    assert [update["interactive"] for update in seen[2:4]] == [True, False]


def test_while_zips_are_unpacked_it_is_found_again_and_can_be_stopped(page, monkeypatch):
    session, labels, files = page
    seen = []

    def unpack(*given):
        found = next(lab.watch(session, request()))
        seen.append((found[0], [update["interactive"] for update in found[2:4]]))
        with pytest.raises(gr.Error, match="A comparison of yours is under way"):
            compared(session, labels, files)
        lab.stop(session)
        return gather(*given)

    monkeypatch.setattr("vgg_hub.ui.session.gather", unpack)
    with pytest.raises(gr.Error, match=r"It was stopped before its turn came\."):
        compared(session, labels, files)
    [(said, buttons)] = seen  # the other class is not unpacked any more
    assert "Getting ready" in said
    assert buttons == [False, True]
    assert session.comparison.events == []


def test_what_is_refused_says_why_and_leaves_the_last_one_standing(page):
    session, labels, files = page
    *_, last = compared(session, labels, files)
    *_, refused = compared(session, ["", "b"], files, "ko")
    assert "1번째 부류 이름이 비어 있습니다. 부류마다 이름을 적으세요." in refused[0]
    assert 'role="alert"' in refused[0]
    assert refused[1] == gr.skip()
    assert [update["interactive"] for update in refused[2:4]] == [True, False]
    *_, found = lab.watch(session, request())
    assert found[:2] == last[:2]


def test_what_goes_wrong_on_the_way_is_a_sentence(page):
    session, labels, _ = page
    sentence = (
        "부류 &#x27;stripes&#x27;에서 쓸 수 있는 것은 사진 0장입니다. 부류마다 적어도 2장, 되도록 열 장을 넣으세요."
    )
    with pytest.raises(gr.Error, match=f"^'{re.escape(sentence)}'$"):
        compared(session, labels, [None, None], "ko")
    assert not session.busy
    [settled] = lab.watch(session, request("ko"))
    assert sentence in settled[0]
    assert [update["interactive"] for update in settled[2:4]] == [True, False]


def test_photos_that_were_moved_or_left_out_are_so_here_too(page, monkeypatch):
    session, labels, files = page
    given = {label: session.collect(some).pictures for label, some in zip(labels, files, strict=True)}
    session.mending.keep(Lesson(Choice(), None, given, changes=(Change(labels[0], 0, None),)), None)
    session.mending.put(labels[1], 3, labels[0])
    shown = {labels[0]: [*given[labels[0]][1:], given[labels[1]][3]], labels[1]: given[labels[1]][:3]}
    taken = []
    monkeypatch.setattr(lab, "compare_nets", lambda nets, photos, **how: iter(taken.append(photos) or ()))
    compared(session, labels, files)
    assert taken == [shown]
