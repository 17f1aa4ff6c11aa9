"""Training by epochs in one process: it learns, resumes bit for bit, stops early, and says what is wrong."""

from __future__ import annotations

import math

import pytest
import torch
from PIL import Image

from tests.many_helpers import accelerator, drawn_folder, taught
from tests.toys import stripes_net, tiny_vgg
from vgg_hub import VGG, Classifier
from vgg_hub.errors import CheckpointError, FinetuneError, PhotoError
from vgg_hub.events import Started, Step
from vgg_hub.finetune import finetune
from vgg_hub.many import train
from vgg_hub.many.batches import Order
from vgg_hub.many.image_folder import FilePhotos, open_table
from vgg_hub.many.train import finetune_many
from vgg_hub.preprocess import preprocess
from vgg_hub.replay import replay
from vgg_hub.report import Report
from vgg_hub.unlike import class_means

__all__ = ["accelerator"]
OPTIONS = {"trainable": "all", "epochs": 4, "batch_size": 8}


@pytest.fixture
def photos(tmp_path):
    """Classes of unequal size; a fifth of each judges."""
    return drawn_folder(tmp_path / "photos", {"broad": 20, "fine": 30})


def same(one, other) -> bool:
    """Whether two models hold the same bits."""
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_it_learns_and_says_how_well(photos, accelerator, tmp_path):
    model = stripes_net()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    events = list(finetune_many(model, open_table(photos), accelerator, tmp_path / "kept", **OPTIONS))
    started, *steps, finished = events
    assert started == Started({"broad": 20, "fine": 30})
    assert [step.step for step in steps] == list(range(1, 21))
    assert {(type(step), step.total) for step in steps} == {(Step, 20)}
    assert (steps[0].validation_loss, steps[0].validation_accuracy) == (
        math.log(2),
        pytest.approx(0.4),
    )  # a head of zeros names the first class
    assert steps[-1].validation_loss < 0.4
    assert steps[-1].seconds_left == 0.0
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())

    report = finished.report
    assert (report.labels, report.counts) == (["broad", "fine"], {"broad": 20, "fine": 30})
    assert (report.validation.n, report.steps, report.stopped) == (10, 20, False)
    assert report.validation.accuracy >= 0.8
    assert report.validation.method.startswith("on 20 % of each class, held out; epoch ")
    assert (report.verdict, report.regularisation) == (None, None)
    facts = {key: report.training[key] for key in ("batch", "processes", "epochs", "most_epochs")}
    assert facts == {"batch": 8, "processes": 1, "epochs": 4, "most_epochs": 4}
    assert report.versions.keys() > {"accelerate", "torch"}
    assert finished.model.config.label_names == ("broad", "fine")
    assert not finished.model.training

    classify = Classifier(finished.model)
    for judged in report.predictions:
        answer = classify([photos / judged.label / judged.file])[0]
        assert judged.file == f"{judged.label}-{judged.index}.png"
        assert (answer.label, answer.scores[answer.label]) == (judged.predicted, pytest.approx(judged.score, abs=2e-4))
    assert report.mistakes == [judged for judged in report.predictions if judged.predicted != judged.label]
    hits = sum(judged.predicted == judged.label for judged in report.predictions)
    assert report.validation.accuracy == pytest.approx(hits / 10)
    assert sum(map(sum, report.validation.confusion)) == 10


def test_it_learns_when_a_picture_is_none_of_the_classes(photos, accelerator, tmp_path):
    found = taught(photos, accelerator, tmp_path / "kept", **OPTIONS)
    rule, said = found.model.unlike, found.report.unlike
    held = [photos / judged.label / judged.file for judged in found.report.predictions]
    classify = Classifier(found.model)
    features = found.model.embed(torch.stack([preprocess(Image.open(path), found.model.config) for path in held]))
    targets = torch.tensor([found.report.labels.index(judged.label) for judged in found.report.predictions])
    assert (class_means([features.detach()], targets) - rule.means).abs().max() < 1e-3, "of photos not trained on"
    assert (said.n, said.method.split(";")[1]) == (10, " 4 folds among these")
    assert said.classes <= 0.4
    strange = [Image.new("RGB", (32, 32), colour) for colour in ("red", "black", "white")]
    assert [answer.unlike for answer in classify(strange)] == [True] * 3
    assert sum(answer.unlike for answer in classify(held)) <= 2
    without = taught(photos, accelerator, tmp_path / "kept", unlike=False, **OPTIONS)
    assert (without.model.unlike, without.report.unlike) == (None, None)
    assert same(without.model, found.model)


