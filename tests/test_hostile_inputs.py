"""Six hundred hostile inputs, through the page's own handlers: none crashes, hangs, leaves its folder or speaks Python.

Seeded. `HOSTILE_TIMES=10 python -m pytest tests/test_hostile_inputs.py` makes ten times as many.
"""

from __future__ import annotations

import csv
import io
import json
import os
import unicodedata
import zipfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.hostile import (
    MARK,
    TIMES,
    archives,
    bounded,
    check_sentence,
    configs,
    headers,
    html_is_ours,
    names,
    pictures,
)
from tests.page_helpers import plain_photo, request
from tests.toys import stripes_net, textures, tiny_vgg, written
from vgg_hub import VGG, VGGConfig
from vgg_hub.config import check_labels
from vgg_hub.config_json import read_config
from vgg_hub.data import file_name
from vgg_hub.errors import CheckpointError, LabelError, PhotoError, VGGHubError
from vgg_hub.ui import training
from vgg_hub.ui.bounds import check_size
from vgg_hub.ui.choice import Choice
from vgg_hub.ui.classify import classify_many
from vgg_hub.ui.gpu_work import Wishes
from vgg_hub.ui.photos import small_jpeg
from vgg_hub.ui.report import show
from vgg_hub.ui.session import Session
from vgg_hub.ui.share import loading_lines, make_zip, safe_name
from vgg_hub.ui.uploads import uploaded_file

# Hypothesis would rather not write down long examples; it need not, for they are the same each time.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

PICTURES, ARCHIVES, NAMES, CONFIGS, HEADERS = (n * TIMES for n in (220, 120, 120, 140, 60))
NET = (11, True, "random", "", "cpu")
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def session(scratch):
    """A visitor who taught a tiny net."""
    with pytest.MonkeyPatch.context() as patch:
        (scratch / "uploads").mkdir()
        patch.setenv("GRADIO_TEMP_DIR", str(scratch / "uploads"))
        visitor = Session()
        visitor.tuned = tiny_vgg(label_names=("cat", "dog"))
        yield visitor
        visitor.close()


def outside(scratch, session):
    """All that lies beside the visitor's own folder."""
    return {
        p
        for p in scratch.rglob("*")
        if not p.is_relative_to(session.folder) and "in" not in p.relative_to(scratch).parts[:1]
    }


