"""Folders that others wrote: timm's own code, and huggingface_hub's stock mixin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import PyTorchModelHubMixin
from timm.data import create_transform, resolve_data_config
from timm.models._hub import save_config_for_hf, save_for_hf
from torch import nn

from tests.toys import smooth_batch, smooth_picture, tiny_vgg
from vgg_hub import VGG, VGGConfig
from vgg_hub.config_json import read_config
from vgg_hub.errors import CheckpointError
from vgg_hub.preprocess import preprocess

TIMM_NETS = [f"vgg{depth}{suffix}" for depth in (11, 13, 16, 19) for suffix in ("", "_bn")]
LABELS = ["cat", "dog", "tabby, tabby cat", "고양이", "a/b", "Cat", "fox"]
FIT = ("cat", "dog", "tabby, tabby cat", "고양이", "a_b", "Cat (2)", "fox")
# timm reads a config.json without closing it.
UNCLOSED = pytest.mark.filterwarnings(
    "ignore:unclosed file:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


def timm_net(name: str, classes: int = 7) -> nn.Module:
    """Without memory: only what stands in its `config.json` is looked at."""
    with torch.device("meta"):
        return timm.create_model(name, pretrained=False, num_classes=classes)


def written_config(net: nn.Module, folder: Path, **model_config: object) -> VGGConfig:
    save_config_for_hf(net, str(folder / "config.json"), model_config=model_config)
    return read_config(folder / "config.json", "theirs")[0]


# timm


@pytest.mark.parametrize("name", TIMM_NETS)
def test_the_config_of_a_fine_tuned_net_of_timms(tmp_path, name):
    data = {
        "input_size": (3, 192, 192),
        "crop_pct": 0.95,
        "interpolation": "bicubic",
        "mean": (0.5,) * 3,
        "std": (0.2,) * 3,
    }
    config = written_config(timm_net(name), tmp_path, label_names=LABELS, pretrained_cfg=data)
    assert config == VGGConfig(
        depth=int(name[3:5]),
        batch_norm=name.endswith("_bn"),
        label_names=FIT,
        **{**data, "input_size": 192},
    )


@pytest.mark.parametrize("name", TIMM_NETS)
def test_the_config_of_timms_own_repos(tmp_path, name):
    """`timm/vgg11_bn.tv_in1k` and its siblings: what timm writes of a net that carries that tag."""
    net = timm_net(name, classes=1000)
    net.pretrained_cfg = timm.get_pretrained_cfg(f"{name}.tv_in1k").to_dict()
    config = written_config(net, tmp_path)
    document = json.loads((tmp_path / "config.json").read_text())
    assert (document["architecture"], document["pretrained_cfg"]["tag"]) == (name, "tv_in1k")
    assert config.name == name.replace("_", "-")
    assert (config.num_classes, config.label_names[0], config.label_names[999]) == (1000, "tench", "toilet tissue")
    assert (config.input_size, config.crop_pct, config.interpolation) == (224, 0.875, "bilinear")
    assert (config.mean, config.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert read_config(tmp_path / "config.json", "theirs")[1] == {"licence": "bsd-3-clause"}


@UNCLOSED
@pytest.mark.slow
@pytest.mark.parametrize("name", TIMM_NETS)
@torch.no_grad()
def test_a_photo_through_a_net_that_timm_saved(tmp_path, name):
    """Seven classes with labels: timm's own preprocessing and logits, and ours from its folder."""
    theirs = timm.create_model(name, pretrained=False, num_classes=7).eval()
    nn.init.normal_(theirs.head.fc.weight, 0, 0.1)
    picture = smooth_picture(333, 250)
    data = {"crop_pct": 0.95, "interpolation": "bicubic", "mean": (0.5,) * 3, "std": (0.2,) * 3}
    save_for_hf(theirs, str(tmp_path), {"label_names": LABELS, "pretrained_cfg": data}, safe_serialization=True)
    again = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    transform = create_transform(**resolve_data_config({}, model=again))
    pixels = transform(picture)[None]
    ours = VGG.from_pretrained(tmp_path)
    assert ours.config.label_names == FIT
    assert (preprocess(picture, ours.config) - pixels[0]).abs().max() < 1e-5
    expected = again(pixels)
    assert torch.equal(expected, theirs(pixels))
    assert expected.std() > 0.1
    logits = ours(preprocess(picture, ours.config)[None])
    assert (logits - expected).abs().max() < 1e-4
    assert logits.argmax() == expected.argmax()


