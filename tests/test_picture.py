"""One picture, from any kind of file: what comes out, and what is refused in which words."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
import unicodedata
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from tests.picture_files import FORMATS, damaged_files, encode, png, sample_files
from tests.toys import smooth_picture
from vgg_hub.errors import PhotoError
from vgg_hub.picture import MAX_JPEG_SCANS, Limits, file_name, read_image

PICTURE = smooth_picture(37, 23)
FILES = sample_files()
LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}}
NOT_A_PICTURE = "not a picture that can be read; give a JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF"


def difference(first: Image.Image, second: Image.Image) -> float:
    """The largest difference of two pictures' values, 0 to 255."""
    assert (first.mode, first.size) == (second.mode, second.size)
    return float(np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16)).max())


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


# What is refused


def picture_or_sentence(data: bytes, limits: Limits) -> str:
    """The mode of the picture that comes out, or the error's words."""
    try:
        return read_image(data, name="photo.bin", limits=limits).mode
    except PhotoError as error:
        return str(error)


def refused(source: object, *words: str, **options: object) -> str:
    with pytest.raises(PhotoError) as caught:
        read_image(source, **options)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "\n" not in message
    assert message.endswith(".")
    return message


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
