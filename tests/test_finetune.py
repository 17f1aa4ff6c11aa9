"""The engine: what it learns, what it leaves alone, and how it ends."""

from __future__ import annotations

import copy
import itertools
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.toys import textures, tiny_vgg
from vgg_hub import VGG, Classifier, cache, finetune
from vgg_hub.errors import DeviceError, FinetuneError, LabelError
from vgg_hub.finetune import Embedding, Finished, Started, Step, _problem_weights, _unseen_logits
from vgg_hub.head import fit_heads
from vgg_hub.report import binomial_interval, stratified_folds

ROOT = Path(__file__).parents[1]


def net(**fields: object) -> VGG:
    """Random, and wide enough to tell fine stripes from broad ones."""
    return tiny_vgg(seed=1, **{"layers": [24, "M", 48, "M"], **fields})


def last(events) -> Finished:
    *_, finished = events
    return finished


def tuned(photos, model: VGG | None = None, **options: object) -> Finished:
    return last(finetune(model or net(), photos, device="cpu", **options))


def written(folder: Path, photos: dict[str, list[Image.Image]], prefix: str = "photo") -> dict[str, list[Path]]:
    paths = {label: [folder / f"{prefix}-{label}-{i}.png" for i in range(len(p))] for label, p in photos.items()}
    for label, pictures in photos.items():
        for picture, path in zip(pictures, paths[label], strict=True):
            picture.save(path)
    return paths


def test_the_events_come_in_order():
    photos = textures(9)
    events = list(finetune(net(), photos, device="cpu"))
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
    events = finetune(net(), textures(2), device="cpu")
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
        if report.validation.low <= 0.5:
            assert report.warnings == [
                "With 28 photos it cannot be told from guessing, which is right 50 % of the time; "
                "add photos of each class."
            ]
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
    assert validation.method.startswith("5-fold stratified cross-validation, repeated 8 times and averaged; 95 % Clopper-")
    assert len(report.mistakes) == 30 - confusion.trace()
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
    model = net(hidden_features=16)
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
    photos, model = textures(4), net()
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
    print(json.dumps([p.scores for p in Classifier(VGG.from_pretrained(folder), device="cpu")(photos)]))
