"""ONNX files: equal answers in onnxruntime, what stands in them, and nothing left of one that failed."""

from __future__ import annotations

import importlib.util
import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from tests.toys import smooth_batch, smooth_picture, tiny_vgg
from vgg_hub import VGG, __version__, onnx_export
from vgg_hub.errors import CheckpointError
from vgg_hub.onnx_export import OPSET, export_onnx
from vgg_hub.preprocess import preprocess


def answers(file: Path, pixels: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"pixels": pixels.numpy()})[0])


def exported(model: VGG, file: Path) -> Path:
    assert export_onnx(model, file) < 1e-5
    return file


NETS = {
    "batch norm, hidden layers, uneven pooling": {"hidden_features": 12, "pool_size": 3},
    "no batch norm, one pooling": {"batch_norm": False},
    "a map smaller than the pooling, grey": {"pool_size": 7, "in_channels": 1, "input_size": 20},
    "the textbook's depth": {"layers": (), "depth": 11, "width": 0.05, "pool_size": 7, "hidden_features": 8, "input_size": 64},
}  # fmt: skip


@pytest.mark.parametrize("fields", NETS.values(), ids=NETS)
@torch.no_grad()
def test_onnxruntime_answers_as_the_model_does_at_any_batch(tmp_path, fields, capfd):
    model = tiny_vgg(**fields)
    file = exported(model, tmp_path / "m.onnx")
    assert capfd.readouterr() == ("", "")
    for batch in (1, 2, 5):
        x = smooth_batch(batch, model.config.input_size, seed=batch, channels=model.config.in_channels)
        expected = model(x)
        assert (answers(file, x) - expected).abs().max() < 1e-4
        assert expected.std() > 1e-3
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


@pytest.mark.slow
@torch.no_grad()
def test_onnxruntime_answers_as_a_full_vgg11_bn_does(tmp_path):
    model = VGG(depth=11, num_classes=7).eval()
    torch.nn.init.normal_(model.head.weight, 0, 0.1)
    file = exported(model, tmp_path / "m.onnx")
    x = smooth_batch(2, 224)
    expected = model(x)
    assert expected.std() > 0.1
    assert (answers(file, x) - expected).abs().max() < 1e-4


def test_what_stands_in_the_file(tmp_path):
    model = tiny_vgg(label_names=("고양이", "dog"), crop_pct=0.9, interpolation="bicubic", mean=(0.5, 0.4, 0.3))
    file = exported(model, tmp_path / "m.onnx")
    found = onnx.load(file)
    onnx.checker.check_model(found, full_check=True)
    assert [(opset.domain, opset.version) for opset in found.opset_import] == [("", OPSET)]
    assert (found.producer_name, found.producer_version) == ("vgg-hub", __version__)
    assert [onnx.helper.printable_value_info(value) for value in (*found.graph.input, *found.graph.output)] == [
        "%pixels[FLOAT, batchx3x32x32]",
        "%logits[FLOAT, batchx2]",
    ]
    facts = onnxruntime.InferenceSession(file).get_modelmeta().custom_metadata_map
    assert set(facts) == {"labels", "preprocessing"}
    assert json.loads(facts["labels"]) == ["고양이", "dog"]
    assert json.loads(facts["preprocessing"]) == {
        "input_size": [3, 32, 32],
        "resize": 35,
        "crop_pct": 0.9,
        "crop_mode": "center",
        "interpolation": "bicubic",
        "mean": [0.5, 0.4, 0.3],
        "std": [0.229, 0.224, 0.225],
    }


