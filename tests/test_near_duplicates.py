"""Copies and bursts are found, whatever was done to them; different pictures are not taken for one."""

from __future__ import annotations

import threading
from itertools import chain

import numpy as np
import pytest
import torch
from PIL import Image

from tests.scene_pictures import COPIES, burst, scene
from tests.toys import smooth_picture, textures
from vgg_hub import near_duplicates as module
from vgg_hub.guards import look_at
from vgg_hub.near_duplicates import NEIGHBOURS, _crops, _mirrored, near_duplicates
from vgg_hub.samples import draw_samples


def pairs_among(pictures) -> list[tuple[int, int]]:
    return near_duplicates(np.stack([look_at(picture, None)[1] for picture in pictures]))


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_found_and_nothing_else(kind):
    scenes = [scene(seed) for seed in range(40)]
    copies = [COPIES[kind](picture) for picture in scenes]
    assert pairs_among([*scenes, *copies]) == [(i, i + 40) for i in range(40)]


def test_two_of_a_burst_are_found_and_nothing_else():
    found = pairs_among([picture for seed in range(40) for picture in burst(seed, 2)])
    assert len(found) >= 38, "a tenth to the side and down may be too far"
    assert set(found) <= {(2 * i, 2 * i + 1) for i in range(40)}


DIFFERENT = {
    "scenes": lambda: [scene(seed) for seed in range(100, 200)],
    "stripes": lambda: list(chain(*textures(40, seed=3).values())),
    "samples": lambda: list(chain(*draw_samples(30).values())),
    "waves": lambda: [smooth_picture(90, 70, seed) for seed in range(60)],
    "plain colours": lambda: [Image.new("RGB", (50, 40), (7 * i, 90, 255 - 7 * i)) for i in range(30)],
    "noise": lambda: [
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (60, 80, 3), dtype=np.uint8)) for i in range(40)
    ],
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_different_pictures_are_not(kind):
    assert pairs_among(DIFFERENT[kind]()) == []


def test_the_same_things_in_other_colours_are_another_scene():
    picture = scene(5)
    red, green, blue = picture.split()
    assert pairs_among([picture, Image.merge("RGB", (blue, red, green))]) == []


def test_a_long_burst_hangs_together():
    """With more pictures than any one is compared with."""
    count = 2 * NEIGHBOURS + 5
    pictures = [*burst(1, count), *(scene(seed) for seed in range(50, 60))]
    found = pairs_among(pictures)
    reached = {0}
    for _ in range(count):
        reached |= {k for pair in found if reached & set(pair) for k in pair}
    assert reached == set(range(count))
    assert all(j < count for _, j in found)


def test_the_pairs_do_not_depend_on_the_pieces(monkeypatch):
    pictures = [picture for seed in range(12) for picture in burst(seed, 2)]
    whole = pairs_among(pictures)
    assert len(whole) >= 11
    monkeypatch.setattr(module, "CHUNK", 5)
    assert pairs_among(pictures) == whole


def test_the_pairs_compared_grow_with_the_pictures(monkeypatch):
    compared = []
    best_crops = module._best_crops

    def counted(first, second):
        compared.append(len(first))
        return best_crops(first, second)

    monkeypatch.setattr(module, "_best_crops", counted)
    monkeypatch.setattr(module, "CHUNK", 64)
    pairs_among([scene(seed, 48, 48) for seed in range(150)])
    assert 150 * NEIGHBOURS <= sum(compared) <= 2 * 150 * NEIGHBOURS < 150 * 149
    assert max(compared) == 64, "the bound on memory"


def test_few_pictures_and_an_early_end():
    thumbnails = np.stack([look_at(scene(0), None)[1]] * 2)
    assert near_duplicates(thumbnails[:0]) == near_duplicates(thumbnails[:1]) == []
    stop = threading.Event()
    assert near_duplicates(thumbnails, stop) == [(0, 1)]
    stop.set()
    assert near_duplicates(thumbnails, stop) == []


def test_the_slopes_of_mirrored_crops_are_those_of_the_mirror_image():
    small = torch.rand(3, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_mirrored(_crops(small)), _crops(small.flip(3)), atol=1e-6, rtol=1e-5)
