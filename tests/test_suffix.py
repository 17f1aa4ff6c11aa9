"""Training from any boundary: where it is, what stays frozen, and which weights are kept."""

from __future__ import annotations

import copy
import itertools
import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from tests.cli_helpers import error_of, photos, run, start, teach
from tests.hub_helpers import shipped
from tests.suffix_helpers import HEAD_ONLY, blunt, later_is_better, quick
from tests.toys import stripes_net, textures, tiny_vgg, tuned
from vgg_hub import VGG, Classifier, VGGConfig, finetune
from vgg_hub import learner as learner_module
from vgg_hub import suffix as module
from vgg_hub import views as views_module
from vgg_hub.errors import CheckpointError
from vgg_hub.events import Finished, Step
from vgg_hub.learner import Learner
from vgg_hub.report import fit_scale
from vgg_hub.suffix import boundary, boundary_names
from vgg_hub.unlike import class_means, log_distances

engine = sys.modules["vgg_hub.finetune"]  # the package's attribute of this name is the function

__all__ = ["later_is_better", "photos", "quick", "run", "shipped", "start", "teach"]

BOUNDARIES = [
    (tiny_vgg, {}, {"block2": 4, "block1": 0, "all": 0}),
    (tiny_vgg, {"batch_norm": False}, {"block2": 3, "block1": 0, "all": 0}),
    (tiny_vgg, {"hidden_features": 6}, {"classifier": 8, "block2": 4, "block1": 0, "all": 0}),
    (tiny_vgg, {"layers": [8, "M", 16, 16]}, {"block2": 4, "block1": 0, "all": 0}),
    (tiny_vgg, {"layers": ["M", 8, 8, "M", "M", 16]}, {"block4": 9, "block3": 8, "block2": 1, "block1": 0, "all": 0}),
    (
        lambda: VGG.on_meta(VGGConfig(depth=11, batch_norm=True)),
        {},
        {"classifier": 29, "block5": 22, "block4": 15, "block3": 8, "block2": 4, "block1": 0, "all": 0},
    ),
    (
        lambda: VGG.on_meta(VGGConfig(depth=16, batch_norm=False)),
        {},
        {"classifier": 31, "block5": 24, "block4": 17, "block3": 10, "block2": 5, "block1": 0, "all": 0},
    ),
]


@pytest.mark.parametrize(("make", "fields", "expected"), BOUNDARIES)
def test_the_boundaries_of_a_net(make, fields, expected):
    model = make(**fields)
    names = boundary_names(model)
    assert names == ["head", "classifier", *(name for name in expected if name != "classifier")]
    positions = {name: boundary(model, name) for name in names}
    assert positions.pop("head") is None
    assert positions == {"classifier": None} | expected
    pools = [i for i, part in enumerate(model.features) if isinstance(part, torch.nn.MaxPool2d)]
    for name, position in expected.items():
        if position and name != "classifier":
            assert position - 1 in pools, "a block begins after a pooling"


