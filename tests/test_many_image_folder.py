"""Folders as tables: classes, splits, and what is no folder of photos."""

from __future__ import annotations

import pytest
import torch

from tests.many_helpers import drawn_folder
from tests.toys import smooth_picture
from vgg_hub.errors import PhotoError
from vgg_hub.many.image_folder import has_splits, open_table


def test_a_folder_of_classes(tmp_path):
    table = open_table(drawn_folder(tmp_path / "photos", {"a": 3, "b": 2}))
    assert (table.labels, table.targets.tolist(), table.held_out) == (["a", "b"], [0, 0, 0, 1, 1], None)
    assert [table.reader.name(photo) for photo in (0, 4)] == ["a-0.png", "b-1.png"]
    assert table.reader.image(4).size == (32, 32)


@pytest.mark.parametrize("name", ["validation", "val", "valid", "dev"])
def test_a_folder_with_splits(tmp_path, name):
    drawn_folder(tmp_path / "photos" / "train", {"a": 3, "b": 2})
    drawn_folder(tmp_path / "photos" / name, {"a": 1, "b": 2}, seed=1)
    assert has_splits(tmp_path / "photos")
    table = open_table(tmp_path / "photos")
    assert table.targets.tolist() == [0, 0, 0, 1, 1, 0, 1, 1]
    assert table.held_out.tolist() == [False] * 5 + [True] * 3
    assert torch.equal(torch.tensor([table.reader.name(p)[0] == "b" for p in range(8)]), table.targets == 1)


def test_classes_that_are_called_like_splits_are_classes(tmp_path):
    folder = drawn_folder(tmp_path / "photos", {"train": 2, "validation": 2})
    assert not has_splits(folder)
    assert open_table(folder).labels == ["train", "validation"]


def test_what_is_wrong_is_said(tmp_path):
    drawn_folder(tmp_path / "photos" / "train", {"a": 2, "b": 2})
    drawn_folder(tmp_path / "photos" / "val", {"a": 2, "c": 2})
    with pytest.raises(
        PhotoError, match=r"^val of photos has the class 'c', which train has not; give both the same\.$"
    ):
        open_table(tmp_path / "photos")
    smooth_picture(20, 20).save(tmp_path / "one.png")
    with pytest.raises(PhotoError, match=r"^one\.png is a file; unpack it first"):
        open_table(tmp_path / "one.png")
    with pytest.raises(PhotoError, match=r"^nothing does not exist; give a folder"):
        open_table(tmp_path / "nothing")