@torch.no_grad()
def test_the_preprocessing_in_the_file_is_enough_for_a_picture(tmp_path):
    """By the words of the module alone, with Pillow and NumPy."""
    model = tiny_vgg(label_names=("cat", "dog"), std=(0.2, 0.3, 0.4))
    file = exported(model, tmp_path / "m.onnx")
    picture = smooth_picture(61, 47)
    facts = json.loads(onnxruntime.InferenceSession(file).get_modelmeta().custom_metadata_map["preprocessing"])
    side, short = facts["input_size"][1], facts["resize"]
    wide = picture.resize((int(short * picture.width / picture.height), short), {"bilinear": 2}[facts["interpolation"]])
    left, top = round((wide.width - side) / 2), round((wide.height - side) / 2)
    pixels = np.asarray(wide.crop((left, top, left + side, top + side)), dtype=np.float32) / 255
    pixels = ((pixels - np.float32(facts["mean"])) / np.float32(facts["std"])).transpose(2, 0, 1)[None]
    expected = model(preprocess(picture, model.config)[None])
    assert (answers(file, torch.from_numpy(pixels)) - expected).abs().max() < 1e-5


def test_nothing_of_this_machine_stands_in_the_file(tmp_path):
    data = exported(tiny_vgg(), tmp_path / "m.onnx").read_bytes()
    for trace in (str(Path.cwd()), torch.__path__[0], ".py", "stack_trace", "torch.nn"):
        assert trace.encode() not in data


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@torch.no_grad()
def test_the_model_stays_as_it_was_and_half_is_written_in_full(tmp_path, dtype):
    model = tiny_vgg(hidden_features=6).to(dtype).train()
    model.features[0].weight.requires_grad_(False)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    pointers = [tensor.data_ptr() for tensor in model.state_dict().values()]
    file = exported(model, tmp_path / "m.onnx")
    assert model.training
    assert [tensor.data_ptr() for tensor in model.state_dict().values()] == pointers
    assert all(t.dtype == before[key].dtype and torch.equal(t, before[key]) for key, t in model.state_dict().items())
    assert [p.requires_grad for p in model.parameters()] == [False] + [True] * (len(list(model.parameters())) - 1)
    x = smooth_batch(3, 32)
    assert (answers(file, x) - model.eval().float()(x)).abs().max() < 1e-4


def test_an_old_file_is_replaced_and_folders_are_made(tmp_path):
    file = tmp_path / "new" / "m.onnx"
    exported(tiny_vgg(), file)
    old = file.read_bytes()
    exported(tiny_vgg(seed=1), file)
    assert file.read_bytes() != old
    assert [path.name for path in file.parent.iterdir()] == ["m.onnx"]


def refused(tmp_path: Path, message: str, file: Path | None = None) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        export_onnx(tiny_vgg(), file or tmp_path / "m.onnx")
    assert "\n" not in str(caught.value)
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "m.onnx"))]


def test_what_fails_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    refused(tmp_path, r"^\S+ is a folder; name a file to write\.$", tmp_path)
    refused(tmp_path, r"^m\.onnx was not saved: (File exists|Not a directory); choose a", tmp_path / "file" / "m.onnx")
    save = torch.onnx.ONNXProgram.save

    def full(self, destination, **options):
        save(self, destination, **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch.onnx.ONNXProgram, "save", full)
    refused(tmp_path, r"^The disk is full: m\.onnx was not saved; free some space and save again\.$")


def test_a_file_that_answers_differently_is_not_kept(tmp_path, monkeypatch):
    program = onnx_export._program

    def other(model):
        return program(VGG(replace(model.config), init_weights=True).eval())

    monkeypatch.setattr(onnx_export, "_program", other)
    refused(
        tmp_path, r"^m\.onnx was not saved: onnxruntime's answers differ from the model's by [\d.]+, expected at most"
    )


def test_packages_that_are_missing_are_named(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name.startswith("onnx") else find(name))
    message = r"^ONNX export needs onnx, onnxscript, onnxruntime, not installed here: pip install onnx onnxscript onnxruntime$"
    refused(tmp_path, message)


def test_a_net_larger_than_a_file_can_be_is_refused_before_work(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "MAX_BYTES", 1000)
    refused(tmp_path, r"^The model has 0\.0 GB of weights; an ONNX file holds 2 GB at most\.$")


def test_nothing_is_logged(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        exported(tiny_vgg(), tmp_path / "m.onnx")
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
