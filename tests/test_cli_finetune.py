"""`vgg-hub finetune`: the same report as Python's, bad photos, and where the model goes."""

from __future__ import annotations

import errno
import io
import json
import re
import stat
import zipfile
from pathlib import Path

import pytest
from safetensors import SafetensorError

from tests.cli_helpers import ENGINE, error_of, left_behind, photos, run, start, teach
from tests.toys import smooth_picture
from vgg_hub import VGG, Classifier, finetune
from vgg_hub.data import load_folder

FILES = ["README.md", "config.json", "model.safetensors"]
__all__ = ["photos", "run", "start", "teach"]


def test_finetune_gives_python_s_report_and_model(teach, start, photos, tmp_path, run):
    status, out, err = teach("--json", "--seed", 3)
    assert (status, err) == (0, "")
    report = json.loads(out)
    found = load_folder(photos)
    finished = list(finetune(VGG.from_pretrained(start), found.photos, seed=3))[-1]
    expected = json.loads(json.dumps(finished.report.to_dict()))
    assert report.pop("seconds") > 0
    expected.pop("seconds")
    assert report == expected
    assert report["counts"] == {"broad": 8, "fine": 8}
    assert report["base"] == "start"

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    assert left_behind(tmp_path) == []
    pictures = sorted(photos.rglob("*.png"))
    answers = Classifier(finished.model)(pictures)
    status, out, err = run("classify", tmp_path / "out", *pictures, "--json")
    rows = json.loads(out)
    assert (status, err) == (0, "")
    assert [row["file"] for row in rows] == list(map(str, pictures))
    for row, answer in zip(rows, answers, strict=True):
        assert row["label"] == answer.label
        assert row["scores"] == pytest.approx(answer.scores, abs=1e-6)


def test_finetune_says_its_report_in_words(teach, tmp_path):
    status, out, err = teach()
    assert (status, err) == (0, "")
    assert re.search(r"^Right on about \d+ of 16 photos that it had not seen \(\d+ %\)", out, re.M)
    assert len(re.findall(r"^(?:Limited by|Whether more|It named almost all)", out, re.M)) == 1
    table = re.search(r"^ +broad  fine\nbroad +(\d+) +(\d+)\nfine +(\d+) +(\d+)$", out, re.M)
    assert table is not None
    counts = list(map(int, table.groups()))
    assert (counts[0] + counts[1], counts[2] + counts[3]) == (8, 8)
    assert len(re.findall(r"^  \w+ \d\.png \((?:broad|fine)\): ", out, re.M)) == counts[1] + counts[2]
    assert f"Try it: python -m vgg_hub classify {tmp_path / 'out'} PHOTO.jpg" in out


