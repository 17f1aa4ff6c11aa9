"""The cache of views: what is in it, where it is kept, and what happens where there is no room."""

from __future__ import annotations

import tempfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from tests.toys import smooth_picture, tiny_vgg
from vgg_hub import Classifier
from vgg_hub import views as module
from vgg_hub.errors import FinetuneError
from vgg_hub.preprocess import preprocess
from vgg_hub.views import CROPS, Pieces, Views, random_view

CPU = torch.device("cpu")
PICTURES = [smooth_picture(50 + i, 40, seed=i) for i in range(5)]


def filled(model, start: int, pictures=PICTURES, seed: int = 0) -> tuple[Views, torch.Tensor]:
    """The views, two photos at a time, and the features that came with them."""
    views = Views(model, CPU, start, len(pictures), seed)
    features = []
    for first in range(0, len(pictures), 2):
        features.append(views.add(torch.stack([views.look(p, p) for p in pictures[first : first + 2]])))
    return views, torch.cat(features)


@pytest.mark.parametrize("start", [4, 8], ids=["block2", "classifier"])
@torch.no_grad()
def test_the_cache_holds_what_the_frozen_part_makes_of_each_view(start):
    model = tiny_vgg(hidden_features=6, pool_size=2, input_size=30)
    views, features = filled(model, start)
    x = torch.stack([preprocess(picture, model.config) for picture in PICTURES])

    def frozen(x):
        x = model.features[:start](x)
        return torch.flatten(model.avgpool(x), 1) if start == 8 else x

    rows = torch.tensor([3, 0])
    assert (views.plain(rows) - frozen(x)[rows]).abs().max() < 1e-5
    assert (features[:, 0] - model.embed(x)).abs().max() < 1e-5
    assert (features[:, 1] - model.embed(x.flip(3))).abs().max() < 1e-5
    generator = torch.Generator().manual_seed(1)
    found = torch.stack([views.random(torch.tensor([2]), generator)[0] for _ in range(60)]).flatten(1)
    assert len(found.unique(dim=0)) == 2 + CROPS, "the photo, its mirror image and the crops, and no other"
    for x_view in (x[2], x[2].flip(2)):
        assert ((found - frozen(x_view[None]).flatten()).abs().amax(1) < 1e-5).any()


def test_views_and_a_classifier_of_one_net_share_its_form():
    """In float32 a net of half precision is copied; the form is made once for all that."""
    model = tiny_vgg().half()
    form = Classifier(model, CPU, precision="float32").net
    filled(model, 4)
    assert Classifier(model, CPU, precision="float32").net is form


