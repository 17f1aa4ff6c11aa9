"""A net whose layers are not those of its configuration is refused: read, it would answer as if they were the others."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG, Classifier
from vgg_hub.errors import ConfigError
from vgg_hub.trained import multiply_less


class Adapter(nn.Module):
    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base, self.added = base, nn.Linear(base.in_features, base.out_features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base(x) + self.added(x)


def with_an_adapter(model: VGG) -> None:
    model.classifier[3] = Adapter(model.classifier[3])


def with_a_head_by_hand(model: VGG) -> None:
    model.classifier[6] = nn.Linear(24, 5)


def with_another_activation(model: VGG) -> None:
    model.features[2] = nn.LeakyReLU(0.2)


def with_another_epsilon(model: VGG) -> None:
    model.features[1].eps = 0.1


def with_a_softmax(model: VGG) -> None:
    model.classifier.append(nn.Softmax(1))


CHANGES = {
    with_an_adapter: "classifier.3 is Adapter(); expected Linear(in_features=24, out_features=24, bias=True). Put that",
    with_a_head_by_hand: "classifier.6 is Linear(in_features=24, out_features=5, bias=True); expected Linear(in_features=24, "
    "out_features=2, bias=True). Put that there, with what was added merged into it; a new head is made by replace_head.",
    with_another_activation: "features.2 is LeakyReLU(negative_slope=0.2); expected ReLU(inplace=True). Put",
    with_another_epsilon: "eps=0.1",
    with_a_softmax: "classifier.7 is Softmax(dim=1); expected nothing. Put",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_layer_is_named(change, tmp_path):
    model = tiny_vgg(num_classes=2, hidden_features=24)
    Classifier(model, "cpu")  # its form is known from before
    change(model)
    message = re.escape(CHANGES[change])
    for use in (lambda: Classifier(model, "cpu"), model.share, lambda: model.save_pretrained(tmp_path / "net")):
        with pytest.raises(ConfigError, match=message):
            use()
    assert not (tmp_path / "net").exists()


def test_what_no_answer_depends_on_may_be_changed():
    model = tiny_vgg(hidden_features=24)
    model.features[1].momentum, model.classifier[2].p = 0.01, 0.1
    model.classifier[1].inplace = False
    x = smooth_batch(2, 32)
    assert torch.allclose(model.share()(x), model.eval()(x))


@pytest.mark.parametrize("way", ["prune", "parametrize"])
def test_a_weight_made_of_others_answers_and_is_saved_once_it_is_permanent(way, tmp_path):
    model = tiny_vgg(hidden_features=24).eval()
    conv, x = model.features[0], smooth_batch(2, 32)
    if way == "prune":
        prune.l1_unstructured(conv, "weight", amount=0.5)
    else:
        parametrizations.spectral_norm(conv)
    with torch.no_grad():
        expected = model(x)
    assert torch.allclose(Classifier(model, "cpu", "float32").logits(x), expected, atol=1e-5)
    for use in (model.share, lambda: model.save_pretrained(tmp_path / "net")):
        with pytest.raises(
            ConfigError, match=r"has not the tensors .*, but for example features\.0\..* permanent first"
        ):
            use()
    if way == "prune":
        prune.remove(conv, "weight")
    else:
        nn.utils.parametrize.remove_parametrizations(conv, "weight")
    model.save_pretrained(tmp_path / "net")
    assert torch.allclose(VGG.from_pretrained(tmp_path / "net")(x), expected, atol=1e-6)


def test_a_compiled_net_and_one_of_a_class_of_its_own_are_taken(tmp_path):
    class Own(VGG):
        def __init__(self, classes: int) -> None:
            super().__init__(tiny_vgg(hidden_features=24, num_classes=classes).config)
            self.more = nn.Linear(2, 2)

    own, x = Own(2).eval(), smooth_batch(2, 32)
    for model in (own, torch.compile(own, backend="eager")):
        assert torch.allclose(Classifier(model, "cpu", "float32").logits(x), own(x), atol=1e-5)
    own.save_pretrained(tmp_path / "net")
    assert (tmp_path / "net" / "model.safetensors").is_file()


def test_convolutions_that_train_with_fewer_multiplications_are_those_of_the_configuration():
    model, x = tiny_vgg().eval(), smooth_batch(2, 32)
    expected = Classifier(model, "cpu").logits(x)
    multiply_less(model)
    assert torch.equal(Classifier(model, "cpu").logits(x), expected)
    assert torch.equal(Classifier(model.share(), "cpu").logits(x), expected)
