"""Explanations drawn: the part that the net sees, colours by evidence, tiles by value."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.toys import smooth_picture, tiny_vgg
from vgg_hub.explain import Evidence
from vgg_hub.overlay import COVER, FAINT, STRONG, filter_tile, heat_picture, map_tile, seen_picture
from vgg_hub.preprocess import preprocess


def found(values, scale: float = 1.0, stride: int = 8) -> Evidence:
    return Evidence(torch.tensor(values, dtype=torch.float32), scale, 0.5, 1.0, stride)


def grey(side: int = 64) -> Image.Image:
    return Image.new("RGB", (side, side), (100, 100, 100))


def test_the_photo_is_shown_as_the_net_sees_it():
    config = tiny_vgg(crop_pct=0.8).config
    photo = smooth_picture(300, 200)
    same = np.asarray(seen_picture(photo, config, 32), dtype=float)  # at the net's own size: its very pixels
    mean, std = (np.array(values)[:, None, None] for values in (config.mean, config.std))
    read = (preprocess(photo, config).numpy() * std + mean) * 255
    np.testing.assert_allclose(same, read.transpose(1, 2, 0), atol=0.51)
    large = seen_picture(photo, config, 320)
    assert large.size == (320, 320)
    shrunk = np.asarray(large.resize((32, 32), Image.Resampling.BOX), dtype=float)
    assert np.abs(shrunk - same).mean() < 2


def test_a_net_that_reads_one_channel_gets_a_grey_photo():
    picture = np.asarray(
        seen_picture(smooth_picture(40, 40), tiny_vgg(in_channels=1, mean=(0.5,), std=(0.5,)).config, 32)
    )
    assert picture.shape == (32, 32, 3)
    assert (picture[..., 0] == picture[..., 1]).all()
    assert picture.std() > 10


def test_no_evidence_leaves_the_photo_uncoloured_and_without_a_ring():
    drawn = heat_picture(grey(), found([[0.0] * 8] * 8), 64)
    assert np.array_equal(np.asarray(drawn), np.asarray(grey()))


def test_colour_goes_with_evidence_and_is_not_stretched():
    half, full = (
        np.asarray(heat_picture(grey(), found([[0.0, 0.0], [0.0, value]], stride=32), 64), dtype=float)
        for value in (0.04, 2.0)
    )
    corner = 100 + (np.array(STRONG) - 100) * COVER
    np.testing.assert_allclose(full[-1, -1], corner, atol=1)
    weak = np.array(FAINT) + (np.array(STRONG) - np.array(FAINT)) * 0.04
    np.testing.assert_allclose(half[-1, -1], 100 + (weak - 100) * COVER * 0.04, atol=1)
    assert np.abs(half[:16, :16] - 100).max() == 0
    assert np.abs(half[48:, 48:] - half[-1, -1]).max() < 2  # too weak for a ring


def test_the_ring_is_where_the_strongest_place_is():
    values = np.zeros((8, 8), dtype=np.float32)
    values[1, 6] = 0.5
    pixels = np.asarray(heat_picture(grey(480), found(values.tolist()), 64)).astype(int)
    white = np.argwhere((pixels == 255).all(-1))
    np.testing.assert_allclose(white.mean(axis=0), [1.5 * 60, 6.5 * 60], atol=2)
    assert found(values.tolist()).peak == (12, 52)


def test_what_a_pooling_left_out_moves_nothing():
    """20 pixels at a stride of 8 make two places, which cover 16 of them."""
    values = [[0.0, 0.0], [0.0, 0.04]]
    pixels = np.asarray(heat_picture(grey(200), found(values), 20)).astype(int)
    changed = np.argwhere((pixels != 100).any(-1))
    assert changed.min() in range(40, 60)  # half way between the middles, at 40 and 120 of 200
    assert (pixels[160:, 160:] == pixels[-1, -1]).all()


def test_numbers_that_are_none_do_not_stop_the_drawing():
    drawn = heat_picture(grey(), found([[float("nan"), float("inf")], [0.0, 0.0]], stride=32), 64)
    assert drawn.size == (64, 64)


def test_tiles():
    tile = map_tile(torch.tensor([[0.0, 1.0], [2.0, 9.0]]), 2.0)
    assert np.array_equal(np.asarray(tile), [[0, 128], [255, 255]])
    assert np.asarray(map_tile(torch.ones(2, 2), 0.0)).max() == 0
    colour = filter_tile(torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1).expand(3, 3, 3))
    assert colour.getpixel((1, 1)) == (0, 128, 255)
    assert filter_tile(torch.full((1, 3, 3), 0.5)).getpixel((2, 2)) == 128
    assert filter_tile(torch.tensor([0.0, 1.0]).view(2, 1, 1).expand(2, 3, 3)).mode == "L"


@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_strength_is_of_the_scale(scale):
    assert found([[0.0, 2.0]], scale=scale).strength == 2 / scale
    assert found([[0.0]]).peak is None