def test_the_seed_chooses_the_crops_and_the_batches_do_not():
    model = tiny_vgg()
    one, again, other = (filled(model, 4, seed=seed)[0]._store for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert torch.equal(one[:, :2], other[:, :2])
    assert (one[:, 2:] - other[:, 2:]).abs().amax(dim=(2, 3, 4)).min() > 1e-3
    alone = Views(model, CPU, 4, len(PICTURES), 0)
    for picture in PICTURES:
        alone.add(alone.look(picture, picture)[None])
    assert (alone._store - one).abs().max() < 1e-5


NEEDED = 5 * (2 + CROPS) * 8 * 16 * 16  # numbers in the cache of five photos at block 2


@pytest.mark.parametrize(
    ("limit", "kind"), [(4 * NEEDED, torch.float32), (2 * NEEDED, torch.float16), (2 * NEEDED - 1, torch.float16)]
)
def test_it_shrinks_and_then_moves_to_a_file_that_is_gone_afterwards(monkeypatch, tmp_path, limit, kind):
    expected = filled(tiny_vgg(), 4)[0].plain(torch.arange(5))
    monkeypatch.setattr(module, "CACHE_BYTES", limit)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mapped = []
    monkeypatch.setattr(np, "memmap", lambda *a, original=np.memmap, **k: mapped.append(original(*a, **k)) or mapped[0])
    views, _ = filled(tiny_vgg(), 4)
    assert views._store.dtype == kind
    assert len(mapped) == (limit < 2 * NEEDED)
    found = views.plain(torch.arange(5))
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() <= (0 if kind == torch.float32 else 1e-3 * expected.abs().max())
    assert list(tmp_path.iterdir()) == [], "the file has no name, so a crash leaves nothing behind either"


def test_half_precision_holds_large_activations(monkeypatch):
    model = tiny_vgg(batch_norm=False)
    with torch.no_grad():
        model.features[0].weight *= 1e7
    monkeypatch.setattr(module, "CACHE_BYTES", 2 * NEEDED)
    views, _ = filled(model, 3)
    assert views._store.dtype == torch.float16
    assert views.plain(torch.arange(5)).max() == 65504


def test_at_the_input_the_views_are_new_each_time(monkeypatch):
    model = tiny_vgg()
    views, features = filled(model, 0)
    x = torch.stack([preprocess(picture, model.config) for picture in PICTURES])
    assert torch.equal(views.plain(torch.arange(5)), x)
    assert features.shape == (5, 2, 16)
    rows, generator = torch.tensor([1, 1, 4]), torch.Generator().manual_seed(2)
    first, second = views.random(rows, generator), views.random(rows, generator)
    assert first.shape == (3, 3, 32, 32)
    assert (first[0] - first[1]).abs().max() > 0.01
    assert (first - second).abs().max() > 0.01
    assert torch.equal(views.random(rows, torch.Generator().manual_seed(2)), first)


def test_photos_that_do_not_fit_are_decoded_again(monkeypatch, tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, picture in zip(paths, PICTURES, strict=False):
        picture.save(path)
    monkeypatch.setattr(module, "CACHE_BYTES", 3 * 50 * 40)  # one of them
    views = Views(tiny_vgg(), CPU, 0, 3, 0)
    views.add(torch.stack([views.look(Image.open(path), path) for path in paths]))
    assert [isinstance(kept, Image.Image) for kept in views._images] == [True, False, False]
    found = views.random(torch.arange(3), torch.Generator().manual_seed(0))
    assert torch.equal(found, filled(tiny_vgg(), 0)[0].random(torch.arange(3), torch.Generator().manual_seed(0)))


def test_large_photos_are_kept_small_but_sharp():
    views = Views(tiny_vgg(), CPU, 0, 1, 0)
    views.look(smooth_picture(1200, 800), None)
    assert views._images[0].size == (81, 54)  # 32 pixels are 0.6 of 54


@pytest.mark.parametrize("size", [(40, 40), (4000, 40), (3, 200), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_random_view_of_any_shape(size, channels):
    config = replace(tiny_vgg(in_channels=channels).config, crop_pct=1.0)
    generator = torch.Generator().manual_seed(0)
    plain = Image.new("RGB", size, (200, 200, 200))
    expected = preprocess(plain.resize((32, 32)), config)
    for _ in range(5):
        assert (random_view(plain, config, generator) - expected).abs().max() < 1e-5


def test_a_random_view_is_a_part_of_the_picture_upright_or_mirrored():
    """On a picture whose grey value is its column: values rise or fall, within the picture's, over 0.5 to 1 of it."""
    ramp = Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (200, 1))).convert("RGB")
    config = replace(tiny_vgg(mean=(0, 0, 0), std=(1, 1, 1)).config, crop_pct=1.0)
    generator = torch.Generator().manual_seed(0)
    ways, spans = set(), []
    for _ in range(40):
        row = random_view(ramp, config, generator)[0, 16] * 255
        ways.add(bool(row[-1] > row[0]))
        spans.append(float((row[-1] - row[0]).abs()) * 32 / 31)
        assert (row.diff() * (1 if row[-1] > row[0] else -1) >= -1).all()
    assert ways == {True, False}
    assert 0.6 / 1.2 * 200 - 4 < min(spans) < 130
    assert 170 < max(spans) <= 204
    mirrored = ImageOps.mirror(ramp)
    assert torch.equal(preprocess(mirrored, config), preprocess(ramp, config).flip(2))


def test_pieces_are_halved_until_they_fit():
    tried = []

    def function(x):
        tried.append(len(x))
        if len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 TiB")
        return 2 * x

    pieces = Pieces(16)
    assert torch.equal(pieces.run(function, torch.arange(10.0)), 2 * torch.arange(10.0))
    assert tried == [10, 8, 4, 2, 2, 2, 2, 2]
    assert pieces.size == 2


@pytest.mark.parametrize("words", ["MPS backend out of memory (...)", "DefaultCPUAllocator: can't allocate memory"])
def test_a_single_one_that_does_not_fit_is_a_sentence(words):
    def function(x):
        raise RuntimeError(words)

    with pytest.raises(FinetuneError, match=r"^The device has not enough memory to train on a single photo; use"):
        Pieces(4).run(function, torch.zeros(4))


def test_another_error_is_not_taken_for_want_of_memory():
    def function(x):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    pieces = Pieces(4)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        pieces.run(function, torch.zeros(4))
    assert pieces.size == 4