# the stock mixin


class TextbookVGG(nn.Module, PyTorchModelHubMixin):
    """The shape of a textbook's class: its own constructor, torchvision's names."""

    def __init__(
        self, depth: int = 11, batch_norm: bool = True, num_classes: int = 2, hidden_features: int = 4096
    ) -> None:
        super().__init__()
        net = VGG(depth=depth, batch_norm=batch_norm, num_classes=num_classes, hidden_features=hidden_features)
        self.features, self.avgpool, self.classifier = net.features, net.avgpool, net.classifier

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class OwnListVGG(nn.Module, PyTorchModelHubMixin):
    def __init__(
        self, layers: list[int | str], pool_size: int = 7, hidden_features: int = 0, num_classes: int = 3
    ) -> None:
        super().__init__()
        net = tiny_vgg(layers=layers, pool_size=pool_size, hidden_features=hidden_features, num_classes=num_classes)
        self.features, self.avgpool, self.classifier = net.features, net.avgpool, net.classifier

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@torch.no_grad()
def test_a_repo_of_the_stock_mixin_opens_with_equal_answers(tmp_path):
    theirs = TextbookVGG(depth=13, num_classes=3, hidden_features=4).eval()
    theirs.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text()) == {
        "batch_norm": True, "depth": 13, "hidden_features": 4, "num_classes": 3,
    }  # fmt: skip
    ours = VGG.from_pretrained(tmp_path)
    assert ours.config == VGGConfig(depth=13, num_classes=3, hidden_features=4)
    x = smooth_batch(2, 64)
    assert torch.equal(ours(x), theirs(x))


@torch.no_grad()
def test_a_layer_list_of_ones_own_from_the_stock_mixin(tmp_path):
    theirs = OwnListVGG(layers=[8, 8, "M", 16, "M"], hidden_features=5).eval()
    theirs.save_pretrained(tmp_path)
    ours = VGG.from_pretrained(tmp_path)
    assert ours.config.layers == (8, 8, "M", 16, "M")
    assert ours.provenance is None
    x = smooth_batch(2, 64)
    assert torch.equal(ours(x), theirs(x))
    ours.save_pretrained(tmp_path / "whole")
    assert torch.equal(VGG.from_pretrained(tmp_path / "whole")(x), theirs(x))


CANNOT = r"^config\.json of m cannot be used: "


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"depth": 11, "colour": 1}, CANNOT + "it describes the architecture None"),
        ({"batch_norm": True, "num_classes": 2}, CANNOT + "it describes the architecture None"),
        ({"depth": None, "num_classes": 2}, CANNOT + "it describes the architecture None"),
        ({"depth": 11, "architecture": "vgg16"}, r"does not hold the tensors"),
        ({"depth": 12}, CANNOT + r"depth is 12; expected 11, 13, 16 or 19, or a list"),
        ({"depth": [11]}, CANNOT + r"depth is \[11\]; expected 11, 13, 16 or 19"),
        ({"depth": 11, "batch_norm": "yes"}, CANNOT + r"batch_norm is 'yes'; expected true or false\.$"),
        ({"depth": 11, "num_classes": 2.0}, CANNOT + r"num_classes is 2\.0; expected a whole number"),
        ({"depth": 11, "label_names": ["<b>"], "num_classes": 1}, CANNOT + r"Class name 1, '<b>', holds '<'"),
        ({"depth": 11, "layers": [8, "M"]}, CANNOT + r"depth is 11 but layers are a list of their own; give one"),
        ({"layers": []}, CANNOT + r"layers has 0 entries; expected 1 to 1000\.$"),
        ({"layers": [8, "M"], "in_channels": 10**9}, CANNOT + r"in_channels is 1000000000; expected a whole number"),
        ({"depth": 16}, r"^model\.safetensors of m does not hold the tensors that its config\.json describes; "),
    ],
)
def test_the_stock_mixins_config_is_read_strictly(tmp_path, document, message):
    tiny_vgg().save_pretrained(tmp_path / "m")
    (tmp_path / "m" / "config.json").write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match=message):
        VGG.from_pretrained(tmp_path / "m")
