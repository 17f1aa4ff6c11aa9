"""Hostile pictures, archives, names and configs as Hypothesis strategies, and what must be true of what comes of them."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import struct
import time
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser

from hypothesis import strategies as st
from PIL import Image

from tests.picture_files import encode, png, sample_files
from tests.toys import smooth_picture

__all__ = [
    "MARK", "TIMES", "archives", "bounded", "check_sentence", "configs", "headers", "html_is_ours", "names", "pictures",
]  # fmt: skip

TIMES = int(os.environ.get("HOSTILE_TIMES", "1"))  # so many times as many examples
MARK = "theirs-7x7"  # in every text of theirs that a picture carries
SECONDS = 5.0  # of processor time, for one input

MARKUP = f"<img src=x onerror=alert(1) class={MARK}><script>{MARK}</script>"
NAMES = [
    MARKUP, '</td></tr></table><h1>', '"><svg onload=x>', '&lt;b&gt;', 'javascript:alert(1)', '![x](http://x/y)',
    '[x](javascript:y)', '=1+1', '+1', '-1', '@SUM(A1)', '＝1+1', "=cmd|'/c calc'!A1", '\t=1', ';=1+1', '","=1',
    '--- !!python/object:os.system x', '---', '...', '- a: b', 'a: b # c', '*x', '&x', '!!binary', 'null', 'true',
    '0x10', '1e400', '{{7*7}}', '${7*7}', '{0.__class__}', '%s%n', '../../x', '..\\x', '/etc/passwd', 'C:\\x',
    '~root', '.', '..', '.hidden', 'nul', 'con.png', 'a\x00b', 'a\nb', '\r\n\r\nx: y', '\u202egnp.x', '\u200b',
    '\ufeff', '\ud800', "e\u0301" * 50, '고양이', '👩\u200d👩\u200d👧', "x" * 90, "x" * 300, ' ', '', '`x`',
    '$(id)', '|id', "'", '"', '\\',
]  # fmt: skip


def names() -> st.SearchStrategy[str]:
    """What a class, a file or an entry may be called."""
    some = st.sampled_from(NAMES)
    return some | st.text(max_size=12) | st.builds("{} {}".format, some, some)


# Pictures


def _with_text(data: bytes) -> bytes:
    """A PNG with texts: plain, compressed and international ones with markup, and one that unpacks to 100 MB."""
    bomb = zlib.compress(bytes(100_000_000), 9)
    chunks = [
        (b"tEXt", b"Title\0" + MARKUP.encode()),
        (b"zTXt", b"Comment\0\0" + zlib.compress(MARKUP.encode() * 50)),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + f"<x:xmpmeta>{MARKUP}</x:xmpmeta>".encode()),
        (b"zTXt", b"Bomb\0\0" + bomb),
        (b"iCCP", b"p\0\0" + zlib.compress(MARK.encode() * 1000)),
        (b"eXIf", b"MM\0*" + b"\xff" * 40),
    ]
    packed = b"".join(struct.pack(">I", len(b)) + t + b + struct.pack(">I", zlib.crc32(t + b)) for t, b in chunks)
    return data[:33] + packed + data[33:]


def _with_exif(data: bytes, kind: str) -> bytes:
    exif = Image.Exif()
    exif[274], exif[270], exif[305], exif[315] = 9_999, MARKUP, MARKUP * 100, "{{7*7}}"
    image = Image.open(io.BytesIO(data))
    more = {"icc_profile": MARK.encode() * 500} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}
    more |= {"xmp": MARKUP.encode()} if kind in ("JPEG", "WEBP") else {}
    more |= {"comment": MARKUP} if kind == "JPEG" else {}
    return encode(image.convert("RGB"), kind, exif=exif, **more)


def _by_hand() -> list[bytes]:
    rgb = smooth_picture(24, 20)
    plain = {kind: encode(rgb, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../x", MARKUP)
    made = [_with_text(plain["PNG"]), *(_with_exif(plain[kind], kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF"))]
    made += [data + tail for data in plain.values() for tail in (archive.getvalue(), MARKUP.encode(), b"<?php x ?>")]
    made += [head + plain["PNG"] for head in (b"GIF89a", b"PK\3\4", MARKUP.encode(), b"%PDF-1.7\n", b"\xff\xd8\xff")]
    for width, height in ((2**31 - 1, 2**31 - 1), (60_000, 60_000), (0, 0), (1, 2**20), (2**20, 1), (7_000, 7_000)):
        made.append(png(width, height, (b"IDAT", zlib.compress(b"\0"))))
        made.append(plain["GIF"][:6] + struct.pack("<HH", width & 0xFFFF, height & 0xFFFF) + plain["GIF"][10:])
        made.append(plain["BMP"][:18] + struct.pack("<II", width, height) + plain["BMP"][26:])
    made += [png(3_000, 3_000, (b"IDAT", zlib.compress(bytes(9_003_000), 9)), depth=8, colour=0)]
    frames = [smooth_picture(24, 20, seed) for seed in range(30)]
    made += [encode(rgb, kind, save_all=True, append_images=frames) for kind in ("GIF", "PNG", "WEBP", "TIFF")]
    for mode in ("1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "F"):
        for kind in ("TIFF", "PNG", "JPEG", "GIF"):
            try:
                made.append(
                    encode(rgb.convert("L").convert(mode) if mode in ("I;16", "F") else rgb.convert(mode), kind)
                )
            except (OSError, ValueError):  # Pillow writes no such file
                continue
    return [*made, b"", b"\0", bytes(1000), MARKUP.encode(), b"<svg onload=x>", archive.getvalue()]


def pictures() -> st.SearchStrategy[bytes]:
    """Files that call themselves pictures: whole, cut, changed, or several of these."""
    whole = [*_by_hand(), *(data for files in sample_files().values() for data in files)]
    piece = st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"])
    change = st.tuples(st.integers(0, 200) | st.integers(0, 5000), piece, st.booleans())

    def apply(data: bytes, changes: list[tuple[int, bytes, bool]]) -> bytes:
        for at, new, cut in changes:
            at %= max(1, len(data))
            data = data[:at] + new + (b"" if cut else data[at + len(new) :])
        return data

    return st.sampled_from(whole) | st.builds(apply, st.sampled_from(whole), st.lists(change, min_size=1, max_size=4))


# Archives


def archives() -> st.SearchStrategy[bytes]:
    """Zips of hostile names, kinds and contents, whose headers may lie, whole or damaged."""
    good = encode(smooth_picture(20, 20), "PNG")
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as file:
        file.writestr("a.png", good)
    contents = [good, b"", MARKUP.encode(), nested.getvalue(), bytes(5_000_000), good[:60]]
    content = st.integers(0, len(contents) - 1)  # not they themselves: Hypothesis writes down what it draws
    suffix = st.sampled_from([".png", ".JPG", "", ".zip", "/", "/a.png", "\\b.png"])
    kind = st.sampled_from([0, 0, 0, 0o100644, 0o120777, 0o010644, 0o060644, 0o040755])
    entry = st.tuples(st.builds("{}{}".format, names(), suffix), content, kind, st.booleans())

    def pack(entries: list[tuple[str, int, int, bool]], lie: int, cut: int | None) -> bytes:
        file = io.BytesIO()
        with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(file, "w") as archive:  # a name may stand twice
            for name, which, mode, pressed in entries:
                info = zipfile.ZipInfo()
                info.filename = info.orig_filename = name.encode("utf-8", "replace").decode()[:500] or "x"
                info.external_attr, info.create_system = mode << 16, 3
                info.compress_type = zipfile.ZIP_DEFLATED if pressed else zipfile.ZIP_STORED
                archive.writestr(info, contents[which])
        packed = bytearray(file.getvalue())
        if lie:  # the size that the table of contents gives for the first entry
            at = packed.rfind(b"PK\1\2")
            packed[at + 24 : at + 28] = struct.pack("<I", lie)
        return bytes(packed[:cut] if cut else packed)

    lies = st.sampled_from([0, 0, 0, 1, 2**31, 2**32 - 1])
    return st.builds(pack, st.lists(entry, min_size=1, max_size=5), lies, st.none() | st.integers(1, 3000))


# Configs and headers

VALUES = st.recursive(
    st.sampled_from([None, True, -1, 0, 1, 2**63, 10**400, 1e308, 0.5, "64", "M", "NaN", "", MARKUP, "x" * 100_000])
    | st.integers()
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
) | st.sampled_from([["M"] * 1001, [64] * 100_000, [65_536] * 1000, [[[[[[]]]]]], {str(i): 1 for i in range(5000)}])  # fmt: skip


def configs(document: dict[str, object]) -> st.SearchStrategy[bytes]:
    """The bytes of `config.json`: the document with some of its values changed or gone, or no JSON at all."""
    places = [(key,) for key in document] + [
        (key, inner) for key, value in document.items() if isinstance(value, dict) for inner in value
    ]

    def change(changes: list[tuple[tuple[str, ...], object]], raw: bytes | None) -> bytes:
        changed = json.loads(json.dumps(document))
        for place, value in changes:
            at = changed
            for key in place[:-1]:
                at = at.get(key) if isinstance(at, dict) else None
            if isinstance(at, dict):
                at[place[-1]] = copy.deepcopy(value)  # another change may go into it
        text = json.dumps(changed).encode()
        return text if raw is None else text[: len(text) // 2] + raw + text[len(text) // 2 :]

    raw = (
        st.none() | st.binary(max_size=6) | st.sampled_from([b"NaN", b"[" * 100_000, b"1" * 10_000, b'{"a":' * 50_000])
    )
    return st.builds(change, st.lists(st.tuples(st.sampled_from(places), VALUES), min_size=1, max_size=4), raw)


def headers(true: bytes) -> st.SearchStrategy[bytes]:
    """A safetensors file whose header lies: of places, shapes, kinds and its own length."""
    end = 8 + struct.unpack("<Q", true[:8])[0]
    header = json.loads(true[8:end])
    keys = [key for key in header if key != "__metadata__"]
    field = st.sampled_from(["dtype", "shape", "data_offsets"])
    values = VALUES | st.sampled_from(
        ["F64", "F4", "BOOL", [0, 2**62], [2**40, 2**40], [10**12, 10**12 + 4], [8, 0], [-1, 4]]
    )

    def lie(changes: list[tuple[str, str, object]], length: int | None) -> bytes:
        changed = {key: dict(value) for key, value in header.items()}
        for key, name, value in changes:
            changed[key][name] = copy.deepcopy(value)
        text = json.dumps(changed).encode()
        return struct.pack("<Q", len(text) if length is None else length) + text + true[end:]

    length = st.none() | st.none() | st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1])
    return st.builds(lie, st.lists(st.tuples(st.sampled_from(keys), field, values), max_size=4), length)


# What must be true


@contextmanager
def bounded() -> Iterator[None]:
    """Processor time, so that other work on the machine does not count."""
    started = time.process_time()
    yield
    assert time.process_time() - started < SECONDS, "it took too long"


def check_sentence(said: str, *holds: str) -> None:
    """One line that a person may read, and that names what it is about."""
    wrong = re.search(r"[\x00-\x1f\u2028\u2029\u202e\ud800-\udfff]|Traceback|\w+Error\b|object at 0x|\.py\b", said)
    assert not wrong, said
    assert 10 < len(said) < 700, said
    assert all(text in said for text in holds), said


TAGS = re.compile(
    r"p|b|i|ul|li|div|table|thead|tbody|tr|th|td|span|small|details|summary|dl|dt|dd|caption|figure|figcaption|img|button|"
    r"h3|h4|input|label|select|option"
)
ATTRIBUTES = re.compile(
    r"class|role|style|scope|tabindex|alt|src|loading|title|type|value|id|for|open|aria-[a-z]+|data-[a-z-]+"
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text, self.bad = "", []

    def handle_starttag(self, tag, attrs):
        self.bad += [] if TAGS.fullmatch(tag) else [tag]
        for name, value in attrs:
            ours = ATTRIBUTES.fullmatch(name) and (name != "src" or value.startswith("data:image/jpeg;base64,"))
            seen = name in ("alt", "title", "value") or name.startswith(("aria-", "data-"))
            self.bad += [] if ours and (seen or MARK not in (value or "")) else [f"{tag} {name}={value}"]

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.bad.append(f"comment {data}")

    def handle_decl(self, decl):
        self.bad.append(f"declaration {decl}")


def html_is_ours(html: str, *holds: str) -> bool:
    """Whether it parses to elements of the page's own, with these texts in it as they are."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.bad == [], reader.bad
    return all(text in reader.text for text in holds)
