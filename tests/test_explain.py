"""Heat maps and feature maps: against a computation by hand, with nothing changed, and on objects in known places."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.drawn_objects import KINDS, mosaic, planted
from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG, finetune
from vgg_hub.errors import ConfigError
from vgg_hub.explain import (
    evidence,
    feature_maps,
    first_filters,
    heat_map,
    last_convolution,
    map_stages,
)
from vgg_hub.preprocess import preprocess

DEEP = {"layers": [8, "M", 12, 16, "M"], "hidden_features": 10, "pool_size": 2, "num_classes": 3}
STAGES = ("conv1_1", "pool1", "conv2_1", "conv2_2", "pool2")


def deep(**fields: object) -> VGG:
    """Three Linears, of weights large enough that the classes differ."""
    model = tiny_vgg(**({"batch_norm": True} | DEEP | fields))
    with torch.no_grad():
        for module in model.classifier:
            if isinstance(module, nn.Linear):
                module.weight.mul_(30)
    return model


def by_hand(model: VGG, x: Tensor, class_index: int, module: str) -> np.ndarray:
    """The paper's equations with PyTorch's own backward pass, on a copy without in-place steps; in float64."""
    net = copy.deepcopy(model).double().eval()
    for part in net.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
    kept = []

    def keep(_, __, given: Tensor) -> None:
        given.retain_grad()
        kept.append(given)

    net.get_submodule(module).register_forward_hook(keep)
    net(x.double())[0, class_index].backward()
    (maps,) = kept
    weights = maps.grad.numpy().sum(axis=(2, 3)) / (maps.shape[2] * maps.shape[3])
    return np.maximum(np.einsum("k,khw->hw", weights[0], maps.detach().numpy()[0]), 0)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("stage", STAGES)
def test_grad_cam_is_the_papers(batch_norm, stage):
    model, x = deep(batch_norm=batch_norm), smooth_batch(1, 32)
    module = next(s.module for s in model.stages if s.name == stage)
    somewhere = 0.0
    for class_index in range(3):
        found = heat_map(model, x, class_index, stage)
        expected = by_hand(model, x, class_index, module)
        assert (found.dtype, tuple(found.shape)) == (torch.float32, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())
        somewhere = max(somewhere, expected.max())
    assert somewhere > 1e-4


def test_a_net_of_one_linear_and_a_picture_that_is_not_square():
    model, x = tiny_vgg(), smooth_batch(1, 40)[..., :30]
    found = heat_map(model, x, 1, "conv2_1")
    assert tuple(found.shape) == (20, 15)
    np.testing.assert_allclose(found, by_hand(model, x, 1, "features.6"), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("stage", [*STAGES, "fc6", "fc7"])
def test_feature_maps_are_what_the_stage_gives(stage):
    model, x = deep(), smooth_batch(1, 32)
    kept = []
    hook = model.get_submodule(next(s.module for s in model.stages if s.name == stage)).register_forward_hook(
        lambda _, __, given: kept.append(given.clone())
    )
    with torch.no_grad():
        model(x)
    hook.remove()
    found = feature_maps(model, x, stage)
    expected = kept[0][0] if kept[0].ndim == 4 else kept[0][0].view(-1, 1, 1)
    torch.testing.assert_close(found, expected)
    assert found.max() > 0


def test_a_net_that_begins_with_a_pooling():
    model = tiny_vgg(layers=["M", 8, 8])
    x = smooth_batch(1, 32)
    torch.testing.assert_close(
        feature_maps(model, x, "pool1"), x[0, :, :, :].unfold(1, 2, 2).unfold(2, 2, 2).amax((3, 4))
    )
    assert tuple(evidence(model, x, 0, "conv2_1").map.shape) == (16, 16)
    weight = model.features[1].weight.detach()
    torch.testing.assert_close(first_filters(model), 0.5 + weight / (2 * weight.abs().max()))


def test_filters_share_one_scale():
    model = tiny_vgg()
    weight = model.features[0].weight
    with torch.no_grad():
        weight[0, 0, 0, 0], weight[3, 2, 1, 1] = -4.0, 2.0
    found = first_filters(model)
    assert tuple(found.shape) == (8, 3, 3, 3)
    assert float(found[0, 0, 0, 0]) == 0
    assert float(found[3, 2, 1, 1]) == 0.75
    torch.testing.assert_close(found[5], 0.5 + weight[5].detach() / 8)
    with torch.no_grad():
        weight.zero_()
    assert torch.equal(first_filters(model), torch.full((8, 3, 3, 3), 0.5))


def state_of(model: VGG) -> dict[str, object]:
    """All that a call must leave as it was."""
    modules = dict(model.named_modules())
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return {
        "bytes": {name: t.detach().clone().view(-1).view(torch.uint8) for name, t in model.state_dict().items()},
        "versions": {name: t._version for name, t in model.state_dict().items()},
        "modes": {name: module.training for name, module in modules.items()},
        "hooks": {name: sum(len(getattr(module, hook)) for hook in hooks) for name, module in modules.items()},
        "inplace": [m.inplace for m in modules.values() if isinstance(m, nn.ReLU)],
        "wanted": {name: p.requires_grad for name, p in model.named_parameters()},
        "grads": [name for name, p in model.named_parameters() if p.grad is not None],
    }


def assert_same(before: dict[str, object], after: dict[str, object]) -> None:
    for name, value in before["bytes"].items():
        assert torch.equal(after["bytes"][name], value), name
    assert {k: v for k, v in after.items() if k != "bytes"} == {k: v for k, v in before.items() if k != "bytes"}


@contextmanager
def nothing() -> Iterator[None]:
    yield


SWITCHES = {
    "as it is": nothing,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "enable_grad": torch.enable_grad,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("train", [False, True])
def test_nothing_is_changed_and_no_switch_matters(name, train):
    model, x = deep(), smooth_batch(1, 32)
    plain = heat_map(model, x, 2, "conv2_2"), feature_maps(model, x, "pool1"), evidence(model, x, 2, "conv2_2").map
    model.train(train)
    before = state_of(model)
    with SWITCHES[name]():
        picture = x.clone()  # made under the switch, as a caller's would be
        found = heat_map(model, picture, 2, "conv2_2"), feature_maps(model, picture, "pool1")
        found = *found, evidence(model, picture, 2, "conv2_2").map
        assert torch.equal(picture, x)
    assert_same(before, state_of(model))
    for one, other in zip(found, plain, strict=True):
        assert torch.equal(one, other)
        assert not one.requires_grad


def test_a_net_loaded_in_inference_mode():
    with torch.inference_mode():
        model = tiny_vgg()
    x = smooth_batch(1, 32)
    assert torch.equal(heat_map(model, x, 1, "conv2_1"), heat_map(tiny_vgg(), x, 1, "conv2_1"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_float_type_of_weights_is_computed_in_float32(dtype):
    model, x = deep().to(dtype), smooth_batch(1, 32)
    before = state_of(model)
    exact = copy.deepcopy(model).float()
    found = heat_map(model, x.to(dtype), 1, "conv2_1")
    torch.testing.assert_close(found, heat_map(exact, x.to(dtype).float(), 1, "conv2_1"))
    assert found.dtype == torch.float32
    assert_same(before, state_of(model))


def test_many_visitors_at_once_on_one_net():
    model = deep()
    pictures = smooth_batch(8, 32)
    alone = [heat_map(model, pictures[i : i + 1], i % 3, STAGES[i % 5]) for i in range(8)]
    before, found = state_of(model), {}

    def visit(i: int) -> None:
        found[i] = [heat_map(model, pictures[i : i + 1], i % 3, STAGES[i % 5]) for _ in range(20)]

    threads = [threading.Thread(target=visit, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(one, alone[i]) for i in range(8) for one in found[i])
    assert_same(before, state_of(model))


def test_the_scale_is_common_and_bounded_below():
    model, x = deep(num_classes=7), smooth_batch(1, 32)
    with torch.no_grad():
        probable = model(x)[0].softmax(0)
    best = probable.topk(3).indices.tolist()
    peaks = [float(heat_map(model, x, i, "conv2_2").max()) for i in range(7)]
    for class_index in range(7):
        found = evidence(model, x, class_index, "conv2_2")
        assert torch.equal(found.map, heat_map(model, x, class_index, "conv2_2"))
        assert found.scale == max(1 / 256, *(peaks[i] for i in {*best, class_index}))
        assert found.probability == pytest.approx(float(probable[class_index]), rel=1e-4)
        assert found.points == pytest.approx(256 * peaks[class_index])
        assert found.strength == peaks[class_index] / found.scale
    assert max(peaks) > 1 / 256
    assert min(found.strength for found in (evidence(model, x, i, "conv2_2") for i in range(7))) < 0.5


def test_noise_is_not_stretched_and_no_evidence_is_zero():
    model, x = deep(), smooth_batch(1, 32)
    with torch.no_grad():
        model.head.weight.mul_(1e-4)
    faint = evidence(model, x, 0, "conv2_2")
    assert (faint.scale, faint.points < 0.1) == (1 / 256, True)
    assert faint.strength == pytest.approx(faint.points)
    with torch.no_grad():
        model.head.weight.zero_()
    none = evidence(model, x, 0, "conv2_2")
    assert (float(none.map.abs().max()), none.strength, none.points) == (0, 0, 0)


def test_of_two_opposite_classes_each_place_speaks_for_one():
    """A head of two classes as fitting leaves it: one row the negative of the other."""
    model, x = tiny_vgg(), smooth_batch(1, 32)
    with torch.no_grad():
        model.head.weight[1] = -model.head.weight[0]
    one, other = (heat_map(model, x, i, "conv2_1") for i in (0, 1))
    assert one.max() > 0 < other.max()
    assert float((one * other).max()) == 0


def test_names_of_the_stages():
    assert map_stages(deep()) == STAGES
    assert last_convolution(deep()) == "conv2_2"
    assert last_convolution(VGG(depth=16, width=0.1, hidden_features=0)) == "conv5_3"


@pytest.mark.parametrize("class_index", [-1, 3, True, 1.0, "cat", None])
def test_a_class_that_is_not_there(class_index):
    model, x = deep(), smooth_batch(1, 32)
    for explain in (heat_map, evidence):
        with pytest.raises(ConfigError, match=r"class_index is .*; expected a whole number from 0 to 2\."):
            explain(model, x, class_index, "conv1_1")


def test_a_stage_that_is_not_there():
    model, x = deep(), smooth_batch(1, 32)
    before = state_of(model)
    names = r"has no stage 'block5'; choose one of conv1_1, pool1, conv2_1, conv2_2, pool2, fc6, fc7\."
    with pytest.raises(ConfigError, match=names):
        heat_map(model, x, 0, "block5")
    with pytest.raises(ConfigError, match=names):
        feature_maps(model, x, "block5")
    with pytest.raises(
        ConfigError, match=r"Stage 'fc6' is fully connected and has no places, .* choose one of conv1_1"
    ):
        heat_map(model, x, 0, "fc6")
    assert_same(before, state_of(model))


def test_a_picture_of_another_shape():
    model = deep()
    for explain in (lambda x: heat_map(model, x, 0, "conv1_1"), lambda x: feature_maps(model, x, "fc6")):
        with pytest.raises(
            ConfigError, match=r"The input has shape \(1, 1, 32, 32\); expected \(batch, 3, height, width"
        ):
            explain(torch.zeros(1, 1, 32, 32))
        with pytest.raises(ConfigError, match=r"holds 2 pictures; explain one at a time, x\[i : i \+ 1\]"):
            explain(torch.zeros(2, 3, 32, 32))


def test_an_error_within_leaves_nothing_behind(monkeypatch):
    model, x = deep(), smooth_batch(1, 32)
    before = state_of(model)

    def fail(*_, **__):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(torch.autograd, "grad", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        heat_map(model, x, 0, "conv1_1")
    assert_same(before, state_of(model))
    assert torch.is_grad_enabled()


def rate_of_right_peaks(model: VGG, pictures: list[tuple[Image.Image, list[str]]], stage: str) -> float:
    """How often the map's highest place lies in the quadrant where the object of the class is; ties are misses."""
    right = []
    for picture, kinds in pictures:
        x = preprocess(picture, model.config)[None]
        for quadrant, kind in enumerate(kinds):
            found = heat_map(model, x, model.config.label_names.index(kind), stage).numpy()
            rows, columns = np.nonzero((found == found.max()) & (found > 0))
            lower, right_half = 2 * rows + 1 - found.shape[0], 2 * columns + 1 - found.shape[1]
            hit = (
                (len(rows) == 1)
                and (lower[0] > 0, right_half[0] > 0) == divmod(quadrant, 2)
                and lower[0] * right_half[0]
            )
            right.append(bool(hit))
    return float(np.mean(right))


def test_the_peak_lies_on_the_planted_object_and_random_weights_destroy_it():
    """Adebayo et al., "Sanity Checks for Saliency Maps" (2018, https://arxiv.org/abs/1810.03292): maps that look the same
    for a net that knows nothing show the picture, not the net."""
    chance = np.random.default_rng(0)
    photos = {kind: [planted(kind, chance) for _ in range(28)] for kind in KINDS}
    *_, finished = finetune(VGG.from_pretrained("vgg11-bn"), photos, device="cpu", unlike=False)
    model = finished.model
    pictures = [mosaic(np.random.default_rng(seed)) for seed in range(20)]
    assert rate_of_right_peaks(model, pictures, "conv4_2") >= 0.9
    rates = []
    for seed in range(3):
        torch.manual_seed(seed)
        random_net = VGG(model.config).eval()
        rates.append(rate_of_right_peaks(random_net, pictures, "conv4_2"))
        random_net.classifier.load_state_dict(model.classifier.state_dict())  # the head alone tells nothing
        rates.append(rate_of_right_peaks(random_net, pictures, "conv4_2"))
    assert max(rates) < 0.5
    assert np.mean(rates) < 0.35  # chance is a quarter
