"""Batches and their shares: every photo once, none alone, the same chance wherever it is taken."""

from __future__ import annotations

import pytest
import torch

from tests.many_helpers import drawn_folder
from tests.toys import TINY
from vgg_hub import VGGConfig
from vgg_hub.many.batches import Order, plain_loader, random_loader
from vgg_hub.many.chance import chance
from vgg_hub.many.image_folder import open_table
from vgg_hub.preprocess import preprocess


def shares(photos: int, batch_size: int, processes: int, epoch: int = 0, seed: int = 0) -> list[list[list[int]]]:
    """For each step the photos of each process."""
    orders = [Order(torch.arange(photos), batch_size, processes, p, seed) for p in range(processes)]
    for order in orders:
        order.epoch = epoch
    return [[[photo for _, photo in share] for share in step] for step in zip(*orders, strict=True)]


@pytest.mark.parametrize(
    ("photos", "batch_size", "processes"), [(7, 4, 2), (9, 4, 2), (33, 8, 2), (5, 1, 2), (2, 8, 2), (64, 7, 3)]
)
def test_every_photo_is_taken_once_in_even_shares(photos, batch_size, processes):
    steps = shares(photos, batch_size, processes)
    assert sorted(photo for step in steps for share in step for photo in share) == list(range(photos))
    sizes = [sum(map(len, step)) for step in steps]
    assert max(sizes) - min(sizes) <= 1
    assert min(len(share) for step in steps for share in step) >= 1
    assert sizes == Order(torch.arange(photos), batch_size, processes, 0, 0).sizes()
    if batch_size > 1:
        assert max(len(share) for step in steps for share in step) <= batch_size


def test_two_processes_take_the_batches_of_one():
    one, two = shares(21, 8, 1), shares(21, 4, 2)
    assert [step[0] for step in one] == [step[0] + step[1] for step in two]


def test_the_order_is_that_of_seed_and_epoch():
    assert shares(20, 4, 1) == shares(20, 4, 1)
    assert shares(20, 4, 1) != shares(20, 4, 1, epoch=1)
    assert shares(20, 4, 1) != shares(20, 4, 1, seed=1)


def test_a_view_depends_on_seed_epoch_and_photo_alone(tmp_path):
    table, config = open_table(drawn_folder(tmp_path / "photos", {"a": 3, "b": 3})), VGGConfig(**TINY)

    def views(batch_size, seed=0, epoch=0):
        order = Order(torch.arange(6), batch_size, 1, 0, 0)
        order.epoch = epoch
        return {
            photo: view
            for x, _, photos, _ in random_loader(table, config, order, seed, 0, False)
            for photo, view in zip(photos.tolist(), x, strict=True)
        }

    first = views(2)
    assert all(torch.equal(first[photo], view) for photo, view in views(6).items())
    for other in (views(2, seed=1), views(2, epoch=1)):
        assert not any(torch.equal(first[photo], view) for photo, view in other.items())


def test_the_photos_that_judge_come_as_they_are_and_a_lost_one_with_its_sentence(tmp_path):
    folder, config = drawn_folder(tmp_path / "photos", {"a": 2, "b": 2}), VGGConfig(**TINY)
    table = open_table(folder)
    expected = preprocess(table.reader.image(3), config)
    (folder / "a" / "a-1.png").unlink()
    ((x, targets, photos, wrong),) = plain_loader(table, config, torch.tensor([1, 3]), 4, 0, False)
    assert torch.equal(x[1], expected)
    assert (targets.tolist(), photos.tolist()) == ([0, 1], [1, 3])
    assert list(wrong) == ["a-1.png does not exist; check its name and folder.", ""]


def test_chance_is_of_its_purpose():
    drawn = [float(torch.rand(1, generator=chance(*purpose))) for purpose in ((0, 1), (0, 1), (1, 0), (0, "1"))]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3
