"""The network: equal to torchvision's where they overlap, and what it has beyond."""

from __future__ import annotations

import gc
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision import models

from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG, VGGConfig, get_vgg_layers
from vgg_hub.errors import ConfigError

EIGHT = list(itertools.product((11, 13, 16, 19), (False, True)))
# The two of the textbook are always compared in full; the other six cost half a gigabyte and a second each.
IN_FULL = [pytest.param(*variant, marks=[] if variant[0] == 11 else pytest.mark.slow) for variant in EIGHT]


def reference(depth: int, batch_norm: bool, **options: object) -> nn.Module:
    return getattr(models, f"vgg{depth}{'_bn' if batch_norm else ''}")(**options)


@pytest.mark.parametrize(("depth", "batch_norm"), EIGHT)
def test_structure_and_keys_are_torchvisions(depth, batch_norm):
    with torch.device("meta"):
        ours, theirs = VGG(depth=depth, batch_norm=batch_norm), reference(depth, batch_norm, init_weights=False)
    assert repr(ours) == repr(theirs)
    shapes = [{key: (t.shape, t.dtype) for key, t in net.state_dict().items()} for net in (ours, theirs)]
    assert list(shapes[0]) == list(shapes[1])
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(("depth", "batch_norm"), IN_FULL)
@torch.no_grad()
def test_initialisation_and_logits_are_torchvisions(depth, batch_norm):
    torch.manual_seed(depth)
    theirs = reference(depth, batch_norm).eval()
    torch.manual_seed(depth)
    ours = VGG(depth=depth, batch_norm=batch_norm).eval()
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], tensor), key
    # A fresh head answers 0.01 x noise, where any two nets agree to 1e-5: give it and the statistics a trained spread.
    with torch.random.fork_rng():
        for name, tensor in theirs.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif name.endswith(("running_mean", "bias")):
                tensor.normal_(0, 0.1)
            elif name.startswith("classifier"):
                tensor.mul_(2.5)
    assert ours.load_state_dict(theirs.state_dict(), strict=True) == nn.modules.module._IncompatibleKeys([], [])
    pictures = smooth_batch(2, 224, seed=depth)
    expected, logits = theirs(pictures), ours(pictures)
    assert expected.std() > 0.05, "the comparison would show nothing"
    assert (expected[0] - expected[1]).abs().max() > 0.01
    assert (logits - expected).abs().max() < 1e-5
    del theirs, ours
    gc.collect()


def test_num_classes_and_dropout_reach_the_modules():
    with torch.device("meta"):
        model = VGG(depth=11, num_classes=2, dropout=0.25)
    assert model.head is model.classifier[6]
    assert (model.head.out_features, model.classifier[2].p, model.classifier[5].p) == (2, 0.25, 0.25)
    assert model.config.num_classes == 2


def test_dropout_acts_in_training_and_only_there():
    model = tiny_vgg(hidden_features=64, dropout=0.9)
    x = smooth_batch(1, 32)
    assert torch.equal(model(x), model(x))
    model.train()
    assert not torch.equal(model(x), model(x))


@pytest.mark.parametrize("hidden", [0, 24])
@pytest.mark.parametrize("batch_norm", [False, True])
@torch.no_grad()
def test_forward_by_hand(hidden, batch_norm):
    """The whole pass written out with torch's functions."""
    model = tiny_vgg(seed=3, hidden_features=hidden, batch_norm=batch_norm, pool_size=2)
    x = smooth_batch(3, 32)
    y, functional, parts = x, nn.functional, list(model.features)
    while parts:
        part = parts.pop(0)
        if isinstance(part, nn.MaxPool2d):
            y = functional.max_pool2d(y, 2)
            continue
        y = functional.conv2d(y, part.weight, part.bias, padding=1)
        if batch_norm:
            norm = parts.pop(0)
            mean, scale = norm.running_mean, (norm.running_var + 1e-5).rsqrt() * norm.weight
            y = (y - mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]
        y = y.clamp_min(0)
        assert isinstance(parts.pop(0), nn.ReLU)
    h = functional.adaptive_avg_pool2d(y, 2).reshape(3, -1)
    embedded = h
    for part in [part for part in model.classifier if isinstance(part, nn.Linear)][:-1]:
        embedded = (embedded @ part.weight.T + part.bias).clamp_min(0)
    expected = embedded @ model.head.weight.T + model.head.bias
    logits, features = model(x, return_features=True)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(features, h, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.embed(x), embedded, rtol=1e-4, atol=1e-5)
    assert torch.equal(model(x), logits)
    assert torch.equal(model.embed(x), model.classifier[:-1](features))
    assert features.shape[1] == model.config.pooled_features
    assert model.embed(x).shape[1] == model.config.embed_features


