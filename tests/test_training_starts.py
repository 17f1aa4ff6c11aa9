"""Starts from another net: what is equal, what is left out, what is refused."""

import re

import pytest
import torch
from torch import nn

from training.starts import begin_from, narrower
from vgg_hub import VGG

TOY = {"pool_size": 1, "hidden_features": 0, "input_size": 32, "crop_pct": 1.0}


def toy(depth: int, batch_norm: bool, width: float = 0.125) -> VGG:
    return VGG(depth=depth, batch_norm=batch_norm, width=width, **TOY).eval()


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def trained(pictures):
    """VGG11-BN whose batch norms have statistics, scales and shifts of their own."""
    torch.manual_seed(4)
    net = toy(11, True).train()
    for _ in range(20):
        net(pictures)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    return net.eval()


@pytest.mark.parametrize(
    ("depth", "batch_norm"), [(11, True), (11, False), (13, True), (16, True), (19, True), (19, False)]
)
@torch.no_grad()
def test_a_deeper_net_or_one_without_batch_norm_begins_with_the_same_features(trained, pictures, depth, batch_norm):
    net = toy(depth, batch_norm)
    kept = begin_from(net, trained, pictures)
    expected = trained.embed(pictures)
    assert expected.std() > 0.1
    torch.testing.assert_close(net.embed(pictures), expected, atol=1e-4, rtol=1e-4)
    assert kept.tolist() == list(range(64))


@torch.no_grad()
def test_an_inserted_batch_norm_changes_little_in_training_too(trained, pictures):
    net = toy(13, True)
    begin_from(net, trained, pictures)
    norm = net.features[4]
    x = net.features[:3](pictures)
    torch.testing.assert_close(norm.train()(net.features[3](x)), x, atol=1e-3, rtol=1e-3)


@torch.no_grad()
def test_a_narrower_net_keeps_the_channels_that_matter_when_the_others_do_nothing(trained, pictures):
    wide, net = toy(11, True), toy(11, True, width=0.0625)
    wide.load_state_dict(trained.state_dict())
    for module in wide.features:
        if isinstance(module, nn.BatchNorm2d):  # of every two channels, one is always zero
            module.weight[::2] = 0
            module.bias[::2] = 0
    kept = begin_from(net, wide, pictures)
    assert kept.tolist() == list(range(1, 64, 2))
    torch.testing.assert_close(net.embed(pictures), wide.embed(pictures)[:, 1::2], atol=1e-4, rtol=1e-4)


def test_without_batch_norm_the_largest_filters_are_kept():
    old, new = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(1, 2, 3, padding=1)
    with torch.no_grad():
        old.weight.copy_(torch.tensor([1.0, 4.0, 2.0, 3.0])[:, None, None, None].expand(4, 1, 3, 3))
    assert narrower(new, None, old, None, torch.tensor([0])).tolist() == [1, 3]
    assert new.weight[:, 0, 0, 0].tolist() == [4, 3]


@pytest.mark.parametrize(
    ("net", "start", "message"),
    [
        (toy(11, True), toy(11, False), "A net with batch normalisation cannot begin from one without it."),
        (toy(11, True), toy(13, True), "A net of depth 11 cannot begin from depth 13."),
        (toy(11, True), toy(11, True, 0.0625), "8 channels cannot begin from 4."),
    ],
)
def test_a_start_that_cannot_be_is_refused(net, start, message, pictures):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        begin_from(net, start, pictures)
