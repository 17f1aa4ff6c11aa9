"""The engine: what it learns, what it leaves alone, and how it ends."""

from __future__ import annotations

import copy
import itertools
import json
import time

import numpy as np
import pytest
import torch
from PIL import Image

from tests.toys import run_python, stripes_net, textures, tuned, written
from vgg_hub import VGG, Classifier, cache, finetune
from vgg_hub.crossval import problem_weights, unseen_logits
from vgg_hub.finetune import Embedding, Finished, Started, Step
from vgg_hub.head import fit_heads
from vgg_hub.interval import binomial_interval
from vgg_hub.report import stratified_folds


def test_the_events_come_in_order():
    photos = textures(9)
    events = list(finetune(stripes_net(), photos, device="cpu"))
    kinds = [kind for kind, _ in itertools.groupby(type(event) for event in events)]
    assert kinds == [Started, Embedding, Step, Finished]
    assert events[0] == Started({"fine": 9, "broad": 9})
    embedded = [event for event in events if isinstance(event, Embedding)]
    assert [(event.done, event.total) for event in embedded] == [(8, 18), (16, 18), (18, 18)]
    assert embedded[-1].seconds_left == 0
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert {step.total for step in steps} == {60}
    assert steps[-1].seconds_left == 0
    assert all(step.seconds_left > 0 for step in steps[:-1])
    assert steps[-1].loss < steps[0].loss < 0.7
    finished = events[-1]
    assert finished.report.steps == len(steps)
    assert finished.report.validation.accuracy == pytest.approx(steps[-1].validation_accuracy, abs=1e-6)


def test_nothing_runs_before_the_first_event_is_asked_for(monkeypatch):
    monkeypatch.setattr(cache, "as_image", lambda _picture: pytest.fail("a photo was read"))
    events = finetune(stripes_net(), textures(2), device="cpu")
    assert isinstance(next(events), Started)
    events.close()


def test_it_learns_what_can_be_learnt():
    finished = tuned(textures(20))
    assert finished.report.validation.accuracy > 0.9
    unseen = textures(60, seed=99)
    answers = {label: Classifier(finished.model, device="cpu")(pictures) for label, pictures in unseen.items()}
    right = sum(answer.label == label for label, found in answers.items() for answer in found)
    assert right / 120 > 0.9
    assert finished.report.validation.low < right / 120
    assert not any("guessing" in sentence for sentence in finished.report.warnings)


def test_it_does_not_claim_to_have_learnt_what_cannot_be():
    """Labels drawn by chance: the estimate must stay near one half, and say so."""
    accuracies = []
    for seed in range(4):
        pictures = [picture for group in textures(14, seed=seed).values() for picture in group]
        order = np.random.default_rng(seed).permutation(28)
        report = tuned({"a": [pictures[i] for i in order[:14]], "b": [pictures[i] for i in order[14:]]}).report
        accuracies.append(report.validation.accuracy)
        if not report.verdict.better_than_guessing:
            advice = "" if report.verdict.limited_by == "net" else "; add photos of each class"
            assert report.warnings == [
                f"With 28 photos it cannot be told from guessing, which is right 50 % of the time{advice}."
            ]
        assert report.verdict.better_than_guessing == (binomial_interval(report.validation.accuracy, 28, 0.99)[0] > 0.5)
    assert 0.3 < np.mean(accuracies) < 0.65
    assert max(accuracies) < 0.8


def test_three_classes_and_their_order():
    photos = textures(10)
    photos["plain"] = [Image.new("RGB", (40, 40), (9 * i, 20, 90)) for i in range(10)]
    finished = tuned(photos)
    assert finished.model.config.label_names == ("fine", "broad", "plain")
    assert finished.report.labels == ["fine", "broad", "plain"]
    assert finished.model.config.num_classes == 3
    found = Classifier(finished.model, device="cpu")(photos["plain"])
    assert sum(answer.label == "plain" for answer in found) >= 9


