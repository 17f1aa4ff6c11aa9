"""A program's own switches of PyTorch change nothing of what comes out, and are as they were afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from tests.toys import stripes_net, textures
from vgg_hub import VGG, Classifier, finetune
from vgg_hub.as_usual import as_usual, steps_as_usual


@contextmanager
def of_type(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SWITCHES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "float64": lambda: of_type(torch.float64),
    "bfloat16": lambda: of_type(torch.bfloat16),
    "device": lambda: torch.device("meta"),  # a CPU has no other device to make tensors on
}


def state() -> tuple[object, ...]:
    return (
        *(torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")),
        *(torch.get_default_dtype(), torch.get_default_device()),
    )


def taught(model: VGG, trainable: str) -> tuple[str, list[object]]:
    photos, within = textures(4), state()
    events = []
    for event in finetune(model, photos, trainable=trainable, device="cpu"):
        assert state() == within
        events.append(event)
    return events[-1].report.head_sha256, Classifier(events[-1].model, "cpu")(photos["fine"])


@pytest.mark.parametrize("trainable", ["head", "block2"])
def test_teaching_and_classifying_give_the_same(trainable):
    expected = taught(stripes_net(), trainable)
    for name, switch in SWITCHES.items():
        before = state()
        model = stripes_net()
        with switch():
            if name == "inference_mode":
                model = stripes_net()  # whose tensors can be no parameters outside of it
            assert taught(model, trainable) == expected, name
        assert state() == before


@pytest.mark.parametrize("switch", SWITCHES.values(), ids=SWITCHES)
def test_logits_are_exact(switch):
    model, x = stripes_net(), torch.rand(2, 3, 32, 32)
    expected = Classifier(model, "cpu", "float32").logits(x)
    with switch():
        assert torch.equal(Classifier(model, "cpu", "float32").logits(x), expected)


def test_gradients_stay_off_where_they_were():
    with torch.inference_mode(), as_usual():
        assert not torch.is_grad_enabled()
        assert not torch.ones(1).is_inference()


def test_closing_the_steps_closes_what_makes_them():
    ended = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(1, 4)
        finally:
            ended.append(True)

    steps = steps_as_usual(numbers())
    assert next(steps) == 1
    steps.close()
    assert ended == [True]
    assert list(steps_as_usual(numbers())) == [1, 2, 3]


def test_a_net_loaded_in_inference_mode_can_be_trained(tmp_path):
    stripes_net().save_pretrained(tmp_path / "net")
    with torch.inference_mode():
        model = VGG.from_pretrained(tmp_path / "net")
    model(torch.rand(1, 3, 32, 32)).sum().backward()
    assert model.features[0].weight.grad is not None