"""


@pytest.mark.parametrize("size", [32, 45])
def test_a_fresh_process_gives_the_same_answer_from_the_saved_folder(tmp_path, size):
    paths = written(tmp_path, textures(5))
    finished = tuned(paths, net(input_size=size, crop_pct=0.9, interpolation="bicubic"))
    finished.model.save_pretrained(tmp_path / "m")
    unseen = [path for group in written(tmp_path, textures(4, seed=7, side=61), "unseen").values() for path in group]
    here = [prediction.scores for prediction in Classifier(finished.model, device="cpu")(unseen)]
    code = "\n".join(line.strip() for line in FRESH.splitlines())
    ran = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "m", *unseen], cwd=ROOT, capture_output=True, text=True, check=True
    )
    there = json.loads(ran.stdout)
    assert len(there) == 8
    for one, other in zip(here, there, strict=True):
        assert list(one) == list(other)
        assert other == pytest.approx(one, abs=1e-4)


def test_no_photos_name_is_in_what_is_saved(tmp_path):
    folder = tmp_path / "photos of geheim"
    folder.mkdir()
    photos = textures(6)
    photos["fine"][0] = photos["broad"][0]  # in both classes
    photos["fine"][1] = photos["fine"][2]  # twice in one
    photos["fine"].append(textures(1, seed=5)["broad"][0])  # a mistake
    paths = written(folder, photos, "geheim")
    (folder / "geheim-broken.png").write_text("x")
    paths["broad"].append(folder / "geheim-broken.png")
    finished = tuned(paths)
    assert sum("geheim" in sentence for sentence in finished.report.warnings) == 3
    finished.model.save_pretrained(tmp_path / "m")
    for file in (tmp_path / "m").iterdir():
        assert b"geheim" not in file.read_bytes(), file
        assert str(tmp_path).encode() not in file.read_bytes(), file
    again = VGG.from_pretrained(tmp_path / "m").provenance
    assert again == json.loads(json.dumps(finished.report.provenance()))
    assert again["counts"] == {"fine": 5, "broad": 5}
    assert "warnings" not in again
    assert "mistakes" not in again


def test_stop_before_the_first_step():
    stop = threading.Event()
    stop.set()
    events = finetune(net(), textures(3), device="cpu", stop=stop)
    assert isinstance(next(events), Started)
    message = r"^Stopped before the first step: there is nothing to keep, and nothing was changed\.$"
    with pytest.raises(FinetuneError, match=message):
        next(events)
    assert next(events, None) is None


def test_stop_while_photos_are_read():
    stop = threading.Event()
    seen = []
    events = finetune(net(), textures(12), device="cpu", stop=stop)
    with pytest.raises(FinetuneError, match="Stopped before the first step"):
        for event in events:
            seen.append(event)
            if isinstance(event, Embedding):
                stop.set()
    assert [type(event) for event in seen] == [Started, Embedding]


def test_stop_midway_keeps_the_best_so_far():
    stop = threading.Event()
    seen = []
    for event in finetune(net(), textures(10), device="cpu", stop=stop):
        seen.append(event)
        if isinstance(event, Step) and event.step == 3:
            threading.Thread(target=stop.set).start()
            assert stop.wait(5)
    finished = seen[-1]
    assert [event.step for event in seen if isinstance(event, Step)] == [1, 2, 3]
    assert (finished.report.stopped, finished.report.steps) == (True, 3)
    assert finished.report.validation.n == 20
    assert finished.model.config.label_names == ("fine", "broad")
    assert torch.isfinite(finished.model.head.weight).all()


def test_stop_set_at_the_very_end_is_no_stop():
    stop = threading.Event()
    photos = textures(6)
    total = tuned(photos).report.steps
    for event in finetune(net(), photos, device="cpu", stop=stop):
        if isinstance(event, Step) and event.step == total:
            stop.set()
    assert event.report.stopped is False


@pytest.mark.parametrize("after", [Started, Embedding, Step])
def test_closing_it_early_leaves_nothing_behind(after):
    model = net()
    before, threads = copy.deepcopy(model.state_dict()), threading.active_count()
    events = finetune(model, textures(6), device="cpu")
    for event in events:
        if isinstance(event, after):
            break
    events.close()
    assert next(events, None) is None
    assert threading.active_count() == threads
    assert torch.is_grad_enabled()
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


def test_two_runs_side_by_side_do_not_mix():
    photos = [textures(5, seed=1), textures(6, seed=2)]
    alone = [tuned(group) for group in photos]
    model = net()
    runs = [finetune(model, group, device="cpu") for group in photos]
    ends = {}
    for turn in itertools.count():
        for index, run in enumerate(runs):
            event = next(run, None)
            if isinstance(event, Finished):
                ends[index] = event
        if len(ends) == 2 or turn > 200:
            break
    for index, finished in ends.items():
        assert torch.equal(finished.model.head.weight, alone[index].model.head.weight)
        assert finished.report.validation == alone[index].report.validation


PHOTO = Image.new("RGB", (9, 9))
BAD_STARTS = [
    ({"a": [PHOTO]}, LabelError, r"^There is 1 class; give photos of two classes or more\.$"),
    ({}, LabelError, r"^There is 0 class"),
    ({"a": [PHOTO] * 2, " a": [PHOTO] * 2}, LabelError, r"^Two classes have the same name, 'a'; give each class its own"),
    ({"a": [PHOTO] * 2, "": [PHOTO] * 2}, LabelError, r"^Class name 2 is empty; give each class a name\.$"),
    ({"a": [PHOTO] * 2, "<script>": [PHOTO] * 2}, LabelError, r"^Class name 2, '<script>', holds '<'; leave out"),
    ({"a": [PHOTO] * 2, "x\ny": [PHOTO] * 2}, LabelError, r"^Class name 2, 'x\\ny', holds '\\n'; leave out"),
    ({"a": [PHOTO] * 2, "x/y": [PHOTO] * 2}, LabelError, r"^Class name 2, 'x/y', holds '/'; leave out"),
    ({"a": [PHOTO] * 2, "x" * 300: [PHOTO] * 2}, LabelError, r"^Class name 2 has 300 characters; the limit is 100"),
    ({"a": [PHOTO] * 2, "b": []}, FinetuneError, r"^Class 'b' has 0 photos that can be used; give each class at least 2,"),
    ({"a": [PHOTO], "b": [PHOTO] * 2}, FinetuneError, r"^Class 'a' has 1 photo that can be used; give each class at least"),
    ({"a": "folder", "b": [PHOTO] * 2}, FinetuneError, r"^The photos of 'a' are a str; expected a list of pictures\.$"),
    ({"a": Path("x"), "b": [PHOTO] * 2}, FinetuneError, r"^The photos of 'a' are a PosixPath; expected a list of pictures"),
    ({"a": PHOTO, "b": [PHOTO] * 2}, FinetuneError, r"^The photos of 'a' are a Image; expected a list of pictures\.$"),
    ([PHOTO, PHOTO], FinetuneError, r"^photos is a list; expected class names, each with a list of its photos\.$"),
]


@pytest.mark.parametrize(("photos", "kind", "message"), BAD_STARTS)
def test_a_task_that_cannot_be_is_refused_at_once(photos, kind, message):
    with pytest.raises(kind, match=message) as caught:
        finetune(net(), photos)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"trainable": "block9"}, FinetuneError, r"^trainable is 'block9'; expected head\.$"),
        ({"seed": -1}, FinetuneError, r"^seed is -1; expected a whole number from 0 to 2\^63 - 1\.$"),
        ({"seed": 2**63}, FinetuneError, r"^seed is 9223372036854775808; expected a whole number"),
        ({"seed": 1.5}, FinetuneError, r"^seed is 1\.5; expected a whole number"),
        ({"device": "tpu9"}, DeviceError, r"^device is 'tpu9'; expected auto, cpu, cuda or mps\.$"),
    ],
)
def test_a_bad_option_is_named(options, kind, message):
    with pytest.raises(kind, match=message):
        list(finetune(net(), textures(2), **options))


def test_a_photo_in_both_classes_is_left_out_and_said():
    photos = textures(6)
    photos["fine"].insert(2, photos["broad"][3].copy())
    finished = tuned(photos)
    assert finished.report.warnings[0] == (
        "broad 4 is in both fine and broad; it was left out of training and of the estimate."
    )
    assert finished.report.counts == {"fine": 6, "broad": 5}
    assert finished.report.validation.n == 11
    del photos["fine"][2], photos["broad"][3]
    assert torch.equal(tuned(photos).model.head.weight, finished.model.head.weight)


def test_a_photo_that_stands_twice_counts_once(tmp_path):
    photos = textures(6)
    photos["fine"] += [photos["fine"][1].copy()] * 2
    report = tuned(written(tmp_path, photos)).report
    assert report.warnings[:2] == [
        f"photo-fine-{i}.png is the same photo as photo-fine-1.png; it was used once." for i in (6, 7)
    ]
    assert report.counts == {"fine": 6, "broad": 6}


def test_twice_in_one_class_and_once_in_the_other_is_left_out_wholly():
    photos = textures(4)
    photos["broad"].append(photos["fine"][0])
    photos["fine"].append(photos["fine"][0])
    report = tuned(photos).report
    assert report.counts == {"fine": 3, "broad": 4}
    assert [sentence for sentence in report.warnings if "used once" in sentence] == []
    assert sum("is in both fine and broad" in sentence for sentence in report.warnings) == 1


def test_an_unreadable_photo_is_named_and_left_out(tmp_path):
    paths = written(tmp_path, textures(5))
    (tmp_path / "broken.jpg").write_text("no picture")
    paths["fine"].insert(2, tmp_path / "broken.jpg")
    paths["broad"].append(tmp_path / "gone.jpg")
    report = tuned(paths).report
    assert report.counts == {"fine": 5, "broad": 5}
    assert report.warnings[0].startswith("broken.jpg is ")
    assert report.warnings[1].startswith("gone.jpg does not exist")
    assert all(mistake.index != 2 for mistake in report.mistakes if mistake.label == "fine")
    events = list(finetune(net(), paths, device="cpu"))
    assert events[0].counts == {"fine": 6, "broad": 6}, "what was given"


def test_an_unreadable_picture_without_a_file_is_named_by_its_place():
    photos = textures(4)
    photos["broad"].insert(1, np.zeros((5, 5), np.float32))
    warning = tuned(photos).report.warnings[0]
    assert warning.startswith("broad 2: The array has shape (5, 5) and type float32; expected")


def test_too_few_photos_that_can_be_read_says_why(tmp_path):
    photos = textures(2)
    (tmp_path / "broken.jpg").write_text("no picture")
    photos["fine"][1] = tmp_path / "broken.jpg"
    message = r"^Class 'fine' has 1 photo that can be used; give each class at least 2, better ten\. broken\.jpg is "
    with pytest.raises(FinetuneError, match=message):
        tuned(photos)
    for label in photos:
        photos[label] = [photos["broad"][0]] * 3
    with pytest.raises(FinetuneError, match=r"^Class 'fine' has 0 photos .* broad 1 is in both fine and broad;"):
        tuned(photos)


def test_two_photos_a_class_are_enough():
    report = tuned(textures(2)).report
    assert (report.validation.n, report.counts) == (4, {"fine": 2, "broad": 2})
    assert report.validation.method.startswith("2-fold")
    assert report.validation.high - report.validation.low > 0.5


def test_lopsided_classes_are_both_learnt():
    photos = textures(30)
    photos["broad"] = photos["broad"][:4]
    finished = tuned(photos)
    confusion = np.array(finished.report.validation.confusion)
    assert (confusion.diagonal() / confusion.sum(1) > 0.7).all()
    for label, pictures in textures(30, seed=8).items():
        found = Classifier(finished.model, device="cpu")(pictures)
        assert np.mean([answer.label == label for answer in found]) > 0.8


@pytest.mark.parametrize("size", [2, 4, 16])
def test_the_batch_does_not_matter_a_last_one_of_one_least(monkeypatch, size):
    photos = textures(4)
    photos["fine"].append(textures(1, seed=3)["fine"][0])  # nine photos
    expected = tuned(photos).model.head.weight
    monkeypatch.setattr(cache, "BATCH_SIZE", size)
    assert (tuned(photos).model.head.weight - expected).abs().max() < 1e-3 * expected.abs().max()


def test_the_kind_of_picture_does_not_matter(tmp_path):
    photos = textures(4)
    expected = tuned(photos).model.head.weight
    paths = written(tmp_path, photos)
    kinds = (
        paths,
        {label: [str(path) for path in group] for label, group in paths.items()},
        {label: np.stack([np.array(picture) for picture in group]) for label, group in photos.items()},
        {label: tuple(group) for label, group in photos.items()},
    )
    for given in kinds:
        assert torch.equal(tuned(given).model.head.weight, expected)


def test_the_start_and_its_licence_are_carried_on(tmp_path):
    model = net()
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
    finished = tuned(textures(8), net().half())
    assert finished.report.validation.accuracy > 0.8
    assert finished.model.head.weight.dtype == torch.float16
    assert len(Classifier(finished.model, device="cpu")(textures(1)["fine"])) == 1


def test_each_fold_is_judged_by_a_head_that_had_not_seen_it():
    """Against loops: a photo and its mirror image count in no head that judges them; classes weigh the same."""
    targets = torch.tensor([0] * 8 + [1] * 5)
    folds = stratified_folds(targets, repeats=2, seed=0)
    weights = _problem_weights(targets, folds)
    assert weights.shape == (11, 26)
    assert torch.equal(weights[:, :13], weights[:, 13:])
    expected = [torch.ones(13)]
    expected += [(folds[repeat] != fold).float() for repeat in range(2) for fold in range(5)]
    for row, counts in zip(weights, expected, strict=True):
        assert ((row[:13] > 0) == (counts > 0)).all()
        for label in (0, 1):
            assert row[:13][targets == label].sum() == pytest.approx(1)
            assert len(row[:13][(targets == label) & (counts > 0)].unique()) == 1
    features = torch.randn(13, 6)
    *_, heads = fit_heads(torch.cat([features, features]), targets.repeat(2), weights, 2, 13)
    found = _unseen_logits(heads, features, folds)
    for photo in range(13):
        problems = [1 + 5 * repeat + int(folds[repeat, photo]) for repeat in range(2)]
        by_hand = sum(features[photo].double() @ heads.weight[p].T + heads.bias[p] for p in problems) / 2
        assert torch.allclose(found[photo], by_hand)
