"""Tensor names on disk and in memory, ours against timm's and torchvision's own."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from timm.models._hub import save_for_hf
from torch.nn import functional as F

from tests.toys import smooth_batch, tiny_vgg
from vgg_hub import VGG
from vgg_hub.layouts import from_disk, is_timm_layout, shapes_on_disk, to_disk

HIDDEN = {
    "classifier.0": "pre_logits.fc1",
    "classifier.3": "pre_logits.fc2",
    "classifier.6": "head.fc",
}


@pytest.mark.parametrize("hidden", [0, 12])
def test_to_disk_is_a_rename_and_a_view_and_back(hidden):
    model = tiny_vgg(hidden_features=hidden, pool_size=3)
    state = model.state_dict()
    before = list(state)
    disk = to_disk(state, model.config)
    names = HIDDEN if hidden else {"classifier.0": "head.fc"}
    expected = [f"{names.get(m, m)}.{leaf}" for m, _, leaf in (key.rpartition(".") for key in before)]
    assert list(disk) == expected
    assert list(state) == before
    assert [t.data_ptr() for t in disk.values()] == [t.data_ptr() for t in state.values()]
    assert {k: tuple(t.shape) for k, t in disk.items()} == shapes_on_disk(state, model.config, timm_layout=True)
    back = from_disk(disk, state, model.config)
    assert list(back) == before
    assert all(torch.equal(back[key], state[key]) for key in before)


@torch.no_grad()
def test_the_hidden_layers_on_disk_are_timms_convolutions():
    """A 7x7 convolution over the pooled map, a 1x1 one, then a Linear: written with torch's functions."""
    model = tiny_vgg(hidden_features=12, pool_size=3)
    disk = to_disk(model.state_dict(), model.config)
    assert disk["pre_logits.fc1.weight"].shape == (12, 16, 3, 3)
    assert disk["pre_logits.fc2.weight"].shape == (12, 12, 1, 1)
    x = smooth_batch(3, 32)
    y = F.adaptive_avg_pool2d(model.features(x), 3)
    y = F.relu(F.conv2d(y, disk["pre_logits.fc1.weight"], disk["pre_logits.fc1.bias"]))
    y = F.relu(F.conv2d(y, disk["pre_logits.fc2.weight"], disk["pre_logits.fc2.bias"]))
    y = F.linear(y.flatten(1), disk["head.fc.weight"], disk["head.fc.bias"])
    torch.testing.assert_close(y, model(x), rtol=1e-5, atol=1e-6)


def test_the_layout_is_known_by_its_keys():
    model = tiny_vgg(hidden_features=4)
    assert is_timm_layout(to_disk(model.state_dict(), model.config))
    assert not is_timm_layout(model.state_dict())
    assert is_timm_layout({"head.fc.weight"})
    assert not is_timm_layout(set())


@pytest.mark.parametrize("hidden", [0, 12])
@torch.no_grad()
def test_a_file_with_torchvisions_names_opens_under_our_config(tmp_path, hidden):
    model = tiny_vgg(hidden_features=hidden)
    model.save_pretrained(tmp_path / "m")
    file = tmp_path / "m" / "model.safetensors"
    assert set(load_file(file)) == set(to_disk(model.state_dict(), model.config))
    save_file(dict(model.state_dict()), file)
    x = smooth_batch(2, 32)
    assert torch.equal(VGG.from_pretrained(tmp_path / "m")(x), model(x))


def compare_with_timm(name: str, side: int, **options: object) -> None:
    """timm writes, we open: equal logits. We write, timm opens: equal logits."""
    theirs = timm.create_model(name, pretrained=False, num_classes=7, **options).eval()
    torch.nn.init.normal_(theirs.head.fc.weight, 0, 0.1)  # a fresh head would give all nets the same answer
    pictures = smooth_batch(2, side, channels=options.get("in_chans", 3))
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        save_for_hf(theirs, folder, safe_serialization=True)
        ours = VGG.from_pretrained(folder)
        assert ours.config.name == name.replace("_bn", "-bn")
        expected = theirs(pictures)
        assert expected.std() > 0.1
        assert (ours(pictures) - expected).abs().max() < 1e-5
        if not options:
            del theirs
            ours.save_pretrained(Path(folder) / "again")
            again = timm.create_model(f"local-dir:{folder}/again", pretrained=True).eval()
            assert (again(pictures) - expected).abs().max() < 1e-5
            assert again.pretrained_cfg["crop_pct"] == ours.config.crop_pct


# timm reads a config.json without closing it.
UNCLOSED = pytest.mark.filterwarnings(
    "ignore:unclosed file:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


# All eight of timm's are opened in `test_foreign_folders`, and all eight of ours by timm in `test_parity_variants`.


@UNCLOSED
def test_timm_and_we_open_each_others_files():
    compare_with_timm("vgg11_bn", 224)


@UNCLOSED
@pytest.mark.slow
@pytest.mark.parametrize("side", [64, 255])
def test_timm_agrees_at_other_sizes_below_256(side):
    compare_with_timm("vgg11", side)


@UNCLOSED
@pytest.mark.slow
def test_a_grey_net_of_timms_opens():
    compare_with_timm("vgg11_bn", 224, in_chans=1)
