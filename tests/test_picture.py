"""One picture, from any kind of file: what comes out, under which name, and what is kept quiet."""

from __future__ import annotations

import io
import threading
import unicodedata
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.picture_checks import difference, picture_or_sentence, refused
from tests.picture_files import encode, sample_files
from tests.toys import smooth_picture
from vgg_hub.picture import Limits, _QuietPillow, file_name, read_image

PICTURE = smooth_picture(37, 23)
FILES = sample_files()
LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}}


# What comes out


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_come_out_as_they_went_in(kind):
    assert difference(read_image(encode(PICTURE, kind, **LOSSLESS[kind])), PICTURE) == 0


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "HEIF"])
def test_lossy_formats_come_out_nearly_as_they_went_in(kind):
    picture = smooth_picture(200, 120)
    read = read_image(encode(picture, kind, quality=95, **({"chroma": 444} if kind == "HEIF" else {})))
    assert np.abs(np.asarray(read, float) - np.asarray(picture, float)).mean() < 2


def test_a_gif_comes_out_in_its_own_colours():
    gif = encode(PICTURE.quantize(64), "GIF")
    assert difference(read_image(gif), PICTURE.quantize(64).convert("RGB")) == 0


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF", "MPO"])
def test_the_first_frame_counts(kind):
    red, blue = Image.new("RGB", (16, 16), (250, 0, 0)), Image.new("RGB", (16, 16), (0, 0, 250))
    read = read_image(encode(red, kind, save_all=True, append_images=[blue, blue]))
    assert difference(read, red) <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "TIFF lzw", "AVIF", "HEIF"])
def test_orientation_is_applied_once(kind, orientation):
    undo = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    flips = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF's numbers -> PIL's Transpose
    upright = Image.new("RGB", (24, 16), "white")
    upright.paste((200, 0, 0), (0, 0, 8, 8))  # top left
    upright.paste((0, 0, 200), (16, 0, 24, 8))  # top right
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(flips[undo]))
    exif = Image.Exif()
    exif[274] = orientation
    name, _, method = kind.partition(" ")
    options = {"compression": "tiff_lzw"} if method else {"quality": 100} if name != "PNG" else {}
    once = read_image(encode(stored, name, exif=exif.tobytes(), **options))
    assert once.size == upright.size
    assert np.abs(np.asarray(once, float) - np.asarray(upright, float)).mean() < 6
    assert once.info == {}
    assert difference(read_image(once), once) == 0


def test_a_damaged_exif_block_does_not_spoil_the_picture():
    for exif in (b"Exif\0\0XX*\0\x08\0\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"):
        assert read_image(encode(PICTURE, "JPEG", exif=exif)).size == PICTURE.size


def test_an_orientation_that_is_no_number_from_1_to_8_says_nothing():
    exif = Image.Exif()
    exif[274] = 99
    assert difference(read_image(encode(PICTURE, "PNG", exif=exif)), PICTURE) == 0


def test_adobe_cmyk_is_not_inverted():
    read = read_image(encode(PICTURE.convert("CMYK"), "JPEG", quality=95))
    assert np.abs(np.asarray(read, float) - np.asarray(PICTURE, float)).mean() < 4


def test_what_a_file_is_counts_and_not_its_name(tmp_path):
    path = tmp_path / "고양이 사진 1.GIF"
    path.write_bytes(encode(PICTURE, "PNG"))
    assert difference(read_image(path), PICTURE) == 0
    assert difference(read_image(str(path)), PICTURE) == 0
    with path.open("rb") as file:
        assert difference(read_image(file), PICTURE) == 0


def test_a_pil_image_is_left_as_it_was():
    image = Image.open(io.BytesIO(FILES["JPEG"][0]))
    read = read_image(image)
    assert (image.size, read.size) == ((48, 40), (40, 48))
    assert read_image(PICTURE) is not PICTURE
    assert type(read_image(image)) is Image.Image


def test_avif_and_heic_under_a_general_brand():
    for kind in ("AVIF", "HEIF"):
        file = bytearray(encode(PICTURE, kind, quality=95))
        expected = read_image(bytes(file))
        file[8:12] = b"mif1"
        assert difference(read_image(bytes(file)), expected) == 0


# Names and warnings


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/ann/고양이 1.jpg", "고양이 1.jpg"),
        (unicodedata.normalize("NFD", "가.jpg"), "가.jpg"),
        ("C:\\Users\\ann\\cat.jpg", "cat.jpg"),
        ("a\nb\x1b[31m.jpg", "a␊b␛[31m.jpg"),
        ("evil\u202egpj.exe", "evil\ufffdgpj.exe"),
        ("bad\udcff.jpg", "bad\ufffd.jpg"),
        ("Screenshot 9.41.07\u202fAM.png", "Screenshot 9.41.07\u202fAM.png"),
        ("👩\u200d👧.jpg", "👩\u200d👧.jpg"),
        ("folder/", "folder"),
        ("n" * 200 + ".jpeg", "n" * 55 + "…" + "n" * 19 + ".jpeg"),
    ],
)
def test_the_shown_name(path, shown):
    assert file_name(path) == shown


@given(st.text(st.characters(), max_size=200))
def test_a_shown_name_is_short_and_harmless(path):
    shown = file_name(path)
    assert len(shown) <= 80
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in "/\\" for c in shown)
    assert file_name(shown) == shown


def test_an_error_shows_the_name_and_not_the_path(tmp_path):
    path = tmp_path / "a\nb.jpg"
    path.write_bytes(b"text")
    assert str(tmp_path) not in refused(path, "a␊b.jpg is text")
    refused(b"text", "<b>.jpg is text", name="dir/<b>.jpg")


def test_warnings_of_pillow_stay_inside_and_those_of_others_do_not():
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0\xff\xff\0\0\xff\xff\0\0"
    file = encode(PICTURE, "JPEG", exif=exif)
    with pytest.warns(UserWarning, match="Truncated File Read"):
        Image.open(io.BytesIO(file)).getexif()
    before = list(warnings.filters)
    read_image(file)  # warnings are errors in this test run
    assert warnings.filters == before


def test_the_last_one_out_restores_the_filters_of_warnings():
    def warn() -> None:
        warnings.warn_explicit("odd", UserWarning, "Image.py", 1, module="PIL.Image", registry={})

    before, quiet = list(warnings.filters), _QuietPillow()
    for enter, now_quiet in ((True, True), (True, True), (False, True), (True, True), (False, True), (False, False)):
        quiet.__enter__() if enter else quiet.__exit__()
        if now_quiet:
            warn()
        with pytest.warns(UserWarning, match="mine"):
            warnings.warn("mine", UserWarning, stacklevel=1)
    assert warnings.filters == before
    with pytest.raises(UserWarning, match="odd"):
        warn()


def test_threads_leave_the_filters_of_warnings_as_they_were():
    before = list(warnings.filters)
    files = [FILES["TIFF"][0], FILES["JPEG"][0], b"text"] * 3
    outcomes: list[str] = []

    def read(file: bytes) -> None:
        for _ in range(30):
            outcomes.append(picture_or_sentence(file, Limits()))

    threads = [threading.Thread(target=read, args=[file]) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(outcomes), outcomes.count("RGB")) == (270, 180)
    assert warnings.filters == before
