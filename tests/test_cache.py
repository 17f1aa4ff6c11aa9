"""The cache of features: both views of each photo, and which photos it holds."""

from __future__ import annotations

import hashlib
import threading

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from tests.toys import smooth_picture, stripes_net, tiny_vgg
from vgg_hub import Classifier
from vgg_hub.cache import FeatureCache
from vgg_hub.preprocess import preprocess


def filled(photos, model=None) -> FeatureCache:
    cache = FeatureCache(list(photos))
    for _ in cache.fill(Classifier(model or stripes_net(), device="cpu"), photos, threading.Event()):
        pass
    return cache


@torch.no_grad()
def test_each_photo_has_its_features_and_those_of_its_mirror_image():
    model = stripes_net(pool_size=2, input_size=30)
    photos = {label: [smooth_picture(50 + i, 40, seed=10 * n + i) for i in range(5)] for n, label in enumerate("ab")}
    cache = filled(photos, model)
    assert [(photo.target, photo.index) for photo in cache.photos] == [(t, i) for t in (0, 1) for i in range(5)]
    plain, mirrored = cache.features().unbind(1)
    assert plain.shape == mirrored.shape == (10, 192)
    for photo, one, other in zip(cache.photos, plain, mirrored, strict=True):
        picture = photos["ab"[photo.target]][photo.index]
        x = preprocess(picture, model.config)[None]
        assert (one - model.embed(x)[0]).abs().max() < 1e-6
        assert (other - model.embed(x.flip(3))[0]).abs().max() < 1e-6
        assert (one - other).abs().max() > 1e-2


def test_progress_counts_photos_and_time():
    photos = {"a": [Image.new("RGB", (9, 9), (i, 0, 0)) for i in range(13)], "b": []}
    cache = FeatureCache(["a", "b"])
    progress = list(cache.fill(Classifier(tiny_vgg(), device="cpu"), photos, threading.Event()))
    assert [(done, total) for done, total, _ in progress] == [(8, 13), (13, 13)]
    assert progress[0][2] > progress[1][2] == 0
    assert cache.counts() == {"a": 13, "b": 0}


def test_names_are_the_files_or_the_classs(tmp_path):
    picture = smooth_picture(20, 20)
    picture.save(tmp_path / "사진 1.png")
    with Image.open(tmp_path / "사진 1.png") as opened:
        given = [tmp_path / "사진 1.png", str(tmp_path / "사진 1.png"), opened, picture, np.array(picture)]
        cache = filled({"cat": given})
    assert [photo.name for photo in cache.photos] == ["사진 1.png"] * 3 + ["cat 4", "cat 5"]
    assert len({photo.digest for photo in cache.photos}) == 1, "by its pixels, whatever it came as"


def test_the_digest_tells_shapes_apart():
    cache = filled({"a": [Image.new("RGB", (4, 9)), Image.new("RGB", (9, 4)), Image.new("RGB", (6, 6))]})
    assert len({photo.digest for photo in cache.photos}) == 3
    assert all(len(photo.digest) == hashlib.sha256().digest_size for photo in cache.photos)


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_twins_keep_the_order_of_the_others(order):
    plain = [Image.new("RGB", (9, 9), (20 * i, 0, 0)) for i in range(6)]
    photos = {order[0]: [plain[0], plain[1], plain[0]], order[1]: [plain[2], plain[1], plain[3], plain[3]]}
    cache = filled(photos)
    cache.drop_twins()
    assert [(photo.target, photo.index) for photo in cache.photos] == [(0, 0), (1, 0), (1, 2)]
    assert cache.counts() == {order[0]: 1, order[1]: 2}
    kept = [photos[order[photo.target]][photo.index] for photo in cache.photos]
    assert torch.equal(cache.features(), filled({"kept": kept}).features()), "and their own features"
    assert np.array_equal(cache.thumbnails(), filled({"kept": kept}).thumbnails())
    assert sorted(cache.warnings) == sorted(
        [
            f"{order[0]} 3 is the same photo as {order[0]} 1; it was used once.",
            f"{order[1]} 2 is in both {order[0]} and {order[1]}; it was left out of training and of the estimate.",
            f"{order[1]} 4 is the same photo as {order[1]} 3; it was used once.",
        ]
    )


def test_a_mirrored_photo_is_another_photo():
    picture = smooth_picture(20, 20)
    cache = filled({"a": [picture], "b": [ImageOps.mirror(picture)]})
    cache.drop_twins()
    assert cache.counts() == {"a": 1, "b": 1}
