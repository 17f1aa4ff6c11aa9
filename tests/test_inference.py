"""The form that answers: equal to the net, made once, shared, and made anew when the net was changed."""

import copy
import pickle

import pytest
import torch
from torch import nn

from tests.toys import tiny_vgg
from vgg_hub import VGG, Classifier
from vgg_hub.errors import ConfigError
from vgg_hub.inference import Forms, Prepared, _halved, folded, multiplies_bfloat16

CPU = torch.device("cpu")


def lively(**fields: object) -> VGG:
    """A net whose batch norms have statistics, scales and shifts of their own."""
    torch.manual_seed(1)
    net = VGG(**({"layers": [8, 8, "M", 16, "M"], "num_classes": 3, "input_size": 32} | fields))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.3)
    return net.eval()


@pytest.fixture(scope="module")
def x():
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    "fields",
    [
        {"batch_norm": True, "hidden_features": 0},
        {"batch_norm": False, "hidden_features": 0},
        {"batch_norm": True, "hidden_features": 12, "pool_size": 2},
        {"batch_norm": True, "hidden_features": 0, "layers": ["M", 8, "M", "M", 8, 8]},
        {"batch_norm": False, "hidden_features": 0, "layers": [8, "M", 8]},
    ],
)
def test_it_computes_what_the_net_computes(fields, x):
    net = lively(**fields)
    before = copy.deepcopy(net.state_dict())
    given = x.clone()
    with torch.no_grad():
        expected = net.embed(x)
    assert expected.std() > 1e-3
    torch.testing.assert_close(Prepared(net, CPU, torch.float32).embed(x), expected, atol=1e-5, rtol=1e-5)
    spread = float(expected.std())
    half = Prepared(net, CPU, torch.bfloat16).embed(x)
    assert half.dtype == torch.float32
    assert float((half - expected).abs().max()) < 0.15 * spread
    assert torch.equal(x, given)
    assert all(torch.equal(before[key], tensor) for key, tensor in net.state_dict().items())


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("fused", [True, False])
def test_in_two_parts_it_computes_the_same(batch_norm, fused, x, monkeypatch):
    """Divided before any convolution or pooling, or after all of them; without the fused operators a ReLU may be owed there."""
    monkeypatch.setattr("vgg_hub.fused.fuses", lambda device, dtype: fused)
    net = lively(batch_norm=batch_norm, hidden_features=12, layers=[8, 8, "M", "M", 16, 8])
    form = Prepared(net, CPU, torch.float32)
    places = [n for n, module in enumerate(net.features) if isinstance(module, nn.Conv2d | nn.MaxPool2d)]
    with torch.no_grad():
        whole = net.embed(x)
        for place in [*places[1:], len(net.features)]:
            expected = net.features[:place](x)
            assert expected.std() > 1e-3
            maps = form.maps(x, place)
            torch.testing.assert_close(maps, expected, atol=1e-5, rtol=1e-5)
            given = maps.clone()
            torch.testing.assert_close(form.embed(maps, place), whole, atol=1e-5, rtol=1e-5)
            assert torch.equal(maps, given)
    assert not form.maps(x, places[1]).requires_grad


def test_a_net_in_training_mode_or_half_precision_answers_as_in_eval_mode(x):
    net = lively(batch_norm=True, hidden_features=12)
    with torch.no_grad():
        expected = net.embed(x)
    torch.testing.assert_close(Prepared(net.train(), CPU, torch.float32).embed(x), expected, atol=1e-5, rtol=1e-5)
    half = Prepared(copy.deepcopy(net).half(), CPU, torch.float32).embed(x)
    torch.testing.assert_close(half, expected, atol=2e-2, rtol=2e-2)


def test_folding_computes_what_the_two_did(x):
    conv, norm = nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5).eval()
    with torch.no_grad():
        for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
            values.uniform_(0.2, 2)
        weight, bias = folded(conv, norm)
        expected = norm(conv(x))
        torch.testing.assert_close(torch.conv2d(x, weight, bias, padding=1), expected, atol=1e-5, rtol=1e-5)
    assert all(torch.equal(one, other) for one, other in zip(folded(conv, None), (conv.weight, conv.bias), strict=True))


def test_it_is_made_once_and_models_on_the_same_tensors_share_it():
    net = lively(batch_norm=True, hidden_features=0)
    form = net.forms.of(net, CPU, torch.float32)
    assert net.forms.of(net, CPU, torch.float32) is form
    assert net.forms.of(net, CPU, torch.bfloat16) is not form
    twin = net.share().replace_head(["a", "b"])
    assert twin.forms.of(twin, CPU, torch.float32) is form