@pytest.mark.usefixtures("later_is_better")
@pytest.mark.parametrize(
    ("fields", "trainable", "trained"),
    [
        ({}, "block2", "features.4 features.5 classifier.0"),
        ({}, "all", "features.0 features.1 features.4 features.5 classifier.0"),
        ({"batch_norm": False}, "block2", "features.3 classifier.0"),
        ({"hidden_features": 16}, "classifier", "classifier.0 classifier.3 classifier.6"),
        ({"hidden_features": 16}, "block2", "features.4 features.5 classifier.0 classifier.3 classifier.6"),
    ],
)
def test_what_is_frozen_stays_bit_for_bit_and_is_shared(fields, trainable, trained):
    model = blunt(**fields).train()
    before = copy.deepcopy(model.state_dict())
    pointers = {key: tensor.data_ptr() for key, tensor in model.state_dict().items()}
    finished = tuned(textures(8), model, trainable=trainable)
    for key, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[key]), key
        assert tensor.data_ptr() == pointers[key]
    assert all(part.training for part in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert (finished.report.trainable, HEAD_ONLY in finished.report.warnings) == (trainable, False)
    assert not any(part.training for part in finished.model.modules())
    for key, tensor in finished.model.state_dict().items():
        if key.rsplit(".", 1)[0] not in trained.split():
            assert tensor.data_ptr() == pointers[key], key
            continue
        assert tensor.data_ptr() != pointers[key], key
        statistic = "running_" in key or "num_batches" in key
        assert (
            key.startswith(f"classifier.{len(model.classifier) - 1}") or torch.equal(tensor, before[key]) == statistic
        )
    assert all(p.requires_grad for p in finished.model.parameters())


@pytest.mark.usefixtures("later_is_better")
@pytest.mark.parametrize(("fields", "trainable"), [({"hidden_features": 16}, "block2"), ({}, "all")])
def test_the_same_photos_and_seed_give_the_same_bytes(tmp_path, fields, trainable):
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        torch.manual_seed(len(name) + seed)  # of no matter
        tuned(textures(6), blunt(**fields), trainable=trainable, seed=seed).model.save_pretrained(tmp_path / name)
    for file in ("config.json", "model.safetensors", "README.md"):
        one, again, other = ((tmp_path / name / file).read_bytes() for name in ("one", "again", "other"))
        assert one == again, file
        assert one != other or file == "README.md", file


@pytest.mark.usefixtures("quick")
def test_the_random_state_and_the_gradients_switch_are_not_touched():
    state = torch.random.get_rng_state()
    for event in finetune(blunt(), textures(4), device="cpu", trainable="block2"):
        assert torch.equal(torch.random.get_rng_state(), state), event
        assert torch.is_grad_enabled()


def test_it_learns_what_the_head_alone_cannot():
    net, task, unseen = blunt(), textures(12), textures(40, seed=99)

    def accuracy(model: VGG) -> float:
        answers = {label: Classifier(model, device="cpu")(pictures) for label, pictures in unseen.items()}
        return sum(answer.label == label for label, found in answers.items() for answer in found) / 80

    head, deep = tuned(task, net), tuned(task, net, trainable="all")
    assert accuracy(deep.model) > accuracy(head.model) + 0.05
    assert deep.report.validation.low < accuracy(deep.model) < deep.report.validation.high
    assert deep.report.validation.method.startswith(
        "3-fold stratified cross-validation, each fold ended where the others were best; 95 % Clopper-Pearson"
    )


def test_where_it_does_not_help_the_head_alone_is_changed_and_this_is_said(monkeypatch):
    """With steps that wreck the net the start is the best, and it is the head's own fit but for its scale."""
    monkeypatch.setattr(learner_module, "RATE", 3.0)
    model, task = stripes_net(), textures(10)
    finished, head = tuned(task, model, trainable="block2"), tuned(task, model)
    assert finished.report.warnings[0] == HEAD_ONLY
    assert finished.report.steps == module.PATIENCE, "it ends where it has not been better for so long"
    for key, tensor in finished.model.state_dict().items():
        if not key.startswith("classifier"):
            assert tensor.data_ptr() == model.state_dict()[key].data_ptr()
    found, expected = finished.model.head.weight, head.model.head.weight
    assert (found / found.norm() - expected / expected.norm()).abs().max() < 1e-3
    assert finished.report.validation.accuracy > 0.8
    assert finished.model.unlike is not None


@pytest.mark.usefixtures("quick")
def test_the_weights_kept_are_those_of_the_pass_that_the_folds_found_best(monkeypatch):
    """Passes are told apart by what stood in the learner of all photos after each; the folds' say is made up."""
    made, after, histories = [], [], []

    class Watched(Learner):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    class MadeUp(module._History):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            histories.append(self)

        def add(self, learners, stop):
            super().add(learners, stop)
            after.append(made[0].tensors())
            quality = [0.0, 2.0, 4.0, 1.0, 3.0, 0.5][len(self) - 1]
            self._losses[-1] = self._losses[0] - quality
            return True

    monkeypatch.setattr(module, "Learner", Watched)
    monkeypatch.setattr(module, "_History", MadeUp)
    model = blunt()
    finished = tuned(textures(4), model, trainable="block2")
    (history,) = histories
    assert (history.best(), len(after), len(made)) == (2, 5, 4)
    kept = finished.model.state_dict()
    for key in ("features.4.weight", "features.4.bias", "features.5.weight", "features.5.bias"):
        assert torch.equal(kept[key], after[1][key]), key
        assert not torch.equal(kept[key], after[4][key]), key
    scores = history._scores[2]
    scale = history._scales[2] * fit_scale(scores, history._targets)
    assert torch.allclose(finished.model.head.weight, after[1]["weight"] * scale)
    confusion = torch.zeros(2, 2, dtype=torch.int64)
    for target, answer in zip(history._targets.tolist(), scores.argmax(1).tolist(), strict=True):
        confusion[target, answer] += 1
    assert finished.report.validation.confusion == confusion.tolist()


def test_each_fold_is_judged_after_the_pass_that_the_others_found_best():
    targets, fold = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])
    history = module._History(targets, fold, torch.zeros(4, 2))
    right = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]])
    for n in (1.0, 2.0):
        history._note(right * n)
    assert torch.allclose(history._scores[1], history._scores[2], rtol=0.03), "calibrated each by itself"
    history._scores[1:] = [torch.full((4, 2), 1.0), torch.full((4, 2), 2.0)]
    history._losses = [torch.tensor(row) for row in ([0.5, 0.5, 0.5, 0.5], [0.1, 0.1, 0.6, 0.6], [0.9, 0.9, 0.2, 0.2])]
    assert history.best() == 1
    fitted = history.fitted({"weight": torch.ones(1), "bias": torch.ones(1), "x": torch.ones(1)}, None, 2, True)
    assert fitted.scores[:, 0].tolist() == [2, 2, 1, 1], "each photo's from the pass that the other fold found best"
    assert set(fitted.tensors) == {"weight", "bias", "x"}
    assert (
        float(fitted.tensors["weight"])
        == pytest.approx(history._scales[1])
        == pytest.approx(2 * history._scales[2], rel=0.03)
    )
    history._losses[0] = torch.zeros(4)
    head = history.fitted({"weight": torch.ones(1), "bias": torch.ones(1), "x": torch.ones(1)}, None, 2, True).tensors
    assert head == {"weight": pytest.approx(history._scales[0]), "bias": pytest.approx(history._scales[0])}


