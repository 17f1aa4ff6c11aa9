"""Data sets of Hugging Face `datasets`: columns, splits, rows without a class, and what cannot be used."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from tests.toys import smooth_picture
from vgg_hub.errors import LabelError, PhotoError
from vgg_hub.many.image_folder import open_table

datasets = pytest.importorskip("datasets")


def rows(count: int, seed: int = 0, names=("cat", "dog"), **more: object):
    """A data set of `count` pictures, the classes in turn."""
    pictures = [smooth_picture(40, 30, seed + number) for number in range(count)]
    columns = {"image": pictures, "label": [number % 2 for number in range(count)], **more}
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names))}
    kinds |= {key: datasets.Value("string") for key in more}
    return datasets.Dataset.from_dict(columns, features=datasets.Features(kinds))


def test_one_split(tmp_path):
    rows(5, note=["x"] * 5).save_to_disk(tmp_path / "set")
    table = open_table(tmp_path / "set")
    assert (table.labels, table.targets.tolist(), table.held_out) == (["cat", "dog"], [0, 1, 0, 1, 0], None)
    assert np.array_equal(np.asarray(table.reader.image(3)), np.asarray(smooth_picture(40, 30, 3)))
    assert table.reader.name(3) == "set row 3"


def test_splits_and_rows_without_a_class(tmp_path):
    train = rows(4).map(lambda row, number: {"label": -1 if number == 1 else row["label"]}, with_indices=True)
    datasets.DatasetDict({"train": train, "test": rows(2, 50), "validation": rows(3, 90)}).save_to_disk(
        tmp_path / "set"
    )
    table = open_table(tmp_path / "set")
    assert table.targets.tolist() == [0, 0, 1, 0, 1, 0]
    assert table.held_out.tolist() == [False, False, False, True, True, True]
    assert table.skipped == ["1 rows of set have no class and were left out."]
    expected = [smooth_picture(40, 30, seed) for seed in (0, 2, 3, 90, 91, 92)]
    for photo, picture in enumerate(expected):
        assert np.array_equal(np.asarray(table.reader.image(photo)), np.asarray(picture))
    assert table.reader.name(2) == "set train row 3"
    assert table.reader.name(5) == "set validation row 2"


def test_its_pictures_are_read_as_any_others(tmp_path):
    turned = io.BytesIO()
    exif = smooth_picture(8, 8).getexif()
    exif[274] = 6
    smooth_picture(40, 30).save(turned, "JPEG", exif=exif)
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    cells = [{"bytes": turned.getvalue(), "path": None}, {"bytes": b"no picture at all", "path": None}, None]
    datasets.Dataset.from_dict({"image": cells, "label": [0, 1, 0]}, features=kinds).save_to_disk(tmp_path / "set")
    reader = open_table(tmp_path / "set").reader
    assert reader.image(0).size == (30, 40)
    with pytest.raises(PhotoError, match=r"^set row 1 is .*, not a picture that can be read"):
        reader.image(1)
    with pytest.raises(PhotoError, match=r"^set row 2 holds no picture; save the data set again without it\.$"):
        reader.image(2)


def test_what_is_wrong_is_said(tmp_path):
    rows(2).rename_column("label", "kind").remove_columns("kind").save_to_disk(tmp_path / "bare")
    message = (
        r"^bare has 1 image columns and 0 of class names \(columns: image\); expected one column of datasets\.Image"
    )
    with pytest.raises(PhotoError, match=message):
        open_table(tmp_path / "bare")
    datasets.DatasetDict({"one": rows(2), "two": rows(2)}).save_to_disk(tmp_path / "pair")
    with pytest.raises(PhotoError, match=r"^pair has the splits one, two; name one of them train\.$"):
        open_table(tmp_path / "pair")
    other = datasets.DatasetDict({"train": rows(2), "val": rows(2, names=("dog", "cat"))})
    other.save_to_disk(tmp_path / "other")
    with pytest.raises(PhotoError, match=r"^The splits of other have other class names; give both the same"):
        open_table(tmp_path / "other")
    rows(2, names=("a/b", "c")).save_to_disk(tmp_path / "named")
    with pytest.raises(LabelError, match=r"^The class names of named cannot be used\. Class name 1, 'a/b', holds '/'"):
        open_table(tmp_path / "named")


@pytest.mark.parametrize("broken", ["{", json.dumps({"_data_files": []}), "[]", json.dumps({"_data_files": 3})])
def test_a_broken_one_is_one_sentence(tmp_path, broken):
    rows(2).save_to_disk(tmp_path / "set")
    (tmp_path / "set" / "state.json").write_text(broken)
    with pytest.raises(PhotoError, match=r"^set cannot be read as a data set \(.*\); save it again: save_to_disk\.$"):
        open_table(tmp_path / "set")
