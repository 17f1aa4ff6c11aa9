"""Folders of pictures: what is found, in which order, under which labels, and what is said of the rest."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgg_hub.data import PhotoSet, find_images, is_hidden, list_files, load_folder
from vgg_hub.errors import LabelError, PhotoError

ADVICE = "give a folder or zip with one subfolder of photos a class, such as cats and dogs."


def fill(root: Path, *names: str) -> Path:
    """Empty files; a name that ends in a slash is a folder."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return root


def names(root: Path, paths: list[Path]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_pictures_are_found_at_any_depth_and_in_natural_order(tmp_path):
    fill(tmp_path, "photo10.jpg", "photo2.JPG", "Photo1.png", "b/2.heic", "b/10.webp", "b/c/1.TIFF", "가 사진.jpeg")
    expected = ["b/2.heic", "b/10.webp", "b/c/1.TIFF", "Photo1.png", "photo2.JPG", "photo10.jpg", "가 사진.jpeg"]
    assert names(tmp_path, find_images(tmp_path)) == expected
    assert find_images(str(tmp_path)) == find_images(tmp_path)


def test_decomposed_names_stand_where_composed_ones_would(tmp_path):
    decomposed = unicodedata.normalize("NFD", "나.jpg")
    fill(tmp_path, decomposed, "가.jpg", "다.jpg")
    assert names(tmp_path, find_images(tmp_path)) == ["가.jpg", decomposed, "다.jpg"]


def test_every_format_that_is_read_has_its_suffixes(tmp_path):
    kinds = ("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "bmp", "tif", "tiff", "gif", "avif")
    kinds += ("heic", "heif", "hif")
    expected = [f"{kind}.{suffix}" for kind in sorted(kinds) for suffix in (kind, kind.upper())]
    fill(tmp_path, *expected)
    assert sorted(names(tmp_path, find_images(tmp_path))) == sorted(expected)


def test_what_systems_leave_behind_is_no_picture_and_not_worth_a_word(tmp_path):
    junk = ".DS_Store", "._a.jpg", "Thumbs.db", "desktop.ini", "__MACOSX/a.jpg", ".git/a.jpg", ".hidden.jpg"
    fill(tmp_path, "a.jpg", "notes.txt", *junk, *(f"sub/{name}" for name in junk))
    pictures, others = list_files(tmp_path)
    assert (names(tmp_path, pictures), names(tmp_path, others)) == (["a.jpg"], ["notes.txt"])
    assert is_hidden(["a", "__macosx"])
    assert not is_hidden(["a", "b.jpg"])


def test_a_hidden_folder_above_does_not_hide_what_is_in_it(tmp_path):
    root = fill(tmp_path / ".cache" / "set", "a.jpg")
    assert names(root, find_images(root)) == ["a.jpg"]


def test_broken_links_are_not_dropped_in_silence_and_loops_end(tmp_path):
    fill(tmp_path, "a/1.jpg")
    (tmp_path / "a" / "2.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert names(tmp_path, find_images(tmp_path)) == ["a/1.jpg", "a/2.jpg"]


def test_pictures_are_sought_in_a_folder(tmp_path):
    fill(tmp_path, "a.jpg")
    with pytest.raises(PhotoError, match=r"^a\.jpg is a file, not a folder; give a folder"):
        find_images(tmp_path / "a.jpg")
    with pytest.raises(PhotoError, match=r"^b does not exist; give a folder"):
        find_images(tmp_path / "b")


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    fill(tmp_path, "cats/1.jpg", "dogs/1.jpg")
    scandir = os.scandir

    def deny(path):
        if str(path).endswith("dogs"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)  # permissions do not bind root, who may run the tests
    with pytest.raises(PhotoError, match=r"^The folder dogs cannot be listed: permission denied; change its perm"):
        load_folder(tmp_path)


def test_one_subfolder_a_class(tmp_path):
    fill(tmp_path, "dogs/2.jpg", "dogs/1.jpg", "cats/tabby/1.png", "cats/2.gif", "class 10/a.jpg", "class 9/a.jpg")
    photos = load_folder(tmp_path)
    assert list(photos.photos) == ["cats", "class 9", "class 10", "dogs"]
    assert names(tmp_path, photos.photos["dogs"]) == ["dogs/1.jpg", "dogs/2.jpg"]
    assert names(tmp_path, photos.photos["cats"]) == ["cats/2.gif", "cats/tabby/1.png"]
    assert photos.skipped == []


def test_classes_may_be_called_like_parts_of_a_data_set(tmp_path):
    fill(tmp_path, "train/1.jpg", "test/1.jpg", "test/far/2.jpg")
    assert list(load_folder(tmp_path).photos) == ["test", "train"]


def test_labels_are_composed_where_macos_decomposes_them(tmp_path):
    decomposed = unicodedata.normalize("NFD", "고양이")
    fill(tmp_path, f"{decomposed}/1.jpg", " dogs /1.jpg")
    assert list(load_folder(tmp_path).photos) == ["dogs", "고양이"]


def test_a_single_folder_round_the_classes_is_looked_into(tmp_path):
    fill(
        tmp_path, "outer/pets/cats/1.jpg", "outer/pets/dogs/1.jpg", "outer/readme.txt", ".DS_Store", "__MACOSX/x/y.jpg"
    )
    assert list(load_folder(tmp_path).photos) == ["cats", "dogs"]


def test_each_file_that_is_left_out_has_its_sentence(tmp_path):
    fill(
        tmp_path,
        "cats/1.jpg",
        "cats/notes.txt",
        "cats/more.ZIP",
        "dogs/1.jpg",
        "dogs/b/film.mp4",
        "loose.jpg",
        "read.me",
    )
    assert load_folder(tmp_path).skipped == [
        "loose.jpg was left out, for it lies beside the class folders; move it into one of them.",
        "read.me in the top folder was left out, for its name is not a picture's.",
        "more.ZIP in cats was left out, for it is a zip inside a folder or zip; unpack it first.",
        "notes.txt in cats was left out, for its name is not a picture's.",
        "film.mp4 in dogs was left out, for its name is not a picture's.",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], f"pets holds no photo; {ADVICE}"),
        (["a.txt"], f"pets holds no photo; {ADVICE}"),
        (["1.jpg"], f"pets holds 1 photo but no subfolders to name their classes; {ADVICE}"),
        (["1.jpg", "2.png"], f"pets holds 2 photos but no subfolders to name their classes; {ADVICE}"),
        (["cats/1.jpg"], f"pets holds only one class, cats; {ADVICE}"),
        (["cats/1.jpg", "2.jpg"], f"pets holds only one class, cats; {ADVICE}"),
        (["cats/a/1.jpg", "cats/b/1.jpg", "2.jpg"], f"pets holds only one class, cats; {ADVICE}"),
        (["cats.zip", "dogs.zip"], f"pets holds no photo and 2 zips, which would have to be unpacked first; {ADVICE}"),
        (
            [f"{part}/{label}/1.jpg" for part in ("test", "Train") for label in ("cats", "dogs")],
            "pets holds test and Train, which are parts of a data set and no classes; give one of the two, or call them train "
            "and validation for `vgg-hub finetune` to learn from one and judge by the other.",
        ),
        (["cats/1.jpg", "dogs/"], "The folder dogs of pets holds no photo; add photos, or remove the folder."),
        (
            ["cats/1.jpg", "dogs/a.txt", "dogs/b/c.txt"],
            "The folder dogs of pets holds no photo, only 2 other files; add photos, or remove the folder.",
        ),
    ],
)
def test_folders_that_make_no_task(tmp_path, content, message):
    root = fill(tmp_path / "pets", "./", *content)
    with pytest.raises(PhotoError) as caught:
        load_folder(root)
    assert str(caught.value) == message


