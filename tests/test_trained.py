"""Convolutions that multiply less in training have the gradients of a convolution, and stay what they are."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from tests.toys import tiny_vgg
from vgg_hub import learner, trained
from vgg_hub.trained import _Convolve, multiply_less


def drawn(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def taken(monkeypatch) -> list[torch.Size]:
    """As on a processor where it pays, whatever this one is: the sizes that were computed so."""
    found, apply = [], _Convolve.apply
    monkeypatch.setattr(trained, "multiplies_less", lambda: True)
    monkeypatch.setattr(_Convolve, "apply", lambda x, *rest: found.append(x.shape) or apply(x, *rest))
    return found


@given(
    batch=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    size=st.tuples(st.integers(1, 17), st.integers(1, 17)),
    seed=st.integers(0, 2**31),
    channels_last=st.booleans(),
)
def test_the_gradients_are_those_of_a_convolution(batch, channels, size, seed, channels_last):
    layout = torch.channels_last if channels_last else torch.contiguous_format
    given_ = [
        drawn(batch, channels[0], *size, seed=seed).contiguous(memory_format=layout),
        drawn(channels[1], channels[0], 3, 3, seed=seed + 1),
        drawn(channels[1], seed=seed + 2),
    ]
    exact = [tensor.double().requires_grad_() for tensor in given_]
    given_ = [tensor.requires_grad_() for tensor in given_]
    expected, found = 2 * F.conv2d(*exact, padding=1), _Convolve.apply(*given_).mul_(2)  # it may be changed in place
    torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=1e-4)
    back = drawn(*found.shape, seed=seed + 3).contiguous(memory_format=layout)
    expected.backward(back.double())
    found.backward(back)
    for name, one, other in zip(("x", "weight", "bias"), given_, exact, strict=True):
        torch.testing.assert_close(
            one.grad.double(), other.grad, atol=1e-3, rtol=1e-3, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_only_what_is_asked_for_is_computed(monkeypatch):
    """The first of the trained layers reads pictures, which have no gradient: half of its way back is left out."""
    x, weight, bias = drawn(2, 5, 8, 8), drawn(4, 5, 3, 3).requires_grad_(), drawn(4)
    y, calls = _Convolve.apply(x, weight, bias), []
    monkeypatch.setattr(trained, "convolve", lambda *arguments: calls.append(arguments))
    y.sum().backward()
    assert calls == []
    assert bias.grad is None
    expected = torch.nn.grad.conv2d_weight(x, weight.shape, torch.ones_like(y), padding=1)
    torch.testing.assert_close(weight.grad, expected, atol=1e-4, rtol=1e-4)


def test_a_second_derivative_is_refused():
    x = drawn(1, 2, 4, 4).requires_grad_()
    (slope,) = torch.autograd.grad(_Convolve.apply(x, drawn(2, 2, 3, 3), drawn(2)).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        slope.sum().backward()


def test_it_is_done_where_it_pays_and_the_net_stays_what_it_is(taken):
    net = nn.Sequential(nn.Conv2d(72, 72, 3, padding=1), nn.ReLU(), nn.Conv2d(72, 4, 3, padding=1))
    plain = copy.deepcopy(net)
    multiply_less(net)
    assert list(net.state_dict()) == list(plain.state_dict())
    assert isinstance(net[0], nn.Conv2d)
    large, small = drawn(2, 72, 16, 16), drawn(2, 72, 5, 5)
    for x, sizes in ((large, [large.shape]), (small, [large.shape])):
        torch.testing.assert_close(net(x), plain(x), atol=1e-4, rtol=1e-4)
        assert taken == sizes
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert net(large).dtype == torch.bfloat16
    assert taken == [large.shape]
    net.double()(large.double())
    assert taken == [large.shape]


def test_not_on_a_processor_where_it_was_not_measured(monkeypatch, taken):
    monkeypatch.setattr(trained, "multiplies_less", lambda: False)
    net = nn.Sequential(nn.Conv2d(72, 72, 3, padding=1))
    multiply_less(net)
    net(drawn(2, 72, 16, 16))
    assert taken == []


@pytest.mark.parametrize("batch_norm", [True, False])
def test_the_learner_trains_so_and_the_model_is_not_changed(taken, batch_norm):
    """Without batch norm the ReLU, which works in place, comes right after the convolution."""
    model = tiny_vgg(layers=[8, "M", 72, 72, "M"], batch_norm=batch_norm)
    suffix = learner._Suffix(model, 0, model.head.weight, model.head.bias, torch.Generator())
    x = drawn(2, 3, 32, 32)
    suffix(x).square().sum().backward()
    assert taken == [torch.Size([2, 72, 16, 16])]
    model(x).square().sum().backward()
    for name, tensor in model.named_parameters():
        torch.testing.assert_close(suffix.get_parameter(name).grad, tensor.grad, atol=1e-2, rtol=1e-3)
    assert not any(isinstance(module, trained.Convolution) for module in model.modules())