def test_labels_in_korean_stand_under_each_other(start, photos, run, tmp_path):
    (photos / "broad").rename(photos / "고양이 사진")
    status, out, _ = run("finetune", photos, "--out", tmp_path / "내 모델", "--weights", start)
    assert f"Try it: python -m vgg_hub classify '{tmp_path}/내 모델' PHOTO.jpg" in out
    assert status == 0
    assert re.search(r"^ {13}fine  고양이 사진$\n^fine( +\d+){2}$\n^고양이 사진( +\d+){2}$", out, re.M), out
    assert VGG.from_pretrained(tmp_path / "내 모델").config.label_names == ("fine", "고양이 사진")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "note.jpg",
            b"I am not a picture.\n" * 20,
            r"note\.jpg is text, not a picture that can be read; give a JPEG",
        ),
        ("cut.jpg", None, r"cut\.jpg is damaged or cut short; copy or export it again"),
        ("empty.PNG", b"", r"empty\.PNG is empty \(0 bytes\); copy or export it again"),
        ("notes.txt", b"hello", r"notes\.txt in broad was left out, for its name is not a picture's"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_rest_goes_on(teach, photos, name, content, sentence):
    if content is None:
        file = io.BytesIO()
        smooth_picture(200, 200).save(file, "JPEG")
        content = file.getvalue()[: file.tell() // 2]
    (photos / "broad" / name).write_bytes(content)
    status, out, err = teach("--json")
    report = json.loads(out)
    assert (status, err) == (0, "")
    assert report["counts"] == {"broad": 8, "fine": 8}
    assert [w for w in report["warnings"] if re.search(sentence, w)] != []
    status, out, _ = teach()
    assert status == 0
    assert re.search(f"^Note: {sentence}", out, re.M)


def test_the_same_photo_in_both_classes_is_said_and_kept_out(teach, photos):
    twin = photos / "fine" / "twin.png"
    twin.write_bytes((photos / "broad" / "broad 0.png").read_bytes())
    status, out, _ = teach("--json")
    report = json.loads(out)
    assert status == 0
    assert report["counts"] == {"broad": 7, "fine": 8}
    assert report["validation"]["n"] == 15
    assert [w for w in report["warnings"] if "twin.png is in both broad and fine; it was left out" in w] != []


def test_an_empty_class_is_said(teach, photos):
    (photos / "birds").mkdir()
    assert error_of(teach()) == "The folder birds of photos holds no photo; add photos, or remove the folder."


def test_one_photo_is_too_few(teach, photos):
    for path in sorted((photos / "broad").iterdir())[1:]:
        path.unlink()
    sentence = "Class 'broad' has 1 photo that can be used; give each class at least 2, better ten."
    assert error_of(teach()) == sentence


def test_files_left_out_are_named_also_when_too_few_remain(teach, photos):
    for path in sorted((photos / "broad").iterdir())[1:]:
        path.rename(path.with_suffix(".txt"))
    status, out, err = teach()
    assert (status, out) == (1, "")
    assert err.count("in broad was left out, for its name is not a picture's.") == 7
    assert err.splitlines()[-1].startswith("vgg-hub: Class 'broad' has 1 photo that can be used")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("<script>alert(1)", r"cannot name a class\. .* holds '<'; leave out slashes, angle brackets"),
        ("two\nlines", r"^The folder two␊lines of photos cannot name a class\. .* holds '\\n'"),
        ("a" * 101, r"cannot name a class\. Class name 1 has 101 characters; the limit is 100: shorten it"),
        ("BROAD", r"^The folders of photos cannot name classes\. Two classes have the same name, 'broad'"),
    ],
)
def test_a_folder_s_name_that_is_no_label_is_said(teach, photos, name, sentence):
    (photos / "fine").rename(photos / name)
    assert re.search(sentence, error_of(teach()))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--depth", "12"], "depth is 12; expected 11, 13, 16 or 19, or a list of your own in layers."),
        (["--depth", "16"], "is vgg-bn, not the net that --depth and --batch-norm name; leave these two out."),
        (["--no-batch-norm"], "is vgg-bn, not the net that --depth and --batch-norm name; leave these two out."),
        (["--device", "tpu9"], "device is 'tpu9'; expected auto, cpu, cuda or mps."),
        (
            ["--trainable", "everything"],
            "trainable is 'everything'; expected head, classifier, block2, block1 or all.",
        ),
        (["--weights", "no such folder"], "'no such folder' is not a folder here, nor a checkpoint that ships"),
        (["--weights", "bundled", "--depth", "19"], "No trained vgg19-bn ships with this version"),
    ],
)
def test_a_choice_that_cannot_be_is_said(one_ships, teach, arguments, sentence, tmp_path):
    assert sentence in error_of(teach(*arguments))
    assert not (tmp_path / "out").exists()


def test_photos_that_are_not_there(teach, tmp_path):
    assert error_of(teach(source=tmp_path / "nothing")).startswith("nothing does not exist; give a folder")


def make_zip(path: Path, entries: dict[str, bytes | Path]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content.read_bytes() if isinstance(content, Path) else content)
    return path


