"""Which photos take part, and what is refused before and while they are read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.toys import stripes_net, textures, tuned, written
from vgg_hub import VGG, cache, finetune
from vgg_hub.errors import DeviceError, FinetuneError, LabelError


def test_no_photos_name_is_in_what_is_saved(tmp_path):
    folder = tmp_path / "photos of geheim"
    folder.mkdir()
    photos = textures(6)
    photos["fine"][0] = photos["broad"][0]  # in both classes
    photos["fine"][1] = photos["fine"][2]  # twice in one
    photos["fine"].append(textures(1, seed=5)["broad"][0])  # a mistake
    paths = written(folder, photos, "geheim")
    (folder / "geheim-broken.png").write_text("x")
    paths["broad"].append(folder / "geheim-broken.png")
    finished = tuned(paths)
    assert sum("geheim" in sentence for sentence in finished.report.warnings) == 3
    finished.model.save_pretrained(tmp_path / "m")
    for file in (tmp_path / "m").iterdir():
        assert b"geheim" not in file.read_bytes(), file
        assert str(tmp_path).encode() not in file.read_bytes(), file
    again = VGG.from_pretrained(tmp_path / "m").provenance
    assert again == json.loads(json.dumps(finished.report.provenance()))
    assert again["counts"] == {"fine": 5, "broad": 5}
    assert "warnings" not in again
    assert "mistakes" not in again


PHOTO = Image.new("RGB", (9, 9))
BAD_STARTS = [
    ({"a": [PHOTO]}, LabelError, r"^There is only one class; give photos of two classes or more\.$"),
    ({}, LabelError, r"^There is no class; give photos of two classes or more"),
    (
        {"a": [PHOTO] * 2, " a": [PHOTO] * 2},
        LabelError,
        r"^Two classes have the same name, 'a'; give each class its own",
    ),
    ({"a": [PHOTO] * 2, "": [PHOTO] * 2}, LabelError, r"^Class name 2 is empty; give each class a name\.$"),
    ({"a": [PHOTO] * 2, "<script>": [PHOTO] * 2}, LabelError, r"^Class name 2, '<script>', holds '<'; leave out"),
    ({"a": [PHOTO] * 2, "x\ny": [PHOTO] * 2}, LabelError, r"^Class name 2, 'x\\ny', holds '\\n'; leave out"),
    ({"a": [PHOTO] * 2, "x/y": [PHOTO] * 2}, LabelError, r"^Class name 2, 'x/y', holds '/'; leave out"),
    ({"a": [PHOTO] * 2, "x" * 300: [PHOTO] * 2}, LabelError, r"^Class name 2 has 300 characters; the limit is 100"),
    (
        {"a": [PHOTO] * 2, "b": []},
        FinetuneError,
        r"^Class 'b' has 0 photos that can be used; give each class at least 2,",
    ),
    (
        {"a": [PHOTO], "b": [PHOTO] * 2},
        FinetuneError,
        r"^Class 'a' has 1 photo that can be used; give each class at least",
    ),
    ({"a": "folder", "b": [PHOTO] * 2}, FinetuneError, r"^The photos of 'a' are a str; expected a list of pictures\.$"),
    (
        {"a": Path("x"), "b": [PHOTO] * 2},
        FinetuneError,
        r"^The photos of 'a' are a PosixPath; expected a list of pictures",
    ),
    ({"a": PHOTO, "b": [PHOTO] * 2}, FinetuneError, r"^The photos of 'a' are a Image; expected a list of pictures\.$"),
    ([PHOTO, PHOTO], FinetuneError, r"^photos is a list; expected class names, each with a list of its photos\.$"),
]


@pytest.mark.parametrize(("photos", "kind", "message"), BAD_STARTS)
def test_a_task_that_cannot_be_is_refused_at_once(photos, kind, message):
    with pytest.raises(kind, match=message) as caught:
        finetune(stripes_net(), photos)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"trainable": "block9"},
            FinetuneError,
            r"^trainable is 'block9'; expected head, classifier, block2, block1 or all\.$",
        ),
        ({"seed": -1}, FinetuneError, r"^seed is -1; expected a whole number from 0 to 2\^63 - 1\.$"),
        ({"seed": 2**63}, FinetuneError, r"^seed is 9223372036854775808; expected a whole number"),
        ({"seed": 1.5}, FinetuneError, r"^seed is 1\.5; expected a whole number"),
        ({"device": "tpu9"}, DeviceError, r"^device is 'tpu9'; expected auto, cpu, cuda or mps\.$"),
    ],
)
def test_a_bad_option_is_named(options, kind, message):
    with pytest.raises(kind, match=message):
        list(finetune(stripes_net(), textures(2), **options))


def test_a_photo_in_both_classes_is_left_out_and_said():
    photos = textures(6)
    photos["fine"].insert(2, photos["broad"][3].copy())
    finished = tuned(photos)
    assert finished.report.warnings[0] == (
        "broad 4 is in both fine and broad; it was left out of training and of the estimate."
    )
    assert finished.report.counts == {"fine": 6, "broad": 5}
    assert finished.report.validation.n == 11
    del photos["fine"][2], photos["broad"][3]
    assert torch.equal(tuned(photos).model.head.weight, finished.model.head.weight)


def test_a_photo_that_stands_twice_counts_once(tmp_path):
    photos = textures(6)
    photos["fine"] += [photos["fine"][1].copy()] * 2
    report = tuned(written(tmp_path, photos)).report
    assert report.warnings[:2] == [
        f"photo-fine-{i}.png is the same photo as photo-fine-1.png; it was used once." for i in (6, 7)
    ]
    assert report.counts == {"fine": 6, "broad": 6}


def test_twice_in_one_class_and_once_in_the_other_is_left_out_wholly():
    photos = textures(4)
    photos["broad"].append(photos["fine"][0])
    photos["fine"].append(photos["fine"][0])
    report = tuned(photos).report
    assert report.counts == {"fine": 3, "broad": 4}
    assert [sentence for sentence in report.warnings if "used once" in sentence] == []
    assert sum("is in both fine and broad" in sentence for sentence in report.warnings) == 1


def test_an_unreadable_photo_is_named_and_left_out(tmp_path):
    paths = written(tmp_path, textures(5))
    (tmp_path / "broken.jpg").write_text("no picture")
    paths["fine"].insert(2, tmp_path / "broken.jpg")
    paths["broad"].append(tmp_path / "gone.jpg")
    report = tuned(paths).report
    assert report.counts == {"fine": 5, "broad": 5}
    assert report.warnings[0].startswith("broken.jpg is ")
    assert report.warnings[1].startswith("gone.jpg does not exist")
    assert all(mistake.index != 2 for mistake in report.mistakes if mistake.label == "fine")
    events = list(finetune(stripes_net(), paths, device="cpu"))
    assert events[0].counts == {"fine": 6, "broad": 6}, "what was given"


def test_an_unreadable_picture_without_a_file_is_named_by_its_place():
    photos = textures(4)
    photos["broad"].insert(1, np.zeros((5, 5), np.float32))
    warning = tuned(photos).report.warnings[0]
    assert warning.startswith("broad 2: The array has shape (5, 5) and type float32; expected")


def test_too_few_photos_that_can_be_read_says_why(tmp_path):
    photos = textures(2)
    (tmp_path / "broken.jpg").write_text("no picture")
    photos["fine"][1] = tmp_path / "broken.jpg"
    message = r"^Class 'fine' has 1 photo that can be used; give each class at least 2, better ten\. broken\.jpg is "
    with pytest.raises(FinetuneError, match=message):
        tuned(photos)
    for label in photos:
        photos[label] = [photos["broad"][0]] * 3
    with pytest.raises(FinetuneError, match=r"^Class 'fine' has 0 photos .* broad 1 is in both fine and broad;"):
        tuned(photos)


def test_two_photos_a_class_are_enough():
    report = tuned(textures(2)).report
    assert (report.validation.n, report.counts) == (4, {"fine": 2, "broad": 2})
    assert report.validation.method.startswith("2-fold")
    assert report.validation.high - report.validation.low > 0.5


@pytest.mark.parametrize("size", [2, 4, 16])
def test_the_batch_does_not_matter_a_last_one_of_one_least(monkeypatch, size):
    photos = textures(4)
    photos["fine"].append(textures(1, seed=3)["fine"][0])  # nine photos
    expected = tuned(photos).model.head.weight
    monkeypatch.setattr(cache, "BATCH_SIZE", size)
    assert (tuned(photos).model.head.weight - expected).abs().max() < 1e-3 * expected.abs().max()


def test_the_kind_of_picture_does_not_matter(tmp_path):
    photos = textures(4)
    expected = tuned(photos).model.head.weight
    paths = written(tmp_path, photos)
    kinds = (
        paths,
        {label: [str(path) for path in group] for label, group in paths.items()},
        {label: np.stack([np.array(picture) for picture in group]) for label, group in photos.items()},
        {label: tuple(group) for label, group in photos.items()},
    )
    for given in kinds:
        assert torch.equal(tuned(given).model.head.weight, expected)
