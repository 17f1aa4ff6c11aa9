"""Opening a file of weights alone: how people save them, and files that are damaged or want to run code."""

from __future__ import annotations

import argparse
import io
import os
import random
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.toys import tiny_vgg
from vgg_hub.errors import CheckpointError, VGGHubError
from vgg_hub.layouts import to_disk
from vgg_hub.weights_file import read_weights_file

NARROW = {"hidden_features": 6, "pool_size": 2}


def torch_file(path: Path, content: object = None, **options: object) -> Path:
    torch.save(tiny_vgg(**NARROW).state_dict() if content is None else content, path, **options)
    return path


WRAPPED = {
    "under state_dict": lambda state: {"epoch": 3, "state_dict": state},
    "under model, twice": lambda state: {"model": {"model_state_dict": state}, "lr": 0.1},
    "of DataParallel": lambda state: {f"module.{key}": t for key, t in state.items()},
    "compiled, in a wrapper": lambda state: OrderedDict((f"_orig_mod.net.{key}", t) for key, t in state.items()),
    "with parameters": lambda state: {key: parameter(t) for key, t in state.items()},
    "in another order": lambda state: dict(sorted(state.items(), reverse=True)),
    "from before num_batches_tracked": lambda state: {k: t for k, t in state.items() if "tracked" not in k},
    "of timm": lambda state: to_disk(state, tiny_vgg(**NARROW).config),
}


def parameter(tensor: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(tensor, requires_grad=tensor.is_floating_point())


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_how_people_save_them(tmp_path, wrap):
    model = tiny_vgg(**NARROW)
    file = torch_file(tmp_path / "m.pth", wrap(model.state_dict()))
    found = read_weights_file(file)
    expected = {key: t for key, t in model.state_dict().items() if "tracked" not in key or key in found}
    assert set(found) == set(expected)
    assert all(torch.equal(found[key], tensor) for key, tensor in expected.items())
    assert not any(tensor.requires_grad for tensor in found.values())


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"model": {}, "args": argparse.Namespace(lr=1)}, r"argparse\.Namespace"),
        (nn.Linear(2, 2), r"torch\.nn\.modules\.linear\.Linear"),
    ],
)
def test_a_file_that_needs_code_is_not_opened(tmp_path, content, name):
    file = torch_file(tmp_path / "m.pth", content)
    message = rf"^m\.pth holds more than tensors \({name}\), which could run code when opened; where it can be trusted,"
    with pytest.raises(CheckpointError, match=message):
        read_weights_file(file)


def test_code_in_a_pickle_is_not_run(tmp_path):
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        file = torch_file(tmp_path / "m.pth", {"state_dict": Trap(tmp_path / "ran")}, **options)
        with pytest.raises(CheckpointError, match=r"^m\.pth holds more than tensors \(\w+\.system\)"):
            read_weights_file(file)
    assert not (tmp_path / "ran").exists()


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


def test_damage_is_found(tmp_path):
    file = torch_file(tmp_path / "m.pth")
    whole = file.read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        record = next(entry for entry in archive.infolist() if entry.filename.endswith("data/0"))
    place = whole.index(tiny_vgg(**NARROW).features[0].weight.detach().numpy().tobytes())
    assert record.file_size == 8 * 3 * 9 * 4
    flipped = bytearray(whole)
    flipped[place + 5] ^= 1
    file.write_bytes(flipped)
    with pytest.raises(
        CheckpointError, match=r"^m\.pth is damaged: m/data/0 in it has another checksum; fetch it again"
    ):
        read_weights_file(file)
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
    with pytest.raises(
        CheckpointError, match=r"^m\.pth was packed again, with compression; take what it was packed fr"
    ):
        read_weights_file(file)
    for content in (b"", b"PK\x03\x04", whole[:3000], whole[:-50], b"<html>", b"\x80\x02K\x01."):
        file.write_bytes(content)
        with pytest.raises(
            CheckpointError, match=r"^m\.pth (cannot be read as weights: it is cut|holds no state dict)"
        ):
            read_weights_file(file)


@pytest.mark.parametrize("old_format", [False, True])
def test_files_changed_at_random_give_a_model_or_our_error(tmp_path, old_format):
    file = torch_file(tmp_path / "m.pth", _use_new_zipfile_serialization=not old_format)
    whole, chance, refused = file.read_bytes(), random.Random(0), 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(min(len(data), 3000))] = chance.randrange(256)
        file.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        try:
            sentence = str(read_weights_file(file).keys())
        except VGGHubError as error:
            refused += 1
            sentence = str(error)
        assert sentence.startswith(("m.pth ", "m.pth: ", "dict_keys")), sentence
    assert refused > 75