@torch.no_grad()
def test_own_layers_width_channels_and_other_sizes():
    model = tiny_vgg(layers=[16, 8, "M", 40], width=0.5, in_channels=1, num_classes=5, pool_size=3)
    convolutions = [m for m in model.features if isinstance(m, nn.Conv2d)]
    assert [(m.in_channels, m.out_channels) for m in convolutions] == [(1, 8), (8, 4), (4, 20)]
    assert (model.head.in_features, model.head.out_features) == (180, 5)
    for height, width in ((32, 32), (2, 2), (33, 57)):
        x = smooth_batch(2, 64, channels=1)[:, :, :height, :width]
        assert model(x).shape == (2, 5)
        assert model.features(x).shape == (2, 20, height // 2, width // 2)


@pytest.mark.parametrize("shape", [(3, 32, 32), (2, 1, 32, 32), (2, 3, 3, 32), (2, 3, 32, 3), (2, 3, 32)])
def test_an_input_of_another_shape_is_named(shape):
    message = (
        rf"^The input has shape \({', '.join(map(str, shape))}\); expected \(batch, 3, height, width\) with height"
    )
    model = tiny_vgg()
    for function in (model, model.embed):
        with pytest.raises(ConfigError, match=message + r" and width of at least 4 pixels\.$"):
            function(torch.zeros(shape))


def test_fields_and_configs():
    config = VGGConfig(layers=[8, "M"], hidden_features=0, num_classes=2)
    assert VGG(config).config is config
    assert VGG(config, num_classes=4).config.num_classes == 4
    with pytest.raises(ConfigError, match=r"^VGG has no field 'clases'; the fields are depth, layers, batch_norm,"):
        VGG(clases=2)
    with pytest.raises(ConfigError, match=r"^config is 11; expected a VGGConfig, or name the fields: VGG\(depth=11\)"):
        VGG(11)


@given(
    st.lists(st.one_of(st.just("M"), st.integers(1, 6)), min_size=1, max_size=14).filter(lambda e: set(e) != {"M"}),
    st.booleans(),
    st.integers(1, 4),
)
@settings(max_examples=40)
def test_get_vgg_layers_builds_what_the_list_says(layers, batch_norm, channels):
    modules = list(get_vgg_layers(layers, batch_norm, channels))
    for entry in layers:
        if entry == "M":
            pool = modules.pop(0)
            assert (type(pool), pool.kernel_size, pool.stride, pool.padding) == (nn.MaxPool2d, 2, 2, 0)
            continue
        conv = modules.pop(0)
        assert (type(conv), conv.in_channels, conv.out_channels) == (nn.Conv2d, channels, entry)
        assert (conv.kernel_size, conv.stride, conv.padding) == ((3, 3), (1, 1), (1, 1))
        assert conv.bias is not None
        if batch_norm:
            norm = modules.pop(0)
            assert (type(norm), norm.num_features) == (nn.BatchNorm2d, entry)
        assert (type(modules[0]), modules.pop(0).inplace) == (nn.ReLU, True)
        channels = entry
    assert modules == []


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([64, "X"], r"^layers\[1\] is 'X'; expected a positive whole number of channels or 'M' for max pooling\.$"),
        ([64, 0, "M"], r"^layers\[1\] is 0; expected a positive"),
        ([], r"^layers has 0 entries; expected 1 to 1000\.$"),
        ((), r"^layers has 0 entries"),
        ("64M", r"^layers is '64M'; expected a list"),
        (5, r"^layers is 5; expected a list"),
        (["M"], r"at least one convolution"),
    ],
)
def test_get_vgg_layers_names_the_entry_it_cannot_build(layers, message):
    with pytest.raises(ConfigError, match=message):
        get_vgg_layers(layers, batch_norm=True)


def test_the_textbooks_own_list():
    features = get_vgg_layers([64, 64, 64, "M", 128, 128, 128, "M"], batch_norm=False)
    assert len(features) == 6 * 2 + 2
    assert [m.out_channels for m in features if isinstance(m, nn.Conv2d)] == [64] * 3 + [128] * 3


def test_every_parameter_gets_a_gradient():
    model = tiny_vgg(hidden_features=8, dropout=0.0).train()
    nn.functional.cross_entropy(model(smooth_batch(4, 32)), torch.tensor([0, 1, 0, 1])).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
