"""A model's folder: the exact files, whole or not at all, and each way a file can be wrong."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.toys import contents, saved, smooth_batch, tiny_vgg
from vgg_hub import VGG, VGGConfig, folder
from vgg_hub.errors import CheckpointError

FILES = ["README.md", "config.json", "model.safetensors"]
ROOT = Path(__file__).parents[1]


def test_the_folder_holds_three_files_that_others_may_read(tmp_path):
    umask = os.umask(0o022)
    try:
        saved(tmp_path / "a" / "b" / "m")
    finally:
        os.umask(umask)
    assert sorted(os.listdir(tmp_path / "a" / "b" / "m")) == FILES
    assert os.listdir(tmp_path / "a" / "b") == ["m"]
    for name in FILES:
        assert stat.S_IMODE((tmp_path / "a" / "b" / "m" / name).stat().st_mode) == 0o644, name
    assert stat.S_IMODE((tmp_path / "a" / "b" / "m").stat().st_mode) == 0o755


@pytest.mark.parametrize("hidden", [0, 6])
@torch.no_grad()
def test_round_trip_of_every_tensor(tmp_path, hidden):
    model = saved(tmp_path / "m", hidden_features=hidden, seed=5)
    again = VGG.from_pretrained(tmp_path / "m")
    assert not again.training
    assert again.config == model.config
    state = model.state_dict()
    assert list(again.state_dict()) == list(state)
    for key, tensor in again.state_dict().items():
        assert tensor.dtype == state[key].dtype
        assert torch.equal(tensor, state[key]), key
    x = smooth_batch(2, 32)
    assert torch.equal(again(x), model(x))
    again.save_pretrained(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "m")


def test_saving_again_replaces_our_files_and_keeps_the_others(tmp_path):
    path = tmp_path / "m"
    saved(path, seed=1)
    (path / "notes.txt").write_text("mine")
    (path / "photos").mkdir()
    (path / "photos" / "a.jpg").write_bytes(b"jpg")
    (path / "photos" / "README.md").write_text("not ours: it lies deeper")
    (path / "latest").symlink_to("notes.txt")
    old = contents(path)
    model = saved(path, seed=2)
    new = contents(path)
    assert {name for name in new if new[name] == old.get(name)} >= {"notes.txt", "photos/a.jpg", "photos/README.md"}
    assert (path / "latest").readlink() == Path("notes.txt")
    assert torch.equal(VGG.from_pretrained(path).head.weight, model.head.weight)
    assert old["model.safetensors"] != new["model.safetensors"]
    assert os.listdir(tmp_path) == ["m"]


def test_without_hard_links_and_without_the_exchange_it_still_works(tmp_path, monkeypatch):
    def refuse(*_args: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(folder.ctypes, "CDLL", lambda *_a, **_k: object())
    saved(tmp_path / "m", seed=1)
    (tmp_path / "m" / "notes.txt").write_text("mine")
    model = saved(tmp_path / "m", seed=2)
    assert sorted(os.listdir(tmp_path / "m")) == sorted([*FILES, "notes.txt"])
    assert os.listdir(tmp_path) == ["m"]
    assert torch.equal(VGG.from_pretrained(tmp_path / "m").head.weight, model.head.weight)


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    saved(tmp_path / "real", seed=1)
    (tmp_path / "link").symlink_to("real")
    model = saved(tmp_path / "link", seed=2)
    assert (tmp_path / "link").is_symlink()
    assert torch.equal(VGG.from_pretrained(tmp_path / "real").head.weight, model.head.weight)
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


def test_the_folder_one_is_in_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "in" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "in" / "here")
    for place, shown in ((".", "here"), ("..", "in"), (tmp_path, tmp_path.name)):
        with pytest.raises(
            CheckpointError, match=rf"^{shown} is the folder you are in, or one around it; name a folder"
        ):
            tiny_vgg().save_pretrained(place)
    assert os.listdir(tmp_path / "in" / "here") == []
    assert os.listdir(tmp_path) == ["in"]


def test_a_name_as_long_as_a_name_may_be(tmp_path):
    tiny_vgg().save_pretrained(tmp_path / ("🐱" * 63))
    assert os.listdir(tmp_path) == ["🐱" * 63]


def test_a_file_in_the_place_or_above_it_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match=r"^file is a file; name a folder to save the model in\.$"):
        tiny_vgg().save_pretrained(tmp_path / "file")
    with pytest.raises(CheckpointError, match=r"^m was not saved: .*; choose a place that can be written to\.$"):
        tiny_vgg().save_pretrained(tmp_path / "file" / "m")
    with pytest.raises(CheckpointError, match=r"was not saved: File name too long; choose a place"):
        tiny_vgg().save_pretrained(tmp_path / ("x" * 300))
    assert contents(tmp_path) == {"file": b"x"}
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(("name", "bytes_each"), [("float16", 2), ("bfloat16", 2), ("float32", 4)])
def test_a_smaller_type_on_disk(tmp_path, name, bytes_each):
    model = tiny_vgg()
    model.save_pretrained(tmp_path / "m", dtype=name)
    on_disk = load_file(tmp_path / "m" / "model.safetensors")
    kind = getattr(torch, name)
    assert all(t.dtype == (kind if t.is_floating_point() else torch.int64) for t in on_disk.values())
    numbers = sum(t.numel() for t in on_disk.values() if t.is_floating_point())
    assert sum(t.nbytes for t in on_disk.values() if t.is_floating_point()) == numbers * bytes_each
    again = VGG.from_pretrained(tmp_path / "m")
    for key, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], tensor.to(kind).to(tensor.dtype) if tensor.ndim else tensor)
    assert model.head.weight.dtype == again.head.weight.dtype == torch.float32
    assert VGG.from_pretrained(tmp_path / "m", dtype=None).head.weight.dtype == kind
    assert VGG.from_pretrained(tmp_path / "m", dtype=torch.float64).head.weight.dtype == torch.float64


def test_numbers_that_a_smaller_type_cannot_hold_are_not_turned_into_infinity(tmp_path):
    model = tiny_vgg()
    model.features[1].running_var[3] = 1e6
    message = r"^features\.1\.running_var holds numbers above 65504, too large for float16; save it as bfloat16\.$"
    with pytest.raises(CheckpointError, match=message):
        model.save_pretrained(tmp_path / "m", dtype="float16")
    assert os.listdir(tmp_path) == []
    model.save_pretrained(tmp_path / "m", dtype="bfloat16")
    with pytest.raises(CheckpointError, match=r"^dtype is 'int8'; expected one of float32, float16, bfloat16\.$"):
        model.save_pretrained(tmp_path / "m", dtype="int8")


def test_a_dtype_is_given_by_its_name_or_as_torchs_both_ways(tmp_path):
    model = tiny_vgg()
    model.save_pretrained(tmp_path / "m", dtype=torch.float16)
    assert VGG.from_pretrained(tmp_path / "m", dtype=None).head.weight.dtype == torch.float16
    assert VGG.from_pretrained(tmp_path / "m", dtype="bfloat16").head.weight.dtype == torch.bfloat16
    for dtype, shown in (("half", "'half'"), (torch.int8, "torch.int8"), ([16], r"\[16\]")):
        for use in (VGG.from_pretrained, model.save_pretrained):
            with pytest.raises(
                CheckpointError, match=rf"^dtype is {shown}; expected one of float32, float16, bfloat16\.$"
            ):
                use(tmp_path / "m", dtype=dtype)


def test_a_config_that_is_frozen_is_what_is_written(tmp_path):
    """Swap the head, save, reload: the new labels, equal logits."""
    model = tiny_vgg().replace_head(["cat", "dog", "eel"])
    model.save_pretrained(tmp_path / "m")
    again = VGG.from_pretrained(tmp_path / "m")
    assert again.config == model.config
    assert isinstance(again.config, VGGConfig)
    assert again.config.label_names == ("cat", "dog", "eel")
    x = smooth_batch(2, 32)
    assert torch.equal(again(x), model(x))