def test_the_report_agrees_with_itself():
    report = tuned(textures(15)).report
    validation = report.validation
    confusion = np.array(validation.confusion)
    assert confusion.sum() == validation.n == 30
    assert confusion.sum(1).tolist() == list(report.counts.values()) == [15, 15]
    assert validation.accuracy == pytest.approx(confusion.trace() / 30)
    assert (validation.low, validation.high) == binomial_interval(validation.accuracy, 30)
    assert validation.method.startswith(
        "5-fold stratified cross-validation, repeated 8 times and averaged; 95 % Clopper-"
    )
    assert len(report.mistakes) == 30 - confusion.trace()
    assert [(judged.label, judged.index) for judged in report.predictions] == [
        (label, index) for label in report.labels for index in range(15)
    ]
    assert [judged for judged in report.predictions if judged.predicted != judged.label] == report.mistakes
    assert report.verdict.better_than_guessing == (binomial_interval(validation.accuracy, 30, 0.99)[0] > 0.5)
    assert [share for share, _ in report.verdict.curve] == [0.5, 0.75, 1.0]
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False)) == report.to_dict()
    assert (report.trainable, report.seed, report.stopped, report.base) == ("head", 0, False, "random weights")


def test_a_photo_in_the_wrong_class_is_among_the_mistakes(tmp_path):
    photos = textures(12)
    photos["fine"].insert(4, textures(1, seed=50)["broad"][0])
    paths = written(tmp_path, photos)
    report = tuned(paths).report
    (mistake,) = [m for m in report.mistakes if m.index == 4 and m.label == "fine"]
    assert (mistake.file, mistake.predicted) == ("photo-fine-4.png", "broad")
    assert 0.5 < mistake.score <= 1


