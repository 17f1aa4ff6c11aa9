"""Section 1: the choice, checked, and the line that says what the net is."""

import re

import pytest

from tests.page_helpers import request, tiny_checkpoint
from tests.toys import tiny_vgg
from vgg_hub import bundled
from vgg_hub.config import DEPTHS
from vgg_hub.errors import CheckpointError, ConfigError
from vgg_hub.ui import choice as module
from vgg_hub.ui.choice import IMAGENET_SCORES, Choice, look_up
from vgg_hub.ui.net import choose, describe


@pytest.fixture(autouse=True)
def _shipped(tmp_path, monkeypatch):
    root = tiny_checkpoint(tmp_path / "weights")
    monkeypatch.setattr(bundled, "_root", lambda: root)
    monkeypatch.setattr(module, "try_to_load_from_cache", lambda *args: None)


def text(depth=11, batch_norm=True, weights="bundled", repo="", language="en"):
    box, html = describe(depth, batch_norm, weights, repo, "auto", request(language))
    return box["visible"], re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def test_a_choice_takes_numbers_as_text_and_as_floats():
    assert Choice.of("16", False, "imagenet", "cpu") == Choice(16, False, "imagenet", "cpu")
    assert Choice.of(19.0).depth == 19
    assert Choice.of() == Choice()


@pytest.mark.parametrize("depth", [12, "12", "deep", 11.5, None, True, [11], {"depth": 11}])
def test_a_bad_depth_is_named(depth):
    with pytest.raises(ConfigError, match=r"depth is .*; expected 11, 13, 16 or 19"):
        Choice.of(depth)


def test_a_bad_batch_norm_is_named():
    with pytest.raises(ConfigError, match=r"batch_norm is 'maybe'; expected true or false"):
        Choice.of(11, "maybe")


def test_no_weights_named():
    with pytest.raises(CheckpointError, match=r"No weights are named; write a Hub repo \(owner/name\) or a folder"):
        choose(11, True, "own", "  ", "auto")


@pytest.mark.parametrize("weights", ["/etc", "./weights", "~", "..", "a/b/c"])
def test_a_public_space_opens_no_folders(weights, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    with pytest.raises(CheckpointError, match=r"this public page opens no folders; write owner/name\."):
        Choice.of(11, True, weights)
    assert Choice.of(11, True, "someone/cats-and-dogs").weights == "someone/cats-and-dogs"
    assert Choice.of(11, True, "vgg11-bn").weights == "vgg11-bn"


def test_a_folder_that_looks_like_a_repo_is_refused_on_a_space(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.setenv("SPACE_ID", "someone/space")
    with pytest.raises(CheckpointError, match=r"this public page opens no folders"):
        Choice.of(11, True, "owner/name")


def test_the_shipped_net_tells_its_size_data_and_score():
    visible, said = text()
    assert not visible
    # 9*3*8+8 + 2*8, 9*8*16+16 + 2*16, (16*2*2+1)*2
    assert "Parameters 1,570 " in said
    assert "Reads 32 × 32 pixels" in said
    assert "Trained on drawn &lt;b&gt;shapes&lt;/b&gt; (1,234 pictures; CC0)." in said
    assert "no internet is needed" in said
    assert "shapes (test): 87.5 % of 400" in said
    assert "high" not in said


def test_the_same_in_korean():
    _, said = text(language="ko")
    assert "매개변수 1,570 " in said
    assert "인터넷이 필요 없습니다" in said
    assert "400장 가운데 87.5 %" in said


def test_a_net_that_does_not_ship_says_what_to_do(one_ships, monkeypatch, tmp_path):
    assert text(16)[1] == (
        "No trained vgg16-bn ships with this version. Choose vgg11-bn, or ImageNet weights from the Hub, or random weights."
    )
    monkeypatch.setattr(bundled, "_root", lambda: tmp_path / "nothing")
    assert text()[1] == (
        "No trained net ships with this version. Choose ImageNet weights from the Hub, or random weights."
    )


def test_imagenet_is_known_before_it_is_fetched(monkeypatch):
    visible, said = text(16, False, "imagenet")
    assert not visible
    assert "Parameters 138 million On disk 553 MB Multiply-adds a photo 15.5 billion Reads 224 × 224 pixels" in said
    assert "Trained on ImageNet-1k (1,281,167 pictures)." in said
    assert (
        "fetched from the Hub (timm/vgg16.tv_in1k) when you press “Teach it”, not before. Offline? Choose shipped"
        in said
    )
    assert "71.6 % of 50,000" in said
    monkeypatch.setattr(module, "try_to_load_from_cache", lambda *args: "/somewhere/model.safetensors")
    assert "It is on this machine already: no internet is needed." in text(16, False, "imagenet")[1]


def test_the_scores_on_imagenet_are_those_that_torchvision_states():
    from torchvision import models

    for depth in DEPTHS:
        for batch_norm in (False, True):
            weights = getattr(models, f"VGG{depth}{'_BN' if batch_norm else ''}_Weights").IMAGENET1K_V1
            assert IMAGENET_SCORES[depth, batch_norm] == weights.meta["_metrics"]["ImageNet-1K"]["acc@1"]


def test_ones_own_weights(tmp_path):
    visible, said = text(weights="own")
    assert visible
    assert said.startswith("Write a Hub repo (owner/name) or the path of a folder")
    assert "someone/net is fetched from the Hub when you press" in text(weights="own", repo="someone/net")[1]
    tiny_vgg().save_pretrained(tmp_path / "mine")
    said = text(weights="own", repo=str(tmp_path / "mine"))[1]
    assert "Its folder does not say what it was trained on." in said
    assert "read from the folder mine on this machine" in said
    assert text(weights="own", repo="vgg11-bn")[1] == text()[1]


def test_a_wrong_place_is_said_in_place(tmp_path):
    assert (
        "&#x27;no such place&#x27; is not a folder here, nor a checkpoint that ships (vgg11-bn)"
        in text(weights="own", repo="no such place")[1]
    )
    (tmp_path / "empty").mkdir()
    assert "empty has no config.json" in text(weights="own", repo=str(tmp_path / "empty"))[1]
    assert text(12)[1].startswith("depth is 12; expected 11, 13, 16 or 19")


def test_random_weights_are_said_to_know_nothing():
    said = text(weights="random")[1]
    assert "It has learned nothing yet" in said
    assert look_up(Choice(weights="random")).config.width == 0.4375
