"""A convolution with fewer multiplications is the convolution."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from vgg_hub.winograd import KERNEL, OUT, POINTS, TILE, _evaluated, convolve, filters, pays


def drawn(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@given(
    batch=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=st.tuples(st.integers(1, 19), st.integers(1, 19)),
    seed=st.integers(0, 2**31),
    channels_last=st.booleans(),
)
def test_any_size_gives_what_a_convolution_gives(batch, channels, size, seed, channels_last):
    x, weight, bias = (
        drawn(batch, channels[0], *size, seed=seed),
        drawn(channels[1], channels[0], 3, 3),
        drawn(channels[1]),
    )
    given_x = x.contiguous(memory_format=torch.channels_last) if channels_last else x
    kept = given_x.clone()
    found = convolve(given_x, filters(weight), bias)
    torch.testing.assert_close(found, F.conv2d(x, weight, bias, padding=1), atol=1e-4, rtol=1e-4)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(given_x, kept)


@pytest.mark.parametrize("channels", [64, 512])
def test_it_is_nearly_as_exact_as_the_convolution(channels):
    """Root of the mean square of the error, in deviations of the output; both against double precision."""
    x, weight, bias = drawn(2, channels, 28, 28).relu(), drawn(64, channels, 3, 3) / (9 * channels) ** 0.5, drawn(64)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    error = {
        name: float((found.double() - exact).square().mean().sqrt() / exact.std())
        for name, found in (
            ("less", convolve(x, filters(weight), bias)),
            ("direct", F.conv2d(x, weight, bias, padding=1)),
        )
    }
    assert 0 < error["less"] < 3e-6
    assert 0 < error["direct"] < 2e-6


def test_a_part_of_a_larger_picture_will_do():
    """A view that skips rows and columns: what lies beside it is not read."""
    whole, weight, bias = drawn(2, 5, 20, 24), drawn(4, 5, 3, 3), drawn(4)
    part = whole.contiguous(memory_format=torch.channels_last)[:, :, 2:15, 3:20]
    torch.testing.assert_close(
        convolve(part, filters(weight), bias), F.conv2d(part, weight, bias, padding=1), atol=1e-4, rtol=1e-4
    )


def test_the_bias_reaches_every_pixel_alike():
    found = convolve(drawn(1, 3, 7, 9), filters(torch.zeros(2, 3, 3, 3)), torch.tensor([0.5, -2.0]))
    assert torch.equal(found, torch.tensor([0.5, -2.0]).view(1, 2, 1, 1).expand(1, 2, 7, 9))


def test_the_transforms_multiply_polynomials():
    """(1 + 2t)(3 - t + t^2): from its values at the points back to its coefficients."""
    first, second = torch.tensor([1.0, 2.0, 0.0, 0.0]).double(), torch.tensor([3.0, -1.0, 1.0]).double()
    values = (_evaluated(OUT) @ first) * (_evaluated(KERNEL) @ second)
    expected = torch.tensor([3.0, 5.0, -1.0, 2.0, 0.0, 0.0]).double()
    torch.testing.assert_close(torch.linalg.solve(_evaluated(TILE), values), expected)
    assert len(set(POINTS)) == TILE - 1


@pytest.mark.parametrize(
    ("shape", "out", "expected"),
    [
        ((2, 256, 56, 56), 256, True),
        ((1, 512, 14, 14), 512, True),
        ((1, 512, 12, 12), 512, False),  # nine tiles
        ((16, 224, 5, 5), 224, False),  # tiles mostly beside the picture
        ((16, 3, 224, 224), 64, False),
        ((16, 28, 40, 40), 56, False),  # few channels
        ((1, 112, 20, 20), 112, True),
    ],
)
def test_where_it_pays(shape, out, expected):
    assert pays(torch.Size(shape), out) is expected
