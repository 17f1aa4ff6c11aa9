"""Zips unpacked whole or not at all, and the two ways in: a task of many classes, and the files of one class."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.picture_files import encode
from tests.toys import smooth_picture
from tests.zip_files import special, zip_bytes, zip_file
from vgg_hub import archive as module
from vgg_hub.archive import collect_files, open_photos, unpack_zip
from vgg_hub.errors import LabelError, PhotoError
from vgg_hub.picture import Limits, read_image

LIMITS = Limits()
NOISE = bytes((i * i * 31 + i // 7) % 256 for i in range(3000))


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def refused(path: Path, limits: Limits = LIMITS) -> str:
    """The error's words; nothing may be left behind."""
    work = path.parent / "work"
    with pytest.raises(PhotoError) as caught:
        unpack_zip(path, work / "out", limits)
    assert not work.exists() or list(work.iterdir()) == []
    return str(caught.value)


def test_what_is_in_it_comes_out(tmp_path):
    entries = {"cats/1.jpg": NOISE, "cats/tabby/2.jpg": b"", "고양이/한 장.png": NOISE * 200}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = zip_file(tmp_path / "pets.zip", entries, method)
        folder = unpack_zip(str(path), tmp_path / f"new/out{method}")
        assert folder == tmp_path / f"new/out{method}"
        assert contents(folder) == entries
        assert [p.name for p in folder.parent.iterdir() if p.name.startswith(".")] == []


def test_an_empty_destination_is_taken_and_any_other_refused(tmp_path):
    path = zip_file(tmp_path / "pets.zip", {"a.jpg": b"1"})
    (tmp_path / "out").mkdir()
    assert contents(unpack_zip(path, tmp_path / "out")) == {"a.jpg": b"1"}
    with pytest.raises(PhotoError, match=r"^out is there already; name a new folder to unpack pets\.zip in\.$"):
        unpack_zip(path, tmp_path / "out")
    with pytest.raises(PhotoError, match=r"^pets\.zip is there already"):
        unpack_zip(path, path)
    assert contents(tmp_path / "out") == {"a.jpg": b"1"}


def test_it_does_not_have_to_end_in_zip_and_may_have_a_comment(tmp_path):
    path = tmp_path / "upload"
    with zipfile.ZipFile(path, "w") as archive:
        archive.comment = b"holiday"
        archive.writestr("a.jpg", b"1")
    assert contents(unpack_zip(path, tmp_path / "out")) == {"a.jpg": b"1"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty (0 bytes); copy or pack it again."),
        (b"no zip", "is text, not a zip; pack the photos as a zip."),
        (b"Rar!\x1a\x07\0", "is of an unknown kind, not a zip; pack the photos as a zip."),
        (b"\xff\xd8\xff\xe0", "is a JPEG picture, not a zip; pack the photos as a zip."),
        (b"PK\3\4" + bytes(50), "is damaged or cut short; copy or pack it again."),
        (zip_bytes({"a.jpg": NOISE})[:-10], "is damaged or cut short; copy or pack it again."),
        (zip_bytes({"a.jpg": NOISE})[200:], "is of an unknown kind, not a zip; pack the photos as a zip."),
        (zip_bytes({}), "holds no file; pack the folders of photos."),
        (zip_bytes({"../a.jpg": b"1"}), "holds 'a.jpg', whose path leads out of the folder; pack it anew."),
        (special(0o120000, "a.jpg"), "holds 'a.jpg', which is a link; pack the photos themselves."),
    ],
)
def test_archives_that_are_refused(tmp_path, content, words):
    path = tmp_path / "pets.zip"
    path.write_bytes(content)
    assert refused(path) == f"pets.zip {words}"


def test_a_missing_archive_and_a_folder(tmp_path):
    assert refused(tmp_path / "no.zip") == "no.zip does not exist; give a zip of photos."
    (tmp_path / "folder.zip").mkdir()
    assert refused(tmp_path / "folder.zip") == "folder.zip is not a file; give a zip of photos."
    with pytest.raises(PhotoError, match=r"^a␀\.zip does not exist; give a zip"):
        unpack_zip("a\0.zip", tmp_path / "out")


def test_a_wrong_checksum_is_named_with_its_entry(tmp_path):
    data = zip_bytes({"cats/1.jpg": b"fine", "cats/2.jpg": NOISE}, zipfile.ZIP_STORED)
    path = tmp_path / "pets.zip"
    path.write_bytes(data.replace(NOISE[:50], NOISE[:49] + b"\0"))
    assert refused(path) == "pets.zip is damaged or cut short at '2.jpg'; copy or pack it again."
    broken = bytearray(zip_bytes({"cats/1.jpg": NOISE}))
    broken[60:70] = b"\xff" * 10
    path.write_bytes(broken)
    assert refused(path) == "pets.zip is damaged or cut short at '1.jpg'; copy or pack it again."


