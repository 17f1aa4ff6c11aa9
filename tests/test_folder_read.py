"""Each way in which a model's folder can be wrong, named by the file."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.toys import saved
from vgg_hub import VGG
from vgg_hub.errors import CheckpointError


def rewritten(path: Path, change) -> Path:
    saved(path)
    file = path / "model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    return path


DIFFERS = r"^model\.safetensors of m does not hold the tensors that its config\.json describes; "
WRONG_TENSORS = [
    (lambda t: t.pop("head.fc.bias"), DIFFERS + r"1 missing: head\.fc\.bias\.$"),
    (lambda t: [t.pop(k) for k in list(t) if k.startswith("head.")], DIFFERS + r"2 missing: "),
    (lambda t: t.update(extra=torch.zeros(1)), DIFFERS + r"1 not expected: extra\.$"),
    (
        lambda t: t.update({"head.fc.weight": torch.zeros(3, 16)}),
        DIFFERS + r"1 of another shape: head\.fc\.weight is \[3, 16\], expected \[2, 16\]\.$",
    ),
    (
        lambda t: (t.pop("features.0.weight"), t.update(foreign=torch.zeros(1), b=torch.zeros(1))),
        DIFFERS + r"1 missing: features\.0\.weight; 2 not expected: b, foreign\.$",
    ),
    (
        lambda t: t.clear(),
        DIFFERS + r"16 missing: features\.0\.weight, features\.0\.bias, features\.1\.weight, \.\.\.\.$",
    ),
    (
        lambda t: t.update({"head.fc.weight": torch.zeros(2, 16, dtype=torch.int64)}),
        r"^model\.safetensors of m: head\.fc\.weight has the type torch\.int64; expected floats\.$",
    ),
    (
        lambda t: t.update({"features.1.num_batches_tracked": torch.tensor(0.5)}),
        r"^model\.safetensors of m: features\.1\.num_batches_tracked has the type torch\.float32; expected whole numbers",
    ),
]


@pytest.mark.parametrize(("change", "message"), WRONG_TENSORS)
def test_what_the_file_lacks_or_has_too_much_is_listed(tmp_path, change, message):
    path = rewritten(tmp_path / "m", change)
    with pytest.raises(CheckpointError, match=message):
        VGG.from_pretrained(path)


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


def entry(shape: list[int], end: int) -> bytes:
    return json.dumps({"head.fc.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}).encode()


BAD_FILES = {
    "empty": lambda whole: b"",
    "cut in the header": lambda whole: whole[:40],
    "cut in the data": lambda whole: whole[:-100],
    "longer than it says": lambda whole: whole + b"\0" * 8,
    "a text": lambda whole: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
    "a pickle": lambda whole: b"\x80\x04K\x01." + b"\0" * 100,
    "a header of 2^63 bytes": lambda whole: header(b"{}", 2**63 - 1),
    "a header of 99 GB": lambda whole: header(b"{}", 99 * 10**9),
    "a shape that its bytes do not fill": lambda whole: header(entry([2, 16], 4)) + b"\0" * 4,
    "offsets beyond the end": lambda whole: header(entry([10**6, 10**6], 4 * 10**12)) + b"\0" * 64,
    "a size that overflows": lambda whole: header(entry([2**40, 2**40], 4)) + b"\0" * 4,
    "negative offsets": lambda whole: header(entry([2, 16], -4)) + b"\0" * 64,
    "a header nested deep": lambda whole: header(b'{"a":' + b"[" * 100_000),
    "a header that is no UTF-8": lambda whole: header(b"\xff" * 16),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_is_not_whole_safetensors_is_refused(tmp_path, kind):
    saved(tmp_path / "m")
    file = tmp_path / "m" / "model.safetensors"
    file.write_bytes(BAD_FILES[kind](file.read_bytes()))
    message = (
        r"^model\.safetensors of m cannot be read \(.*\); it is cut short or not safetensors: fetch or save it again"
    )
    with pytest.raises(CheckpointError, match=message) as caught:
        VGG.from_pretrained(tmp_path / "m")
    assert "\n" not in str(caught.value)


def test_only_a_pickle_is_not_read(tmp_path):
    saved(tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"^m has no model\.safetensors; ask its owner for a safetensors file\.$"):
        VGG.from_pretrained(tmp_path / "m")
    (tmp_path / "m" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    message = (
        r"^m has no model\.safetensors \(only pytorch_model\.bin, which can run code when opened, so it is not read\);"
    )
    with pytest.raises(CheckpointError, match=message):
        VGG.from_pretrained(tmp_path / "m")


def test_no_config(tmp_path):
    saved(tmp_path / "m")
    (tmp_path / "m" / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"^m has no config\.json; give a folder that `save_pretrained` wrote"):
        VGG.from_pretrained(tmp_path / "m")


def test_a_folder_of_another_model_is_said_to_be_one(tmp_path):
    saved(tmp_path / "m", layers=[8, "M", 12, "M"])
    saved(tmp_path / "other")
    os.replace(tmp_path / "other" / "model.safetensors", tmp_path / "m" / "model.safetensors")
    with pytest.raises(
        CheckpointError, match=DIFFERS + r"7 of another shape: features\.4\.weight is \[16, 8, 3, 3\], exp"
    ):
        VGG.from_pretrained(tmp_path / "m")
