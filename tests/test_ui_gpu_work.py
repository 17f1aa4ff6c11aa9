"""The work of a GPU that is lent: everything crosses by pickling, what is frozen stays, and Stop reaches it."""

import pickle

import pytest
import torch

from tests.page_helpers import draw_photos, tiny_checkpoint
from vgg_hub import bundled
from vgg_hub.finetune import Step, finetune
from vgg_hub.predict import Classifier
from vgg_hub.ui import gpu_work
from vgg_hub.ui.backbones import Backbones
from vgg_hub.ui.choice import Choice
from vgg_hub.ui.gpu_work import Outcome, Wishes, adopt, lent_seconds, on_zero_gpu, work
from vgg_hub.ui.stop_file import StopFile

CHOICE = Choice(device="cpu")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    root = tiny_checkpoint(tmp_path / "weights")
    monkeypatch.setattr(bundled, "_root", lambda: root)
    monkeypatch.setattr(gpu_work, "backbones", Backbones())
    return draw_photos(tmp_path / "photos", count=4)


def crossed(events):
    """As another process would send them."""
    for event in events:
        yield pickle.loads(pickle.dumps(event))  # noqa: S301


def lent(photos, wishes, stop):
    return crossed(work(*pickle.loads(pickle.dumps((CHOICE, photos, wishes, stop)))))  # noqa: S301


def test_only_the_head_crosses_and_the_answers_are_those_of_the_run(photos, tmp_path):
    *events, outcome = lent(photos, Wishes(seed=3), StopFile.start(tmp_path / "goes-on"))
    assert any(isinstance(event, Step) for event in events)
    assert isinstance(outcome, Outcome)
    start = gpu_work.backbones.get(CHOICE)
    last = f"classifier.{len(start.classifier) - 1}."
    assert set(outcome.tensors) == {f"{last}weight", f"{last}bias"}
    tuned = adopt(start, outcome)
    assert tuned.config.label_names == tuple(photos)
    assert tuned.features[0].weight.data_ptr() == start.features[0].weight.data_ptr()
    assert tuned.base == start.base
    assert tuned.provenance["seed"] == 3
    assert tuned.unlike.limits == outcome.unlike.limits
    assert not tuned.training
    *_, here = finetune(start, photos, seed=3, device="cpu")
    pictures = [path for paths in photos.values() for path in paths]
    assert Classifier(tuned, "cpu")(pictures) == Classifier(here.model, "cpu")(pictures)


def test_past_the_head_what_was_trained_crosses_and_the_base_is_none(photos, tmp_path, monkeypatch):
    monkeypatch.setattr("vgg_hub.suffix._History.best", lambda self, among=None: len(self) - 1)  # training helped
    *_, outcome = lent(photos, Wishes("block2", unlike=False), StopFile.start(tmp_path / "goes-on"))
    start = gpu_work.backbones.get(CHOICE)
    tuned = adopt(start, outcome)
    changed = {
        key for key, t in tuned.state_dict().items() if t.data_ptr() != start.state_dict().get(key, t).data_ptr()
    }
    assert changed | {"classifier.0.weight", "classifier.0.bias"} >= set(outcome.tensors)
    assert any(key.startswith("features.") for key in outcome.tensors)
    assert "features.0.weight" not in outcome.tensors
    assert tuned.base is None
    assert tuned.unlike is None


def test_stop_reaches_it(photos, tmp_path):
    stop = StopFile.start(tmp_path / "goes-on")
    for event in lent(photos, Wishes(), stop):
        if isinstance(event, Step):
            stop.set()
    assert event.report.stopped
    assert event.report.steps == 1


def test_a_stop_file_is_set_once_it_or_its_folder_is_gone(tmp_path):
    folder = tmp_path / "visitor"
    folder.mkdir()
    stop = StopFile.start(folder / "goes-on")
    assert not stop.is_set()
    (folder / "goes-on").unlink()
    folder.rmdir()
    assert stop.is_set()
    stop.set()
    assert stop.is_set()


def test_the_time_asked_for_grows_with_the_photos_and_has_an_end(tmp_path):
    stop = StopFile(tmp_path)

    def seconds(count, wishes=Wishes()):  # noqa: B008
        return lent_seconds(CHOICE, {"a": [tmp_path] * count, "b": [tmp_path] * count}, wishes, stop)

    assert (seconds(10), seconds(100), seconds(10_000)) == (22, 40, 120)
    assert seconds(10, Wishes("block5")) == 52


def test_a_gpu_is_lent_only_where_the_space_says_so(monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert not on_zero_gpu()
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert on_zero_gpu()


def test_tensors_come_back_to_the_cpu(photos, tmp_path):
    *_, outcome = lent(photos, Wishes(), StopFile.start(tmp_path / "goes-on"))
    assert {t.device for t in outcome.tensors.values()} == {torch.device("cpu")}