def answered(files, session):
    """The page's table and its CSV for some files, both checked to be harmless."""
    *_, (said, table, button, _) = classify_many(files, session, *NET, request())
    with open(button["value"], encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[1:]:
        assert len(row) == 4
        assert not any(unicodedata.normalize("NFKC", cell.lstrip()[:1]).startswith(FORMULAS) for cell in row)
    assert html_is_ours(said)
    assert html_is_ours(table, *(cell for row in rows[1:] for cell in row[:1] if not cell.startswith("'")))
    return rows[1:]


@settings(max_examples=PICTURES)
@given(pictures())
def test_a_picture_becomes_pixels_or_a_sentence(scratch, session, data):
    path = scratch / "in" / "사진 <b>.jpg"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    with bounded():
        try:
            small = small_jpeg(path)
        except PhotoError as error:
            check_sentence(str(error), path.name)
            small = None
        (row,) = answered([str(path)], session)
    assert bool(row[1]) == (small is not None)
    if small is None:
        check_sentence(row[3], path.name)
        return
    image = Image.open(io.BytesIO(small))
    assert (image.format, image.mode, max(image.size) <= 160) == ("JPEG", "RGB", True)
    assert not set(image.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert MARK.encode() not in small, "nothing that the picture says goes on"


@settings(max_examples=ARCHIVES)
@given(archives())
def test_an_archive_stays_in_its_folder(scratch, session, data):
    path = scratch / "in" / "pets.zip"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    visitor = Session()
    visitor.tuned = session.tuned
    before = outside(scratch, visitor)
    with bounded():
        found = visitor.collect([str(path)])
    assert outside(scratch, visitor) == before
    for picture in found.pictures:
        assert not picture.is_symlink()
        assert picture.is_file()
        assert picture.resolve().is_relative_to(visitor.folder.resolve())
    for said in found.left_out:
        check_sentence(said)
    assert found.pictures or any("pets.zip" in said for said in found.left_out)
    with bounded():
        rows = answered([str(path)], visitor)
    assert len(rows) == len(found.pictures) + len(found.left_out)
    visitor.close()


def usable(name):
    """As much of a name as a file here can have."""
    flat = "".join(c for c in name if c not in "/\0").encode("utf-8", "ignore")[:200].decode(errors="ignore")
    return flat if flat.strip(". ") else "x"


@settings(max_examples=NAMES)
@given(names(), names(), names())
def test_names_stay_texts(scratch, session, one, other, called):
    """Of files in the table, the CSV and uploads; of classes in the report, the card, the zip and the code."""
    uploads = scratch / "uploads" / "a"
    uploads.mkdir(exist_ok=True)
    path = plain_photo(uploads / f"{usable(called)}.png", side=8)
    with bounded():
        assert answered([str(path)], session)[0][1] in ("cat", "dog")
        shown = uploaded_file({"path": str(path), "orig_name": called})[1]
        assert shown == (file_name(called) or shown)
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    path.unlink()
    with bounded():
        try:
            labels = check_labels((one, other))
        except LabelError as error:
            check_sentence(str(error))
            return
        folder = scratch / "saved"
        model = tiny_vgg(label_names=labels)
        model.provenance = {"labels": list(labels), "counts": dict.fromkeys(labels, 5)}
        model.save_pretrained(folder)
        check_saved(folder, labels)
        name = safe_name(model.config)
        assert name.replace("-", "").isalnum()
        assert loading_lines(name).count('"') == 4


def check_saved(folder, labels):
    card = (folder / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert set(front) <= {
        "library_name", "pipeline_tag", "tags", "license", "datasets", "base_model", "model-index", "metrics", "language",
    }  # fmt: skip
    assert f"<img src=x onerror=alert(1) class={MARK}>" not in card
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["label_names"] == list(labels)
    assert VGG.from_pretrained(folder).config.label_names == labels


@pytest.mark.parametrize(
    "labels", [("=1+1", "{{7*7}}"), ("--- a: b", "&lt;b&gt;"), ("'", '"'), ("`x`", "${x}"), ("고양이", "👩‍👩‍👧")]
)
def test_a_whole_fine_tuning_with_such_names(scratch, monkeypatch, labels):
    shared = stripes_net()
    monkeypatch.setattr("vgg_hub.ui.gpu_work.backbones.get", lambda choice: shared)
    monkeypatch.setattr("vgg_hub.ui.training.backbones.get", lambda choice: shared)
    visitor = Session()
    folder = scratch / "in" / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    files = [[str(path) for path in paths] for paths in written(folder, textures(4), "=<b>").values()]
    *_, last = training.teach(visitor, Choice(weights="random"), labels, files, Wishes())
    assert last.report.labels == list(labels)
    html, _ = show(visitor, request())
    assert html_is_ours(html, *labels)
    path = make_zip(visitor)
    with zipfile.ZipFile(path) as archive:
        inside = {Path(name).name for name in archive.namelist()}
        assert inside == {"config.json", "model.safetensors", "README.md"}
        assert {Path(name).parts[0] for name in archive.namelist()} == {path.stem}
        archive.extractall(scratch / "in" / path.stem)
    check_saved(scratch / "in" / path.stem / path.stem, labels)
    visitor.close()


def test_more_than_five_hundred_are_made():
    assert PICTURES + ARCHIVES + NAMES + CONFIGS + HEADERS >= 500 * TIMES


@pytest.fixture(scope="module")
def model(scratch):
    tiny_vgg(label_names=("cat", "dog")).save_pretrained(scratch / "in" / "m")
    return scratch / "in" / "m"


@pytest.fixture(scope="module")
def true_files(model):
    return {name: (model / name).read_bytes() for name in ("config.json", "model.safetensors")}


def restored(model, true_files):
    for name, data in true_files.items():
        (model / name).write_bytes(data)


DOCUMENT = json.loads(
    '{"architecture": "vgg_hub_only", "num_classes": 2, "num_features": 16, "label_names": ["cat", "dog"], "pretrained_cfg": '
    '{"input_size": [3, 32, 32], "interpolation": "bilinear", "crop_pct": 0.875, "crop_mode": "center", "mean": [0.5, 0.5, 0.5], '
    '"std": [0.5, 0.5, 0.5], "num_classes": 2, "pool_size": [1, 1], "first_conv": "features.0", "classifier": "head.fc"}, '
    '"vgg_hub": {"format": 1, "layers": [8, "M", 16, "M"], "batch_norm": true, "in_channels": 3, "pool_size": 1, '
    '"hidden_features": 0, "width": 1.0, "dropout": 0.5, "provenance": {"data": [], "notes": []}, "base": null, "unlike": null}}'
)


@settings(max_examples=CONFIGS)
@given(configs(DOCUMENT))
def test_a_config_is_a_net_of_bounded_size_or_a_sentence(model, true_files, data):
    restored(model, true_files)
    (model / "config.json").write_bytes(data)
    with bounded():
        try:
            config, _ = read_config(model / "config.json", "m")
            check_size(config, "m")
        except CheckpointError as error:
            check_sentence(str(error), "m")
            return
        assert isinstance(config, VGGConfig)
        opened(model)


@settings(max_examples=HEADERS)
@given(st.data())
def test_a_header_that_lies_is_found_out(model, true_files, data):
    restored(model, true_files)
    (model / "model.safetensors").write_bytes(data.draw(headers(true_files["model.safetensors"])))
    with bounded():
        opened(model)


def opened(model):
    """A net that its config describes, or a sentence."""
    try:
        net = VGG.from_pretrained(model)
    except VGGHubError as error:
        check_sentence(str(error), "m")
    else:
        assert net.config == read_config(model / "config.json", "m")[0]
        assert os.path.getsize(model / "model.safetensors") >= sum(t.numel() for t in net.parameters())