def test_a_zip_gives_what_its_folder_gives(teach, photos, tmp_path):
    files = {str(path.relative_to(photos.parent)): path for path in sorted(photos.rglob("*.png"))}
    packed = make_zip(tmp_path / "나의 사진.zip", files)
    reports = [json.loads(teach("--json", source=source)[1]) for source in (packed, photos)]
    assert [report.pop("seconds") > 0 for report in reports] == [True, True]
    assert reports[0] == reports[1]


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"cats/a.jpg": b"x", "../../up.jpg": b"x"}, "whose path leads out of the folder; pack it anew."),
        ({"/tmp/root.jpg": b"x"}, "whose path leads out of the folder; pack it anew."),  # noqa: S108
        (
            {"cats/bomb.bmp": bytes(20_000_000)},
            "holds 'bomb.bmp', which unpacks to over 200 times its size, as no photo does",
        ),
        ({}, "bad.zip holds no file; pack the folders of photos."),
        (None, "bad.zip is damaged or cut short; copy or pack it again."),
    ],
)
def test_a_bad_zip_is_said(teach, tmp_path, entries, sentence):
    if entries is None:
        (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and then nothing")
    else:
        make_zip(tmp_path / "bad.zip", entries)
    assert sentence in error_of(teach(source=tmp_path / "bad.zip"))
    assert not (tmp_path.parent / "up.jpg").exists()


def test_a_zip_with_a_link_is_said(teach, tmp_path):
    link = zipfile.ZipInfo("cats/link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    sentence = "bad.zip holds 'link.jpg', which is a link; pack the photos themselves."
    assert error_of(teach(source=tmp_path / "bad.zip")) == sentence


# where the model goes


@pytest.fixture
def no_training(monkeypatch):
    """Training is an error: what is refused must be refused before it."""

    def fail(*_, **__):
        raise AssertionError("trained although the model cannot be saved")

    monkeypatch.setattr(ENGINE, "finetune", fail)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("file", "file is a file; name a folder to save the model in."),
        ("file/model", "file/model cannot be a folder: Not a directory; choose another for --out."),
        ("/proc/vgg-hub/model", "model was not saved: "),
        ("n" * 300, "cannot be a folder: File name too long; choose another for --out."),
        ("photos/model", "model is in photos, where the next run would take it for a class; choose a folder outside"),
        ("photos", "photos is in photos, where"),
        (".", "is the folder you are in, or one around it; name a folder of its own for the model."),
    ],
)
def test_a_place_that_cannot_be_saved_to_is_refused_before_training(
    run, start, photos, tmp_path, monkeypatch, out, sentence
):
    (tmp_path / "file").write_text("a file")
    monkeypatch.chdir(tmp_path)
    assert sentence in error_of(run("finetune", photos, "--out", out, "--weights", start))
    assert (tmp_path / "file").read_text() == "a file"
    assert left_behind(tmp_path) == []


@pytest.mark.usefixtures("no_training")
def test_a_run_that_is_refused_makes_no_folder(run, start, photos, tmp_path):
    outcome = run("finetune", photos, "--out", tmp_path / "new" / "deep" / "model", "--weights", start, "--depth", "12")
    assert "depth is 12" in error_of(outcome)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("Error: I/O error: No space left on device")],
)
def test_a_full_disk_leaves_the_old_model(teach, tmp_path, monkeypatch, error):
    assert teach()[0] == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def full(*_, **__):
        raise error

    monkeypatch.setattr("vgg_hub.folder.save_file", full)
    assert error_of(teach("--seed", 1)) == "The disk is full: out was not saved; free some space and save again."
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert left_behind(tmp_path) == []


def test_a_full_disk_elsewhere_is_one_line_too(run, photos, start, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "/some/where")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    outcome = run("finetune", photos, "--out", tmp_path / "out", "--weights", start)
    assert error_of(outcome) == "The disk is full (/some/where); free some space and try again."


def test_a_model_may_take_the_place_of_the_one_it_started_from(run, start, photos):
    assert run("finetune", photos, "--out", start, "--weights", start)[0] == 0
    assert VGG.from_pretrained(start).config.label_names == ("broad", "fine")


def test_ctrl_c_is_130_and_leaves_nothing(teach, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        yield ENGINE.Started({"broad": 8, "fine": 8})
        raise KeyboardInterrupt

    monkeypatch.setattr(ENGINE, "finetune", interrupted)
    assert teach() == (130, "", "vgg-hub: interrupted.\n")
    assert not (tmp_path / "out").exists()
    assert left_behind(tmp_path) == []


def test_ctrl_c_while_saving_leaves_nothing(teach, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("vgg_hub.folder.save_file", interrupted)
    assert teach()[0] == 130
    assert not (tmp_path / "out").exists()
    assert left_behind(tmp_path) == []
