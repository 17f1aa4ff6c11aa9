"""One suffix in training: what it changes and leaves alone, its batches, its chance, and want of memory."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.toys import textures, tiny_vgg
from vgg_hub import VGG
from vgg_hub import learner as module
from vgg_hub.errors import FinetuneError
from vgg_hub.learner import DEEPER, LEAST_SCALE, RATE, Learner
from vgg_hub.views import Views

CPU = torch.device("cpu")
COUNT = 6
PICTURES = [picture for pair in zip(*textures(COUNT // 2).values(), strict=True) for picture in pair]
TARGETS = torch.tensor([0, 1] * (COUNT // 2))
NO_MEMORY = (
    r"^The device has not enough memory to train on a single photo; use device cpu, train less \(head\), or start from a "
    r"smaller net\.$"
)
AT_ONE_PIXEL = {"layers": [8, *"MMMMM", 16]}  # where batch norm in training needs two photos


def views_of(model: VGG, start: int) -> Views:
    views = Views(model, CPU, start, COUNT, 0)
    views.add(torch.stack([views.look(picture, picture) for picture in PICTURES]))
    return views


def learner_of(
    model: VGG, start: int, views: Views | None = None, seed: int = 0, photos: list[int] | None = None
) -> Learner:
    """A learner of some photos, by default all, with a head that is not zero."""
    held_in = torch.zeros(COUNT, dtype=torch.bool)
    held_in[range(COUNT) if photos is None else photos] = True
    weight = torch.randn(2, model.config.embed_features, generator=torch.Generator().manual_seed(7)) * 0.1
    views = views or views_of(model, start)
    return Learner(views, torch.arange(COUNT), TARGETS, held_in, seed, weight, torch.tensor([0.1, -0.1]))


def taught(learner: Learner, passes: int = 2) -> dict[str, torch.Tensor]:
    for _ in range(passes):
        for batch in learner.batches():
            learner.step(batch, 1.0)
    return learner.tensors()


STARTS = [
    ({"hidden_features": 6}, 8, {"classifier.0", "classifier.3", "head"}),
    ({}, 4, {"features.4", "features.5", "head"}),
    ({"batch_norm": False}, 3, {"features.3", "head"}),
    ({}, 0, {"features.0", "features.1", "features.4", "features.5", "head"}),
]


@pytest.mark.parametrize(("fields", "start", "parts"), STARTS)
def test_it_trains_the_suffix_and_nothing_else(fields, start, parts):
    model = tiny_vgg(**fields)
    before = copy.deepcopy(model.state_dict())
    learner = learner_of(model, start)
    at_first, trained = learner.tensors(), taught(learner)
    assert {key.rsplit(".", 1)[0] if "." in key else "head" for key in trained} == parts
    for key, tensor in trained.items():
        statistic = "running_" in key or "num_batches" in key
        assert torch.equal(tensor, at_first[key]) == statistic, key
        if key not in ("weight", "bias"):
            assert torch.equal(at_first[key], before[key]), key
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


@torch.no_grad()
@pytest.mark.parametrize(("fields", "start", "parts"), STARTS)
def test_its_answers_are_the_whole_net_s(fields, start, parts):
    """The tensors put into the net, under their names, answer as the learner does."""
    model = tiny_vgg(dropout=0.3, **fields)
    learner = learner_of(model, start)
    tensors = taught(learner)
    whole = copy.deepcopy(model)
    whole.head.load_state_dict({key: tensors.pop(key) for key in ("weight", "bias")})
    whole.load_state_dict(whole.state_dict() | tensors)
    views = Views(whole, CPU, 0, COUNT, 0)
    x = torch.stack([views.look(picture, picture)[0] for picture in PICTURES])
    assert (learner.logits(torch.arange(COUNT)) - whole(x)).abs().max() < 1e-5
    assert (learner.features(torch.tensor([4, 1])) - whole.embed(x[[4, 1]])).abs().max() < 1e-5


def test_batches_never_leave_a_single_photo(monkeypatch):
    learner = learner_of(tiny_vgg(), 4, photos=[0, 1, 2, 4, 5])
    monkeypatch.setattr(module, "BATCH_SIZE", 4)
    assert learner.batches_a_pass == 2
    orders = [learner.batches() for _ in range(8)]
    for batches in orders:
        assert [len(batch) for batch in batches] == [3, 2]
        assert sorted(torch.cat(batches).tolist()) == [0, 1, 2, 4, 5]
    assert len({tuple(torch.cat(batches).tolist()) for batches in orders}) > 4


@pytest.mark.parametrize("fields", [{}, {"hidden_features": 6, "dropout": 0.5}])
def test_the_seed_decides_and_the_global_state_has_no_part(fields):
    def run(seed: int) -> dict[str, torch.Tensor]:
        return taught(learner_of(tiny_vgg(**fields), 4, seed=seed))

    state = torch.random.get_rng_state()
    one = run(3)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    assert all(torch.equal(tensor, one[key]) for key, tensor in run(3).items())
    assert not torch.equal(run(4)["weight"], one["weight"])


def test_a_step_is_adam_s_on_the_balanced_loss_with_a_rate_for_each_tensor(monkeypatch):
    """By hand: the first step of Adam is the rate against the gradient's sign; classes weigh the same."""
    model = tiny_vgg(hidden_features=6, dropout=0.0)
    monkeypatch.setattr(Views, "random", lambda self, rows, _generator: self.plain(rows))
    learner = learner_of(model, 0, photos=[0, 1, 2])  # two of class 0, one of class 1
    before = learner.tensors()
    twin = copy.deepcopy(model)
    twin.classifier[-1] = nn.Linear(6, 2)
    twin.head.load_state_dict({key: before[key] for key in ("weight", "bias")})
    x = learner._views.plain(torch.arange(3))
    losses = F.cross_entropy(twin(x), TARGETS[:3], reduction="none")
    ((losses[0] + losses[2]) * 0.75 + losses[1] * 1.5).div(3).backward()
    loss, right = learner.step(torch.arange(3), 0.5)
    assert loss == pytest.approx(float(losses.detach().sum()), rel=1e-5)
    assert right == int((twin(x).argmax(1) == TARGETS[:3]).sum())
    after = learner.tensors()
    deeper = {"features.0": 2, "features.1": 2, "features.4": 1, "features.5": 1}
    for name, parameter in twin.named_parameters():
        key = name.removeprefix("classifier.6.")
        scale = max(LEAST_SCALE, float(before[key].square().mean().sqrt()))
        rate = 0.5 * RATE * scale * DEEPER ** deeper.get(name.rsplit(".", 1)[0], 0)
        sure = parameter.grad.abs() > 1e-5  # elsewhere the epsilon of Adam has a say
        moved = (after[key] - before[key])[sure]
        assert torch.allclose(moved, -rate * parameter.grad.sign()[sure], rtol=1e-2, atol=1e-7), name