def test_a_bomb_ten_thousand_times_its_size_leaves_nothing(tmp_path):
    path = zip_file(tmp_path / "bomb.zip", {f"{i}/{i}.jpg": bytes(5_000_000) for i in range(4)})
    assert path.stat().st_size < 25_000
    assert refused(path).startswith("bomb.zip holds '0.jpg', which unpacks to over 200 times its size")


def test_bytes_are_counted_as_they_come_whatever_the_headers_say(tmp_path, monkeypatch):
    path = zip_file(tmp_path / "bomb.zip", {"1.jpg": NOISE * 100, "2.jpg": NOISE * 100}, zipfile.ZIP_STORED)
    check = module.check_entries

    def believe(infos, shown, packed, limits):
        return check(infos, shown, packed, Limits())

    monkeypatch.setattr(module, "check_entries", believe)
    assert refused(path, Limits(total_bytes=500_000)).startswith("bomb.zip holds '2.jpg', which unpacks to over 200")
    assert refused(path, Limits(total_bytes=200_000)).startswith("bomb.zip holds '1.jpg', which unpacks to over 200")


def test_headers_that_claim_less_than_there_is(tmp_path):
    data = bytearray(zip_bytes({"1.jpg": bytes(10_000_000)}))
    for place in (22, data.index(b"PK\1\2") + 24):  # the size before packing, in both headers
        data[place : place + 4] = struct.pack("<I", 1000)
    path = tmp_path / "bomb.zip"
    path.write_bytes(data)
    assert refused(path) == "bomb.zip is damaged or cut short at '1.jpg'; copy or pack it again."


def test_many_entries_that_share_one_stream(tmp_path):
    """A table of contents that names the same 100 KB a thousand times."""
    single = zip_bytes({"00000.jpg": bytes(100_000)})
    start, end = single.index(b"PK\1\2"), single.index(b"PK\5\6")
    table = b"".join(single[start:end].replace(b"00000.jpg", b"%05d.jpg" % i) for i in range(1000))
    tail = bytearray(single[end:])
    tail[8:20] = struct.pack("<HHII", 1000, 1000, len(table), start)
    path = tmp_path / "bomb.zip"
    path.write_bytes(single[:start] + table + bytes(tail))
    assert refused(path).startswith("bomb.zip holds entries, which unpacks to over 200 times its size")


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    path = zip_file(tmp_path / "pets.zip", {"1.jpg": NOISE * 100, "2.jpg": NOISE})
    monkeypatch.setattr(module, "_create", lambda _: open("/dev/full", "wb"))  # noqa: SIM115 (the caller closes it)
    assert refused(path) == "The disk is full: pets.zip was not unpacked; free some space and try again."


def test_a_place_that_cannot_be_written(tmp_path):
    path = zip_file(tmp_path / "pets.zip", {"1.jpg": NOISE})
    (tmp_path / "file").touch()
    with pytest.raises(PhotoError, match=r"^pets\.zip was not unpacked: not a directory; choose another place"):
        unpack_zip(path, tmp_path / "file" / "out")


def test_an_interruption_leaves_nothing(tmp_path, monkeypatch):
    path = zip_file(tmp_path / "pets.zip", {"1.jpg": NOISE, "2.jpg": NOISE})

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_copy", interrupt)
    with pytest.raises(KeyboardInterrupt):
        unpack_zip(path, tmp_path / "work" / "out")
    assert list((tmp_path / "work").iterdir()) == []


