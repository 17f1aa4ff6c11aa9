"""What a net has beyond torchvision's: a new head, shared tensors, named stages."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import nn

from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG
from vgg_hub.delta import Base
from vgg_hub.errors import LabelError
from vgg_hub.unlike import UnlikeRule

EIGHT = list(itertools.product((11, 13, 16, 19), (False, True)))


@pytest.mark.parametrize("hidden", [0, 24])
def test_replace_head_changes_the_last_linear_and_the_config_only(hidden):
    model = tiny_vgg(hidden_features=hidden)
    before = {key: (t.data_ptr(), t.clone()) for key, t in model.state_dict().items()}
    head = model.head
    assert model.replace_head([" cat", "dog", "eel"]) is model
    assert (model.config.label_names, model.config.num_classes) == (("cat", "dog", "eel"), 3)
    assert model.head is not head
    assert (model.head.in_features, model.head.out_features) == (head.in_features, 3)
    assert torch.count_nonzero(model.head.bias) == 0
    assert 0.005 < model.head.weight.std() < 0.02
    last = f"classifier.{len(model.classifier) - 1}."
    for key, tensor in model.state_dict().items():
        if not key.startswith(last):
            assert tensor.data_ptr() == before[key][0]
            assert torch.equal(tensor, before[key][1])
    assert model(smooth_batch(2, 32)).shape == (2, 3)


def test_replace_head_keeps_the_type_of_the_numbers():
    assert tiny_vgg().to(torch.bfloat16).replace_head(["a", "b"]).head.weight.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("labels", "message"),
    [([], "^There is no class name; give one name a class"), (["a", "a"], "same name, 'a'"), ("ab", "are one text")],
)
def test_replace_head_refuses_bad_labels_and_changes_nothing(labels, message):
    model = tiny_vgg()
    head, config = model.head, model.config
    with pytest.raises(LabelError, match=message):
        model.replace_head(labels)
    assert model.head is head
    assert model.config is config


def test_a_new_head_does_not_inherit_what_was_known_of_the_old_one():
    model = tiny_vgg()
    model.provenance = {"counts": {"a": 3}, "validation": {"accuracy": 1.0}, "licence": "mit"}
    model.replace_head(["x", "y"])
    assert model.provenance == {"licence": "mit"}
    model.provenance = {"counts": {"a": 3}}
    assert model.replace_head(["x", "y"]).provenance is None


def test_share_is_a_second_model_on_the_same_tensors():
    model = tiny_vgg(hidden_features=8)
    model.source, model.provenance = "somewhere", {"licence": "mit"}
    model.train()
    twin = model.share()
    assert (model.training, twin.training) == (True, False)
    assert all(m.training for m in model.modules())
    assert not any(m.training for m in twin.modules())
    for key, tensor in model.state_dict().items():
        assert twin.state_dict()[key].data_ptr() == tensor.data_ptr(), key
    assert (twin.config, twin.source, twin.provenance) == (model.config, "somewhere", {"licence": "mit"})
    assert [p.requires_grad for p in twin.parameters()] == [p.requires_grad for p in model.parameters()]
    head = model.head.weight.clone()
    twin.replace_head(["a", "b", "c"]).head.weight.data.fill_(7)
    assert torch.equal(model.head.weight, head)
    assert (model.config.num_classes, twin.config.num_classes) == (2, 3)


def test_the_rule_of_none_of_these_goes_with_a_share_and_not_with_a_new_head():
    model = tiny_vgg()
    model.unlike = UnlikeRule(torch.zeros(2, 16), (1.0, 1.0))
    twin = model.share()
    assert twin.unlike is model.unlike
    assert copy.deepcopy(model).unlike.limits == (1.0, 1.0)
    assert twin.replace_head(["a", "b"]).unlike is None
    assert model.unlike is not None


def test_a_shared_model_moved_to_another_type_leaves_the_first():
    model = tiny_vgg()
    before = copy.deepcopy(model.state_dict())
    model.share().double().replace_head(["a", "b"])
    for key, tensor in model.state_dict().items():
        assert tensor.dtype == before[key].dtype
        assert torch.equal(tensor, before[key])


def test_a_deep_copy_answers_the_same_and_shares_nothing():
    model = tiny_vgg()
    twin = copy.deepcopy(model)
    x = smooth_batch(2, 32)
    assert torch.equal(twin(x), model(x))
    assert twin.config == model.config
    assert twin.head.weight.data_ptr() != model.head.weight.data_ptr()


PAPER_BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


@pytest.mark.parametrize(("depth", "batch_norm"), EIGHT)
@torch.no_grad()
def test_stages_are_where_they_say(depth, batch_norm):
    """Names by the paper's table; channels, strides and modules by a real forward pass through a narrow net."""
    names = []
    for block, count in enumerate(PAPER_BLOCKS[depth], start=1):
        names += [f"conv{block}_{i}" for i in range(1, count + 1)] + [f"pool{block}"]
    model = VGG(depth=depth, batch_norm=batch_norm, width=1 / 16, hidden_features=20, num_classes=2).eval()
    assert [stage.name for stage in model.stages] == [*names, "fc6", "fc7"]
    seen = {}
    for stage in model.stages:
        model.get_submodule(stage.module).register_forward_hook(
            lambda module, _, output, stage=stage: seen.update({stage.name: (type(module), tuple(output.shape))})
        )
    model(smooth_batch(1, 64))
    for stage in model.stages:
        kind, shape = seen[stage.name]
        assert kind is (nn.MaxPool2d if stage.name.startswith("pool") else nn.ReLU), stage
        assert shape[1] == stage.channels, stage
        if stage.stride is None:
            assert stage.name in ("fc6", "fc7")
        else:
            assert shape[2:] == (64 // stage.stride,) * 2, stage
    strides = {stage.name: stage.stride for stage in model.stages}
    assert [strides[f"pool{block}"] for block in range(1, 6)] == [2, 4, 8, 16, 32]
    assert strides["conv5_1"] == 16


def test_stages_of_own_lists():
    stages = tiny_vgg(layers=["M", 4, 4, "M", "M", 6]).stages
    assert [(s.name, s.channels, s.stride) for s in stages] == [
        ("pool1", 3, 2),
        ("conv2_1", 4, 2),
        ("conv2_2", 4, 2),
        ("pool2", 4, 4),
        ("pool3", 4, 8),
        ("conv4_1", 6, 8),
    ]


def test_what_was_taught_shares_all_but_the_tensors_given():
    model = tiny_vgg()
    model.base = Base("vgg11-bn", "0" * 64, version="0.1.0")
    last = f"classifier.{len(model.classifier) - 1}."
    head = {f"{last}weight": torch.ones(2, model.head.in_features), f"{last}bias": torch.tensor([1.0, 2.0])}
    state = torch.get_rng_state()
    taught = model.taught(["a", "b"], head)
    assert torch.equal(torch.get_rng_state(), state)
    assert taught.head.bias.tolist() == [1, 2]
    assert torch.equal(taught.head.weight, head[f"{last}weight"])
    assert taught.config.label_names == ("a", "b")
    assert taught.base == model.base
    assert taught.forms is model.forms
    assert taught.features[0].weight.data_ptr() == model.features[0].weight.data_ptr()
    deeper = model.taught(["a", "b"], head | {"features.0.bias": torch.full_like(model.features[0].bias, 3)})
    assert deeper.features[0].bias[0].item() == 3
    assert model.features[0].bias[0].item() != 3
    assert deeper.base is None
    assert deeper.forms is not model.forms
    assert all(parameter.requires_grad for parameter in deeper.parameters())
