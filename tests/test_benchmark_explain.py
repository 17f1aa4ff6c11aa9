"""What counts as a right heat map in the measurement."""

import random

import pytest
import torch
from PIL import Image

from benchmarks.explain import four_photos, is_right
from tests.toys import tiny_vgg


@pytest.mark.parametrize("quadrant", range(4))
def test_the_peak_counts_in_its_quadrant_alone(quadrant):
    for row, column, there in ((1, 0, 0), (0, 3, 1), (2, 1, 2), (3, 3, 3)):
        found = torch.zeros(4, 4)
        found[row, column] = 1e-6
        assert is_right(found, quadrant) is (there == quadrant)


def test_no_evidence_a_tie_and_the_middle_line_are_not_right():
    assert not is_right(torch.zeros(4, 4), 0)
    tie = torch.zeros(4, 4)
    tie[0, :2] = 1
    assert not is_right(tie, 0)
    middle = torch.zeros(5, 5)
    middle[2, 0] = 1
    assert not is_right(middle, 0)
    assert not is_right(torch.full((4, 4), float("nan")), 0)


def test_each_quadrant_has_the_photo_of_its_class():
    model = tiny_vgg(num_classes=6, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    photos = [(index, Image.new("RGB", (32, 32), (40 * index, 0, 0))) for index in range(6)]
    x, classes = four_photos(photos, model, random.Random(3))
    assert tuple(x.shape) == (1, 3, 64, 64)
    assert len(set(classes)) == 4
    corners = [x[0, 0, 10, 10], x[0, 0, 10, 50], x[0, 0, 50, 10], x[0, 0, 50, 50]]
    assert [round(255 * float(corner) / 40) for corner in corners] == classes
