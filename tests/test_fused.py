"""The fused steps compute what the plain ones do, whatever the shapes; where they are not to be had, the plain ones answer."""

import pytest
import torch
from torch.nn import functional as F

from tests.test_inference import lively
from vgg_hub import fused
from vgg_hub.inference import Prepared

CPU = torch.device("cpu")
CLOSE = {torch.float32: {"atol": 1e-5, "rtol": 1e-5}, torch.bfloat16: {"atol": 0.05, "rtol": 0.02}}


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(5)
    return lambda *shape: torch.randn(*shape, generator=generator)


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setattr(fused, "fuses", lambda device, dtype: False)


def test_this_machine_has_what_it_needs():
    if not fused.fuses(CPU, torch.float32):
        pytest.skip("no x86, or a PyTorch without oneDNN")
    for other in ("cuda", "mps"):
        assert not fused.fuses(torch.device(other), torch.float32)


@pytest.mark.parametrize(
    ("machine", "has", "operators", "expected"),
    [
        ("x86_64", True, fused.OPERATORS, True),
        ("AMD64", True, fused.OPERATORS, True),
        ("arm64", True, fused.OPERATORS, False),
        ("x86_64", False, fused.OPERATORS, False),
        ("x86_64", True, (*fused.OPERATORS, "_gone"), False),
    ],
)
def test_it_is_used_where_processor_and_library_have_it(monkeypatch, machine, has, operators, expected):
    monkeypatch.setattr(fused.platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: has)
    monkeypatch.setattr(fused, "OPERATORS", operators)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert fused.fuses.__wrapped__(CPU, torch.float32) is expected
    assert not fused.fuses.__wrapped__(CPU, torch.bfloat16)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    assert fused.fuses.__wrapped__(CPU, torch.bfloat16) is expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (2, 3, 5, 7), (3, 5, 1, 1), (2, 64, 9, 9)])
@pytest.mark.parametrize("which", ["fused", "plain"])
def test_a_convolution_and_its_relu(which, shape, dtype, draw, request):
    if which == "plain":
        request.getfixturevalue("plain")
    weight, bias, x = draw(7, shape[1], 3, 3) / shape[1] ** 0.5, draw(7), draw(*shape)
    ready = [t.to(dtype).contiguous(memory_format=torch.channels_last) for t in (weight, x)]
    step, rectifies = fused.convolution(ready[0], bias.to(dtype))
    found = step(ready[1])
    assert found.dtype == dtype
    assert found.is_contiguous(memory_format=torch.channels_last)
    expected = F.conv2d(x, weight, bias, padding=1)
    torch.testing.assert_close((found if rectifies else F.relu(found)).float(), F.relu(expected), **CLOSE[dtype])
    assert rectifies is (which == "fused" and fused.fuses(CPU, dtype))
    assert expected.min() < -0.1 < 0.1 < expected.max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 3, 16])
@pytest.mark.parametrize("which", ["fused", "plain"])
def test_a_linear_and_its_relu(which, rows, dtype, draw, request):
    if which == "plain":
        request.getfixturevalue("plain")
    weight, bias, x = draw(12, 50) / 50**0.5, draw(12), draw(rows, 50)
    given = x.to(dtype)
    kept = given.clone()
    found = fused.linear(weight.to(dtype), bias.to(dtype))(given)
    assert found.dtype == dtype
    torch.testing.assert_close(found.float(), F.relu(F.linear(x, weight, bias)), **CLOSE[dtype])
    assert torch.equal(given, kept)


@pytest.mark.parametrize("less", [True, False])
def test_the_faster_way_is_taken_for_each_size(less, draw, monkeypatch):
    """Where it is measured to be faster, and there alone; what it needs is made when it is first needed."""
    made = []
    monkeypatch.setattr(fused, "multiplies_less", lambda: less)
    for name in ("winograd", "direct"):
        way = getattr(fused, name)
        monkeypatch.setattr(
            fused, name, lambda weight, bias, name=name, way=way: made.append(name) or way(weight, bias)
        )
    if not fused.fuses(CPU, torch.float32):
        pytest.skip("no x86, or a PyTorch without oneDNN")
    weight, bias = draw(96, 96, 3, 3) / 96**0.5 / 3, draw(96)
    step, rectifies = fused.convolution(weight.contiguous(memory_format=torch.channels_last), bias)
    assert rectifies
    assert made == ([] if less else ["direct"])
    for size, expected in ((8, ["direct"]), (16, ["direct", "winograd"]), (8, ["direct", "winograd"])):
        x = draw(1, 96, size, size).contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(step(x), F.relu(F.conv2d(x, weight, bias, padding=1)), **CLOSE[torch.float32])
        assert made == (expected if less else ["direct"])


@pytest.mark.parametrize("capability", ["DEFAULT", "AVX2", "AVX512"])
def test_it_multiplies_less_where_that_was_measured(monkeypatch, capability):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert fused.multiplies_less.__wrapped__() is (capability == "AVX2")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_net_gives_the_same_both_ways(dtype, draw, monkeypatch):
    net, x = lively(batch_norm=True, hidden_features=12, pool_size=2), draw(3, 3, 32, 32)
    found = Prepared(net, CPU, dtype).embed(x)
    monkeypatch.setattr(fused, "fuses", lambda device, dtype: False)
    expected = Prepared(net, CPU, dtype).embed(x)
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, **CLOSE[dtype])


def test_the_large_linears_of_a_float32_form_are_the_nets_own():
    """Laid out anew they would be the greater part of VGG16 once more."""
    net = lively(batch_norm=False, hidden_features=12, pool_size=2)
    steps = Prepared(net, CPU, torch.float32)._linears
    held = {
        cell.cell_contents.data_ptr()
        for step in steps
        for cell in step.__closure__
        if torch.is_tensor(cell.cell_contents)
    }
    assert {net.classifier[0].weight.data_ptr(), net.classifier[3].weight.data_ptr()} <= held
