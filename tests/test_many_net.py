"""The net in training: what is frozen stays so, and dropout follows the photo."""

from __future__ import annotations

import pytest
import torch

from tests.toys import smooth_batch, tiny_vgg
from vgg_hub.many.net import GlobalBatchNorm, PhotoDropout, Student

CPU = torch.device("cpu")
BLOCKS = {"layers": [4, "M", 6, "M"], "hidden_features": 8}


@pytest.mark.parametrize(("trainable", "first"), [("head", 36), ("classifier", 8), ("block2", 4), ("all", 0)])
def test_what_is_frozen_is_bitwise_as_it_was(trainable, first):
    model = tiny_vgg(**BLOCKS)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    student = Student(model, ["a", "b", "c"], trainable, 0, statistics=True, device=CPU)
    optimiser = torch.optim.AdamW(student.groups(), lr=0.1)
    torch.nn.init.normal_(student.net.head.weight)  # a head of zeros hands nothing down
    x = smooth_batch(6, 32)
    student.train_mode(0, range(6), 6)
    torch.nn.functional.cross_entropy(student.net(x), torch.tensor([0, 1, 2, 0, 1, 2])).backward()
    optimiser.step()
    after = student.net.state_dict()
    place = {"head": "classifier.6", "classifier": "classifier.", "block2": "features.4", "all": "features.0"}[
        trainable
    ]
    names = list(before)
    start = next(number for number, name in enumerate(names) if name.startswith(place))
    frozen = [name for name in names[:start] if name in after]  # the others are in the form for inference
    assert not any(name.startswith("features") for name in frozen)
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    idle = {"features.0.bias", "features.4.bias"} & set(after)  # batch norm takes them out
    assert all(torch.equal(before[name], after[name]) for name in idle)
    changed = [name for name in names[start:] if not name.startswith("classifier.6") and name not in idle]
    assert all(not torch.equal(before[name], after[name]) for name in changed)
    assert all(parameter.grad is not None for group in student.groups() for parameter in group["params"])
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items()), "the given net"
    assert set(student.tensors()) == set(names[start:])


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("trainable", ["head", "classifier", "block2", "all"])
def test_it_computes_what_the_net_does(trainable, batch_norm):
    model = tiny_vgg(**BLOCKS, batch_norm=batch_norm, dropout=0.0)
    student = Student(model, ["a", "b"], trainable, 0, statistics=False, device=CPU)
    twin = model.share().replace_head(["a", "b"])
    student.net.head.load_state_dict(twin.head.state_dict())
    x = smooth_batch(6, 32)
    student.train_mode(0, range(6), 6)
    with torch.no_grad():
        expected = twin(x)
    assert expected.std() > 1e-3
    for found in (student.net(x), student.net.eval()(x)):
        torch.testing.assert_close(found.detach(), expected, atol=1e-5, rtol=1e-4)


def test_batch_norm_without_statistics_keeps_them():
    student = Student(tiny_vgg(), ["a", "b"], "all", 0, statistics=False, device=CPU)
    before = student.net.features[1].running_mean.clone()
    student.train_mode(0, range(4), 4)
    student.net(smooth_batch(4, 32))
    assert torch.equal(student.net.features[1].running_mean, before)


def test_a_batch_of_one_breaks_no_batch_norm():
    student = Student(
        tiny_vgg(layers=[4, "M", "M", "M", "M", "M", 4]), ["a", "b"], "all", 0, statistics=True, device=CPU
    )
    student.train_mode(0, [0], 1)
    assert torch.isfinite(student.net(smooth_batch(1, 32))).all()


def test_it_starts_from_a_head_of_zeros_and_takes_up_what_it_gave():
    model = tiny_vgg()
    student = Student(model, ["a", "b"], "all", 0, statistics=True, device=CPU)
    assert torch.equal(student.net.eval()(smooth_batch(2, 32)), torch.zeros(2, 2))
    kept = student.tensors()
    with torch.no_grad():
        for group in student.groups():
            group["params"][0].add_(1)
    student.load(kept)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in student.tensors().items())


def test_dropout_follows_the_photo_wherever_it_stands():
    student = Student(tiny_vgg(hidden_features=16, dropout=0.5), ["a", "b"], "all", 3, statistics=False, device=CPU)
    torch.nn.init.normal_(student.net.head.weight)
    x = smooth_batch(3, 32)
    student.train_mode(1, [7, 8, 9], 3)
    together = student.net(x)
    student.train_mode(1, [9, 7], 2)
    assert torch.allclose(student.net(x[[2, 0]]), together[[2, 0]], atol=1e-6)
    student.train_mode(2, [7, 8, 9], 3)
    assert not torch.allclose(student.net(x), together, atol=1e-3)
    student.net.eval()
    assert torch.equal(student.net(x), student.net(x))
    dropout = PhotoDropout(0.25).train()
    dropout.chances = [torch.Generator().manual_seed(0)]
    ones = dropout(torch.ones(1, 40_000))
    assert float(ones.mean()) == pytest.approx(1, abs=0.01)
    assert ones.unique().tolist() == [0.0, pytest.approx(4 / 3)]


def test_alone_a_global_batch_norm_is_an_ordinary_one():
    ordinary = torch.nn.BatchNorm2d(3).train()
    ours = GlobalBatchNorm.like(ordinary)
    assert ours.training
    assert ours.weight is ordinary.weight
    x = smooth_batch(4, 8)
    assert torch.equal(ours(x), ordinary(x))
