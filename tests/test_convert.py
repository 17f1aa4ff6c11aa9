"""Bare weight files made models: what is found out, and what is refused."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG, convert
from vgg_hub.config import LAYERS
from vgg_hub.convert import convert_file
from vgg_hub.errors import CheckpointError, ConfigError, LabelError

NARROW = {"hidden_features": 6, "pool_size": 2}
TINY_LAYERS = [8, "M", 16, "M"]


def same_answers(model: VGG, other: VGG) -> bool:
    x = smooth_batch(2, 64)
    with torch.no_grad():
        return torch.equal(model(x), other(x))


def torch_file(path: Path, content: object = None, **options: object) -> Path:
    torch.save(tiny_vgg(**NARROW).state_dict() if content is None else content, path, **options)
    return path


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("depth", LAYERS)
def test_torchvisions_own_nets_are_known_by_keys_and_shapes(tmp_path, monkeypatch, depth, batch_norm):
    """At a hundredth of the width: the files of the real nets have half a gigabyte."""
    monkeypatch.setattr(convert, "LAYERS", {d: thin(layers) for d, layers in LAYERS.items()})
    theirs = torchvision.models.VGG(torchvision.models.vgg.make_layers(thin(LAYERS[depth]), batch_norm), num_classes=7)
    width = thin(LAYERS[depth])[-2]
    theirs.classifier = nn.Sequential(
        *(
            nn.Linear(49 * width, 12),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(12, 12),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(12, 7),
        )
    )
    theirs.eval()
    ours = convert_file(torch_file(tmp_path / "net.pth", theirs.state_dict())).model
    assert ours.config.layers == thin(LAYERS[depth])
    assert (ours.config.batch_norm, ours.config.num_classes, ours.config.pool_size) == (batch_norm, 7, 7)
    assert same_answers(theirs, ours)


def thin(layers):
    return tuple(entry if entry == "M" else entry // 16 for entry in layers)


@pytest.mark.parametrize("fields", [NARROW, {"batch_norm": False}, {"in_channels": 1}, {"pool_size": 3}])
@pytest.mark.parametrize("old_format", [False, True])
def test_lists_of_ones_own_and_both_formats_of_torch(tmp_path, fields, old_format):
    model = tiny_vgg(**fields)
    file = torch_file(tmp_path / "m.pth", model.state_dict(), _use_new_zipfile_serialization=not old_format)
    found = convert_file(file, layers=TINY_LAYERS).model
    assert found.config == VGG(**{**vars(model.config), "input_size": 224}).config
    assert {k: t.tolist() for k, t in found.state_dict().items()} == {
        k: t.tolist() for k, t in model.state_dict().items()
    }
    assert not found.training


def test_a_safetensors_file_without_a_config(tmp_path):
    model = tiny_vgg(layers=[8, "M", 16, "M"] + [16, "M"] * 5, **NARROW, input_size=128)
    save_file(model.state_dict(), tmp_path / "m.SafeTensors")
    found = convert_file(tmp_path / "m.SafeTensors", layers=model.config.layers).model
    x = smooth_batch(2, 256)
    assert torch.equal(found(x), model(x))


def test_torchvisions_file_brings_labels_licence_and_a_checked_digest(tmp_path, monkeypatch):
    weights = torchvision.models.VGG11_BN_Weights.IMAGENET1K_V1
    assert convert._torchvisions("vgg11_bn-6002323d.pth") is weights
    assert convert._torchvisions("vgg11_bn.pth") is None
    monkeypatch.setattr(convert, "_torchvisions", lambda name: weights)
    file = torch_file(tmp_path / "x", tiny_vgg(num_classes=1000).state_dict())
    digest = sha256(file.read_bytes()).hexdigest()
    file = file.rename(tmp_path / f"vgg11_bn-{digest[:8]}.pth")
    done = convert_file(file, layers=TINY_LAYERS)
    assert (done.sha256, done.notes) == (digest, ())
    labels, theirs = done.model.config.label_names, weights.meta["categories"]
    assert (len(labels), labels[:3]) == (1000, ("tench", "goldfish", "great white shark"))
    again = [place for place, label in enumerate(labels) if label != theirs[place]]
    assert 0 < len(again) < 10
    assert all(labels[place] == f"{theirs[place]} (2)" for place in again)
    config = done.model.config
    assert (config.input_size, config.crop_pct, config.interpolation) == (224, 0.875, "bilinear")
    assert (config.mean, config.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert done.model.provenance == {
        "licence": "bsd-3-clause",
        "notes": [
            f"Converted from the file {file.name}, sha256 {digest}.",
            "Trained on ImageNet-1K by the makers of torchvision, who state 70.37 % top-1 for it.",
        ],
    }
    renamed = file.rename(tmp_path / "vgg11_bn-6002323d.pth")
    message = (
        rf"^vgg11_bn-6002323d\.pth is not what its name says: its sha256 begins with {digest[:8]}, expected 6002323d;"
    )
    with pytest.raises(CheckpointError, match=message):
        convert_file(renamed)


def test_what_a_file_does_not_say_is_said(tmp_path):
    file = torch_file(tmp_path / "pets-20240131.pth")
    done = convert_file(file, layers=TINY_LAYERS)
    digest = sha256(file.read_bytes()).hexdigest()
    assert done.notes[0] == f"pets-20240131.pth has no sha256 in its name to check it by; its own is {digest}."
    assert done.notes[1] == "pets-20240131.pth does not name its 2 classes; --labels can."
    assert done.notes[2].startswith(
        "pets-20240131.pth does not say how pictures are prepared for it; torchvision's way"
    )
    assert len(done.notes) == 3
    assert done.model.provenance == {"notes": [f"Converted from the file pets-20240131.pth, sha256 {digest}."]}
    named = convert_file(file, layers=TINY_LAYERS, labels=["cat", "dog"])
    assert named.model.config.label_names == ("cat", "dog")
    assert len(named.notes) == 2


def test_labels_and_layers_must_fit(tmp_path):
    file = torch_file(tmp_path / "m.pth")
    with pytest.raises(ConfigError, match=r"^m\.pth has 2 classes but 3 names are given; they must agree\.$"):
        convert_file(file, layers=TINY_LAYERS, labels=["a", "b", "c"])
    with pytest.raises(LabelError, match=r"^Class name 2, 'b/c', holds '/'"):
        convert_file(file, layers=TINY_LAYERS, labels=["a", "b/c"])
    with pytest.raises(ConfigError, match=r"^m\.pth has the layers 8,M,16, which are not those given\.$"):
        convert_file(file, layers=[8, 16, "M"])
    with pytest.raises(ConfigError, match=r"^layers\[1\] is 'P'; expected a positive whole number"):
        convert_file(file, layers=[8, "P"])
    message = r"does not say whether a pooling follows: add --layers 8,M,16,M or, if none does, --layers 8,M,16\.$"
    with pytest.raises(CheckpointError, match=r"^m\.pth has a layer list of its own, 8,M,16, and " + message):
        convert_file(file)


def changed(**changes: object):
    state = tiny_vgg(**NARROW).state_dict()
    for name, value in changes.items():
        key = name.replace("__", ".")
        state = {k: t for k, t in state.items() if k != key} if value is None else {**state, key: value}
    return state


def recursive() -> dict[str, object]:
    document: dict[str, object] = {"a": 1}
    document["model"] = document
    return document


NOT_A_VGG = [
    ({"fc.weight": torch.zeros(2, 2)}, r" holds no VGG: it has no features\.0\.weight, but 'fc\.weight'\."),
    ({"a": 1}, r" holds no state dict, a mapping of names to tensors; save one: torch\.save\(model\.state_dict"),
    ({}, r" holds no state dict"),
    ([torch.zeros(1)], r" holds no state dict"),
    ({"state_dict": {"x": "y"}}, r" holds no state dict"),
    (recursive(), r" holds no state dict"),
    (changed(extra=torch.zeros(1)), r" does not hold the tensors of a vgg-bn; 1 not expected: extra\.$"),
    (changed(classifier__3__bias=None), r" does not hold the tensors of a vgg-bn; 1 missing: classifier\.3\.bias\.$"),
    (changed(classifier__6__weight=None), r" is not a whole VGG: it has no classifier\.6\.weight; give one with its"),
    (
        {k: t for k, t in changed().items() if k.startswith("features")},
        r" is not a whole VGG: it has no classifier\.0\.weight",
    ),
    (
        changed(classifier__6__weight=torch.zeros(2, 5)),
        r" .*; 1 of another shape: classifier\.6\.weight is \[2, 5\], expected \[2, 6\]\.$",
    ),
    (changed(classifier__6__weight=torch.zeros(2)), r": classifier\.6\.weight is \[2\]; expected the two numbers"),
    (changed(classifier__0__weight=torch.zeros(6, 65)), r": classifier\.0\.weight reads 65 numbers, expected 16 ch"),
    (changed(features__0__weight=torch.zeros(8)), r" holds no VGG: features\.0\.weight is \[8\]; expected"),
    (
        changed(features__0__weight=torch.zeros(8, 3, 5, 5)),
        r" .*; 1 of another shape: features\.0\.weight is \[8, 3, 5, 5\], expected \[8, 3, 3, 3\]\.$",
    ),
    (changed(features__5__weight=torch.zeros(8, 8, 3, 3)), r": features\.5 is a convolution where a VGG has none\.$"),
    (changed(features__999__weight=torch.zeros(8, 8, 3, 3)), r": features\.999 is a convolution where a VGG has none"),
    (
        {"other": torch.zeros(1), **{f"net.{k}": t for k, t in changed().items()}},
        r" holds 'other' beside the net under 'net\.'; save the net alone\.$",
    ),
    (
        changed(features__0__bias=torch.full((8,), float("nan"))),
        r": 'features\.0\.bias' holds numbers that are not finite",
    ),
    (
        changed(features__0__bias=torch.zeros(8, dtype=torch.int64)),
        r": 'features\.0\.bias' is of type torch\.int64; expected plain floats",
    ),
    (changed(features__0__bias=torch.zeros(8).to_sparse()), r": 'features\.0\.bias' is of type torch\.float32; expect"),
    (changed(features__0__bias=torch.zeros(0)), r": 'features\.0\.bias' is empty, of shape \[0\]\.$"),
    (
        changed(features__0__weight=torch.zeros(1).expand(10**6, 10**6, 3, 3)),
        r": its tensors are larger than the file;",
    ),
]


@pytest.mark.parametrize(("content", "message"), NOT_A_VGG)
def test_what_is_no_vgg_is_refused_and_named(tmp_path, content, message):
    file = torch_file(tmp_path / "m.pth", content)
    with pytest.raises(CheckpointError, match=r"^m\.pth" + message) as caught:
        convert_file(file, layers=TINY_LAYERS)
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(CheckpointError, match=r"^n\.pth is not a file here; check its name and folder\.$"):
        convert_file(tmp_path / "n.pth")
