import importlib
import os
import subprocess
import sys

import pytest

from vgg_hub import _spin


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "30000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "active"}, None),
    ],
)
def test_threads_wait_busily_for_a_short_time_unless_the_environment_says_otherwise(monkeypatch, given, expected):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "environ", os.environ.copy())  # what the module adds goes with it
    importlib.reload(_spin)
    assert os.environ.get("GOMP_SPINCOUNT") == expected


@pytest.mark.slow
def test_it_is_said_before_torch_starts():
    seen = "import sys, vgg_hub; names = list(sys.modules); print(names.index('vgg_hub._spin') < names.index('torch'))"
    run = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"
