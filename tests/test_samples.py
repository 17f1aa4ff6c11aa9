"""The sample pictures: the same for the same seed, and told apart by what is drawn, not by colour."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vgg_hub.samples import SAMPLE_LABELS, draw_samples


def pixels(pictures: list[Image.Image]) -> np.ndarray:
    """(n, 160, 160, 3), 0 to 1."""
    return np.stack([np.asarray(picture) for picture in pictures]) / 255


def nearest_mean_accuracy(first: np.ndarray, second: np.ndarray) -> float:
    """Each half of two classes' (n, d) features named by the nearer of the other half's class means."""
    right = []
    for fit, judge in ((0, 1), (1, 0)):
        means = [features[fit::2].mean(0) for features in (first, second)]
        for label, features in enumerate((first, second)):
            distances = [np.linalg.norm(features[judge::2] - mean, axis=1) for mean in means]
            right.append(np.argmin(distances, axis=0) == label)
    return float(np.concatenate(right).mean())


def orderliness(picture: np.ndarray) -> float:
    """How far the slopes of (H, W) grey agree on one direction: 1 for perfect stripes, 0 where all are alike."""
    dy, dx = np.gradient(picture)
    xx, yy, xy = (dx * dx).sum(), (dy * dy).sum(), (dx * dy).sum()
    return float(np.hypot(xx - yy, 2 * xy) / (xx + yy))


def test_labels_counts_and_sizes():
    drawn = draw_samples(3)
    assert tuple(drawn) == SAMPLE_LABELS == ("stripes", "dots")
    assert [len(pictures) for pictures in drawn.values()] == [3, 3]
    assert {(p.mode, p.size) for pictures in drawn.values() for p in pictures} == {("RGB", (160, 160))}
    assert draw_samples(0) == {"stripes": [], "dots": []}


def test_a_seed_gives_the_same_pictures_and_another_gives_others():
    first, again, other = (draw_samples(2, seed) for seed in (7, 7, 8))
    for label in SAMPLE_LABELS:
        np.testing.assert_array_equal(pixels(first[label]), pixels(again[label]))
        assert np.abs(pixels(first[label]) - pixels(other[label])).mean() > 0.05
        assert np.abs(np.diff(pixels(first[label]), axis=0)).mean() > 0.05


def test_more_pictures_begin_with_the_same_ones():
    few, many = draw_samples(2, 3), draw_samples(4, 3)
    np.testing.assert_array_equal(pixels(few["dots"]), pixels(many["dots"][:2]))


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()
    draw_samples(1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_colour_does_not_tell_the_classes_apart_and_shape_does(seed):
    stripes, dots = map(pixels, draw_samples(100, seed).values())
    colours = [np.concatenate([p.mean((1, 2)), p.std((1, 2))], axis=1) for p in (stripes, dots)]
    assert nearest_mean_accuracy(colours[0][:, :3], colours[1][:, :3]) < 0.65  # mean RGB
    assert nearest_mean_accuracy(*colours) < 0.65  # and its spread
    order = [np.array([[orderliness(picture.mean(2))] for picture in p]) for p in (stripes, dots)]
    assert nearest_mean_accuracy(*order) > 0.95


def test_both_classes_share_their_colours_and_contrast():
    stripes, dots = map(pixels, draw_samples(100).values())
    assert np.abs(stripes.mean((0, 1, 2)) - dots.mean((0, 1, 2))).max() < 0.05
    assert min(p.std((1, 2)).max(1).min() for p in (stripes, dots)) > 0.1, "each pattern can be seen"