@pytest.mark.parametrize("change", ["in place", "another tensor", "statistics", "data", "fused optimiser"])
def test_a_net_that_was_changed_answers_as_it_is_now(change, x):
    net = lively(batch_norm=True, hidden_features=0)
    old = Classifier(net, "cpu").embed(x)
    with torch.no_grad():
        if change == "in place":
            net.features[0].weight.mul_(2)
        elif change == "another tensor":
            net.features[0].weight = nn.Parameter(net.features[0].weight * 2)
        elif change == "data":  # this and the next count no version
            net.features[0].weight.data.mul_(2)
        elif change == "fused optimiser":
            with torch.enable_grad():
                net(x).square().sum().backward()
            torch.optim.Adam(net.parameters(), lr=0.1, fused=True).step()
        else:
            net.train()(x)
            net.eval()
        expected = net.embed(x)
    assert not torch.allclose(old, expected, atol=1e-3)
    torch.testing.assert_close(Classifier(net, "cpu").embed(x), expected, atol=1e-5, rtol=1e-5)


def test_a_net_made_under_inference_mode_answers_as_it_is_now(x):
    with torch.inference_mode():
        net = lively(batch_norm=True, hidden_features=0)
        old = Classifier(net, "cpu").embed(x)
        net.features[0].weight.mul_(2)
        expected = net.embed(x)
        assert not torch.allclose(old, expected, atol=1e-3)
        torch.testing.assert_close(Classifier(net, "cpu", "float32").embed(x), expected, atol=1e-5, rtol=1e-5)


def test_a_copy_has_forms_of_its_own(x):
    net = lively(batch_norm=True, hidden_features=0)
    net.forms.of(net, CPU, torch.float32)
    twin = copy.deepcopy(net)
    assert twin.forms is not net.forms
    assert isinstance(pickle.loads(pickle.dumps(net.forms)), Forms)  # noqa: S301
    assert "forms" not in "".join(net.state_dict())


def test_a_picture_that_does_not_fit_is_said():
    form = Prepared(tiny_vgg(), CPU, torch.float32)
    with pytest.raises(
        ConfigError, match=r"^The input has shape \(1, 4, 32, 32\); expected \(batch, 3, height, width\)"
    ):
        form.embed(torch.zeros(1, 4, 32, 32))


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({"avx512_bf16": True, "cpu_name": "AMD EPYC"}, True),
        ({"avx512_bf16": True, "cpu_name": "Intel Xeon"}, False),  # half as fast as float32 there
        ({"amx_bf16": True, "avx512_bf16": True, "cpu_name": "Intel Xeon"}, True),
        ({"avx512_bf16": True}, True),
        ({"avx512_f": True}, False),
        ({}, False),
    ],
)
def test_bfloat16_is_used_where_the_processor_has_it(monkeypatch, has, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert multiplies_bfloat16(CPU) is expected
    assert not multiplies_bfloat16(torch.device("mps"))


@pytest.mark.parametrize(("precision", "exact"), [("auto", False), ("float32", True)])
def test_precision_decides(monkeypatch, precision, exact, x):
    monkeypatch.setattr("vgg_hub.predict.multiplies_bfloat16", lambda device: True)
    net = lively(batch_norm=True, hidden_features=0)
    with torch.no_grad():
        expected = net(x)
    found = Classifier(net, "cpu", precision).logits(x)
    assert torch.allclose(found, expected, atol=1e-5) is exact
    assert float((found.softmax(1) - expected.softmax(1)).abs().max()) < 0.02


@pytest.mark.parametrize("size", [(32, 32), (37, 50)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_the_cpu_a_batch_goes_through_in_pieces_whose_maps_fit_in_memory_used_again(monkeypatch, size, dtype):
    net = lively(batch_norm=True, hidden_features=0)
    x = torch.randn(5, 3, *size, generator=torch.Generator().manual_seed(3))
    whole = Prepared(net, CPU, dtype).embed(x)
    pieces = []
    monkeypatch.setattr("vgg_hub.inference.REUSED_BYTES", 2 * 8 * size[0] * size[1] * dtype.itemsize)
    prepared = Prepared(net, CPU, dtype)
    original = prepared._pooled
    monkeypatch.setattr(prepared, "_pooled", lambda piece, *ends: pieces.append(len(piece)) or original(piece, *ends))
    torch.testing.assert_close(prepared.embed(x), whole, atol=1e-5, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5)
    assert pieces == [2, 2, 1]
    monkeypatch.setattr("vgg_hub.inference.REUSED_BYTES", 1)  # a single picture too large for it goes through alone
    pieces.clear()
    prepared.embed(x[:2])
    assert pieces == [1, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(6, 8), (7, 9), (2, 3)])
def test_the_pooling_of_the_cpu_is_max_pooling(size, dtype):
    x = torch.randn(2, 4, *size, generator=torch.Generator().manual_seed(4)).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    x[0, 0, 0, 0] = torch.nan
    torch.testing.assert_close(_halved(x), nn.functional.max_pool2d(x, 2), atol=0, rtol=0, equal_nan=True)
