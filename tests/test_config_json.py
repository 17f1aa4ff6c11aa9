"""`config.json`: written, read back, and everything that can be wrong with one."""

from __future__ import annotations

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vgg_hub import VGGConfig
from vgg_hub.config import DEPTHS, INTERPOLATIONS, check_labels
from vgg_hub.config_json import MAX_CONFIG_BYTES, OURS_ALONE, config_to_json, read_config, read_unlike
from vgg_hub.errors import CheckpointError, ConfigError, LabelError
from vgg_hub.unlike import UnlikeRule

CONFIG = VGGConfig(layers=[8, "M"], label_names=["cat", "dog"], hidden_features=0, input_size=32)


def read(tmp_path, text: str | bytes):
    path = tmp_path / "config.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read_config(path, "mine")


def changed(**changes: object) -> str:
    """CONFIG's file with keys set (`a__b` for b inside a), or left out where the value is `...`."""
    document = json.loads(config_to_json(CONFIG))
    for name, value in changes.items():
        *sections, key = name.split("__")
        target = document
        for section in sections:
            target = target[section]
        if value is ...:
            del target[key]
        else:
            target[key] = value
    return json.dumps(document)


def labels_or_none(names):
    try:
        return check_labels(names)
    except LabelError:
        return None


LABELS = st.lists(st.text(min_size=1, max_size=20), max_size=4).map(labels_or_none).filter(lambda v: v is not None)
LAYERS = st.lists(st.one_of(st.just("M"), st.integers(1, 4096)), min_size=1, max_size=8)


@st.composite
def configs(draw) -> VGGConfig:
    labels, channels = draw(LABELS), draw(st.integers(1, 6))
    shape = draw(
        st.one_of(
            st.fixed_dictionaries({"depth": st.sampled_from(DEPTHS)}),
            st.fixed_dictionaries({"layers": LAYERS.filter(lambda entries: set(entries) != {"M"})}),
        )
    )
    return VGGConfig(
        **shape,
        batch_norm=draw(st.booleans()),
        num_classes=len(labels) or draw(st.integers(1, 10**6)),
        label_names=labels,
        in_channels=channels,
        pool_size=draw(st.integers(1, 64)),
        hidden_features=draw(st.integers(0, 65_536)),
        width=draw(st.floats(0, 16, exclude_min=True)),
        dropout=draw(st.floats(0, 1, exclude_max=True)),
        input_size=draw(st.integers(256, 4096)),
        crop_pct=draw(st.floats(0.1, 1)),
        interpolation=draw(st.sampled_from(INTERPOLATIONS)),
        mean=draw(st.lists(st.floats(-1000, 1000), min_size=channels, max_size=channels)),
        std=draw(st.lists(st.floats(0, 1000, exclude_min=True), min_size=channels, max_size=channels)),
    )


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


@given(configs(), st.one_of(st.none(), st.dictionaries(st.text(), JSON, max_size=3)))
def test_what_is_written_is_read_back(tmp_path, config, provenance):
    assert read(tmp_path, config_to_json(config, provenance)) == (config, provenance)


def test_the_document_has_what_timm_and_transformers_read():
    document = json.loads(config_to_json(VGGConfig(depth=16, label_names=["고양이", "개"]), {"seed": 1}))
    assert document["architecture"] == "vgg16_bn"
    assert (document["num_classes"], document["num_features"]) == (2, 512)
    assert document["label_names"] == ["고양이", "개"]
    assert document["pretrained_cfg"] == {
        "input_size": [3, 224, 224],
        "interpolation": "bilinear",
        "crop_pct": 0.875,
        "crop_mode": "center",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "num_classes": 2,
        "pool_size": [7, 7],
        "first_conv": "features.0",
        "classifier": "head.fc",
    }
    assert document["vgg_hub"]["provenance"] == {"seed": 1}
    assert "model_type" not in document
    assert "고양이" in config_to_json(VGGConfig(label_names=["고양이"])), "a person can read it"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"depth": 11}, "vgg11_bn"),
        ({"depth": 19, "batch_norm": False}, "vgg19"),
        ({"input_size": 64}, "vgg11_bn"),
        ({"input_size": 255}, "vgg11_bn"),
        ({"input_size": 256}, OURS_ALONE),
        ({"width": 0.5}, OURS_ALONE),
        ({"pool_size": 1}, OURS_ALONE),
        ({"hidden_features": 0}, OURS_ALONE),
        ({"in_channels": 1}, OURS_ALONE),
        ({"layers": [8, "M"]}, OURS_ALONE),
    ],
)
def test_only_nets_that_timm_builds_alike_carry_its_name(fields, name):
    assert json.loads(config_to_json(VGGConfig(**fields)))["architecture"] == name


