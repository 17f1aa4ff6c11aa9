"""What the README says can be done, is done."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
from huggingface_hub import metadata_load

from tests.toys import smooth_picture, textures
from vgg_hub import VGG
from vgg_hub.cli import main

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
SPACE_KEYS = {
    "title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "short_description",
    "license", "tags", "hf_oauth", "hf_oauth_scopes",
}  # fmt: skip


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder with the photos that the README's examples name."""
    for label, pictures in zip(("cat", "dog"), textures(3).values(), strict=True):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number, picture in enumerate(pictures, start=1):
            picture.save(tmp_path / "photos" / label / f"{number}.jpg")
    smooth_picture(60, 60).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_space_gets_what_it_needs():
    front = metadata_load(ROOT / "README.md")
    assert set(front) == SPACE_KEYS
    assert len(front["short_description"]) <= 60
    assert (ROOT / front["app_file"]).is_file()
    assert front["python_version"] == "3.11"
    # A visitor's sign-in: the Space may make repos for them and write to those, and to nothing else of theirs.
    assert (front["hf_oauth"], front["hf_oauth_scopes"]) == (True, ["contribute-repos"])
    low, high = re.search(r"^gradio>=([\d.]+),<(\d+)$", (ROOT / "requirements.txt").read_text(), re.M).groups()
    assert front["sdk_version"].startswith(low)
    assert int(front["sdk_version"].split(".")[0]) < int(high)


def test_every_path_is_there():
    linked = [target for target in re.findall(r"\]\(([^)\s]+)\)", TEXT) if "://" not in target]
    table = TEXT.split("## Where things are")[1].split("## Licence")[0]
    rows = [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in table.splitlines() if row.startswith("| `")]
    named = [str(Path(row[0]).parent / name) if "/" not in name else name for row in rows for name in row]
    assert len(named) > 15
    assert [path for path in (*linked, *named) if not (ROOT / path).exists()] == []


def test_ci_finds_the_test_command():
    lines = TEXT.splitlines()
    mark = lines.index("<!-- test command -->")
    assert lines[mark + 1 : mark + 4] == [
        "```sh",
        "pip install -r requirements.txt -r requirements-test.txt && python -m pytest -n auto",
        "```",
    ]


def test_the_python_example_runs(clone, capsys):
    (example,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
    (clone / "example.py").write_text(example, encoding="utf-8")
    names = runpy.run_path("example.py")
    assert names["finished"].report.counts == {"cat": 2, "dog": 2}
    assert VGG.from_pretrained("./cats-vs-dogs").config.label_names == ("cat", "dog")
    out = capsys.readouterr().out
    answer = r"Prediction\(label='(cat|dog)', scores={.*}, unlike=(True|False), unlike_score=[0-9.]+\)"
    assert re.match(rf"Validation\(accuracy=.*\)\n\[{answer}\]\n$", out)


def test_the_commands_run(clone, capsys):
    commands = re.findall(r"^python -m vgg_hub (.*)$", TEXT, re.M)
    runs = {command.split()[0]: shlex.split(command, comments=True) for command in commands}
    names = ["finetune", "classify", "inspect", "explain", "compare", "replay", "push", "convert", "export", "space"]
    assert list(runs) == names
    assert "--delta" in runs.pop("push"), "it needs the Hub: tests/test_cli_share.py"
    assert runs.pop("space") == ["space", "someone/teach-a-vgg"], "it needs the Hub: tests/test_space.py"
    assert runs.pop("convert")[1] == "vgg16_bn-6c64b313.pth", "it needs torchvision's file: tests/test_convert.py"
    for command in runs.values():
        assert main(command) == 0
    assert Path("cats-vs-dogs.onnx").is_file()
    assert Path("why.png").is_file()
    assert "photo.jpg: " in capsys.readouterr().out
