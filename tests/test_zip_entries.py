"""The entries of a zip: names in every encoding, safe places, and the checks that headers allow."""

from __future__ import annotations

import io
import stat
import unicodedata
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.zip_files import rename, special, zip_bytes
from vgg_hub.errors import PhotoError
from vgg_hub.picture import Limits
from vgg_hub.zip_entries import MAX_PART_BYTES, _safe_part, check_entries

LIMITS = Limits()


def checked(data: bytes, limits: Limits = LIMITS) -> tuple[list[tuple[str, ...]], list[str]]:
    """Folders, and the places of the entries."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        folders, entries = check_entries(archive.infolist(), "pets.zip", len(data), limits)
    return folders, ["/".join(entry.parts) for entry in entries]


def places(*names: str) -> list[str]:
    return checked(zip_bytes(dict.fromkeys(names, b"1")))[1]


def refused(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(PhotoError) as caught:
        checked(data, limits)
    return str(caught.value)


# Paths


@pytest.mark.parametrize(
    "name",
    [
        "../evil.jpg",
        "cats/../../evil.jpg",
        "/etc/evil.jpg",
        "//evil.jpg",
        "C:/evil.jpg",
        "c:evil.jpg",
        "..\\evil.jpg",
        "\\\\host\\evil.jpg",
        "cats\\..\\..\\evil.jpg",
        "cats/..",
    ],
)
def test_an_entry_that_leads_out_of_the_folder(name):
    message = refused(zip_bytes({"cats/1.jpg": b"1", name: b"2"}))
    shown = ".." if name.endswith("..") else "c:evil.jpg" if ":e" in name else "evil.jpg"
    assert message == f"pets.zip holds '{shown}', whose path leads out of the folder; pack it anew."


def test_harmless_oddities_of_paths():
    assert places("./cats//1.jpg", "cats\\2.jpg", "a..b/3..jpg", "...") == ["cats/1.jpg", "cats/2.jpg", "a..b/3..jpg"]


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (stat.S_IFLNK, "a link"),
        (stat.S_IFIFO, "not an ordinary file"),
        (stat.S_IFCHR, "not an ordinary file"),
        (stat.S_IFSOCK, "not an ordinary file"),
    ],
)
def test_links_and_devices(kind, what):
    assert (
        refused(special(kind, "dogs/2.jpg")) == f"pets.zip holds '2.jpg', which is {what}; pack the photos themselves."
    )
    assert checked(special(stat.S_IFREG, "dogs/2.jpg"))[1] == ["cats/1.jpg", "dogs/2.jpg"]


def test_a_path_of_a_thousand_folders():
    assert (
        refused(zip_bytes({"a/" * 1000 + "1.jpg": b"1"}))
        == "pets.zip holds '1.jpg' 1001 folders deep; the limit is 30."
    )


def test_folders_are_made_even_if_empty_and_hidden_entries_are_not():
    data = zip_bytes(
        {"cats/1.jpg": b"1", "dogs/": b"", "__MACOSX/._1.jpg": b"2", ".DS_Store": b"3", "cats/Thumbs.db": b"4"}
    )
    folders, files = checked(data)
    assert set(folders) == {("cats",), ("dogs",)}
    assert files == ["cats/1.jpg"]


def test_nothing_in_it():
    nothing = "pets.zip holds no file; pack the folders of photos."
    assert refused(zip_bytes({})) == nothing
    assert refused(zip_bytes({"cats/": b"", "__MACOSX/a.jpg": b"1"})) == nothing


# Bounds


def test_too_many_entries():
    data = zip_bytes({f"{i}.jpg": b"1" for i in range(11)})
    assert refused(data, Limits(entries=10)) == "pets.zip has 11 entries; the limit is 10: split it."
    assert len(checked(data, Limits(entries=11))[1]) == 11


def test_a_thousandfold_ratio():
    bomb = zip_bytes({"cats/1.jpg": b"1", "cats/bomb.jpg": bytes(10_000_000)})
    assert len(bomb) < 11_000
    assert refused(bomb) == (
        "pets.zip holds 'bomb.jpg', which unpacks to over 200 times its size, as no photo does; pack the photos themselves."
    )
    assert checked(bomb, Limits(ratio=1100))
    assert len(checked(zip_bytes({"flat.bmp": bytes(100_000)}))[1]) == 1


def test_a_ratio_made_of_many_small_entries():
    data = zip_bytes({f"{i}.bmp": bytes(100_000) for i in range(100)})
    assert len(data) < 30_000
    assert refused(data).startswith("pets.zip holds entries, which unpacks to over 200 times its size")


def test_too_many_bytes():
    data = zip_bytes({f"{i}.jpg": bytes(range(256)) * 4000 for i in range(3)}, zipfile.ZIP_STORED)
    assert refused(data, Limits(total_bytes=3_000_000)) == "pets.zip unpacks to 3.1 MB; the limit is 3 MB: split it."


def test_a_password_and_a_rare_method():
    data = bytearray(zip_bytes({"cats/1.jpg": b"1"}))
    data[data.index(b"PK\1\2") + 8] |= 1
    assert refused(bytes(data)) == "pets.zip holds '1.jpg', which is locked with a password; pack it without one."
    rare = zip_bytes({"cats/1.jpg": b"1"}, zipfile.ZIP_LZMA)
    assert refused(rare) == "pets.zip holds '1.jpg', packed by a rare method; pack it as an ordinary zip (deflate)."


# Names


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_korean_names_without_the_mark(encoding):
    raw = {"A": "고양이", "B": "강아지"}
    size = {key: len(name.encode(encoding)) for key, name in raw.items()}
    data = zip_bytes({f"{key * size[key]}/1.jpg": b"1" for key in raw} | {"plain/1.jpg": b"1"})
    data = rename(data, {key * size[key]: name.encode(encoding) for key, name in raw.items()})
    assert checked(data)[1] == ["고양이/1.jpg", "강아지/1.jpg", "plain/1.jpg"]


def test_marked_and_decomposed_names():
    decomposed = unicodedata.normalize("NFD", "고양이")
    assert places(f"{decomposed}/1.jpg", "é/1.jpg") == ["고양이/1.jpg", "é/1.jpg"]
    raw = decomposed.encode()
    assert checked(rename(zip_bytes({"A" * len(raw): b"1"}), {"A" * len(raw): raw}))[1] == ["고양이"]


def test_western_names_of_old_are_not_taken_for_korean():
    data = rename(zip_bytes({"MXller/1.jpg": b"1", "cafY": b"1"}), {"MXller": b"M\x81ller", "cafY": b"caf\x82"})
    assert checked(data)[1] == ["Müller/1.jpg", "café"]
    data = rename(zip_bytes({"MXller/1.jpg": b"1"}), {"MXller": b"M\x81ller"})  # valid in cp949 as well
    assert checked(data)[1] == ["Müller/1.jpg"]


def test_rare_korean_syllables_beside_usual_ones():
    raw = "똠방각하".encode("cp949")
    assert checked(rename(zip_bytes({"A" * len(raw): b"1"}), {"A" * len(raw): raw}))[1] == ["똠방각하"]


def test_no_entry_takes_the_place_of_another():
    decomposed = unicodedata.normalize("NFD", "é.jpg")
    names = ["a/1.jpg", "a/1.JPG", "a/é.jpg", f"a/{decomposed}", "a/1 (2).jpg", "b", "b/x.jpg", "B"]
    assert places(*names) == [
        "a/1.jpg", "a/1 (2).JPG", "a/é.jpg", "a/é (2).jpg", "a/1 (2) (2).jpg", "b (2)", "b/x.jpg", "B (3)",
    ]  # fmt: skip


def test_control_characters_and_long_names():
    assert _safe_part("a\nb\x1b.jpg") == "a_b_.jpg"
    assert _safe_part("고양이 <1>?.jpg", windows=False) == "고양이 <1>?.jpg"
    one, other = (_safe_part("가" * 100 + end + ".jpg") for end in "ab")
    assert one != other
    assert one.startswith("가" * 70)
    assert one.endswith(".jpg")
    assert len(one.encode()) <= MAX_PART_BYTES


def test_names_that_windows_does_not_take():
    windows = {
        "a<b>:c.jpg": "a_b__c.jpg",
        "cats. ": "cats",
        "CON": "_CON",
        "com1.jpg": "_com1.jpg",
        "...": "_",
        "ok": "ok",
    }
    assert {part: _safe_part(part, windows=True) for part in windows} == windows


@given(st.text(st.characters(exclude_characters="/"), min_size=1, max_size=300), st.booleans())
def test_a_safe_part_is_a_file_name(part, windows):
    safe = _safe_part(part, windows=windows)
    assert 0 < len(safe.encode(errors="surrogatepass")) <= MAX_PART_BYTES
    assert "/" not in safe
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in safe)
    assert _safe_part(safe, windows=windows) == safe


part = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@given(
    st.lists(
        st.lists(part | st.sampled_from(["..", ".", "a", "A", "é"]), min_size=1, max_size=4), min_size=1, max_size=6
    )
)
def test_places_are_inside_and_apart_whatever_the_names(paths):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path in dict.fromkeys("/".join(path) for path in paths):
            archive.writestr(zipfile.ZipInfo(path), b"1")
    try:
        _, found = checked(file.getvalue())
    except PhotoError as error:
        assert str(error).startswith("pets.zip holds ")  # noqa: PT017 (either is right)
        return
    assert len({unicodedata.normalize("NFC", place.casefold()) for place in found}) == len(found)
    for place in found:
        assert not place.startswith("/")
        assert not {"..", ".", ""} & set(place.split("/"))