def test_with_many_photos_batch_norm_learns_its_statistics(monkeypatch):
    monkeypatch.setattr(module, "PHOTOS_FOR_STATISTICS", COUNT)
    learner = learner_of(tiny_vgg(), 4)
    before, after = learner.tensors(), taught(learner)
    assert not torch.equal(before["features.5.running_mean"], after["features.5.running_mean"])
    assert int(after["features.5.num_batches_tracked"] - before["features.5.num_batches_tracked"]) == 2
    monkeypatch.setattr(module, "PHOTOS_FOR_STATISTICS", COUNT + 1)
    learner = learner_of(tiny_vgg(), 4)
    assert torch.equal(learner.tensors()["features.5.running_mean"], taught(learner)["features.5.running_mean"])


def test_a_batch_of_one_does_not_break_batch_norm(monkeypatch):
    monkeypatch.setattr(module, "PHOTOS_FOR_STATISTICS", 1)
    learner = learner_of(tiny_vgg(**AT_ONE_PIXEL), 4)
    before = learner.tensors()
    learner.step(torch.tensor([0, 3]), 1.0)
    after_two = learner.tensors()
    assert not torch.equal(before["features.9.running_mean"], after_two["features.9.running_mean"])
    learner.step(torch.tensor([2]), 1.0)
    after_one = learner.tensors()
    assert torch.equal(after_two["features.9.running_mean"], after_one["features.9.running_mean"])
    assert not torch.equal(after_two["features.8.weight"], after_one["features.8.weight"])
    assert all(torch.isfinite(tensor).all() for tensor in after_one.values())


