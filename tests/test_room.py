"""Memory up to a bound, then a file; what is kept there gives the very same answers."""

from __future__ import annotations

import errno
import os
import tempfile

import numpy as np
import pytest
import torch

from tests.scene_pictures import burst, scene
from tests.toys import stripes_net, textures
from vgg_hub import cache as cache_module
from vgg_hub import finetune
from vgg_hub import near_duplicates as near_module
from vgg_hub.errors import FinetuneError
from vgg_hub.room import room_for

DTYPES = [torch.float32, torch.float16, torch.uint8]


@pytest.fixture
def mapped(monkeypatch, tmp_path):
    """The files that were mapped."""
    found = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(np, "memmap", lambda *a, original=np.memmap, **k: found.append(original(*a, **k)) or found[-1])
    yield found
    assert list(tmp_path.glob("vgg-hub-*")) == [], "the file has no name, so a crash leaves nothing behind either"


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_byte_too_many_goes_to_a_file(mapped, dtype):
    size = 3 * 5 * dtype.itemsize
    for most, files in [(size, 0), (size - 1, 1)]:
        room = room_for((3, 5), dtype, most)
        assert (room.dtype, room.shape, len(mapped)) == (dtype, (3, 5), files)
        room[:] = torch.arange(15).reshape(3, 5)
        assert room[1].tolist() == [5, 6, 7, 8, 9]


def test_no_room_is_a_sentence(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    message = (
        rf"^The cache needs 1\.2 GB in {tmp_path}, which has no room for it \(No space left on device\); make room,"
    )
    with pytest.raises(FinetuneError, match=message):
        room_for((300_000, 1000), torch.float32, 1_000_000_000)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_keeps_nothing_in_memory_is_the_same_to_the_bit(monkeypatch, mapped):
    task = textures(6)
    photos = {"a": [*task["fine"], *burst(3, 3)], "b": [*task["broad"], scene(9), scene(9).reduce(2), task["broad"][0]]}

    def taught():
        *_, last = finetune(stripes_net(), photos, device="cpu")
        return last

    expected = taught()
    assert not mapped
    monkeypatch.setattr(cache_module, "CACHE_BYTES", 0)
    monkeypatch.setattr(cache_module, "THUMBNAIL_BYTES", 0)
    monkeypatch.setattr(near_module, "CROPS_BYTES", 0)
    found = taught()
    assert len(mapped) == 3
    assert found.report.scenes == expected.report.scenes == {"a": 7, "b": 7}
    assert found.report.head_sha256 == expected.report.head_sha256
    assert found.report.predictions == expected.report.predictions
    assert found.report.warnings == expected.report.warnings