def test_the_model_given_is_not_changed():
    model = stripes_net(hidden_features=16)
    model.train()
    before = copy.deepcopy(model.state_dict())
    config, pointers = model.config, {key: t.data_ptr() for key, t in model.state_dict().items()}
    finished = tuned(textures(6), model)
    for key, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[key]), key
        assert tensor.data_ptr() == pointers[key]
    assert model.config is config
    assert all(module.training for module in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert not any(module.training for module in finished.model.modules())
    for key, tensor in finished.model.state_dict().items():
        assert (tensor.data_ptr() == pointers[key]) == (not key.startswith("classifier.6")), key


def test_the_same_photos_give_the_same_bytes(tmp_path):
    paths = written(tmp_path, textures(6))
    for name in ("one", "two"):
        torch.manual_seed(hash(name) % 1000)
        tuned(paths, seed=3).model.save_pretrained(tmp_path / name)
    for file in ("config.json", "model.safetensors", "README.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_the_seed_changes_the_folds_and_not_the_head():
    photos = textures(7)
    one, other = tuned(photos, seed=1), tuned(photos, seed=2)
    weights = [found.model.head.weight / found.model.head.weight.norm() for found in (one, other)]
    assert (weights[0] - weights[1]).abs().max() < 1e-3
    assert (one.report.seed, other.report.seed) == (1, 2)


def test_the_random_state_is_not_touched():
    photos, model = textures(4), stripes_net()
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    events = finetune(model, photos, device="cpu")
    for event in events:
        if isinstance(event, Step):
            assert torch.equal(torch.random.get_rng_state(), state)
            assert torch.is_grad_enabled()


FRESH = """
    import json, sys
    from vgg_hub import VGG, Classifier
    folder, *photos = sys.argv[1:]
    classifier = Classifier(VGG.from_pretrained(folder), device="cpu", precision="float32")
    print(json.dumps([p.scores for p in classifier(photos)]))
"""


@pytest.mark.parametrize("size", [32, 45])
def test_a_fresh_process_gives_the_same_answer_from_the_saved_folder(tmp_path, size):
    paths = written(tmp_path, textures(5))
    finished = tuned(paths, stripes_net(input_size=size, crop_pct=0.9, interpolation="bicubic"))
    finished.model.save_pretrained(tmp_path / "m")
    unseen = [path for group in written(tmp_path, textures(4, seed=7, side=61), "unseen").values() for path in group]
    here = [prediction.scores for prediction in Classifier(finished.model, device="cpu")(unseen)]
    there = json.loads(run_python(FRESH, tmp_path / "m", *unseen).stdout)
    assert len(there) == 8
    for one, other in zip(here, there, strict=True):
        assert list(one) == list(other)
        assert other == pytest.approx(one, abs=1e-4)


def test_lopsided_classes_are_both_learnt():
    photos = textures(30)
    photos["broad"] = photos["broad"][:4]
    finished = tuned(photos)
    confusion = np.array(finished.report.validation.confusion)
    assert (confusion.diagonal() / confusion.sum(1) > 0.7).all()
    for label, pictures in textures(30, seed=8).items():
        found = Classifier(finished.model, device="cpu")(pictures)
        assert np.mean([answer.label == label for answer in found]) > 0.8


def test_the_start_and_its_licence_are_carried_on(tmp_path):
    model = stripes_net()
    model.provenance = {"licence": "bsd-3-clause", "scores": [{"dataset": "x", "accuracy": 0.9}]}
    model.save_pretrained(tmp_path / "base")
    finished = tuned(textures(4), VGG.from_pretrained(tmp_path / "base"))
    assert finished.report.base == "base"
    assert finished.model.provenance["licence"] == "bsd-3-clause"
    assert "scores" not in finished.model.provenance
    again = tuned(textures(4, seed=2), finished.model)
    assert again.model.provenance["licence"] == "bsd-3-clause"
    assert again.model.provenance["labels"] == ["fine", "broad"]


def test_a_net_in_half_precision_can_start_too():
    finished = tuned(textures(8), stripes_net().half())
    assert finished.report.validation.accuracy > 0.8
    assert finished.model.head.weight.dtype == torch.float16
    assert len(Classifier(finished.model, device="cpu")(textures(1)["fine"])) == 1


def test_each_fold_is_judged_by_a_head_that_had_not_seen_it():
    """Against loops: a photo and its mirror image count in no head that judges them; classes weigh the same."""
    targets = torch.tensor([0] * 8 + [1] * 5)
    folds = stratified_folds(targets, repeats=2, seed=0)
    weights = problem_weights(targets, folds)
    assert weights.shape == (11, 26)
    assert torch.equal(weights[:, ::2], weights[:, 1::2])
    weights = weights[:, ::2]
    expected = [torch.ones(13)]
    expected += [(folds[repeat] != fold).float() for repeat in range(2) for fold in range(5)]
    for row, counts in zip(weights, expected, strict=True):
        assert ((row > 0) == (counts > 0)).all()
        for label in (0, 1):
            assert row[targets == label].sum() == pytest.approx(1)
            assert len(row[(targets == label) & (counts > 0)].unique()) == 1
    features = torch.randn(13, 6)
    *_, heads = fit_heads(features, targets, weights, 2, 13)
    found = unseen_logits(heads.logits(features)[1:], folds)
    for photo in range(13):
        problems = [1 + 5 * repeat + int(folds[repeat, photo]) for repeat in range(2)]
        by_hand = sum(features[photo].double() @ heads.weight[p].T + heads.bias[p] for p in problems) / 2
        assert torch.allclose(found[photo], by_hand)


def test_the_time_left_of_the_steps_does_not_count_the_photos(monkeypatch):
    original = Classifier.embed

    def slow(self, x):
        time.sleep(0.3)
        return original(self, x)

    monkeypatch.setattr(Classifier, "embed", slow)
    events = list(finetune(stripes_net(), textures(9)))
    photos_took = 0.3 * sum(isinstance(event, Embedding) for event in events)
    first = next(event for event in events if isinstance(event, Step))
    # Were the photos' time taken for the first step's, the 59 steps to come would be said to take 59 times as long.
    assert 0 < first.seconds_left < photos_took * 30