def test_too_few_photos_to_judge_by_teach_no_such_rule(accelerator, tmp_path):
    folder = drawn_folder(tmp_path / "photos", {"a": 15, "b": 30})  # three of a are held out
    found = taught(folder, accelerator, tmp_path / "kept", **{**OPTIONS, "epochs": 1})
    assert (found.model.unlike, found.report.unlike) == (None, None)


def test_a_class_without_a_photo_to_judge_by_leaves_a_model_that_opens(accelerator, tmp_path):
    """The last one of four: the rule would be of two classes."""
    for seed, classes in enumerate(("ab", "cd")):
        drawn_folder(tmp_path / "photos" / "train", dict.fromkeys(classes, 6), seed)
    drawn_folder(tmp_path / "photos" / "validation", {"a": 5, "b": 5}, seed=2)
    found = taught(tmp_path / "photos", accelerator, tmp_path / "kept", epochs=1)
    assert (found.model.unlike, found.report.unlike) == (None, None)
    found.model.save_pretrained(tmp_path / "m")
    assert VGG.from_pretrained(tmp_path / "m").config.label_names == ("a", "b", "c", "d")


def test_one_class_alone_to_judge_by_does_not_lose_the_run(accelerator, tmp_path):
    for seed, part in enumerate(("train", "validation")):
        drawn_folder(tmp_path / "photos" / part, {"a": 6, "b": 6}, seed)
    for path in (tmp_path / "photos" / "validation" / "b").iterdir():
        path.write_bytes(path.read_bytes()[:60])
    found = taught(tmp_path / "photos", accelerator, tmp_path / "kept", epochs=1)
    assert found.report.validation.n == 6
    assert found.report.unlike is None


def test_a_run_that_was_cut_goes_on_to_the_same_bits(photos, accelerator, tmp_path):
    model = stripes_net(hidden_features=16, dropout=0.5)
    whole = taught(photos, accelerator, tmp_path / "whole", model, **OPTIONS)
    for after in (7, 12, 18):  # steps; five are an epoch
        events = finetune_many(model, open_table(photos), accelerator, tmp_path / "cut", **OPTIONS)
        for event in events:
            if isinstance(event, Step) and event.step == after:
                break
        events.close()
    events = finetune_many(model, open_table(photos), accelerator, tmp_path / "cut", **OPTIONS)
    _, first, *_, last = events
    assert first.step == 16
    assert same(last.model, whole.model)
    assert last.report.validation == whole.report.validation
    again = list(finetune_many(model, open_table(photos), accelerator, tmp_path / "cut", **OPTIONS))
    assert len(again) == 2, "all was done: no step is left"
    assert same(again[-1].model, whole.model)
    assert again[-1].report.unlike == last.report.unlike == whole.report.unlike


def test_a_checkpoint_of_another_run_or_net_is_refused(photos, accelerator, tmp_path):
    taught(photos, accelerator, tmp_path / "kept", **{**OPTIONS, "epochs": 1})
    with pytest.raises(CheckpointError, match=r"with other epochs: 1 there, 4 here; remove it to start anew"):
        taught(photos, accelerator, tmp_path / "kept", **OPTIONS)
    with pytest.raises(CheckpointError, match=r"with other start; remove it"):
        taught(photos, accelerator, tmp_path / "kept", tiny_vgg(seed=5), **{**OPTIONS, "epochs": 1})
    (photos / "fine" / "fine-29.png").unlink()
    with pytest.raises(CheckpointError, match=r"with other photos; remove it"):
        taught(photos, accelerator, tmp_path / "kept", **{**OPTIONS, "epochs": 1})


