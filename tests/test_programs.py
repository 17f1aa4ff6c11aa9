"""What docs/programs.md says to programs, done as it says: its commands are run against a served page."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.page_helpers import draw_photos, tiny_page
from vgg_hub import VGG
from vgg_hub.ui import api

pytestmark = pytest.mark.slow

TEXT = (Path(__file__).parents[1] / "docs" / "programs.md").read_text(encoding="utf-8")
BASH, PYTHON = (re.search(rf"```{kind}\n(.*?)```", TEXT, re.S)[1] for kind in ("bash", "python"))
ADDRESS = "http://127.0.0.1:7860"
needs_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="no curl here")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with tiny_page(tmp_path_factory.mktemp("page")) as url:
        yield url


@pytest.fixture(scope="module")
def info(page):
    with urllib.request.urlopen(f"{page}/gradio_api/info", timeout=20) as reply:  # noqa: S310 (the page of this test)
        return json.load(reply)["named_endpoints"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The photos that the examples name."""
    place = tmp_path_factory.mktemp("work")
    for name, paths in zip(("cat", "dog"), draw_photos(place / "drawn", 4).values(), strict=True):
        for number, path in enumerate(paths, start=1):
            path.rename(place / f"{name}{number}.jpg")
    shutil.copy(place / "dog2.jpg", place / "photo.jpg")
    return place


def run(command, page, folder, *more):
    """What a shell prints that runs the examples' functions and then some lines more."""
    script = "\n".join([command.replace(ADDRESS, page), *more])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, cwd=folder, timeout=120,
        env=os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def answers(events):
    """The values of `complete` events, each a list of one."""
    return [json.loads(data)[0] for data in re.findall(r"^event: complete\ndata: (.*)$", events, re.M)]


@needs_curl
def test_the_curl_example_teaches_classifies_and_downloads(page, folder):
    events = run(BASH, page, folder)
    report, answer = answers(events)
    assert report["labels"] == ["cat", "dog"]
    assert report["counts"] == {"cat": 4, "dog": 4}
    assert sum(map(sum, report["validation"]["confusion"])) == report["validation"]["n"] == 8
    stages = re.findall(r'^event: generating\ndata: \[{"stage": "(\w+)"', events, re.M)
    assert stages[0] == "photos"
    assert stages[-1] == "training"
    assert [row["label"] for row in answer["confidences"]] == sorted(
        ("cat", "dog"), key=lambda label: label != answer["label"]
    )
    assert sum(row["confidence"] for row in answer["confidences"]) == pytest.approx(1, abs=1e-4)
    with zipfile.ZipFile(folder / "model.zip") as archive:
        archive.extractall(folder / "unpacked")
    model = VGG.from_pretrained(next((folder / "unpacked").iterdir()))
    assert model.config.label_names == ("cat", "dog")


@needs_curl
def test_errors_are_sentences_and_sessions_are_apart(page, folder):
    functions = BASH.partition("cats=")[0]
    names = '\\"cat\\", \\"\\", 11, true, \\"bundled\\", \\"head\\", 0, \\"auto\\", true'
    events = run(
        functions, page, folder, f'ask finetune "[], [], {names}"', "ask download", 'ask classify "$(upload cat1.jpg)"'
    )
    errors = [json.loads(data)["error"] for data in re.findall(r"^event: error\ndata: (.*)$", events, re.M)]
    assert errors == [
        "Class name 2 is empty; give each class a name.",
        "Nothing was taught yet; fine-tune first, then download the model.",
        "What was sent to /classify is not of the kind that it takes; /gradio_api/info lists its parameters.",
    ]
    assert errors[0] in TEXT


def test_the_python_example_does_the_same(page, folder):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PYTHON.replace(ADDRESS, page)],
        capture_output=True, text=True, cwd=folder, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *_, accuracy, label, path = done.stdout.splitlines()
    assert 0 <= float(accuracy.split()[0]) <= 1
    assert label in ("cat", "dog")
    assert Path(path).name.endswith("cat-dog.zip")


def test_what_is_said_of_each_parameter_is_whole_and_true(info):
    """The kinds are those of JSON, every parameter has its sentence, and the document names them in their order."""
    kinds = {
        name: {p["parameter_name"]: p["type"].get("type") for p in endpoint["parameters"]}
        for name, endpoint in info.items()
    }
    assert kinds["/finetune"] == {
        "files_a": "array", "files_b": "array", "label_a": "string", "label_b": "string", "depth": "integer",
        "batch_norm": "boolean", "weights": "string", "trainable": "string", "seed": "integer", "device": "string",
        "unlike": "boolean",
    }  # fmt: skip
    assert kinds["/classify"]["top_k"] == "integer"
    assert kinds["/download"] == {}
    for name, endpoint in info.items():
        assert f"`{name}({', '.join(kinds[name])})`" in TEXT
        assert endpoint["description"], name
        said = inspect.getdoc(getattr(api, name[1:])).partition("Args:")[2]
        for parameter in endpoint["parameters"]:
            assert parameter["label"] == parameter["parameter_name"]
            assert re.search(rf"^    {parameter['label']}: \S", said, re.M), parameter["label"]
            assert "http" not in json.dumps(parameter["example_input"]), "what the page shows can be done"
    assert next(p for p in info["/finetune"]["parameters"] if p["label"] == "trainable")["type"]["enum"] == [
        *api.TRAINABLE
    ]
