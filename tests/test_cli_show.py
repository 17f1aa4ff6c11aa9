"""`vgg-hub classify` and `vgg-hub inspect`."""

from __future__ import annotations

import io
import json
import os
import re
import sys

import pytest

from tests.cli_helpers import error_of, photos, run, start, teach
from tests.toys import smooth_picture, tiny_vgg
from vgg_hub import VGG, Classifier
from vgg_hub.cli import main

__all__ = ["photos", "run", "start", "teach"]


def test_classify_takes_files_and_folders_and_puts_errors_in_their_place(run, start, photos, tmp_path):
    album = tmp_path / "내 앨범"
    album.mkdir()
    smooth_picture(50, 40, seed=1).save(album / "고양이 2.JPG")
    smooth_picture(40, 50, seed=2).save(album / "고양이 10.webp")
    (album / "note.jpg").write_text("text")
    (tmp_path / "empty").mkdir()
    single = photos / "broad" / "broad 0.png"
    status, out, err = run(
        "classify", start, single, album, tmp_path / "gone.jpg", tmp_path / "empty", single, "--json"
    )
    rows = json.loads(out)
    assert (status, err) == (1, "")
    files = [single, album / "note.jpg", album / "고양이 2.JPG", album / "고양이 10.webp", tmp_path / "gone.jpg"]
    assert [row["file"] for row in rows] == [str(path) for path in (*files, tmp_path / "empty", single)]
    assert [sorted(row) for row in rows] == [
        ["error", "file"] if number in (1, 4, 5) else ["file", "label", "scores"] for number in range(7)
    ]
    assert rows[1]["error"].startswith("note.jpg is text, not a picture that can be read; give a JPEG")
    assert rows[4]["error"] == "gone.jpg does not exist; check its name and folder."
    assert rows[5]["error"] == "empty holds no picture; give pictures or a folder of them."
    read = [row for row in rows if "label" in row]
    answers = Classifier(VGG.from_pretrained(start))([row["file"] for row in read])
    for row, answer in zip(read, answers, strict=True):
        assert list(row["scores"]) == list(answer.scores)
        assert row["scores"] == pytest.approx(answer.scores, abs=1e-6)
        assert row["label"] == next(iter(row["scores"]))


def test_classify_in_words_shows_the_best_and_says_errors_aside(run, photos, tmp_path):
    tiny_vgg(label_names=("cat", "dog", "개구리"), num_classes=3).save_pretrained(tmp_path / "pets")
    picture = photos / "broad" / "broad 0.png"
    status, out, err = run("classify", tmp_path / "pets", picture, tmp_path / "gone.jpg", "--top-k", 2)
    scores = list(Classifier(VGG.from_pretrained(tmp_path / "pets"))([picture])[0].scores.items())
    best = ", ".join(f"{label} {100 * score:.1f} %" for label, score in scores[:2])
    assert (status, out) == (1, f"{picture}: {best}\n")
    assert err == "vgg-hub: gone.jpg does not exist; check its name and folder.\n"


def test_a_name_cannot_command_the_terminal(run, start, tmp_path):
    smooth_picture(40, 40).save(tmp_path / "red\x1b[31m\nline.png")
    (tmp_path / "bad\x1b[2J.jpg").write_text("text")
    status, out, err = run("classify", start, *sorted(tmp_path.glob("*.*g")))
    assert status == 1
    assert "\x1b" not in out + err
    assert out.startswith(f"{tmp_path}/red?[31m line.png: class ")
    assert (out.count("\n"), err.count("\n")) == (1, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_json_holds_whatever_a_file_is_called(start, tmp_path, monkeypatch, encoding):
    names = [b"\xb0\xed\xbe\xe7.png", "고양이 😺.png".encode()]  # one is cp949, no UTF-8
    for name in names:
        smooth_picture(40, 40).save(path := tmp_path / "a.png")
        path.rename(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    paths = [os.fsdecode(os.fsencode(tmp_path) + b"/" + name) for name in names]
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["classify", str(start), *paths, "--json"]) == 0
    assert [row["file"] for row in json.loads(out.buffer.getvalue())] == paths
    assert main(["classify", str(start), *paths]) == 0


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "other has no config.json; give a folder that `save_pretrained` wrote, or a timm VGG's."),
        (
            {"config.json": '{"model_type": "bert"}'},
            "config.json of other cannot be used: it describes the architecture None",
        ),
        ({"config.json": '{"architecture": "resnet50"}'}, "it describes the architecture 'resnet50'; expected a VGG"),
        ({"config.json": "{"}, "config.json of other is not valid JSON"),
    ],
)
@pytest.mark.parametrize("command", [["classify", "x.jpg"], ["inspect"]])
def test_a_folder_of_another_model_is_said(run, tmp_path, files, sentence, command):
    (tmp_path / "other").mkdir()
    for name, content in files.items():
        (tmp_path / "other" / name).write_text(content)
    assert sentence in error_of(run(command[0], tmp_path / "other", *command[1:]))


