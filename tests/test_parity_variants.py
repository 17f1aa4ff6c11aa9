"""The eight nets that everybody has, through everybody's loader: equal where the folder is right, refused where not.

The nets have their real width, some 550 MB a folder, so that one is on disk at a time.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.parity_helpers import edit_config, judge
from tests.toys import smooth_picture
from vgg_hub import VGG, Classifier
from vgg_hub.errors import ParityError
from vgg_hub.parity import LOADERS, check_folder, reference_of
from vgg_hub.parity_compare import compare
from vgg_hub.parity_loaders import open_folder
from vgg_hub.unlike import UnlikeRule

pytestmark = [
    pytest.mark.slow,
    # Others' warnings about others' code are not ours to fail on.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

LABELS = ('café "noir"', "🐕‍🦺 犬", "it's", "d")


@torch.no_grad()
def standard_net(depth: int, batch_norm: bool, **fields: object) -> VGG:
    """A net of full width whose answers are of several sizes and differ from picture to picture."""
    model = VGG(depth=depth, batch_norm=batch_norm, label_names=LABELS, **fields).eval()
    for name, tensor in model.named_buffers():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
    model.head.bias.normal_(0, 0.3)
    logits = reference_of(model, "float32")[0].logits
    model.head.weight.mul_(3 / float((logits - logits.mean(dim=0)).abs().max()))
    return model


@pytest.fixture
def folder(tmp_path) -> Iterator[Path]:
    """Where a net is saved; gone at the end of the test, for pytest keeps its folders."""
    yield tmp_path / "m"
    shutil.rmtree(tmp_path / "m", ignore_errors=True)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_each_of_the_eight_is_the_same_net_everywhere(hub, folder, depth, batch_norm):
    model = standard_net(depth, batch_norm, input_size=32)
    means = torch.randn(len(LABELS), model.config.embed_features).mul_(0.01).half().float()
    model.unlike = UnlikeRule(means, (1.0,) * len(LABELS))  # ours alone; it is in nobody's way
    model.save_pretrained(folder)
    reference, _ = reference_of(model, "float32")
    assert float((reference.logits.amax(dim=0) - reference.logits.amin(dim=0)).max()) > 1, "the pictures differ"
    for name in LOADERS:
        facts, tensors = open_folder(name, folder)
        result = compare(name, facts, tensors, reference)
        assert (result.name, result.outcome) == (name, "equal")
        assert result.logits <= 1e-4
        assert result.labels is (None if name == "torchvision" else True)
        assert result.preprocessing == (None if name == "torchvision" else 0)
        assert torch.equal(tensors["logits"].argmax(dim=1), reference.logits.argmax(dim=1))
    assert hub.log == []


@pytest.fixture(scope="module")
def eleven(tmp_path_factory) -> Iterator[tuple[VGG, Path]]:
    """A VGG11 for pictures of 32 pixels, and where it is saved."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("eleven") / "m"
    model = standard_net(11, False, input_size=32)
    model.save_pretrained(path)
    yield model, path
    shutil.rmtree(path)


@pytest.fixture
def linked(eleven, folder) -> Path:
    """The folder of `eleven` with a config.json of its own."""
    shutil.copytree(eleven[1], folder, copy_function=os.link)
    text = (folder / "config.json").read_bytes()
    (folder / "config.json").unlink()
    (folder / "config.json").write_bytes(text)
    return folder


def swap_labels(document: dict) -> None:
    names = document["label_names"]
    names[2], names[3] = names[3], names[2]


def shift_std(document: dict) -> None:
    document["pretrained_cfg"]["std"][2] *= 1.001


@pytest.mark.parametrize("name", ["timm", "transformers"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (swap_labels, r"its class 2 is 'd' where the model has \"it's\"; save the model again"),
        (shift_std, r"its preprocessing differs: \S+ where the model has \S+, and 0\.000\d is allowed; save"),
    ],
)
def test_a_config_that_says_something_else_to_others(eleven, linked, name, change, message):
    edit_config(linked, change)
    with pytest.raises(ParityError, match=rf"^{name} \d\S+ opens the saved folder, but {message}"):
        judge(name, linked, eleven[0])


def test_without_its_architecture_transformers_takes_another_net(eleven, linked):
    """It draws a ResNet-50 at random, and raises nothing."""
    edit_config(linked, lambda document: document.pop("architecture"))
    assert judge("vgg_hub", linked, eleven[0]).outcome == "equal"
    with pytest.raises(
        ParityError, match=r"^transformers \S+ opens the saved folder, but its logits differ: \S+ where"
    ):
        judge("transformers", linked, eleven[0])
    with pytest.raises(KeyError, match="architecture"):
        open_folder("timm", linked)


def test_torchvisions_names_on_disk_are_refused_for_transformers_sake(eleven, linked):
    """Ours and timm read them; transformers draws a random head, and raises nothing."""
    (linked / "model.safetensors").unlink()
    save_file(eleven[0].state_dict(), linked / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ParityError, match=r"^transformers \S+ opens the saved folder, but its logits differ: \S+ where"
    ):
        check_folder(linked, eleven[0])


@torch.no_grad()
def test_one_weight_that_is_not_the_models_is_seen_in_each(eleven, folder):
    other = copy.deepcopy(eleven[0])
    other.features[0].weight[5, 1, 1, 1] += 0.05
    other.save_pretrained(folder)
    for name in LOADERS:
        with pytest.raises(ParityError, match=rf"^{name} \S+ opens the saved folder, but its logits differ: \S+ where"):
            judge(name, folder, eleven[0])


def test_classes_without_names_have_none_to_compare(folder):
    """transformers takes a thousand of them for ImageNet's; timm has no names."""
    model = VGG(depth=11, batch_norm=False, num_classes=1000, input_size=32).eval()
    model.save_pretrained(folder)
    for name in ("timm", "transformers"):
        result = judge(name, folder, model)
        assert (result.outcome, result.labels) == ("equal", None)


@torch.no_grad()
def test_a_full_net_at_224_pixels_and_the_pipelines_probabilities(hub, folder, tmp_path):
    from transformers import pipeline

    model = standard_net(11, True)
    model.save_pretrained(folder, dtype="float16")
    receipt = check_folder(folder, model)
    assert [(loader.name, loader.outcome) for loader in receipt.loaders] == [(name, "equal") for name in LOADERS]
    assert max(loader.logits for loader in receipt.loaders) <= 1e-4
    assert receipt.saved_as == "float16"
    assert 0 < receipt.rounding["logits"] < 0.05 < 1 < receipt.rounding["spread"]
    assert all(re.fullmatch(r"\d+\.\d+\S*", loader.version) for loader in receipt.loaders)
    picture = tmp_path / "photo.png"
    smooth_picture(300, 200).save(picture)
    ours = Classifier(model, device="cpu", precision="float32")([picture])[0]
    answers = pipeline("image-classification", model=str(folder), device="cpu")(str(picture))
    assert answers[0]["label"] == ours.label
    assert {row["label"]: row["score"] for row in answers} == pytest.approx(ours.scores, abs=0.01)
    assert max(ours.scores.values()) > 0.4, "an answer, not a tie of all"
    assert hub.log == []
