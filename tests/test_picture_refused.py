"""One picture: what is refused, before which harm, and in which words."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from tests.picture_checks import difference, picture_or_sentence, refused
from tests.picture_files import FORMATS, damaged_files, encode, png, sample_files
from tests.toys import smooth_picture
from vgg_hub.errors import PhotoError
from vgg_hub.picture import MAX_JPEG_SCANS, Limits, read_image

PICTURE = smooth_picture(37, 23)
FILES = sample_files()
NOT_A_PICTURE = "not a picture that can be read; give a JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF"


def test_an_empty_file(tmp_path):
    (tmp_path / "cat.jpg").touch()
    assert refused(tmp_path / "cat.jpg") == "cat.jpg is empty (0 bytes); copy or export it again."


def test_a_file_over_the_limit_is_not_read(tmp_path):
    path = tmp_path / "big.tif"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    assert refused(path) == "big.tif has 60.0 MB; the limit is 50 MB: make it smaller."
    refused(b"\xff" * 11, "the picture has 0.0 MB; the limit is 1e-05 MB", limits=Limits(file_bytes=10))
    refused(io.BytesIO(b"\xff" * 11), "the picture is too large; the limit is", limits=Limits(file_bytes=10))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"This is no picture.\n", "text"),
        ("고양이".encode() * 200, "text"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><html></html>", "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04" + bytes(30), "a zip archive"),
        (b"\0\0\0\x18ftypmp42" + bytes(30), "a video"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer to a file elsewhere"),
        (bytes(range(256)), "of an unknown kind"),
        (b"BMW is a make of cars, and this is text that begins like a bitmap.", "text"),
    ],
)
def test_what_is_not_a_picture_whatever_its_name(tmp_path, content, what):
    path = tmp_path / "cat.jpg"
    path.write_bytes(content)
    assert refused(path) == f"cat.jpg is {what}, {NOT_A_PICTURE}."


def test_formats_that_pillow_would_open_and_we_do_not():
    for kind in ("PPM", "TGA", "PCX", "ICO", "EPS", "SGI", "JPEG2000"):
        refused(encode(PICTURE, kind), NOT_A_PICTURE)


def test_a_folder_a_missing_file_and_a_pipe(tmp_path):
    assert refused(tmp_path) == f"{tmp_path.name} is a folder; give a picture."
    assert refused(tmp_path / "no.jpg") == "no.jpg does not exist; check its name and folder."
    refused("a\0b.jpg", "cannot be read")
    refused("x" * 300 + ".jpg", "cannot be read: file name too long")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert refused(tmp_path / "pipe.jpg") == "pipe.jpg is not an ordinary file; give a picture."


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "secret.jpg"
    path.write_bytes(encode(PICTURE, "JPEG"))

    def deny(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", deny)  # permissions do not bind root, who may run the tests
    refused(path, "secret.jpg cannot be read: permission denied")


def test_a_file_opened_as_text(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello", encoding="utf-8")
    with path.open(encoding="utf-8") as file:
        refused(file, "notes.txt gave a str; expected bytes: open the file in binary mode.")


def _bombs() -> dict[str, bytes]:
    """Small files whose headers speak of 60 million pixels or more."""
    jpeg = bytearray(encode(PICTURE, "JPEG"))
    frame = jpeg.index(b"\xff\xc0") + 5
    jpeg[frame : frame + 4] = b"\xff\xdc" * 2
    gif = bytearray(encode(PICTURE.quantize(), "GIF"))
    gif[6:10] = b"\xff\xff" * 2
    bmp = bytearray(encode(PICTURE, "BMP"))
    bmp[18:26] = (30_000).to_bytes(4, "little") * 2
    webp = bytearray(encode(PICTURE, "WEBP", lossless=True))
    size = webp.index(b"VP8L") + 9  # 14 bits each
    webp[size : size + 4] = (int.from_bytes(webp[size : size + 4], "little") | (1 << 28) - 1).to_bytes(4, "little")
    heif, avif = (bytearray(encode(Image.new("RGB", (64, 64)), kind)) for kind in ("HEIF", "AVIF"))
    for file in (heif, avif):
        size = file.index(b"ispe") + 8
        file[size : size + 8] = (16_000).to_bytes(4) * 2
    return {
        "JPEG": bytes(jpeg),
        "GIF": bytes(gif),
        "BMP": bytes(bmp),
        "WEBP": bytes(webp),
        "HEIF": bytes(heif),
        "AVIF": bytes(avif),
        "PNG": png(60_000, 60_000, (b"IDAT", b"")),
        "PNG between Pillow's limits": png(10_000, 12_000, (b"IDAT", b"")),
    }


@pytest.mark.parametrize("kind", _bombs())
def test_a_decompression_bomb_is_refused_before_it_is_decoded(kind, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    monkeypatch.setattr(Image.core, "new", lambda *_: pytest.fail("memory was taken"))
    message = refused(_bombs()[kind], "the limit is 50 million: make it smaller.", name="bomb.bin")
    assert re.match(r"bomb\.bin has \d+ x \d+ pixels \(\d+\.\d million\); ", message)


def test_a_gif_with_a_frame_larger_than_its_screen():
    gif = bytearray(encode(PICTURE.quantize(), "GIF"))
    frame = gif.index(b",\0\0\0\0") + 5
    gif[frame : frame + 4] = b"\xff\xff" * 2
    refused(bytes(gif), "the picture has", "more pixels than the limit, 50 million", name=None)


def test_the_limit_on_pixels_is_the_callers():
    file = encode(PICTURE, "PNG")
    assert read_image(file, limits=Limits(pixels=37 * 23)).size == (37, 23)
    refused(file, "has 37 x 23 pixels (0.0 million); the limit is 0.00085 million", limits=Limits(pixels=850))
    refused(PICTURE, "the picture has 37 x 23 pixels", limits=Limits(pixels=850))


def test_pillows_own_limit_neither_warns_nor_counts(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    assert read_image(encode(PICTURE, "PNG")).size == (37, 23)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read_image(encode(PICTURE, "JPEG")).size == (37, 23)


def test_a_line_is_not_a_picture():
    assert read_image(encode(Image.new("RGB", (300, 3)), "PNG")).size == (300, 3)
    line = encode(Image.new("RGB", (301, 3)), "PNG")
    refused(line, "has 301 x 3 pixels, one side over 100 times the other; crop it to the thing it shows.")
    refused(encode(Image.new("1", (1, 50_000)), "PNG"), "has 1 x 50000 pixels")
    refused(Image.new("RGB", (0, 5)), "has 0 x 5 pixels; expected at least 1 x 1")


def test_a_jpeg_of_a_thousand_scans():
    file = encode(PICTURE, "JPEG", progressive=True)
    scan = file[file.rindex(b"\xff\xda") : -2]
    fine, many = file[:-2] + scan * 20 + b"\xff\xd9", file[:-2] + scan * 1000 + b"\xff\xd9"
    assert read_image(fine).size == PICTURE.size
    refused(many, f"over {MAX_JPEG_SCANS} scans, which no camera writes; export it again.")
    behind = file + b"\xff\xda" * 1000  # what follows the picture, such as a film, is not part of it
    assert difference(read_image(behind), read_image(file)) == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_cut_short_is_refused_or_whole(kind):
    for file in FILES[kind]:
        whole = read_image(file)
        for length in {1, 2, 8, 12, 20, 30, *np.linspace(31, len(file) - 1, 25).astype(int), len(file) - 2}:
            try:
                read = read_image(file[:length], name="half.jpg")
            except PhotoError:
                continue
            # Nothing but the end mark, or what follows the first frame, was cut.
            assert difference(read, whole) == 0
    half = FILES[kind][0][: len(FILES[kind][0]) * 2 // 3]
    assert refused(half, name="half.jpg") == "half.jpg is damaged or cut short; copy or export it again."


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=150)
@given(data=st.data())
def test_any_damage_ends_in_a_picture_or_in_a_sentence(kind, data):
    file = data.draw(damaged_files(FILES[kind]))
    outcome = picture_or_sentence(file, Limits(pixels=1_000_000))
    assert outcome == "RGB" or re.fullmatch(r"photo\.bin (is|has|holds) [^\n]{10,200}\.", outcome)


@given(start=st.sampled_from([file[:n] for files in FILES.values() for file in files for n in (0, 4, 12, 30)]),
       rest=st.binary(max_size=200))  # fmt: skip
def test_any_bytes_end_in_a_picture_or_in_a_sentence(start, rest):
    outcome = picture_or_sentence(start + rest, Limits(pixels=100_000))
    assert outcome == "RGB" or outcome.startswith("photo.bin ")


def test_heic_without_its_plugin(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    refused(FILES["HEIF"][0], "x.heic is a HEIC picture, which needs the package pillow-heif", name="x.heic")


def test_the_plugin_is_loaded_with_the_first_heic_only():
    code = "import sys, vgg_hub.data; assert 'pillow_heif' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
