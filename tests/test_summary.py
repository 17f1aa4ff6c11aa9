"""The table of layers and its totals, against the live net."""

import json

import pytest
import torch
from torch import nn

from tests.toys import tiny_vgg
from vgg_hub import VGG
from vgg_hub.config import DEPTHS, VGGConfig
from vgg_hub.summary import layer_table, multiply_adds, parameter_count, summarise, weight_bytes


def net_on_meta(config: VGGConfig) -> VGG:
    with torch.device("meta"):
        return VGG(config, init_weights=False)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_totals_are_those_of_the_live_net(depth, batch_norm):
    config = VGGConfig(depth=depth, batch_norm=batch_norm)
    model = net_on_meta(config)
    assert parameter_count(config) == sum(p.numel() for p in model.parameters())
    floats = [t for t in model.state_dict().values() if t.is_floating_point()]
    assert weight_bytes(config) == sum(4 * t.numel() for t in floats)
    assert multiply_adds(config) == _counted(model, config)


def _counted(model: VGG, config: VGGConfig) -> int:
    """Multiply-adds of the convolutions and Linears, from the shapes that really pass."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        total += module.weight.numel() * (output[0, 0].numel() if output.ndim == 4 else 1)

    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(count)
    model.eval()(torch.zeros(1, config.in_channels, config.input_size, config.input_size, device="meta"))
    return total


def test_vgg16_is_the_table_of_the_textbook():
    rows = {row.name: row for row in layer_table(VGGConfig(depth=16, batch_norm=False))}
    assert list(rows) == [
        "conv1_1",
        "conv1_2",
        "pool1",
        "conv2_1",
        "conv2_2",
        "pool2",
        "conv3_1",
        "conv3_2",
        "conv3_3",
        "pool3",
        "conv4_1",
        "conv4_2",
        "conv4_3",
        "pool4",
        "conv5_1",
        "conv5_2",
        "conv5_3",
        "pool5",
        "avgpool",
        "fc6",
        "fc7",
        "head",
    ]
    assert (rows["conv1_1"].output, rows["conv1_1"].kernel, rows["conv1_1"].stride) == ((64, 224, 224), 3, 1)
    assert (rows["pool5"].output, rows["pool5"].kernel, rows["pool5"].stride) == ((512, 7, 7), 2, 2)
    assert (rows["conv1_1"].parameters, rows["conv1_1"].multiply_adds) == (1_792, 86_704_128)
    assert (rows["fc6"].parameters, rows["fc6"].output, rows["fc6"].activation) == (102_764_544, (4096,), "ReLU")
    assert (rows["head"].parameters, rows["head"].activation) == (4_097_000, None)
    assert parameter_count(VGGConfig(depth=16, batch_norm=False)) == 138_357_544
    assert multiply_adds(VGGConfig(depth=16, batch_norm=False)) == 15_470_264_320


def test_names_and_channels_are_those_of_the_stages():
    config = VGGConfig(
        layers=(6, 7, "M", 8, "M"), width=0.5, hidden_features=5, input_size=24, in_channels=1, num_classes=3
    )
    model = net_on_meta(config)
    rows = {row.name: row for row in layer_table(config)}
    assert [stage.name for stage in model.stages] == [name for name in rows if name not in ("avgpool", "head")]
    assert all(stage.channels == rows[stage.name].output[0] for stage in model.stages)
    assert rows["avgpool"].output == (4, 7, 7)
    assert parameter_count(config) == sum(p.numel() for p in model.parameters())
    assert multiply_adds(config) == _counted(model, config)


def test_a_net_without_hidden_layers_has_a_head_alone():
    config = VGGConfig(layers=(8, "M"), hidden_features=0, pool_size=1, num_classes=2, input_size=8)
    assert [row.name for row in layer_table(config)] == ["conv1_1", "pool1", "avgpool", "head"]
    assert layer_table(config)[-1].parameters == 18


def test_the_summary_is_json_and_true_of_the_model():
    model = tiny_vgg(label_names=("cat", "dog"))
    model.source = "somewhere"
    summary = json.loads(json.dumps(summarise(model)))
    assert summary["parameters"] == sum(p.numel() for p in model.parameters())
    assert summary["weight_bytes"] == sum(t.numel() * t.element_size() for t in model.state_dict().values())
    assert (summary["label_names"], summary["source"], summary["input_size"]) == (["cat", "dog"], "somewhere", 32)
    assert sum(row["multiply_adds"] for row in summary["layers"]) == summary["multiply_adds"]
