"""`vgg-hub explain`: the picture that it writes, what it says, and its refusals."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli_helpers import error_of, run  # noqa: F401
from tests.toys import smooth_picture, tiny_vgg
from vgg_hub.explain import evidence
from vgg_hub.overlay import heat_picture, seen_picture
from vgg_hub.preprocess import preprocess


@pytest.fixture
def model(tmp_path):
    net = tiny_vgg(label_names=("cat", "dog"))
    net.save_pretrained(tmp_path / "net")
    return net


@pytest.fixture
def photo(tmp_path):
    smooth_picture(60, 50).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_it_writes_the_photo_beside_its_heat_map(run, model, photo, tmp_path):  # noqa: F811
    arguments = (
        "explain",
        tmp_path / "net",
        photo,
        "--label",
        "dog",
        "--stage",
        "conv1_1",
        "--out",
        tmp_path / "why.png",
    )
    status, out, err = run(*arguments, "--json")
    facts = json.loads(out)
    found = evidence(model, preprocess(Image.open(photo), model.config)[None], 1, "conv1_1")
    assert (status, err, facts["label"], facts["stage"]) == (0, "", "dog", "conv1_1")
    assert (facts["probability"], facts["strength"], facts["points"]) == (
        found.probability,
        found.strength,
        found.points,
    )
    drawn = np.asarray(Image.open(tmp_path / "why.png"))
    seen = seen_picture(Image.open(photo), model.config)
    assert np.array_equal(drawn[:, :320], np.asarray(seen))
    assert np.array_equal(drawn[:, 320:], np.asarray(heat_picture(seen, found, 32)))
    status, out, _ = run(*arguments)
    assert f"the net gives dog {100 * found.probability:.1f} %; at conv1_1 the strongest place has" in out


def test_by_itself_it_takes_the_likeliest_class_and_the_last_convolution(run, model, photo, tmp_path):  # noqa: F811
    answer = json.loads(run("classify", tmp_path / "net", photo, "--json")[1])[0]
    facts = json.loads(run("explain", tmp_path / "net", photo, "--out", tmp_path / "w.png", "--json")[1])
    assert (facts["label"], facts["stage"]) == (answer["label"], "conv2_1")
    assert facts["probability"] == pytest.approx(answer["scores"][answer["label"]], abs=1e-5)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--label", "eel"), "--label is 'eel', which the model does not know; its classes are cat, dog."),
        (("--stage", "block5"), "has no stage 'block5'; choose one of conv1_1, pool1, conv2_1, pool2."),
        (("--out", "why.txt"), "--out is 'why.txt'; expected the name of a picture to write, ending in .png."),
        (("--out", "no/such/why.png"), "but there is no folder no/such; make it first."),
    ],
)
def test_what_cannot_be_is_said(run, model, photo, tmp_path, options, sentence):  # noqa: F811
    outcome = run("explain", tmp_path / "net", photo, "--out", tmp_path / "w.png", *options)
    assert sentence in error_of(outcome)
    assert not (tmp_path / "w.png").exists()


def test_an_earlier_picture_stays_where_the_disk_is_full_and_the_photo_is_not_written_over(
    run,  # noqa: F811
    model,
    photo,
    tmp_path,
    monkeypatch,
):
    before = photo.read_bytes()
    outcome = run("explain", tmp_path / "net", photo, "--out", photo)
    assert error_of(outcome) == f"--out is '{photo}', the picture itself; name another file to write."
    (tmp_path / "why.png").write_bytes(b"earlier")

    def half(self, path, **options):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", half)
    outcome = run("explain", tmp_path / "net", photo, "--out", tmp_path / "why.png")
    assert error_of(outcome) == ("The disk is full: why.png was not saved; free some space and save again.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net", "photo.png", "why.png"]
    assert (photo.read_bytes(), (tmp_path / "why.png").read_bytes()) == (before, b"earlier")