def test_a_class_of_few_weighs_as_much_where_the_best_pass_is_chosen():
    targets = torch.tensor([0] * 9 + [1])
    history = module._History(targets, torch.tensor([0, 1] * 5), torch.zeros(10, 2))
    history._note(torch.ones(10, 2))
    history._losses = [torch.full((10,), 0.6), torch.tensor([0.5] * 9 + [1.0])]
    assert history.best() == 0


@pytest.mark.usefixtures("quick")
def test_the_steps_and_the_time_left():
    events = list(finetune(blunt(), textures(20), device="cpu", trainable="block2"))  # 40 photos: two batches a pass
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["Started", *["Embedding"] * 5, *["Step"] * 10, "Finished"]
    steps = [event for event in events if isinstance(event, Step)]
    assert [(step.step, step.total) for step in steps] == [(n, 10) for n in range(1, 11)]
    assert all(step.seconds_left > 0 for step in steps[:-1])
    assert steps[-1].seconds_left == 0
    assert [s.validation_loss for s in steps[1:-1:2]] == [s.validation_loss for s in steps[2::2]], "renewed by pass"
    assert events[-1].report.steps == 10
    assert not events[-1].report.stopped


def test_with_many_photos_fewer_passes_do(monkeypatch):
    monkeypatch.setattr(module, "PHOTOS_SEEN", 70)
    steps = [e for e in finetune(blunt(), textures(5), device="cpu", trainable="block2") if isinstance(e, Step)]
    assert {step.total for step in steps} == {7}
    monkeypatch.setattr(module, "PHOTOS_SEEN", 10)
    steps = [e for e in finetune(blunt(), textures(5), device="cpu", trainable="block2") if isinstance(e, Step)]
    assert {step.total for step in steps} == {module.LEAST_PASSES}


