"""The net that a fine-tuning starts from."""

from __future__ import annotations

import pytest
import torch

from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG, VGGHubError
from vgg_hub.bundled import bundled_names
from vgg_hub.errors import CheckpointError, ConfigError
from vgg_hub.start import WEIGHTS, random_config, starting_model, starting_source


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A clone in which one tiny net ships as vgg13."""
    monkeypatch.setattr("vgg_hub.bundled._root", lambda: tmp_path)
    model = tiny_vgg(batch_norm=False)
    model.save_pretrained(tmp_path / "vgg13")
    return model


@pytest.mark.parametrize(
    ("weights", "depth", "batch_norm", "source"),
    [
        ("bundled", 13, False, "vgg13"),
        ("imagenet", 11, True, "timm/vgg11_bn.tv_in1k"),
        ("imagenet", 19, False, "timm/vgg19.tv_in1k"),
        ("random", 16, True, None),
        ("someone/cats-vs-dogs", 11, True, "someone/cats-vs-dogs"),
        ("./cats", 11, True, "./cats"),
    ],
)
def test_words_mean_a_shipped_name_a_repo_or_a_folder(shipped, weights, depth, batch_norm, source):
    assert starting_source(weights, depth, batch_norm) == source


@pytest.mark.parametrize("weights", [*WEIGHTS, "someone/cats-vs-dogs"])
@pytest.mark.parametrize("depth", [12, 0, "11", 11.0, True])
def test_a_depth_that_is_none_is_refused_whatever_the_weights(weights, depth):
    with pytest.raises(ConfigError, match=r"depth is .*; expected 11, 13, 16 or 19"):
        starting_source(weights, depth, True)


def test_what_does_not_ship_is_said_with_what_does(shipped):
    with pytest.raises(
        CheckpointError, match=r"No trained vgg16-bn ships with this version \(there is vgg13\); choose"
    ):
        starting_model("bundled", 16, True)


def test_nothing_ships(tmp_path, monkeypatch):
    monkeypatch.setattr("vgg_hub.bundled._root", lambda: tmp_path / "nothing")
    with pytest.raises(CheckpointError, match=r"\(there is none\)"):
        starting_model("bundled")


def test_a_shipped_net_and_a_folder_are_loaded(shipped, tmp_path):
    x = smooth_batch(2, 32)
    for words in (("bundled", 13, False), ("vgg13", 11, True), (str(tmp_path / "vgg13"), 11, True)):
        model = starting_model(*words)
        assert not model.training
        torch.testing.assert_close(model(x), shipped(x), rtol=0, atol=0)


def test_the_net_that_ships_is_the_default():
    assert "vgg11-bn" in bundled_names()
    model = starting_model("bundled")
    assert (model.source, model.config.depth, model.config.batch_norm) == ("vgg11-bn", 11, True)


def test_random_weights_have_the_shape_of_what_ships():
    shipped, drawn = VGG.from_pretrained("vgg11-bn").config, random_config(11, True)
    same = ("layers", "batch_norm", "width", "pool_size", "hidden_features", "in_channels", "input_size", "crop_pct")
    assert {name: getattr(drawn, name) for name in same} == {name: getattr(shipped, name) for name in same}


def test_random_weights_are_the_same_every_time_and_leave_the_caller_s_random_state_alone():
    before = torch.get_rng_state()
    first, second = starting_model("random", 11, False), starting_model("random", 11, False)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.config == random_config(11, False)
    assert (first.config.depth, first.config.batch_norm, first.config.num_classes) == (11, False, 2)
    assert not first.training
    assert first.source is None
    for (name, one), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other), name
    assert first.features[0].weight.std() > 0


def test_a_name_that_is_nothing_is_said():
    with pytest.raises(VGGHubError, match=r"'no such thing' is not a folder here, nor a checkpoint that ships"):
        starting_model("no such thing")
