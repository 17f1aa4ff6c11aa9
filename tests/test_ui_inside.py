"""The section that looks inside, without a server: what is chosen, what is shown, and what is said where it cannot be."""

import re
from html import escape

import gradio as gr
import pytest
import torch

from tests.page_helpers import draw_photos, request, text_file
from tests.toys import tiny_vgg
from vgg_hub import Classifier
from vgg_hub.explain import evidence, feature_maps
from vgg_hub.picture import read_image
from vgg_hub.preprocess import preprocess
from vgg_hub.ui import choice as choice_module
from vgg_hub.ui import inside
from vgg_hub.ui.inside_html import filters_html, maps_a_page, maps_html
from vgg_hub.ui.session import Session
from vgg_hub.unlike import UnlikeRule

NET = (11, True, "random", "", "cpu")
LABELS = ("cat & co", "'dog' \"x\"", "eel")
SHOWN = ("photo", "upload", "label", "stage", "page", "heat", "maps", "back", "on")


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    session = Session()
    session.tuned = tiny_vgg(label_names=LABELS, num_classes=3, layers=[8, "M", 40, "M"], hidden_features=6)
    session.photos = draw_photos(tmp_path / "photos", 2)
    yield session
    session.close()


def draw(
    session, photo=None, upload=None, label=None, stage=None, page=0, classified=None, net=NET, language="en", asked=1
):
    values = inside.redraw(asked, photo, upload, label, stage, page, session, classified, *net, request(language))
    return dict(zip(SHOWN, values, strict=True))


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html)).strip()


def test_a_taught_photo_is_shown_first_with_its_likeliest_class_and_the_last_convolution(session):
    shown = draw(session)
    path = session.photos["stripes"][0]
    prediction = Classifier(session.tuned, "cpu", precision="float32")([path])[0]
    assert shown["photo"]["value"] == "0/0"
    assert [key for _, key in shown["photo"]["choices"]] == ["new", "0/0", "0/1", "1/0", "1/1"]
    assert shown["photo"]["choices"][3][0] == "dots: dots 0.jpg"
    assert shown["upload"]["visible"] is False
    assert shown["label"]["value"] == LABELS.index(prediction.label)
    named = [(f"{label} · {100 * score:.1f} %", LABELS.index(label)) for label, score in prediction.scores.items()]
    assert shown["label"]["choices"] == named
    assert shown["stage"]["value"] == "conv2_1"
    assert shown["stage"]["choices"] == ["conv1_1", "pool1", "conv2_1", "pool2", "fc6", "fc7"]
    assert shown["heat"].count("<img src=") == 2
    assert shown["page"] == 0
    assert (shown["back"]["interactive"], shown["on"]["interactive"]) == (False, True)
    assert "Maps 1 to 24 of the 40 of conv2_1" in shown["maps"]


def test_what_is_said_of_the_map_is_what_was_found(session):
    photo = read_image(session.photos["dots"][1])
    x = preprocess(photo, session.tuned.config)[None]
    with torch.no_grad():
        session.tuned.head.weight.mul_(3000)
    for index, label in enumerate(LABELS):
        found = evidence(session.tuned, x, index, "conv1_1")
        said = plain(draw(session, "1/1", label=index, stage="conv1_1")["heat"]).replace("\N{NO-BREAK SPACE}", " ")
        assert f"What speaks for {escape(label)}, at conv1_1" in said
        if found.peak is None:
            assert "No place at this stage speaks for it" in said
        else:
            assert f"{100 * found.strength:.0f} % of full colour" in said
        assert f"here {found.scale * found.map.numel():.1f})" in said


def test_the_pages_of_maps_and_the_strongest_first(session):
    second = draw(session, page=1)
    assert "Maps 25 to 40 of the 40" in second["maps"]
    assert (second["page"], second["back"]["interactive"], second["on"]["interactive"]) == (1, True, False)
    assert draw(session, page=99)["page"] == 1
    assert draw(session, page=-5)["page"] == 0
    x = preprocess(read_image(session.photos["stripes"][0]), session.tuned.config)[None]
    order = feature_maps(session.tuned, x, "conv2_1").mean((1, 2)).argsort(descending=True, stable=True) + 1
    captions = re.findall(r'aria-hidden="true">(\d+)<', draw(session)["maps"] + second["maps"])
    assert list(map(int, captions)) == order.tolist()


def test_a_fully_connected_stage_has_numbers_and_no_heat_map(session):
    shown = draw(session, stage="fc6")
    assert shown["heat"].count("<img src=") == 1
    assert "fc6 is fully connected: its numbers have no place on the photo" in shown["heat"]
    assert "The 6 numbers of fc6 for this photo" in shown["maps"]
    assert (shown["back"]["interactive"], shown["on"]["interactive"]) == (False, False)


def test_the_photo_classified_above_comes_before_the_taught_ones(session, tmp_path):
    path = draw_photos(tmp_path / "one", 1, seed=5)["dots"][0]
    shown = draw(session, classified={"path": str(path), "orig_name": "x.png"})
    assert shown["photo"]["value"] == "classified"
    assert shown["heat"] != draw(session)["heat"]
    assert draw(session, "new", {"path": str(path)})["heat"] == shown["heat"]