# inspect


def test_inspect_says_what_a_model_is(run, start):
    model = VGG.from_pretrained(start)
    count = sum(parameter.numel() for parameter in model.parameters())
    status, out, err = run("inspect", start)
    assert (status, err) == (0, "")
    assert out.startswith(f"vgg-bn, from start\n{count:,} parameters, 0.0 MB of weights\n")
    assert "2 classes, not named\n" in out
    rows = [re.split(r"  +", line) for line in out.split("\n\n")[1].splitlines()]
    assert rows[0] == ["layer", "type", "output", "kernel", "stride", "activation", "parameters", "multiply-adds"]
    assert rows[1] == ["conv1_1", "convolution", "8 x 32 x 32", "3", "1", "ReLU", "240", f"{8 * 27 * 32 * 32:,}"]
    assert rows[2] == ["pool1", "max pooling", "8 x 16 x 16", "2", "2", "0", "0"]
    assert rows[-1] == ["head", "fully connected", "2", "34", "32"]
    assert sum(int(row[-2].replace(",", "")) for row in rows[1:]) == count


def test_inspect_in_json(run, start):
    model = VGG.from_pretrained(start)
    status, out, err = run("inspect", start, "--json")
    summary = json.loads(out)
    assert (status, err) == (0, "")
    assert summary["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert summary["multiply_adds"] == sum(layer["multiply_adds"] for layer in summary["layers"])
    assert summary["input_size"] == 32
    assert [layer["name"] for layer in summary["layers"]] == ["conv1_1", "pool1", "conv2_1", "pool2", "avgpool", "head"]


def test_inspect_shows_the_fine_tuning(teach, run, tmp_path):
    report = json.loads(teach("--json")[1])
    _, out, _ = run("inspect", tmp_path / "out")
    assert "2 classes: broad, fine\nfine-tuned from start on 8 broad, 8 fine\nRight on about " in out
    assert f"({100 * report['validation']['accuracy']:.0f} %)" in out


def test_inspect_takes_a_stranger_s_facts_for_what_they_are(run, tmp_path):
    model = tiny_vgg()
    model.provenance = {
        "data": ["x", {"name": "a\x1b[31m\nb", "pictures": "many", "licence": 3}],
        "scores": [{"accuracy": "best"}, 7],
        "counts": [],
        "base": "x",
        "validation": {"accuracy": 1},
    }
    model.save_pretrained(tmp_path / "odd")
    status, out, err = run("inspect", tmp_path / "odd")
    assert (status, err) == (0, "")
    assert "\ntrained on a?[31m b\n" in out
    assert "right on" not in out.lower()


def test_the_sizes_are_those_on_disk(run, tmp_path):
    model = tiny_vgg()
    model.save_pretrained(tmp_path / "half", dtype="float16")
    sizes = [t.numel() * (2 if t.is_floating_point() else 8) for t in model.state_dict().values()]
    assert json.loads(run("inspect", tmp_path / "half", "--json")[1])["weight_bytes"] == sum(sizes)