SAMPLES = [
    zip_bytes({"cats/1.jpg": NOISE, "고양이/2.png": b"hello" * 50, "e/": b""}, method)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
]
changes = st.lists(
    st.tuples(
        st.integers(0, 60) | st.integers(-250, -1) | st.integers(0, 4000),
        st.binary(min_size=1, max_size=3) | st.sampled_from([b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=400)
@given(st.sampled_from(SAMPLES), changes, st.none() | st.integers(1, 400))
def test_any_damage_ends_in_a_folder_or_in_a_sentence(tmp_path_factory, data, changed, cut):
    for at, new, insert in changed:
        at %= len(data)
        data = data[:at] + new + data[at + (0 if insert else len(new)) :]
    folder = tmp_path_factory.mktemp("zip")
    path = folder / "pets.zip"
    path.write_bytes(data[: -cut if cut else None])
    error = ""
    try:
        unpack_zip(path, folder / "work" / "out")
    except PhotoError as caught:
        error = str(caught)
    left = {found.name for found in folder.glob("work/*")}
    assert (error.startswith("pets.zip "), left) in [(True, set()), (False, {"out"})]
    # Names may have changed, but checksums held.
    assert set(contents(folder / "work").values()) <= {NOISE, b"hello" * 50, b""}


# The two ways in


def test_open_photos_takes_a_folder_and_its_zip_for_the_same(tmp_path):
    entries = {"pets/cats/1.jpg": b"1", "pets/cats/10.jpg": b"2", "pets/dogs/2.png": b"3", "pets/dogs/a.txt": b"4"}
    for name, content in entries.items():
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_bytes(content)
    path = zip_file(tmp_path / "pets.zip", entries | {"__MACOSX/pets/cats/._1.jpg": b"5"})
    for source in (tmp_path / "source", str(path)):
        photos = open_photos(source, tmp_path / "work")
        assert {label: [p.read_bytes() for p in files] for label, files in photos.photos.items()} == {
            "cats": [b"1", b"2"],
            "dogs": [b"3"],
        }
        assert photos.skipped == ["a.txt in dogs was left out, for its name is not a picture's."]


def test_open_photos_names_the_zip_and_not_where_it_was_unpacked(tmp_path):
    path = zip_file(tmp_path / "pets.zip", {"cats/1.jpg": b"1", "dogs/": b""})
    with pytest.raises(PhotoError, match=r"^The folder dogs of pets\.zip holds no photo; "):
        open_photos(path, tmp_path / "work")
    path = zip_file(tmp_path / "pets.zip", {"cats.zip": b"1", "dogs.zip": b"2"})
    with pytest.raises(
        PhotoError, match=r"^pets\.zip holds no photo and 2 zips, which would have to be unpacked first"
    ):
        open_photos(path, tmp_path / "work")
    path = zip_file(tmp_path / "pets.zip", {"<script>/1.jpg": b"1", "dogs/1.jpg": b"2"})
    with pytest.raises(LabelError, match=r"^The folder <script> of pets\.zip cannot name a class\. "):
        open_photos(path, tmp_path / "work")
    with pytest.raises(PhotoError, match=r"^nothing does not exist; give a folder or zip"):
        open_photos(tmp_path / "nothing", tmp_path / "work")


def test_the_files_of_one_class(tmp_path):
    picture = encode(smooth_picture(8, 8), "PNG")
    archive = zip_file(
        tmp_path / "more.zip", {"a/10.png": picture, "a/b/2.png": picture, "3.png": picture, "a/x.txt": b"x"}
    )
    (tmp_path / "IMG_1.JPG").write_bytes(picture)
    (tmp_path / "no suffix").write_bytes(picture)
    (tmp_path / "notes.txt").write_bytes(b"hello")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "bad.zip").write_bytes(b"hello")
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "4.png").write_bytes(picture)
    zip_file(tmp_path / "texts.zip", {"a.txt": b"1"})
    chosen = [
        "IMG_1.JPG",
        "more.zip",
        "notes.txt",
        ".DS_Store",
        "bad.zip",
        "no suffix",
        "album",
        "texts.zip",
        "gone.jpg",
    ]
    pictures, skipped = collect_files([str(tmp_path / name) for name in chosen], tmp_path / "work")
    assert [path.name for path in pictures] == [
        "IMG_1.JPG",
        "3.png",
        "10.png",
        "2.png",
        "no suffix",
        "4.png",
        "gone.jpg",
    ]
    assert all(read_image(path).size == (8, 8) for path in pictures[:-1])
    assert archive.exists()
    assert skipped == [
        "x.txt in more.zip was left out, for its name is not a picture's.",
        "notes.txt was left out, for it is text, not a picture.",
        "bad.zip is text, not a zip; pack the photos as a zip.",
        "a.txt in texts.zip was left out, for its name is not a picture's.",
        "texts.zip holds no picture.",
    ]


def test_two_zips_of_one_name_stay_apart(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        zip_file(tmp_path / folder / "cats.zip", {"1.jpg": folder.encode()})
    pictures, skipped = collect_files([tmp_path / "a/cats.zip", tmp_path / "b/cats.zip"], tmp_path / "work")
    assert [path.read_bytes() for path in pictures] == [b"a", b"b"]
    assert skipped == []


def test_nothing_chosen_makes_nothing(tmp_path):
    assert collect_files([], tmp_path / "work") == ([], [])
    assert not (tmp_path / "work").exists()
