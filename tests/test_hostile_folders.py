"""Folders made to deceive: each is refused by name, in no time and in no memory beyond the file."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.toys import run_python, saved, tiny_vgg
from vgg_hub import VGG
from vgg_hub.errors import CheckpointError

CONFIG, WEIGHTS = "config.json", "model.safetensors"
HEAD = ("head.fc.weight", "head.fc.bias")


def write_raw(file: Path, header: str, data: bytes) -> None:
    text = header.encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)


def header_and_data(file: Path) -> tuple[dict[str, dict], bytes]:
    whole = file.read_bytes()
    end = 8 + struct.unpack("<Q", whole[:8])[0]
    return json.loads(whole[8:end]), whole[end:]


def lying(change):
    """Change a true header, as parsed, and write it back before the true data."""

    def write(folder: Path) -> None:
        header, data = header_and_data(folder / WEIGHTS)
        change(header)
        write_raw(folder / WEIGHTS, json.dumps(header), data)

    return write


def twice(folder: Path) -> None:
    header, data = header_and_data(folder / WEIGHTS)
    other = json.dumps({**header["head.fc.weight"], "shape": [16, 2]})
    write_raw(folder / WEIGHTS, json.dumps(header)[:-1] + f', "head.fc.weight": {other}}}', data)


def huge_names(folder: Path) -> None:
    header, data = header_and_data(folder / WEIGHTS)
    header["n\n" * 500_000] = header.pop("head.fc.bias")
    write_raw(folder / WEIGHTS, json.dumps(header), data)


def reshaped(**shapes: list[int]):
    return lying(lambda header: [header[key.replace("__", ".")].update(shape=s) for key, s in shapes.items()])


def tensors(change):
    def write(folder: Path) -> None:
        found = load_file(folder / WEIGHTS)
        change(found)
        save_file(found, folder / WEIGHTS)

    return write


def config(**changes: object):
    """Set keys of `vgg_hub` in config.json."""

    def write(folder: Path) -> None:
        document = json.loads((folder / CONFIG).read_text())
        document["vgg_hub"] |= changes
        (folder / CONFIG).write_text(json.dumps(document))

    return write


def only_a_pickle(folder: Path) -> None:
    torch.save(tiny_vgg().state_dict(), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def as_eighths(found: dict[str, torch.Tensor]) -> None:
    found["head.fc.weight"] = found["head.fc.weight"].to(torch.float8_e4m3fn)


def as_quarters(header: dict[str, dict]) -> None:
    start = header["head.fc.bias"]["data_offsets"][0]
    header["head.fc.bias"] |= {"dtype": "F4", "shape": [2 * 8]}  # sixteen half bytes: the same eight bytes
    assert header["head.fc.bias"]["data_offsets"] == [start, start + 8]


UNREAD = r"model\.safetensors of m cannot be read \(.*\); it is cut short or not safetensors"
DIFFERS = r"model\.safetensors of m does not hold the tensors that its config\.json describes; "
HOSTILE = {
    "no head": (tensors(lambda t: [t.pop(key) for key in HEAD]), DIFFERS + r"2 missing: classifier\.0\.weight, cl"),
    "another head": (tensors(lambda t: [t.update({f"fc.{k[8:]}": t.pop(k)}) for k in HEAD]), DIFFERS + "2 missing: .*; 2 not"),
    "every layout at once": (tensors(lambda t: t.update({"classifier.0.bias": torch.zeros(2)})), DIFFERS + "1 not expected: cl"),
    "a head of another size": (reshaped(head__fc__weight=[1, 32]), DIFFERS + r"1 of another shape: head\.fc\.weight is \[1, "),
    "a shape that its bytes fill in no way": (reshaped(head__fc__weight=[2, 17]), UNREAD),
    "a shape of many ones": (reshaped(head__fc__weight=[2, 16] + [1] * 1000), DIFFERS + "1 of another shape"),
    "an empty tensor of a great shape": (
        lying(lambda h: h.update(x={"dtype": "F32", "shape": [0, 2**62], "data_offsets": [0, 0]})),
        DIFFERS + r"1 not expected: x\.$",
    ),
    "one name twice": (twice, DIFFERS + r"1 of another shape: head\.fc\.weight is \[16, 2\]"),
    "a name of a megabyte": (huge_names, DIFFERS + r"1 missing: head\.fc\.bias; 1 not expected: (n\?){100}\.$"),
    "two tensors in one place": (
        lying(lambda h: h["head.fc.bias"].update(data_offsets=h["features.0.bias"]["data_offsets"], shape=[8])),
        UNREAD,
    ),
    "tensors that overlap": (
        lying(lambda h: h["head.fc.weight"].update(data_offsets=[o - 4 for o in h["head.fc.weight"]["data_offsets"]])),
        UNREAD,
    ),
    "offsets past the end": (
        lying(lambda h: h["head.fc.weight"].update(data_offsets=[10**12, 10**12 + 128])),
        UNREAD,
    ),
    "an end before its start": (lying(lambda h: h["head.fc.weight"]["data_offsets"].reverse()), UNREAD),
    "a type of twice the size": (lying(lambda h: h["head.fc.bias"].update(dtype="F64")), UNREAD),
    "a type that there is not": (lying(lambda h: h["head.fc.bias"].update(dtype="F128")), UNREAD),
    "a type that would turn the line round": (
        lying(lambda h: h["head.fc.bias"].update(dtype="\u202eF32\n")),
        r"cannot be read \(.*unknown variant `\?F32\?`.*\); it is cut short or not safetensors",
    ),
    "whole numbers for floats": (
        lying(lambda h: h["head.fc.bias"].update(dtype="I32")),
        r"model\.safetensors of m: head\.fc\.bias has the type torch\.int32; expected floats\.$",
    ),
    "complex numbers for a count": (
        lying(lambda h: h["features.1.num_batches_tracked"].update(dtype="C64")),
        r": features\.1\.num_batches_tracked has the type torch\.complex64; expected whole numbers\.$",
    ),
    "floats of eight bits": (
        tensors(as_eighths),
        r": head\.fc\.weight has the type torch\.float8_e4m3fn; expected floats of 16, 32 or 64 bits\.$",
    ),
    "floats of four bits": (lying(as_quarters), DIFFERS + r"1 of another shape: head\.fc\.bias is \[16\], expected \[2\]\.$"),
    "metadata that is no text": (lying(lambda h: h.update(__metadata__={"x": 1})), UNREAD),
    "cut in the middle": (lambda f: os.truncate(f / WEIGHTS, os.path.getsize(f / WEIGHTS) // 2), UNREAD),
    "a header of 2^63 bytes": (lambda f: (f / WEIGHTS).write_bytes(struct.pack("<Q", 2**63) + b"{}"), UNREAD),
    "only a pickle": (only_a_pickle, r"m has no model\.safetensors \(only pytorch_model\.bin, which can run code when"),
    "no config": (lambda f: (f / CONFIG).unlink(), r"m has no config\.json; give a folder that"),
    "a broken config": (lambda f: (f / CONFIG).write_text('{"vgg_hub": {'), r"config\.json of m is not valid JSON"),
    "a config without end": (lambda f: swap(f / CONFIG, "/dev/zero"), r"config\.json of m is not a plain file; put the"),
    "weights without end": (lambda f: swap(f / WEIGHTS, "/dev/zero"), r"m has no model\.safetensors; ask its owner"),
    "a thousand layers of 65536 channels": (config(layers=[65_536] * 1000), DIFFERS + "9?[0-9]+ missing: "),
    "hidden layers of 10^12 weights": (config(hidden_features=65_536, pool_size=64, layers=[65_536]), DIFFERS),
    "a thousand poolings": (config(layers=["M"] * 999 + [8]), r"config\.json of m cannot be used: input_size is 32; exp"),
}  # fmt: skip


def swap(file: Path, target: str) -> None:
    file.unlink()
    file.symlink_to(target)


@pytest.mark.parametrize(("harm", "message"), HOSTILE.values(), ids=HOSTILE)
def test_it_is_refused_by_name(tmp_path, harm, message):
    saved(tmp_path / "m")
    harm(tmp_path / "m")
    with pytest.raises(CheckpointError, match=message) as caught:
        VGG.from_pretrained(tmp_path / "m")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


MEASURE = """
    import resource, sys, time
    from pathlib import Path
    import torch
    from vgg_hub import VGG, VGGHubError

    def refused(path):
        started = time.process_time()
        try:
            VGG.from_pretrained(path)
        except VGGHubError:
            return time.process_time() - started

    refused(sys.argv[1])  # the first one loads what all of them need
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + 48_000_000, resource.RLIM_INFINITY))
    try:
        torch.empty(100_000_000, dtype=torch.uint8)
    except RuntimeError:
        print("limited")
    for path in sys.argv[1:]:
        print(refused(path))
"""


def test_none_of_them_takes_memory_or_time(tmp_path):
    """In a process that may not even ask for 48 MB more: the folders have some KB each, one of them a megabyte.

    Seconds of processor time; a thousand layers take the most, for 8000 tensors without memory are made and compared.
    """
    folders = []
    for number, (harm, _) in enumerate(HOSTILE.values()):
        folders.append(tmp_path / str(number) / "m")
        saved(folders[-1])
        harm(folders[-1])
    ran = run_python(MEASURE, *folders)
    assert (ran.returncode, ran.stderr) == (0, "")
    limited, *figures = ran.stdout.splitlines()
    assert limited == "limited"
    seconds = dict(zip(HOSTILE, map(float, figures), strict=True))
    assert {name: taken for name, taken in seconds.items() if taken > 10} == {}