def short_of_memory(monkeypatch, limit: int) -> list[int]:
    """No more than `limit` photos fit; gives the sizes that were tried."""
    tried, original = [], module._Suffix.embed

    def embed(self, x):
        tried.append(len(x))
        if len(x) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 TiB")
        return original(self, x)

    monkeypatch.setattr(module._Suffix, "embed", embed)
    return tried


@pytest.mark.parametrize(("fields", "start"), [({}, 4), ({"hidden_features": 6, "dropout": 0.0}, 0)])
def test_when_memory_is_out_the_batch_is_halved_and_the_same_comes_out(monkeypatch, fields, start):
    model = tiny_vgg(**fields)
    views = views_of(model, start)
    expected = taught(learner_of(model, start, views))
    monkeypatch.setattr(module, "BATCH_SIZE", 8)
    tried = short_of_memory(monkeypatch, 2)
    learner = learner_of(model, start, views)
    found = taught(learner)
    assert tried == [6, 4, 2, 2, 2, 2, 2, 2]
    for key, tensor in found.items():
        assert (tensor - expected[key]).abs().max() < 1e-5, key
    assert learner.logits(torch.arange(COUNT)).shape == (COUNT, 2)
    assert set(tried[8:]) == {2}, "judging goes on with what was found to fit"


def test_pieces_that_fitted_before_the_memory_was_out_do_not_count_twice(monkeypatch):
    model = tiny_vgg()
    views = views_of(model, 4)
    expected = taught(learner_of(model, 4, views), passes=1)
    original, calls = module._Suffix.embed, []

    def embed(self, x):
        calls.append(len(x))
        if len(calls) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return original(self, x)

    monkeypatch.setattr(module._Suffix, "embed", embed)
    learner = learner_of(model, 4, views)
    learner._pieces.size = 4
    found = taught(learner, passes=1)
    assert calls == [4, 2, 2, 2, 2]
    for key, tensor in found.items():
        assert (tensor - expected[key]).abs().max() < 1e-5, key


def test_a_single_photo_that_does_not_fit_is_a_sentence(monkeypatch):
    short_of_memory(monkeypatch, 0)
    learner = learner_of(tiny_vgg(), 4)
    with pytest.raises(FinetuneError, match=NO_MEMORY):
        learner.step(torch.arange(COUNT), 1.0)
    with pytest.raises(FinetuneError, match=NO_MEMORY):
        learner.logits(torch.arange(COUNT))


def test_no_memory_for_the_copies_or_for_the_optimiser_is_the_sentence_too(monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    learner = learner_of(tiny_vgg(), 4)
    monkeypatch.setattr(learner._optimiser, "step", full)
    with pytest.raises(FinetuneError, match=NO_MEMORY):
        learner.step(torch.arange(2), 1.0)
    views = views_of(tiny_vgg(), 4)
    monkeypatch.setattr(module, "_Suffix", full)
    with pytest.raises(FinetuneError, match=NO_MEMORY):
        learner_of(tiny_vgg(), 4, views)


def test_another_error_of_a_step_is_not_taken_for_want_of_memory(monkeypatch):
    def broken(*_):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    learner = learner_of(tiny_vgg(), 4)
    monkeypatch.setattr(module._Suffix, "embed", broken)
    with pytest.raises(RuntimeError, match=re.escape("illegal memory access")):
        learner.step(torch.arange(2), 1.0)
    monkeypatch.undo()
    monkeypatch.setattr(learner._optimiser, "step", broken)
    with pytest.raises(RuntimeError, match=re.escape("illegal memory access")):
        learner.step(torch.arange(2), 1.0)


def test_dropout_drops_its_share_and_scales_the_rest():
    dropout = module._Dropout(0.25, torch.Generator().manual_seed(0))
    x = torch.ones(200, 50)
    found = dropout(x)
    assert sorted(found.unique().tolist()) == pytest.approx([0, 1 / 0.75])
    assert float((found == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert not torch.equal(dropout(x), found)
    assert torch.equal(dropout.eval()(x), x)