def test_the_rate_goes_up_and_down():
    rates = [module.warm_cosine(step, 40) for step in range(40)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert all(one > other > 0 for one, other in itertools.pairwise(rates[4:]))
    assert rates[22] == pytest.approx(0.5)
    assert [module.warm_cosine(step, 6) for step in (0, 5)] == [1.0, pytest.approx((1 - np.cos(np.pi / 5)) / 2)]


def test_three_photos_against_thirty():
    task = textures(30)
    task["broad"] = task["broad"][:3]
    finished = tuned(task, stripes_net(), trainable="block2")
    assert HEAD_ONLY not in finished.report.warnings
    for label, pictures in textures(30, seed=8).items():
        found = Classifier(finished.model, device="cpu")(pictures)
        assert np.mean([answer.label == label for answer in found]) > 0.8, label


def test_three_classes():
    task = textures(8)
    task["plain"] = [Image.new("RGB", (40, 40), (9 * i, 20, 90)) for i in range(8)]
    finished = tuned(task, stripes_net(layers=[16, "M", 24, "M"]), trainable="block2")
    assert finished.model.config.label_names == ("fine", "broad", "plain")
    assert np.array(finished.report.validation.confusion).sum(1).tolist() == [8, 8, 8]
    for label, pictures in task.items():
        found = Classifier(finished.model, device="cpu")(pictures)
        assert sum(answer.label == label for answer in found) >= 7, label


@torch.no_grad()
@pytest.mark.usefixtures("later_is_better")
def test_a_net_trained_so_stands_on_no_base(shipped, tmp_path):
    blunt().save_pretrained(shipped / "vgg11-bn")
    model, task = VGG.from_pretrained("vgg11-bn"), textures(6)
    deep, head = tuned(task, model, trainable="block2"), tuned(task, model)
    assert (deep.model.base, head.model.base) == (None, model.base)
    assert deep.report.base_facts == head.report.base_facts == model.base.to_json(), "what it started from is known"
    with pytest.raises(CheckpointError, match=r"does not stand on a net that others can get.*; save the whole model"):
        deep.model.save_pretrained(tmp_path / "delta", delta=True)
    assert not (tmp_path / "delta").exists()
    head.model.save_pretrained(tmp_path / "delta", delta=True)
    deep.model.save_pretrained(tmp_path / "whole")
    again = VGG.from_pretrained(tmp_path / "whole")
    assert again.base is None
    assert all(torch.equal(tensor, again.state_dict()[key]) for key, tensor in deep.model.state_dict().items())
    unseen = [picture for group in textures(4, seed=7).values() for picture in group]
    here, there = (Classifier(net, device="cpu")(unseen) for net in (deep.model, again))
    assert here == there
    assert {answer.unlike for answer in here} <= {True, False}


@pytest.mark.usefixtures("later_is_better")
def test_none_of_these_is_learnt_on_the_features_it_has_now(monkeypatch):
    """Against loops: the classes' means are the trained net's, the limits come of nets that had not seen the photo."""
    made = []

    class Watched(Learner):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    given, fit = [], engine.fit_unlike
    monkeypatch.setattr(module, "Learner", Watched)
    monkeypatch.setattr(engine, "fit_unlike", lambda *arguments: given.append(arguments) or fit(*arguments))
    task, model = textures(5), blunt()
    finished = tuned(task, model, trainable="block2", seed=2)
    assert HEAD_ONLY not in finished.report.warnings
    pictures, targets = task["fine"] + task["broad"], torch.tensor([0] * 5 + [1] * 5)
    net = Classifier(finished.model, device="cpu")
    x = torch.stack([views_module.preprocess(picture, model.config) for picture in pictures])
    means = class_means([net.embed(x)], targets)
    assert (finished.model.unlike.means - means).abs().max() < 2e-3  # float16
    ((_, _, _, unseen),) = given
    seen_by_all = torch.zeros(10, dtype=torch.int64)
    for learner in made[1:]:  # they stand where the last pass left them, which was the best
        held_in = torch.isin(torch.arange(10), learner._photos)
        seen_by_all += held_in
        features = learner.features(torch.arange(10))
        expected = log_distances(features[~held_in], class_means([features[held_in]], targets[held_in]))
        assert torch.allclose(unseen[~held_in], expected, atol=1e-5)
    assert seen_by_all.tolist() == [2] * 10
    assert finished.report.unlike.n == 10
    assert finished.report.unlike.method.startswith("3-fold stratified")
    assert tuned(task, model, trainable="block2", seed=2, unlike=False).model.unlike is None


def test_from_the_command_line(teach, run, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_PASSES", 3)
    status, out, err = teach("--trainable", "block2", "--json")
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert (report["trainable"], report["steps"]) == ("block2", 3)
    assert report["validation"]["n"] == 16
    stored = json.loads((tmp_path / "out" / "config.json").read_text())
    assert stored["vgg_hub"]["provenance"]["trainable"] == "block2"
    status, out, _ = run("classify", tmp_path / "out", tmp_path / "photos" / "fine", "--json")
    assert status == 0
    assert {row["label"] for row in json.loads(out)} <= {"fine", "broad"}
    message = error_of(teach("--trainable", "block9"))
    assert message == "trainable is 'block9'; expected head, classifier, block2, block1 or all."


def test_a_finished_run_ends_with_its_model():
    *_, last = finetune(blunt(), textures(2), device="cpu", trainable="all")
    assert isinstance(last, Finished)
    assert last.report.counts == {"fine": 2, "broad": 2}
    assert last.report.validation.n == 4