@pytest.mark.parametrize("trainable", ["head", "classifier", "block2"])
def test_what_is_frozen_is_shared_and_as_it_was(photos, accelerator, tmp_path, trainable):
    model = stripes_net(hidden_features=16)
    tuned = taught(photos, accelerator, tmp_path / "kept", model, trainable=trainable, epochs=2, batch_size=8).model
    kept = {"head": "classifier.3.weight", "classifier": "features.4.weight", "block2": "features.0.weight"}[trainable]
    assert tuned.state_dict()[kept].data_ptr() == model.state_dict()[kept].data_ptr()
    trained = {"head": "classifier.6.weight", "classifier": "classifier.0.weight", "block2": "features.4.weight"}[
        trainable
    ]
    like = model.state_dict()[trained]
    moved = tuned.state_dict()[trained]
    assert moved.shape != like.shape or not torch.equal(moved, like)


def test_it_ends_early_and_keeps_the_best(photos, accelerator, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "PATIENCE", 2)
    losses = iter([0.6, 0.3, 0.4, 0.5, 0.1])
    kept = []

    def judged(self):
        kept.append(self._student.tensors())
        return torch.full((10, 2), 0.0).index_fill_(1, torch.tensor([1]), next(losses))

    monkeypatch.setattr(train._Training, "_judge", judged)
    monkeypatch.setattr(train.F, "cross_entropy", _first_loss(train.F.cross_entropy))
    finished = taught(photos, accelerator, tmp_path / "kept", **{**OPTIONS, "epochs": 5})
    assert (finished.report.training["epochs"], finished.report.training["best_epoch"]) == (4, 2)
    assert torch.equal(finished.model.features[0].weight, kept[1]["features.0.weight"])
    assert not torch.equal(kept[1]["features.0.weight"], kept[3]["features.0.weight"])


def _first_loss(original):
    """Cross-entropy, but for the made-up scores their second column."""

    def loss(scores, targets, **options):
        return scores[:, 1] if len(scores) == 10 and not scores.requires_grad else original(scores, targets, **options)

    return loss


def test_a_last_batch_is_never_of_one_photo(accelerator, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "PHOTOS_FOR_STATISTICS", 1)
    folder = drawn_folder(tmp_path / "photos", {"a": 11, "b": 11})  # 18 to train on: 8 + 8 + 2, and here 6 + 6 + 6
    assert Order(torch.arange(17), 8, 1, 0, 0).sizes() == [6, 6, 5]
    model = stripes_net()
    finished = taught(folder, accelerator, tmp_path / "kept", model, **{**OPTIONS, "epochs": 1})
    assert finished.report.steps == 3
    assert not torch.equal(finished.model.features[1].running_mean, model.features[1].running_mean)


def test_what_is_wrong_is_said(photos, accelerator, tmp_path, monkeypatch):
    with pytest.raises(
        FinetuneError, match=r"^trainable is 'most'; expected head, classifier, block2, block1 or all\.$"
    ):
        taught(photos, accelerator, tmp_path / "kept", trainable="most")
    original = FilePhotos.image

    def lost(self, photo):
        calls.append(photo)
        if len(calls) > 60:
            raise PhotoError("it went away.")
        return original(self, photo)

    calls: list[int] = []
    monkeypatch.setattr(FilePhotos, "image", lost)
    with pytest.raises(PhotoError, match=r"^it went away\.$"):
        taught(photos, accelerator, tmp_path / "kept", **OPTIONS)
    monkeypatch.setattr(FilePhotos, "image", original)
    monkeypatch.setattr(train, "warm_cosine", lambda step, total: 1e30)
    with pytest.raises(FinetuneError, match=r"no finite number"):
        taught(photos, accelerator, tmp_path / "other", **OPTIONS)


def test_it_is_not_replayed_and_its_report_goes_through_json(photos, accelerator, tmp_path):
    finished = taught(photos, accelerator, tmp_path / "kept", **{**OPTIONS, "epochs": 1})
    finished.model.save_pretrained(tmp_path / "out")
    with pytest.raises(
        CheckpointError, match=r"^out was trained by epochs on many photos, .* only fine-tunings on few"
    ):
        replay(tmp_path / "out", open_table_photos(photos))
    assert finished.report.to_dict()["training"]["batch"] == 8
    assert isinstance(finished.report, Report)


def open_table_photos(folder):
    return {path.name: sorted(path.iterdir()) for path in sorted(folder.iterdir())}


def test_few_photos_have_no_training(tmp_path):
    folder = drawn_folder(tmp_path / "photos", {"a": 3, "b": 3})
    *_, finished = finetune(stripes_net(), open_table_photos(folder), device="cpu")
    assert finished.report.training is None
