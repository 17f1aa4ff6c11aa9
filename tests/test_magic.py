"""What a file is, by its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.picture_files import FORMATS, encode, sample_files
from tests.toys import smooth_picture
from vgg_hub.magic import picture_format, what_it_is

FILES = sample_files()


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_is_known_by_its_first_bytes(kind):
    assert {picture_format(file) for file in FILES[kind]} == {kind}
    assert {picture_format(file[:200]) for file in FILES[kind]} == {kind}


def test_the_two_orders_and_sizes_of_tiff():
    for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        assert picture_format(start + bytes(20)) == "TIFF"


@pytest.mark.parametrize(
    ("major", "compatible", "kind"),
    [
        (b"heic", [b"mif1", b"heic"], "HEIF"),
        (b"heix", [], "HEIF"),
        (b"msf1", [b"hevc"], "HEIF"),
        (b"mif1", [b"mif1", b"heic", b"miaf"], "HEIF"),
        (b"mif1", [b"mif1", b"avif", b"miaf"], "AVIF"),
        (b"mif1", [b"miaf"], "HEIF"),
        (b"avis", [b"avif"], "AVIF"),
        (b"isom", [b"avif"], None),
        (b"crx ", [b"isom"], None),
    ],
)
def test_brands_tell_avif_heic_and_films_apart(major, compatible, kind):
    brands = major + bytes(4) + b"".join(compatible)
    assert picture_format((len(brands) + 8).to_bytes(4) + b"ftyp" + brands + b"more") == kind


@pytest.mark.parametrize("kind", ["PPM", "TGA", "PCX", "ICO", "EPS", "SGI", "JPEG2000", "PDF"])
def test_no_other_format_is_a_picture(kind):
    assert picture_format(encode(smooth_picture(20, 20), kind)) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.4", "a PDF document"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\0\0\0\x0cJXL \r\n", "a JPEG XL picture"),
        (b"\0\0\0\x0cjP  \r\n", "a JPEG 2000 picture"),
        (b"\0\0\1\0\1\0", "an icon"),
        (b"\x1aE\xdf\xa3", "a video"),
        (b"\0\0\0\x14ftypqt  ", "a video"),
        (b"\0\0\0\x14ftypcrx ", "of an unknown kind"),
        (b"\n <HTML lang='ko'>", "a web page"),
        (b"<svg/>", "an SVG drawing"),
        (b"a,b\r\n1,2\t\n", "text"),
        ("가".encode() * 400, "text"),  # the thousandth byte is in the middle of a character
        ("가".encode("cp949") * 9, "of an unknown kind"),
        (b"abc\0def", "of an unknown kind"),
    ],
)
def test_words_for_what_is_not_a_picture(content, words):
    assert what_it_is(content) == words


@given(st.binary(max_size=64))
def test_any_bytes_have_an_answer(content):
    assert picture_format(content) in (*FORMATS, None)
    assert what_it_is(content)