def test_what_is_no_folder(tmp_path, monkeypatch):
    fill(tmp_path, "a.jpg", "pets/")
    with pytest.raises(PhotoError, match=r"^a\.jpg is a file, not a folder; "):
        load_folder(tmp_path / "a.jpg")
    with pytest.raises(PhotoError, match=r"^no does not exist; "):
        load_folder(tmp_path / "no")
    with pytest.raises(PhotoError, match=r"^a\ufffdb|^a␀b does not exist|^a␀b cannot be looked at; "):
        load_folder("a\0b")
    with pytest.raises(PhotoError, match=r"^pets\.zip holds no photo; "):
        load_folder(tmp_path / "pets", name="uploads/pets.zip")
    monkeypatch.chdir(tmp_path / "pets")
    with pytest.raises(PhotoError, match=r"^pets holds no photo; "):
        load_folder(".")


@pytest.mark.parametrize(
    ("name", "why"),
    [("<script>", "holds '<'"), ("a\nb", r"holds '\\n'"), ("x" * 120, "has 120 characters"), ("a\\b", "holds ")],
)
def test_a_folder_whose_name_cannot_be_a_label(tmp_path, name, why):
    fill(tmp_path / "pets", "cats/1.jpg", f"{name}/1.jpg")
    with pytest.raises(LabelError, match=rf"^The folder .+ of pets cannot name a class\. .*{why}"):
        load_folder(tmp_path / "pets")


def test_two_folders_of_one_name(tmp_path):
    fill(tmp_path / "pets", "Cats/1.jpg", "cats/1.jpg")
    with pytest.raises(LabelError, match=r"^The folders of pets cannot name classes\. Two classes have the same name"):
        load_folder(tmp_path / "pets")


def test_a_set_of_photos_says_nothing_by_default():
    assert PhotoSet({}).skipped == []


name_parts = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(name_parts, min_size=1, max_size=8, unique=True))
def test_order_is_total_and_the_same_whatever_the_file_system_gives_first(tmp_path_factory, parts):
    root = tmp_path_factory.mktemp("names")
    made = []
    for part in parts:
        if part not in (".", "..") and len(part.encode()) < 200:
            (root / f"x{part}.jpg").touch()
            made.append(f"x{part}.jpg")
    found = [path.name for path in find_images(root)]
    assert sorted(found) == sorted(made)
    numbers = [name for name in found if name[1:-4].isdecimal() and name.isascii()]
    assert [int(name[1:-4]) for name in numbers] == sorted(int(name[1:-4]) for name in numbers)
