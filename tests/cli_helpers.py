"""What the tests of the command share; the fixtures among it are imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.toys import textures, tiny_vgg
from vgg_hub.cli import main

__all__ = ["ENGINE", "error_of", "left_behind", "photos", "run", "start", "teach"]

ENGINE = sys.modules["vgg_hub.finetune"]  # the package's attribute of this name is the function


@pytest.fixture
def start(tmp_path):
    """A folder to start from."""
    tiny_vgg().save_pretrained(tmp_path / "start")
    return tmp_path / "start"


@pytest.fixture
def photos(tmp_path):
    """A folder of photos of two classes, eight each."""
    for label, pictures in textures(8).items():
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for number, picture in enumerate(pictures):
            picture.save(folder / f"{label} {number}.png")
    return tmp_path / "photos"


@pytest.fixture
def run(capsys):
    """Run the command here; gives its exit status, standard output and standard error."""

    def command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def teach(run, start, photos, tmp_path):
    """`vgg-hub finetune` on the toys; more arguments may follow."""

    def command(*arguments: object, source: Path = photos) -> tuple[int, str, str]:
        return run("finetune", source, "--out", tmp_path / "out", "--weights", start, *arguments)

    return command


def error_of(outcome: tuple[int, str, str]) -> str:
    """The sentence of a command that failed as it should: status 1, nothing on standard output, one line."""
    status, out, err = outcome
    assert (status, out) == (1, "")
    assert err.startswith("vgg-hub: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err.removeprefix("vgg-hub: ").rstrip("\n")


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]
