"""The one preprocessing: pixel for pixel what timm's evaluation transform gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from timm.data import create_transform

import vgg_hub.preprocess
from tests.toys import smooth_picture
from vgg_hub import VGGConfig
from vgg_hub.preprocess import preprocess


def config(**fields: object) -> VGGConfig:
    return VGGConfig(**{"layers": [8, "M"], "input_size": 48, **fields})


def timms(image: Image.Image, config: VGGConfig) -> torch.Tensor:
    size = (3, config.input_size, config.input_size)
    transform = create_transform(
        size,
        is_training=False,
        interpolation=config.interpolation,
        mean=config.mean,
        std=config.std,
        crop_pct=config.crop_pct,
        crop_mode="center",
    )
    return transform(image)


def noisy(width: int, height: int, seed: int = 0) -> Image.Image:
    """Where resizing and rounding differ most."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


SIZES = [(48, 48), (64, 48), (49, 200), (333, 77), (20, 31), (1, 1), (500, 5), (401, 400)]
# (56, 56) is what 48 / 0.875 gives, floored to 54: neither side is resized exactly.
WAYS = list(itertools.product(["bilinear", "bicubic", "nearest", "lanczos"], [0.875, 0.9, 1.0, 0.95]))


@pytest.mark.parametrize(("interpolation", "crop_pct"), WAYS)
def test_it_gives_what_timms_transform_gives(interpolation, crop_pct):
    for width, height in SIZES:
        mine = config(interpolation=interpolation, crop_pct=crop_pct)
        image = noisy(width, height)
        expected = timms(image, mine)
        found = preprocess(image, mine)
        assert found.shape == (3, 48, 48)
        assert found.dtype == torch.float32
        assert (found - expected).abs().max() < 1e-6, (width, height)


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(2, 70),
    st.floats(0.5, 1),
    st.sampled_from(["bilinear", "bicubic"]),
)
@settings(max_examples=60)
def test_it_gives_what_timms_transform_gives_for_any_size(width, height, side, crop_pct, interpolation):
    mine = config(
        input_size=side, crop_pct=crop_pct, interpolation=interpolation, mean=[0.1, 0.5, 0.9], std=[1, 0.2, 3]
    )
    image = noisy(width, height)
    assert (preprocess(image, mine) - timms(image, mine)).abs().max() < 1e-6


def test_at_the_papers_size():
    mine = VGGConfig()
    image = smooth_picture(640, 427)
    assert (preprocess(image, mine) - timms(image, mine)).abs().max() < 1e-6


def test_numbers_by_hand():
    """One colour, so that nothing but scaling and normalising is left."""
    mine = config(mean=[0.5, 0.25, 0.0], std=[0.5, 0.25, 2.0])
    found = preprocess(Image.new("RGB", (60, 90), (255, 0, 51)), mine)
    for channel, expected in enumerate([1.0, -1.0, 0.1]):
        assert torch.allclose(found[channel], torch.tensor(expected), atol=1e-6)


def test_the_centre_is_kept_and_not_turned():
    mine = config(input_size=10, crop_pct=1.0, mean=[0, 0, 0], std=[1, 1, 1])
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[0, 10] = (255, 0, 0)  # the corner at the upper left of the centre
    pixels[9, 19] = (0, 255, 0)  # and at the lower right
    pixels[:, :10] = pixels[:, 20:] = 255  # what the crop leaves out
    found = preprocess(Image.fromarray(pixels), mine)
    assert found[0, 0, 0] == 1
    assert found[1, 9, 9] == 1
    assert found.sum() == 2


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_nets_of_other_channels_read_grey(channels):
    mine = config(in_channels=channels, mean=[0.5] * channels, std=[0.25] * channels)
    image = noisy(70, 55)
    found = preprocess(image, mine)
    grey = timms(Image.merge("RGB", [image.convert("L")] * 3), config(mean=[0.5] * 3, std=[0.25] * 3))
    assert found.shape == (channels, 48, 48)
    for channel in found:
        assert (channel - grey[0]).abs().max() < 1e-6


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "1"])
def test_other_modes_are_converted(mode):
    image = noisy(60, 60).convert(mode)
    assert torch.equal(preprocess(image, config()), preprocess(image.convert("RGB"), config()))


def test_the_picture_given_is_not_changed():
    image = noisy(60, 60)
    before = image.tobytes()
    preprocess(image, config()).zero_()
    assert image.tobytes() == before


@pytest.mark.parametrize("size", [(2_000_000, 3), (3, 2_000_000), (1, 65_000)])
def test_a_thin_strip_does_not_fill_the_memory(size, monkeypatch):
    made = []
    real = Image.Image.resize
    monkeypatch.setattr(
        Image.Image, "resize", lambda self, size, *a, **k: made.append(size) or real(self, size, *a, **k)
    )
    image = Image.new("RGB", size, (10, 20, 30))
    found = preprocess(image, config(mean=[0, 0, 0], std=[1, 1, 1]))
    assert all(width * height <= 50_000_000 for width, height in made)
    assert torch.allclose(found, torch.tensor([10, 20, 30]).view(3, 1, 1) / 255)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("fields", [{"crop_pct": 0.1}, {"crop_pct": 0.13, "input_size": 31}])
def test_computing_only_what_is_kept_gives_the_same_picture(monkeypatch, interpolation, fields):
    mine = config(interpolation=interpolation, mean=[0, 0, 0], std=[1, 1, 1], **fields)
    image = noisy(90, 61)
    expected = preprocess(image, mine)
    monkeypatch.setattr(vgg_hub.preprocess, "MAX_RESIZED_PIXELS", 0)
    found = preprocess(image, mine)
    assert (found - expected).abs().max() * 255 < 1.001
    assert ((found - expected).abs() > 1e-6).float().mean() < 0.01