CANNOT = r"^config\.json of mine cannot be used: "
BAD = [
    ({"color": "red"}, CANNOT + r"it holds the unknown key 'color'; remove it or update vgg-hub\.$"),
    ({"vgg_hub__extra": 1}, CANNOT + r"it holds the unknown key 'vgg_hub\.extra'; remove it"),
    ({"vgg_hub__layers": ...}, CANNOT + r"it lacks the key vgg_hub\.layers\.$"),
    ({"vgg_hub__dropout": ...}, CANNOT + r"it lacks the key vgg_hub\.dropout\.$"),
    ({"num_classes": ...}, CANNOT + r"it lacks the key num_classes\.$"),
    ({"pretrained_cfg": ...}, CANNOT + r"it lacks the key pretrained_cfg\.$"),
    ({"pretrained_cfg__mean": ...}, CANNOT + r"it lacks the key pretrained_cfg\.mean\.$"),
    ({"pretrained_cfg__input_size": ...}, CANNOT + r"it lacks the key pretrained_cfg\.input_size\.$"),
    ({"vgg_hub__format": 2}, CANNOT + r"vgg_hub\.format is 2; this version reads 1: update vgg-hub\.$"),
    ({"vgg_hub__format": ...}, CANNOT + r"vgg_hub\.format is None; this version reads 1"),
    ({"vgg_hub": []}, CANNOT + r"vgg_hub is a list; expected a JSON object\.$"),
    ({"pretrained_cfg": "x"}, CANNOT + r"pretrained_cfg is a str; expected a JSON object\.$"),
    ({"vgg_hub__provenance": [1]}, CANNOT + r"vgg_hub\.provenance is a list; expected a JSON object\.$"),
    ({"vgg_hub__layers": []}, CANNOT + r"layers has 0 entries; expected 1 to 1000\.$"),
    ({"vgg_hub__layers": [8, None]}, CANNOT + r"layers\[1\] is None; expected a positive whole number"),
    ({"vgg_hub__batch_norm": "yes"}, CANNOT + r"batch_norm is 'yes'; expected true or false\.$"),
    ({"vgg_hub__width": 10**400}, CANNOT + r"width is 10+\.\.\.; expected a number above 0 to 16\.$"),
    ({"vgg_hub__in_channels": None}, CANNOT + r"pretrained_cfg\.input_size is \[3, 32, 32\]; expected \[None, side"),
    ({"label_names": None}, CANNOT + r"The class names are None; expected a list of names\.$"),
    ({"label_names": {"0": "cat"}}, CANNOT + r"The class names are \{'0': 'cat'\}; expected a list of names\.$"),
    ({"label_names": ["a", 2]}, CANNOT + r"Class name 2 is 2; expected text\.$"),
    ({"label_names": ["a", "<b>"]}, CANNOT + r"Class name 2, '<b>', holds '<'"),
    ({"label_names": ["a"]}, CANNOT + r"num_classes is 2 but label_names has 1 names; they must agree\.$"),
    (
        {"pretrained_cfg__crop_mode": "border"},
        CANNOT + r"pretrained_cfg\.crop_mode is 'border'; only 'center' is known",
    ),
    (
        {"pretrained_cfg__input_size": [3, 32, 64]},
        CANNOT + r"pretrained_cfg\.input_size is \[3, 32, 64\]; expected \[3,",
    ),
    ({"pretrained_cfg__input_size": 32}, CANNOT + r"pretrained_cfg\.input_size is 32; expected \[3, side, side\]\.$"),
    ({"pretrained_cfg__std": [0.1, 0.1, 0]}, CANNOT + r"std\[2\] is 0; expected a number above 0"),
    ({"pretrained_cfg__interpolation": {}}, CANNOT + r"interpolation is \{\}; expected one of"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_a_bad_key_is_named(tmp_path, changes, message):
    with pytest.raises(CheckpointError, match=message) as caught:
        read(tmp_path, changed(**changes))
    assert "\n" not in str(caught.value)


NESTED = "[" * 100_000
BAD_TEXTS = [
    ("", r"^config\.json of mine is not valid JSON \(Expecting value: .*\); fetch or save it again\.$"),
    ('{"a": 1', r"is not valid JSON \(Expecting ',' delimiter"),
    (b"\xff\xfe{}", r"is not valid JSON \('utf-8' codec can't decode"),
    (NESTED, r"^config\.json of mine is not valid JSON \(maximum recursion depth exceeded"),
    ('{"num_classes": ' + "9" * 5000 + "}", r"is not valid JSON \(Exceeds the limit"),
    ("[1]", r"^config\.json of mine holds a list; expected a JSON object\.$"),
    ("null", r"^config\.json of mine holds a NoneType; expected a JSON object\.$"),
    ("{}", CANNOT + r"it describes the architecture None; expected a VGG: vgg11, vgg11_bn, vgg13,"),
    ('{"architecture": "resnet50"}', CANNOT + r"it describes the architecture 'resnet50'; expected a VGG"),
    ('{"model_type": "vit", "architectures": ["ViT"]}', CANNOT + r"it describes the architecture None"),
    (" " * (MAX_CONFIG_BYTES + 1), r"^config\.json of mine is over 4 MB; it is not one of ours\.$"),
]


@pytest.mark.parametrize(("text", "message"), BAD_TEXTS)
def test_a_file_that_is_no_config_is_said_to_be_none(tmp_path, text, message):
    with pytest.raises(CheckpointError, match=message) as caught:
        read(tmp_path, text)
    assert len(str(caught.value)) < 250


def test_a_missing_file_and_a_folder_in_its_place(tmp_path):
    with pytest.raises(
        CheckpointError, match=r"^mine has no config\.json; give a folder that `save_pretrained` wrote, or"
    ):
        read_config(tmp_path / "config.json", "mine")
    (tmp_path / "config.json").mkdir()
    with pytest.raises(CheckpointError, match=r"^config\.json of mine cannot be read: Is a directory\.$"):
        read_config(tmp_path / "config.json", "mine")


@given(JSON, st.sampled_from(["vgg_hub", "num_classes", "label_names", "pretrained_cfg", "architecture"]))
def test_any_json_in_any_place_gives_a_config_or_our_error(tmp_path, value, key):
    try:
        found = read(tmp_path, changed(**{key: value}))[0]
    except CheckpointError as error:
        found = str(error)
    assert isinstance(found, VGGConfig) or found.startswith("config.json of mine cannot be used: ")


def test_the_rule_of_none_of_these_is_kept_and_read_strictly(tmp_path):
    path, rule = tmp_path / "config.json", UnlikeRule(torch.rand(2, 8 * 49).half().float(), (0.25, 0.5))
    path.write_text(config_to_json(CONFIG, unlike=rule), encoding="utf-8")
    again = read_unlike(path, "mine", read_config(path, "mine")[0])
    assert torch.equal(again.means, rule.means)
    assert again.limits == rule.limits
    for other in (VGGConfig(layers=[8, "M"], num_classes=2), VGGConfig(layers=[8, "M"], hidden_features=0)):
        sentence = r"^config\.json of mine cannot be used: vgg_hub\.unlike\.means holds 1568 bytes; expected "
        with pytest.raises(CheckpointError, match=sentence):
            read_unlike(path, "mine", other)
    path.write_text(config_to_json(CONFIG), encoding="utf-8")
    assert read_unlike(path, "mine", CONFIG) is None
    path.write_text('{"architecture": "vgg11", "num_classes": 2}', encoding="utf-8")
    assert read_unlike(path, "mine", CONFIG) is None, "timm's"


@given(JSON)
def test_any_json_as_the_rule_gives_our_error(tmp_path, value):
    path = tmp_path / "config.json"
    path.write_text(changed(vgg_hub__unlike=value), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"^config\.json of mine cannot be used: vgg_hub\.unlike"):
        read_unlike(path, "mine", CONFIG)


@given(st.text(max_size=30))
def test_any_text_gives_our_error(tmp_path, text):
    with pytest.raises(CheckpointError, match=r"^config\.json of mine "):
        read(tmp_path, text.encode("utf-8", "surrogatepass"))


def test_half_a_surrogate_pair_of_a_strangers_file_can_be_written_again(tmp_path):
    provenance = read(tmp_path, changed(vgg_hub__provenance={"notes": ["\ud800x"]}))[1]
    assert provenance == {"notes": ["\ud800x"]}
    assert read(tmp_path, config_to_json(CONFIG, provenance))[1] == provenance


@pytest.mark.parametrize("value", [math.nan, object(), {1, 2}, b"x"])
def test_a_provenance_that_json_cannot_hold_is_refused(value):
    with pytest.raises(
        ConfigError, match=r"^The provenance cannot be written as JSON \(.*\); give texts and numbers\.$"
    ):
        config_to_json(CONFIG, {"seed": value})


def test_a_provenance_nested_too_deep_is_refused():
    deep = {}
    for _ in range(10_000):
        deep = {"a": deep}
    with pytest.raises(ConfigError, match=r"^The provenance cannot be written as JSON \(maximum recursion"):
        config_to_json(CONFIG, deep)


def test_numbers_that_are_no_json_are_refused(tmp_path):
    text = config_to_json(CONFIG, {"note": 1}).replace('"note": 1', '"note": NaN')
    with pytest.raises(CheckpointError, match=r"config\.json of mine is not valid JSON \(NaN is no JSON\)"):
        read(tmp_path, text)
