"""The frozen configuration: what it takes, what it refuses and in which words."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgg_hub.config import DEPTHS, IMAGENET_MEAN, LAYERS, VGGConfig, check_labels, check_layers
from vgg_hub.errors import ConfigError, LabelError, VGGHubError

PAPER = {
    11: [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    13: [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    16: [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
    19: [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}

BAD_FIELDS = [
    ({"depth": 12}, r"^depth is 12; expected 11, 13, 16 or 19, or a list of your own in layers\.$"),
    ({"depth": True}, r"^depth is True; expected 11, 13, 16 or 19"),
    ({"depth": 11.0}, r"^depth is 11\.0; expected 11, 13, 16 or 19"),
    ({"depth": [11]}, r"^depth is \[11\]; expected 11, 13, 16 or 19"),
    ({"depth": 16, "layers": [8, "M"]}, r"^depth is 16 but layers are a list of their own; give one of the two\.$"),
    ({"depth": 16, "layers": PAPER[11]}, r"^depth is 16 but layers are those of VGG11; give one of the two\.$"),
    ({"layers": []}, r"^layers has 0 entries; expected 1 to 1000\.$"),
    ({"layers": [8] * 1001}, r"^layers has 1001 entries; expected 1 to 1000\.$"),
    ({"layers": "64M"}, r"^layers is '64M'; expected a list of positive whole numbers and 'M', such as"),
    ({"layers": None}, r"^layers is None; expected a list"),
    ({"layers": {8, 9}}, r"^layers is \{8, 9\}; expected a list"),
    ({"layers": ["M", "M"]}, r"^layers is \['M', 'M'\]; expected at least one convolution"),
    ({"layers": [8, "m"]}, r"^layers\[1\] is 'm'; expected a positive whole number of channels or 'M' for max pooling"),
    ({"layers": [8, 0]}, r"^layers\[1\] is 0; expected a positive"),
    ({"layers": [8, -3]}, r"^layers\[1\] is -3; expected a positive"),
    ({"layers": [8, 8.0]}, r"^layers\[1\] is 8\.0; expected a positive"),
    ({"layers": [True]}, r"^layers\[0\] is True; expected a positive"),
    ({"layers": [[8]]}, r"^layers\[0\] is \[8\]; expected a positive"),
    ({"layers": [65_537]}, r"^layers\[0\] is 65537; expected a positive"),
    ({"batch_norm": 1}, r"^batch_norm is 1; expected true or false\.$"),
    ({"num_classes": 0}, r"^num_classes is 0; expected a whole number from 1 to 1000000\.$"),
    ({"num_classes": "2"}, r"^num_classes is '2'; expected a whole number"),
    ({"num_classes": 3, "label_names": ["a", "b"]}, r"^num_classes is 3 but label_names has 2 names; they must agree"),
    ({"in_channels": 0}, r"^in_channels is 0; expected a whole number from 1 to 4096\.$"),
    ({"pool_size": 65}, r"^pool_size is 65; expected a whole number from 1 to 64\.$"),
    ({"hidden_features": -1}, r"^hidden_features is -1; expected a whole number from 0 to 65536\.$"),
    ({"width": 0}, r"^width is 0; expected a number above 0 to 16\.$"),
    (
        {"layers": [8, 8000], "width": 9},
        r"^width is 9\.0; expected one that leaves each of the layers at most 65536 chan",
    ),
    ({"width": math.nan}, r"^width is nan; expected a number above 0"),
    ({"width": 10**400}, r"^width is 10{76}\.\.\.; expected a number above 0"),
    ({"width": 10**5000}, r"^width is a number of thousands of digits; expected a number above 0"),
    ({"dropout": 1}, r"^dropout is 1; expected a number from 0 and below 1\.$"),
    ({"dropout": False}, r"^dropout is False; expected a number"),
    ({"input_size": 31}, r"^input_size is 31; expected at least 32, for each 'M' in layers halves it\.$"),
    ({"input_size": 4097}, r"^input_size is 4097; expected a whole number from 1 to 4096\.$"),
    ({"crop_pct": 1.1}, r"^crop_pct is 1\.1; expected a number from 0\.1 to 1\.$"),
    ({"crop_pct": 1e-9}, r"^crop_pct is 1e-09; expected a number from 0\.1 to 1\.$"),
    ({"crop_pct": "0.9"}, r"^crop_pct is '0\.9'; expected a number"),
    ({"interpolation": "cubic"}, r"^interpolation is 'cubic'; expected one of bilinear, bicubic, nearest, lanczos\.$"),
    ({"interpolation": ["bilinear"]}, r"^interpolation is \['bilinear'\]; expected one of"),
    ({"mean": (0.5, 0.5)}, r"^mean is \[0\.5, 0\.5\]; expected 3 numbers, one a channel\.$"),
    ({"mean": 0.5}, r"^mean is 0\.5; expected 3 numbers, one a channel\.$"),
    ({"mean": "abc"}, r"^mean is 'abc'; expected 3 numbers"),
    ({"mean": (0.5, math.inf, 0.5)}, r"^mean\[1\] is inf; expected a number from -1000 to 1000\.$"),
    ({"std": (0.2, 0.2, 0)}, r"^std\[2\] is 0; expected a number above 0 to 1000\.$"),
    ({"std": (0.2, None, 0.2)}, r"^std\[1\] is None; expected a number"),
]


@pytest.mark.parametrize(("fields", "message"), BAD_FIELDS)
def test_a_bad_field_is_named_in_one_sentence(fields, message):
    with pytest.raises(ConfigError, match=message) as caught:
        VGGConfig(**fields)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_an_error_shows_no_more_than_the_start_of_a_long_value():
    with pytest.raises(ConfigError, match=r"^interpolation is 'x{76}\.\.\.; expected"):
        VGGConfig(interpolation="x" * 10_000)


def test_the_layer_lists_are_the_papers_and_cannot_be_changed():
    assert {depth: list(layers) for depth, layers in LAYERS.items()} == PAPER
    assert DEPTHS == (11, 13, 16, 19)
    assert all(isinstance(layers, tuple) for layers in LAYERS.values())
    with pytest.raises(TypeError):
        LAYERS[11] = (64,)


def test_defaults():
    config = VGGConfig()
    assert (config.depth, config.layers, config.num_classes, config.label_names) == (11, LAYERS[11], 1000, ())
    assert (config.pooled_features, config.embed_features, config.out_channels) == (25088, 4096, 512)
    assert config.name == "vgg11-bn"
    assert VGGConfig(depth=19, batch_norm=False).name == "vgg19"


def test_depth_follows_from_layers_and_back():
    assert VGGConfig(layers=PAPER[16]).depth == 16
    assert VGGConfig(depth=16).layers == tuple(PAPER[16])
    assert VGGConfig(layers=PAPER[16]) == VGGConfig(depth=16)
    own = VGGConfig(layers=[8, "M"])
    assert (own.depth, own.name) == (None, "vgg-bn")


def test_classes_follow_from_labels():
    assert VGGConfig(label_names=["cat", "dog", "eel"]).num_classes == 3
    assert VGGConfig(label_names=[" cat ", "dog"]).label_names == ("cat", "dog")


def test_width_and_what_follows_from_it():
    config = VGGConfig(layers=[64, "M", 3, 100], width=0.25, pool_size=2, hidden_features=0)
    assert config.channels == (16, "M", 1, 25)
    assert config.layers == (64, "M", 3, 100)
    assert (config.out_channels, config.pooled_features, config.embed_features) == (25, 100, 100)


def test_other_channels_share_the_mean_of_the_three():
    grey = VGGConfig(in_channels=1)
    assert grey.mean == (sum(IMAGENET_MEAN) / 3,)
    assert len(VGGConfig(in_channels=5).std) == 5
    assert VGGConfig(in_channels=2, mean=(0.1, 0.2)).mean == (0.1, 0.2)


def test_it_is_frozen_hashable_and_compares_by_value():
    config = VGGConfig(layers=[8, "M"], mean=[0, 0, 0], label_names=["a", "b"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.depth = 16
    same = VGGConfig(layers=(8, "M"), mean=(0.0, 0.0, 0.0), label_names=("a", "b"))
    assert config == same
    assert hash(config) == hash(same)
    assert dataclasses.replace(config, dropout=0.1) != config
    assert dataclasses.replace(config, dropout=0.5) == config


def test_replace_checks_again():
    with pytest.raises(ConfigError, match="num_classes is 2 but label_names has 3 names"):
        dataclasses.replace(VGGConfig(label_names=["a", "b"]), label_names=("a", "b", "c"))


BAD_LABELS = [
    ("cat", r"^The class names are one text, 'cat'; expected a list of names\.$"),
    (None, r"^The class names are None; expected a list of names\.$"),
    ({"a": 1}, r"^The class names are \{'a': 1\}; expected a list of names\.$"),
    (["a", 3], r"^Class name 2 is 3; expected text\.$"),
    (["a", ""], r"^Class name 2 is empty; give each class a name\.$"),
    ([" \t"], r"^Class name 1 is empty; give each class a name\.$"),
    (["\u200d"], r"^Class name 1 is empty; give each class a name\.$"),
    (["a" * 300], r"^Class name 1 has 300 characters; the limit is 100: shorten it\.$"),
    (["<script>alert(1)</script>"], r"^Class name 1, .*, holds '<'; leave out slashes, angle brackets, control"),
    (["a/b"], r"^Class name 1, 'a/b', holds '/'; leave out slashes"),
    (["a\\b"], r"holds '\\\\'; leave out slashes"),
    (["cat\ndog"], r"^Class name 1, 'cat\\ndog', holds '\\n'; leave out slashes"),
    (["a\u2028b"], r"holds '\\u2028'"),
    (["a\x00b"], r"holds '\\x00'"),
    (["tac\u202egod"], r"holds '\\u202e'; .* invisible ones\.$"),
    (["c\u200bat"], r"holds '\\u200b'"),
    (
        ["a\udcea"],
        r"^Class name 1 is no text in this system's encoding: rename it, or, if it is UTF-8, set PYTHONUTF8=1\.$",
    ),
    ([".."], r"^Class name 1 is '\.\.', which names a folder; choose another name\.$"),
    (["cat", "cat"], r"^Two classes have the same name, 'cat'; give each class its own name\.$"),
    (["Straße", "STRASSE"], r"^Two classes have the same name, 'STRASSE'"),
    (["caf\u00e9", "cafe\u0301"], r"^Two classes have the same name, 'caf\u00e9'"),
]


@pytest.mark.parametrize(("labels", "message"), BAD_LABELS)
def test_a_bad_label_is_named_in_one_sentence(labels, message):
    with pytest.raises(LabelError, match=message) as caught:
        check_labels(labels)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, VGGHubError)


def test_labels_of_many_scripts_are_kept():
    labels = ("고양이", "강아지", "chat d'été", "کتاب‌ها", "👨‍👩‍👧", "C++ & co.", "10 %")
    assert check_labels(labels) == labels


@given(st.lists(st.text(max_size=120), max_size=4))
def test_labels_are_clean_or_refused(labels):
    try:
        clean = check_labels(labels)
    except LabelError:
        return
    assert check_labels(clean) == clean, "what it gives, it takes"
    assert len({label.casefold() for label in clean}) == len(labels)
    for label in clean:
        assert 1 <= len(label) <= 100
        assert label == label.strip()
        assert not set(label) & set("/\\<>\n\r\t\0\u202e\u2028")
        label.encode("utf-8")
    assert VGGConfig(label_names=clean).label_names == clean or not clean


ENTRIES = st.one_of(st.just("M"), st.integers(-5, 200), st.sampled_from(["m", "64", "", None, 3.0, True, 10**9]))


@given(st.lists(ENTRIES, max_size=8))
def test_layer_lists_are_taken_or_the_first_bad_entry_is_named(layers):
    bad = [i for i, e in enumerate(layers) if not (e == "M" or (type(e) is int and 1 <= e <= 65_536))]
    if not layers or bad or set(layers) == {"M"}:
        with pytest.raises(ConfigError) as caught:
            check_layers(layers)
        if bad:
            assert str(caught.value).startswith(f"layers[{bad[0]}] is {layers[bad[0]]!r}; ")
        return
    assert check_layers(layers) == tuple(layers)
