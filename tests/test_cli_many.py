"""`vgg-hub finetune --epochs`: when it is used, what it leaves, and what it refuses."""

from __future__ import annotations

import importlib.util
import json

import pytest

from tests.cli_helpers import error_of, left_behind, photos, run, start, teach
from tests.many_helpers import drawn_folder
from tests.toys import smooth_picture
from vgg_hub import VGG
from vgg_hub.data import load_folder

__all__ = ["photos", "run", "start", "teach"]
EPOCHS = ("--epochs", 2, "--batch-size", 4, "--device", "cpu")


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No launcher around, and no state of another test."""
    for name in ("WORLD_SIZE", "RANK", "MASTER_ADDR", "ACCELERATE_USE_CPU"):
        monkeypatch.delenv(name, raising=False)
    yield
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)


def test_epochs_train_and_leave_the_model_alone_behind(teach, tmp_path):
    status, out, err = teach("--json", *EPOCHS)
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert (report["trainable"], report["validation"]["n"]) == ("head", 4)
    assert report["training"] == {
        "batch": 4,
        "processes": 1,
        "epochs": 2,
        "most_epochs": 2,
        "best_epoch": report["training"]["best_epoch"],
    }
    assert VGG.from_pretrained(tmp_path / "out").provenance["training"] == report["training"]
    assert left_behind(tmp_path) == []
    assert not (tmp_path / "out.checkpoints").exists()


def test_the_report_in_words(teach):
    status, out, err = teach(*EPOCHS)
    assert (status, err) == (0, "")
    assert "of 4 photos that it had not seen" in out


def test_checkpoints_go_where_they_are_told_and_stay_when_saving_fails(teach, tmp_path, monkeypatch):
    def full(self, folder):
        raise OSError(28, "No space left on device", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr(VGG, "save_pretrained", full)
        message = error_of(teach(*EPOCHS, "--checkpoints", tmp_path / "kept"))
    assert message.startswith("The disk is full")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["last.safetensors"]
    assert teach(*EPOCHS, "--checkpoints", tmp_path / "kept")[0] == 0
    assert not (tmp_path / "kept").exists()


def test_splits_and_data_sets_need_no_epochs_to_be_known(teach, tmp_path):
    datasets = pytest.importorskip("datasets")
    splits = drawn_folder(tmp_path / "splits" / "train", {"a": 4, "b": 4}).parent
    drawn_folder(splits / "val", {"a": 3, "b": 2}, seed=1)
    report = json.loads(teach("--json", "--device", "cpu", source=splits)[1])
    assert (report["counts"], report["validation"]["n"]) == ({"a": 7, "b": 6}, 5)
    assert report["training"]["most_epochs"] == 10
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    pictures = [smooth_picture(32, 32, seed) for seed in range(8)]
    cells = {"image": pictures, "label": [0, 1] * 4}
    datasets.Dataset.from_dict(cells, features=kinds).save_to_disk(tmp_path / "set")
    report = json.loads(teach("--json", *EPOCHS, source=tmp_path / "set")[1])
    assert report["labels"] == ["a", "b"]


def test_photos_that_are_left_out_are_told(teach, photos):
    (photos / "fine" / "notes.txt").write_text("x")
    (photos / "fine" / "fine 3.png").write_bytes(b"x")
    report = json.loads(teach("--json", *EPOCHS)[1])
    assert report["counts"] == {"broad": 8, "fine": 7}
    assert report["warnings"][0] == "notes.txt in fine was left out, for its name is not a picture's."
    assert report["warnings"][1].startswith("fine 3.png is ")


def test_few_photos_are_taught_as_before(teach, photos):
    report = json.loads(teach("--json")[1])
    assert report["training"] is None
    assert len(load_folder(photos).photos) == 2


def test_what_is_refused(teach, run, photos, tmp_path, monkeypatch):
    message = "--batch-size is for training by epochs; add --epochs, or leave it out."
    assert error_of(teach("--batch-size", 4)) == message
    assert error_of(teach(*EPOCHS, source=tmp_path / "no")).startswith("no does not exist; give a folder")
    with pytest.raises(SystemExit, match="2"):
        teach("--epochs", 0)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    for outcome in (teach(*EPOCHS), run("classify", "start", photos)):
        assert error_of(outcome).startswith("accelerate launch --cpu starts one process, however many are asked for")
    monkeypatch.delenv("MASTER_ADDR")
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "accelerate" else found(name))
    message = "Training in several processes or by epochs needs accelerate, not installed here: pip install accelerate"
    assert error_of(teach(*EPOCHS)) == message


def test_checkpoints_do_not_lie_among_the_photos(teach, photos):
    """The same command, which is to go on from them, would take their folder for a class."""
    assert error_of(teach(*EPOCHS, "--checkpoints", photos / "kept")) == (
        f"kept is in {photos.name}, where the next run would take it for a class; choose a folder outside of the photos."
    )
    assert not (photos / "kept").exists()


def test_another_process_than_the_first_says_nothing(teach, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert teach("--batch-size", 4) == (1, "", "")
