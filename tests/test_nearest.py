"""The most alike photos: by the cosine, of each class, never of the photo's own scene."""

import math

import torch

from vgg_hub import nearest
from vgg_hub.nearest import nearest_photos

DEGREES = [0, 10, 25, 90, 80, 60]
TARGETS = torch.tensor([0, 0, 0, 1, 1, 1])


def features() -> torch.Tensor:
    """Directions in a plane; the lengths must not matter."""
    angles = [math.radians(degree) for degree in DEGREES]
    return torch.tensor([[math.cos(a) * (1 + i), math.sin(a) * (1 + i)] for i, a in enumerate(angles)])


def test_the_most_alike_of_each_class_come_first():
    found = nearest_photos(features(), TARGETS, torch.arange(6), count=2)
    assert found == [
        [[1, 2], [5, 4]],
        [[0, 2], [5, 4]],
        [[1, 0], [5, 4]],
        [[2, 1], [4, 5]],
        [[2, 1], [3, 5]],
        [[2, 1], [4, 3]],
    ]


def test_a_burst_does_not_show_itself():
    found = nearest_photos(features(), TARGETS, torch.tensor([0, 0, 1, 2, 3, 4]), count=3)
    assert found[0] == [[2], [5, 4, 3]]
    assert found[2] == [[1, 0], [5, 4, 3]]


def test_pieces_change_nothing_and_too_many_are_not_compared(monkeypatch):
    whole = nearest_photos(features(), TARGETS, torch.arange(6))
    monkeypatch.setattr(nearest, "ROWS", 4)
    assert nearest_photos(features(), TARGETS, torch.arange(6)) == whole
    monkeypatch.setattr(nearest, "MOST_PHOTOS", 5)
    assert nearest_photos(features(), TARGETS, torch.arange(6)) == []
