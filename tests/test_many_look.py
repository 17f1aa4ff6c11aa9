"""The first look: what cannot be used, copies, who judges."""

from __future__ import annotations

import shutil

import pytest
import torch

from tests.many_helpers import accelerator, drawn_folder
from vgg_hub.errors import FinetuneError
from vgg_hub.many import look
from vgg_hub.many.image_folder import open_table
from vgg_hub.many.look import look_at_all

__all__ = ["accelerator"]


def test_a_fifth_of_each_class_judges_chosen_by_the_seed(tmp_path, accelerator):
    table = open_table(drawn_folder(tmp_path / "photos", {"a": 20, "b": 3}))
    seen = [look_at_all(table, accelerator, seed, 0) for seed in (0, 0, 1)]
    assert [torch.bincount(table.targets[one.validation]).tolist() for one in seen] == [[4, 1]] * 3
    assert seen[0].validation.tolist() == seen[1].validation.tolist() != seen[2].validation.tolist()
    assert sorted([*seen[0].train.tolist(), *seen[0].validation.tolist()]) == list(range(23))
    assert seen[0].method == "on 20 % of each class, held out"
    assert {label: digest["n"] for label, digest in seen[0].digests.items()} == {"a": 20, "b": 3}


def test_photos_that_cannot_be_read_and_copies_are_left_out(tmp_path, accelerator):
    folder = drawn_folder(tmp_path / "photos", {"a": 6, "b": 6})
    (folder / "a" / "a-2.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    shutil.copy(folder / "a" / "a-0.png", folder / "a" / "a-9.png")
    shutil.copy(folder / "a" / "a-1.png", folder / "b" / "b-9.png")
    seen = look_at_all(open_table(folder), accelerator, 0, 0)
    used = sorted([*seen.train.tolist(), *seen.validation.tolist()])
    assert used == [
        0,
        3,
        4,
        5,
        *range(7, 13),
    ]  # a-1 is in both, a-2 damaged, the seventh of a a copy, b's seventh in both
    assert seen.warnings == [
        "a-2.png is damaged or cut short; copy or export it again.",
        "a-9.png is the same photo as a-0.png; it was used once.",
        "a-1.png is in both a and b; it was left out of training and of the estimate.",
    ]


def test_a_photo_in_both_splits_judges(tmp_path, accelerator):
    drawn_folder(tmp_path / "photos" / "train", {"a": 3, "b": 3})
    drawn_folder(tmp_path / "photos" / "val", {"a": 1, "b": 1}, seed=1)
    shutil.copy(tmp_path / "photos" / "val" / "a" / "a-0.png", tmp_path / "photos" / "train" / "a" / "again.png")
    seen = look_at_all(open_table(tmp_path / "photos"), accelerator, 0, 0)
    assert (seen.train.tolist(), seen.validation.tolist()) == ([0, 1, 2, 4, 5, 6], [7, 8])
    assert seen.warnings == ["again.png is the same photo as a-0.png; it was used once."]


def test_too_few_photos_are_refused(tmp_path, accelerator, monkeypatch):
    folder = drawn_folder(tmp_path / "photos", {"a": 4, "b": 2})
    (folder / "b" / "b-1.png").write_bytes(b"x")
    with pytest.raises(
        FinetuneError, match=r"^Class 'b' has 1 photo that can be used; give each class at least 2, .* b-1"
    ):
        look_at_all(open_table(folder), accelerator, 0, 0)


def test_many_sentences_are_few(tmp_path, accelerator, monkeypatch):
    folder = drawn_folder(tmp_path / "photos", {"a": 8, "b": 3})
    for number in range(5):
        (folder / "a" / f"a-{number}.png").write_bytes(b"x")
    monkeypatch.setattr(look, "SENTENCES", 2)
    seen = look_at_all(open_table(folder), accelerator, 0, 0)
    assert seen.warnings[2:] == ["3 more photos were left out for such reasons."]