def test_no_photo_yet_says_what_to_do(session):
    session.photos = {}
    shown = draw(session)
    assert (shown["photo"]["value"], shown["upload"]["visible"]) == ("new", True)
    assert shown["heat"].startswith('<p class="note hint">No photo yet: classify one above')
    assert shown["stage"]["value"] == "conv2_1"
    assert draw(session, "new", language="ko")["heat"].startswith('<p class="note hint">아직 사진이 없습니다.')
    assert inside.afresh("new", None) == (None, None, 0)
    assert inside.afresh("new", {"path": "x"}) == (gr.skip(), None, 0)
    assert inside.afresh("0/1", None) == (gr.skip(), None, 0)


@pytest.mark.parametrize("bad", ["9/9", "0/99", "../etc", "classified", 7, ["0/0"], {"path": "/etc/passwd"}])
def test_a_photo_that_is_none_of_the_sessions_is_not_opened(session, bad):
    assert draw(session, bad)["photo"]["value"] == "0/0"


@pytest.mark.parametrize("bad", [-1, 3, True, "1", None, [0], 1e9])
def test_a_class_stage_or_page_that_is_none_falls_back(session, bad):
    shown = draw(session, label=bad, stage=bad, page=bad if bad is not True else "x")
    usual = draw(session)
    assert (shown["label"]["value"], shown["stage"]["value"]) == (usual["label"]["value"], "conv2_1")
    assert shown["page"] in (0, 1)


def test_only_uploads_are_opened_and_bad_files_are_named(session, tmp_path):
    outside = draw(session, "new", {"path": "/etc/passwd"})
    assert outside["heat"] == '<p class="note problem" role="alert">There is no photo; upload one to this page.</p>'
    text = text_file(tmp_path / "<i>notes.jpg")
    said = draw(session, "new", {"path": str(text), "orig_name": "<i>notes.jpg"}, language="ko")["heat"]
    assert "&lt;i&gt;notes.jpg은(는) 읽을 수 있는 사진이 아닙니다(텍스트). JPEG, PNG," in said


def test_an_uncertain_answer_is_said_beside_the_map(session):
    session.tuned.unlike = UnlikeRule(torch.eye(3, 6), (1e-3,) * 3)
    assert "names none of them: take the map with care" in draw(session)["heat"]
    session.tuned.unlike = UnlikeRule(torch.eye(3, 6), (1e3,) * 3)
    assert "take the map with care" not in draw(session)["heat"]


def test_a_closed_section_computes_nothing(session, monkeypatch):
    closed = inside.close(inside.open_it(3))
    assert closed == -4
    monkeypatch.setattr(inside, "look_up", None)
    session.tuned = None
    for asked in (0, closed):
        assert set(map(str, draw(session, asked=asked).values())) == {str(gr.skip())}
        assert inside.structure(asked, session, *NET, request()) == (gr.skip(), gr.skip())
        assert inside.ask(asked) == asked
    assert inside.open_it(closed) == 5
    assert inside.ask(5) == 6


def test_looking_fetches_nothing(session, monkeypatch):
    session.tuned = None
    monkeypatch.setattr(choice_module, "try_to_load_from_cache", lambda *args: None)
    monkeypatch.setattr(inside.backbones, "get", None)
    net = (16, False, "imagenet", "", "cpu")
    shown = draw(session, net=net)
    assert "The weights of timm/vgg16.tv_in1k are not on this machine, and looking does not fetch them" in shown["heat"]
    filters, layers = inside.structure(1, session, *net, request())
    assert filters == ""
    assert "conv5_3" in layers
    own = (11, True, "own", "someone/net", "cpu")
    assert "The layers are known once the net is here" in inside.structure(1, session, *own, request())[1]
    with pytest.raises(gr.Error, match=r"No weights are named"):
        inside.structure(1, session, 11, True, "own", "", "cpu", request())


def test_the_shipped_net_has_the_same(session):
    session.tuned = None
    shown = draw(session, net=(11, True, "bundled", "", "cpu"))
    assert len(shown["label"]["choices"]) == 200
    assert shown["stage"]["value"] == "conv5_2"
    filters, layers = inside.structure(1, session, 11, True, "bundled", "", "cpu", request())
    assert filters.count("<img") == 28
    assert "The 28 filters of the first layer" in filters
    assert "vgg11-bn at 80 × 80 pixels: 1.81 million parameters" in layers


@pytest.mark.parametrize(
    ("data", "stage"),
    [
        ({"stage": "conv1_1"}, "conv1_1"),
        ({"stage": "fc6"}, "fc6"),
        ({"stage": "<b>"}, gr.skip()),
        ({"stage": ["pool1"]}, gr.skip()),
        ({}, gr.skip()),
        (None, gr.skip()),
        ([1], gr.skip()),
    ],
)
def test_a_pressed_layer_names_its_stage(data, stage):
    assert inside.pick(gr.EventData(None, data)) == (stage, 0)


def test_maps_of_any_values_are_drawn():
    odd = torch.zeros(30, 2, 2)
    odd[3] = float("nan")
    assert maps_html(odd, "conv1_1", 1, "en").count("<img") == 6
    assert maps_a_page(torch.zeros(4096, 1, 1)) == 1
    assert maps_html(torch.zeros(5, 1, 1), "<i>", 0, "en").count("&lt;i&gt;") == 2
    assert filters_html(torch.full((200, 2, 3, 3), 0.5), "ko").count("<img") == 128
