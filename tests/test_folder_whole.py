"""Written whole or not at all: full disks, failures, interrupts and kills."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from tests.toys import contents, run_python, saved
from vgg_hub import VGG, folder
from vgg_hub.errors import CheckpointError

FILES = ["README.md", "config.json", "model.safetensors"]
ROOT = Path(__file__).parents[1]


def test_if_the_exchange_fails_everything_is_as_it_was(tmp_path, monkeypatch):
    saved(tmp_path / "m", seed=1)
    (tmp_path / "m" / "notes.txt").write_text("mine")
    before = contents(tmp_path)

    def refuse(*_args: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(folder, "_exchange", refuse)
    with pytest.raises(CheckpointError, match=r"^m was not saved: Device or resource busy; choose a place"):
        saved(tmp_path / "m", seed=2)
    assert contents(tmp_path) == before
    assert os.listdir(tmp_path) == ["m"]


def test_if_the_last_rename_fails_the_old_folder_is_put_back(tmp_path, monkeypatch):
    saved(tmp_path / "m", seed=1)
    before = contents(tmp_path / "m")
    real = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp" and target.name == "m":
            raise OSError(errno.EIO, "Input/output error")
        return real(self, target)

    monkeypatch.setattr(folder.ctypes, "CDLL", lambda *_a, **_k: object())  # a system without the exchange
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(CheckpointError, match=r"^m was not saved: Input/output error; choose a place"):
        saved(tmp_path / "m", seed=2)
    assert contents(tmp_path / "m") == before
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the exchange is three renames")
def test_a_reader_never_finds_the_folder_missing(tmp_path):
    place = tmp_path / "m"
    saved(place)
    done, found = threading.Event(), []

    def look() -> None:
        while not done.is_set():
            found.append(os.path.isdir(place))

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(30):
        saved(place)
    done.set()
    looking.join()
    assert len(found) > 30
    assert all(found)


FULL = [
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    OSError(errno.ENOSPC, "No space left on device"),
]


@pytest.mark.parametrize("error", FULL, ids=["safetensors", "system"])
@pytest.mark.parametrize("first_time", [True, False])
def test_a_full_disk_leaves_everything_as_it_was(tmp_path, monkeypatch, error, first_time):
    if not first_time:
        saved(tmp_path / "m", seed=1)
    before = contents(tmp_path)

    def half_written(_tensors: object, path: Path, **_options: object) -> None:
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(folder, "save_file", half_written)
    with pytest.raises(
        CheckpointError, match=r"^The disk is full: m was not saved; free some space and save again\.$"
    ) as caught:
        saved(tmp_path / "m", seed=2)
    assert caught.value.__cause__ is error
    assert contents(tmp_path) == before
    assert os.listdir(tmp_path) == ([] if first_time else ["m"])


def test_other_system_errors_are_said(tmp_path, monkeypatch):
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(folder, "save_file", refuse)
    with pytest.raises(CheckpointError, match=r"^m was not saved: Read-only file system; choose a place that can be"):
        saved(tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_an_interrupt_leaves_everything_as_it_was(tmp_path, monkeypatch):
    saved(tmp_path / "m", seed=1)
    before = contents(tmp_path)

    def interrupt(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "save_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        saved(tmp_path / "m", seed=2)
    assert contents(tmp_path) == before


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from tests.toys import run_python, saved, tiny_vgg
    from vgg_hub import folder

    write, place = folder.save_file, Path(sys.argv[1])

    def die(*, how=sys.argv[2]):
        os._exit(9) if how == "exit" else os.kill(os.getpid(), signal.SIGKILL)

    def half(tensors, path, **options):
        write(tensors, path, **options)
        os.truncate(path, 100)
        die()

    folder.save_file = half
    tiny_vgg(seed=2).save_pretrained(place)
"""


@pytest.mark.parametrize(("how", "status"), [("exit", 9), ("kill", -signal.SIGKILL)])
def test_killed_midway_the_old_folder_is_intact(tmp_path, how, status):
    model = saved(tmp_path / "m", seed=1)
    (tmp_path / "m" / "notes.txt").write_text("mine")
    before = contents(tmp_path / "m")
    assert run_python(KILLED, tmp_path / "m", how).returncode == status
    assert contents(tmp_path / "m") == before
    assert torch.equal(VGG.from_pretrained(tmp_path / "m").head.weight, model.head.weight)
    assert sorted(os.listdir(tmp_path))[-1] == "m", "a scrap under a hidden name may stay"


SAVING_ON_AND_ON = """
    import sys
    from tests.toys import run_python, saved, tiny_vgg

    models = [tiny_vgg(seed=seed) for seed in (1, 2)]
    models[0].save_pretrained(sys.argv[1])
    print("ready", flush=True)
    while True:
        for model in models:
            model.save_pretrained(sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.05, 0.11, 0.173, 0.31])
def test_killed_at_any_moment_the_folder_is_one_of_the_two(tmp_path, wait):
    place = tmp_path / "m"
    saved(tmp_path / "1", seed=1)
    saved(tmp_path / "2", seed=2)
    place.mkdir()
    (place / "notes.txt").write_text("mine")
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SAVING_ON_AND_ON), place], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(wait)
        process.kill()
    found = contents(place)
    assert found.pop("notes.txt") == b"mine"
    assert found in (contents(tmp_path / "1"), contents(tmp_path / "2"))
