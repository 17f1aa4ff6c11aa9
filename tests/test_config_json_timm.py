"""timm's `config.json`, and labels of others made fit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_config_json import CANNOT, JSON, read
from tests.toys import run_python
from vgg_hub import VGG, VGGConfig
from vgg_hub.config import check_labels
from vgg_hub.errors import CheckpointError


def timm_text(**changes: object) -> str:
    document = {
        "architecture": "vgg13",
        "num_classes": 5,
        "num_features": 512,
        "global_pool": "avg",
        "model_args": {"num_classes": 5, "in_chans": 3, "global_pool": "avg"},
        "pretrained_cfg": {
            "tag": "tv_in1k",
            "input_size": [3, 224, 224],
            "interpolation": "bicubic",
            "crop_pct": 0.9,
            "crop_mode": "center",
            "mean": [0.5, 0.4, 0.3],
            "std": [0.1, 0.2, 0.3],
            "license": "bsd-3-clause",
        },
    }
    pretrained = document["pretrained_cfg"] | changes.pop("pretrained_cfg", {})
    return json.dumps(document | changes | {"pretrained_cfg": pretrained})


def test_timms_file_is_read_with_its_preprocessing(tmp_path):
    config, provenance = read(tmp_path, timm_text())
    assert config == VGGConfig(
        depth=13,
        batch_norm=False,
        num_classes=5,
        interpolation="bicubic",
        crop_pct=0.9,
        mean=(0.5, 0.4, 0.3),
        std=(0.1, 0.2, 0.3),
    )
    assert provenance == {"licence": "bsd-3-clause"}


def test_imagenet_labels_are_known_by_timms_tag_only(tmp_path):
    labels = read(tmp_path, timm_text(num_classes=1000))[0].label_names
    assert (len(labels), labels[0], labels[281]) == (1000, "tench", "tabby")
    assert len({label.casefold() for label in labels}) == 1000
    assert read(tmp_path, timm_text(num_classes=1000, pretrained_cfg={"tag": "mine"}))[0].label_names == ()


def test_others_labels_are_made_fit(tmp_path):
    odd = ["a/b", "<i>", "", "cat", "Cat", "cat (2)", "x" * 300, "x" * 301, "..", "caf\u00e9", "cafe\u0301", "n\nl"]
    labels = read(tmp_path, timm_text(num_classes=len(odd), label_names=odd))[0].label_names
    assert labels[:6] == ("a_b", "_i_", "class 2", "cat", "Cat (2)", "cat (2) (2)")
    assert labels[6:] == ("x" * 90, "x" * 90 + " (2)", "class 8", "café", "café (2)", "n_l")


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_texts_of_others_become_labels(tmp_path, odd):
    labels = read(tmp_path, timm_text(num_classes=len(odd), label_names=odd))[0].label_names
    assert check_labels(labels) == labels


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_names": {"0": "a"}}, r"label_names is \{'0': 'a'\}; expected a list of texts\.$"),
        ({"label_names": ["a"]}, r"num_classes is 5 but label_names has 1 names; they must agree\.$"),
        ({"model_args": {"act_layer": "silu"}}, r"model_args holds 'act_layer', which may make it another net; save"),
        ({"pretrained_cfg": {"input_size": [3, 256, 256]}}, r"slides its hidden layers over pictures of 256 pixels or"),
        ({"pretrained_cfg": {"crop_mode": "squash"}}, r"pretrained_cfg\.crop_mode is 'squash'; only 'center' is known"),
        ({"pretrained_cfg": {"interpolation": "random"}}, r"interpolation is 'random'; expected one of"),
    ],
)
def test_what_differs_in_timms_file_is_refused(tmp_path, changes, message):
    with pytest.raises(CheckpointError, match=CANNOT + ".*" + message):
        read(tmp_path, timm_text(**changes))


@given(JSON, st.sampled_from(["num_classes", "label_names", "architecture", "model_args", "pretrained_cfg"]))
def test_any_json_in_any_place_gives_a_config_or_our_error(tmp_path, value, key):
    document = json.loads(timm_text()) | {key: value}
    try:
        found = read(tmp_path, json.dumps(document))[0]
    except CheckpointError as error:
        found = str(error)
    assert isinstance(found, VGGConfig) or found.startswith("config.json of mine cannot be used: ")


OTHERS = """
    import sys
    import timm
    from transformers import pipeline

    folder = sys.argv[1]
    for name, load in (
        ("timm", lambda: timm.create_model(f"local-dir:{folder}", pretrained=True)),
        ("transformers", lambda: pipeline("image-classification", model=folder, device="cpu")),
    ):
        try:
            load()
        except Exception as error:
            print(name, "refuses:", error)
        else:
            print(name, "opens it")
"""


@pytest.mark.parametrize("delta", [False, True])
def test_no_other_library_makes_a_net_of_a_folder_that_is_for_us_alone(shipped, tmp_path, delta):
    """Without an architecture, transformers would give a ResNet-50 with random weights."""
    VGG.from_pretrained("vgg11-bn").replace_head(["cat", "dog"]).save_pretrained(tmp_path / "m", delta=delta)
    lines = run_python(OTHERS, tmp_path / "m").stdout.splitlines()
    answers = [line for line in lines if line.startswith(("timm ", "transformers "))]
    assert answers[0] == "timm refuses: Unknown model (vgg_hub_only)"
    assert answers[1].startswith("transformers refuses: ")
    assert len(answers) == 2
