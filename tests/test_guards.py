"""The facts noted of a photo: right by hand, the same at any size, and by what came."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from tests.scene_pictures import scene
from tests.toys import smooth_picture, tiny_vgg
from vgg_hub import Classifier
from vgg_hub.cache import FeatureCache
from vgg_hub.guards import THUMBNAIL, look_at


def test_the_facts_of_a_framed_picture():
    """A frame of a sixteenth of the sides, half of the rest dark and half light."""
    pixels = np.empty((96, 192, 3), np.uint8)
    pixels[:] = (200, 30, 10)
    pixels[6:-6, 12:96] = 40
    pixels[6:-6, 96:-12] = 240
    facts, thumbnail = look_at(Image.fromarray(pixels), None)
    assert (facts.width, facts.height, facts.kind) == (192, 96, None)
    assert facts.border == pytest.approx((200, 30, 10), abs=1e-6)
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float64)
    assert facts.brightness == pytest.approx(grey.mean(), abs=0.01)
    assert facts.contrast == pytest.approx(grey.std(), abs=0.01)
    assert thumbnail.shape == (THUMBNAIL, THUMBNAIL, 3)
    assert thumbnail.dtype == np.uint8
    assert thumbnail[24, 12].tolist() == [40] * 3
    assert thumbnail[24, 36].tolist() == [240] * 3


def test_they_are_those_of_the_same_picture_at_another_size():
    large = smooth_picture(1500, 1100, seed=4)
    one, thumbnail = look_at(large, None)
    other, smaller = look_at(large.resize((300, 220), Image.Resampling.BOX), None)
    assert one.brightness == pytest.approx(other.brightness, abs=0.5)
    assert one.contrast == pytest.approx(other.contrast, abs=0.5)
    assert one.border == pytest.approx(other.border, abs=1)
    assert np.abs(thumbnail.astype(int) - smaller).max() <= 4
    assert (one.width, one.height) == (1500, 1100)


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (3, 200), (48, 48), (193, 384)])
def test_any_size_can_be_looked_at(size):
    facts, thumbnail = look_at(Image.new("RGB", size, (10, 200, 90)), None)
    assert (facts.width, facts.height) == size
    assert facts.border == (10, 200, 90)
    assert facts.contrast == 0
    assert (thumbnail == (10, 200, 90)).all()


def test_the_kind_is_by_the_files_bytes(tmp_path):
    picture = scene(0)
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "b.png", "JPEG")
    assert look_at(picture, tmp_path / "a.png")[0].kind == "PNG"
    assert look_at(picture, str(tmp_path / "b.png"))[0].kind == "JPEG", "whatever its name says"
    assert look_at(picture, tmp_path / "gone.png")[0].kind is None
    with Image.open(tmp_path / "b.png") as opened:
        assert look_at(picture, opened)[0].kind == "JPEG"
    assert look_at(picture, picture)[0].kind is None
    assert look_at(picture, np.asarray(picture))[0].kind is None


def test_the_cache_notes_them_upright(tmp_path):
    picture = scene(1, 80, 60)
    exif = picture.getexif()
    exif[274] = 6  # a quarter turn
    picture.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    cache = FeatureCache(["a"])
    list(cache.fill(Classifier(tiny_vgg(), device="cpu"), {"a": [tmp_path / "turned.jpg"]}, threading.Event()))
    facts = cache.photos[0].facts
    assert (facts.width, facts.height, facts.kind) == (60, 80, "JPEG")
    upright, thumbnail = look_at(picture.transpose(Image.Transpose.ROTATE_270), None)
    assert facts.brightness == pytest.approx(upright.brightness, abs=1)
    assert np.abs(cache.thumbnails()[0].astype(int) - thumbnail).mean() < 5
