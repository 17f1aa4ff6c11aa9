"""The public face: version and names."""

from __future__ import annotations

import importlib
import pkgutil
import tomllib
from pathlib import Path

import pytest

import vgg_hub

ROOT = Path(vgg_hub.__file__).parents[1]
MODULES = sorted(info.name for info in pkgutil.walk_packages(vgg_hub.__path__, "vgg_hub."))


def test_the_public_names_are_those_of_the_design():
    assert set(vgg_hub.__all__) == {
        "VGG",
        "Classifier",
        "Prediction",
        "VGGConfig",
        "VGGHubError",
        "__version__",
        "finetune",
        "get_vgg_layers",
    }
    assert all(hasattr(vgg_hub, name) for name in vgg_hub.__all__)


def test_the_version_has_one_source():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "vgg_hub._version.__version__"}
    assert vgg_hub.__version__.count(".") == 2
    assert all(part.isdecimal() for part in vgg_hub.__version__.split("."))


def test_every_error_can_be_caught_by_the_base_class():
    from vgg_hub import errors

    for name in errors.__all__:
        assert issubclass(getattr(errors, name), vgg_hub.VGGHubError)


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_what_a_module_names_as_public_is_there(name):
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", [])
    assert len(set(exported)) == len(exported)
    assert [entry for entry in exported if not hasattr(module, entry)] == []
    assert module.__doc__ or name.endswith("_version"), "a module says what it is for"


def test_every_public_class_and_function_of_the_face_has_a_docstring():
    for name in vgg_hub.__all__:
        if name != "__version__":
            assert getattr(vgg_hub, name).__doc__, name
