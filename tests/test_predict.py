"""Batched classification: the same answers whatever the batch, the kind of picture and the mode of the model."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from PIL import Image

from tests.toys import smooth_picture, stripes_net, textures, tiny_vgg, tuned
from vgg_hub import Classifier, Prediction
from vgg_hub.errors import CheckpointError, ConfigError, DeviceError, PhotoError
from vgg_hub.explain import evidence
from vgg_hub.predict import as_image, resolve_device
from vgg_hub.preprocess import preprocess


@pytest.fixture
def model():
    model = tiny_vgg(num_classes=4)
    model.head.weight.data.mul_(30)  # a fresh head answers 1/4 to everything
    return model


@pytest.fixture
def pictures() -> list[Image.Image]:
    return [smooth_picture(40 + 3 * i, 64 - 2 * i, seed=i) for i in range(7)]


@torch.no_grad()
def by_hand(model, pictures) -> torch.Tensor:
    return torch.stack([torch.softmax(model(preprocess(p, model.config)[None])[0].double(), 0) for p in pictures])


def labelled(model, labels: list[str]):
    head = copy.deepcopy(model.head)
    model.replace_head(labels)
    model.classifier[-1] = head
    return model


def test_scores_are_the_softmax_of_the_logits_highest_first(model, pictures):
    labels = ["zebra", "ape", "고양이", "dog"]
    labelled(model, labels)
    expected = by_hand(model, pictures)
    assert expected.std(0).max() > 0.01, "all pictures would get one answer"
    found = Classifier(model, device="cpu")(pictures)
    assert len(found) == len(pictures)
    for prediction, row in zip(found, expected.tolist(), strict=True):
        assert isinstance(prediction, Prediction)
        assert sum(prediction.scores.values()) == pytest.approx(1, abs=1e-6)
        assert list(prediction.scores.values()) == sorted(prediction.scores.values(), reverse=True)
        assert prediction.label == next(iter(prediction.scores)) == labels[int(np.argmax(row))]
        for label, probability in zip(labels, row, strict=True):
            assert prediction.scores[label] == pytest.approx(probability, abs=1e-6)


def test_a_rule_adds_whether_a_picture_is_unlike_all_classes(pictures):
    finished = tuned(textures(8))
    photos = textures(3, seed=5)["fine"] + pictures
    classifier = Classifier(finished.model, device="cpu")
    answers = classifier(photos)
    x = torch.stack([preprocess(picture, finished.model.config) for picture in photos])
    expected = finished.model.unlike.score(finished.model.embed(x))
    assert [answer.unlike_score for answer in answers] == pytest.approx(expected.tolist(), rel=1e-5)
    assert [answer.unlike for answer in answers] == (expected > 1).tolist()
    assert {answer.unlike for answer in answers} == {True, False}
    logits = classifier.logits(x).softmax(1)
    for answer, row in zip(answers, logits.tolist(), strict=True):
        assert answer.scores == pytest.approx(dict(zip(("fine", "broad"), row, strict=True)), abs=1e-6)
        assert answer.label == max(answer.scores, key=answer.scores.get), "the best class stays the label"
    without = Classifier(finished.model, device="cpu", unlike=False)(photos)
    assert {(answer.unlike, answer.unlike_score) for answer in without} == {(None, None)}
    for one, other in zip(without, answers, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-6)


def test_without_a_rule_no_picture_is_said_to_be_unlike(model, pictures):
    answers = Classifier(model, device="cpu")(pictures) + Classifier(tuned(textures(3), stripes_net()).model)([])
    assert {(answer.unlike, answer.unlike_score) for answer in answers} == {(None, None)}
    assert tuned(textures(3), unlike=False).model.unlike is None


def test_classes_without_names_are_numbered(model, pictures):
    prediction = Classifier(model, device="cpu")(pictures[:1])[0]
    assert set(prediction.scores) == {"class 0", "class 1", "class 2", "class 3"}


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
def test_the_batch_size_does_not_matter(model, pictures, batch_size):
    expected = Classifier(model, device="cpu")(pictures)
    found = Classifier(model, device="cpu", batch_size=batch_size)(iter(pictures))
    for one, other in zip(found, expected, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)
        assert one.label == other.label


def test_memory_is_bounded_by_the_batch(model, pictures, monkeypatch):
    """No more pictures are taken from an iterator than a batch and the next, which is read meanwhile."""
    taken = []
    classifier = Classifier(model, device="cpu", batch_size=3)
    answers = classifier.each(taken.append(i) or p for i, p in enumerate(itertools.cycle(pictures)))
    next(answers)
    assert taken == [0, 1, 2, 3, 4, 5]
    answers.close()


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, None])
def test_a_bad_batch_size_is_named(model, batch_size):
    with pytest.raises(ConfigError, match=rf"^batch_size is {batch_size!r}; expected a positive whole number\.$"):
        Classifier(model, device="cpu", batch_size=batch_size)


def test_paths_pictures_and_arrays_get_the_same_answer(model, tmp_path):
    image = smooth_picture(50, 40)
    image.save(tmp_path / "p.png")
    kinds = [image, np.array(image), tmp_path / "p.png", str(tmp_path / "p.png"), image.convert("RGBA")]
    found = Classifier(model, device="cpu")(kinds)
    for prediction in found[1:]:
        assert prediction.scores == pytest.approx(found[0].scores, abs=1e-6)
    assert Classifier(model, device="cpu")(image)[0].scores == pytest.approx(found[0].scores, abs=1e-6)
    assert Classifier(model, device="cpu")(str(tmp_path / "p.png"))[0].label == found[0].label
    assert Classifier(model, device="cpu")(np.array(image))[0].label == found[0].label
    assert Classifier(model, device="cpu")([]) == []


def test_a_turned_photo_is_read_upright(model, tmp_path):
    image = smooth_picture(50, 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter to the right
    image.save(tmp_path / "turned.png", exif=exif)
    turned, upright = Classifier(model, device="cpu")(
        [tmp_path / "turned.png", image.transpose(Image.Transpose.ROTATE_270)]
    )
    assert turned.scores == pytest.approx(upright.scores, abs=1e-6)


def test_the_model_given_is_not_changed_by_anything(model, pictures):
    model.train()
    before = copy.deepcopy(model.state_dict())
    classifier = Classifier(model, device="cpu")
    classifier(pictures)
    classifier.embed(torch.zeros(2, 3, 32, 32))
    assert all(module.training for module in model.modules())
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


def test_the_linears_are_shared_and_the_prepared_form_is_one_for_all(model):
    model.replace_head(["a", "b"])
    classifier = Classifier(model, device="cpu")
    assert classifier._head[0].data_ptr() == model.head.weight.data_ptr()
    assert Classifier(model.share().replace_head(["c", "d"]), device="cpu").net is classifier.net


@pytest.mark.parametrize("place", ["classifier.0.weight", "classifier.6.bias"])
@pytest.mark.parametrize("hidden", [0, 24])
def test_a_classifier_of_a_net_whose_weights_were_changed_says_so(pictures, hidden, place):
    model = tiny_vgg(hidden_features=hidden)
    place = place if hidden else "classifier.0.weight"
    x = torch.stack([preprocess(p, model.config) for p in pictures])
    classifier = Classifier(model, device="cpu", precision="float32")
    with torch.no_grad():
        model.state_dict()[place].add_(0.1)  # as a step of an optimiser, or `load_state_dict`
    for use in (classifier, lambda _: classifier.logits(x)):
        with pytest.raises(ConfigError, match="weights were changed since it was made ready; make another Classifier"):
            use(pictures)
    again = Classifier(model, device="cpu", precision="float32")
    torch.testing.assert_close(again.logits(x), model.eval()(x).detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    "place",
    ["features.0.weight", "features.1.running_var", "classifier.0.weight", "classifier.3.bias", "classifier.6.bias"],
)
def test_weights_that_are_no_numbers_answer_nothing(place, number):
    model = tiny_vgg(hidden_features=24)
    model.state_dict()[place].fill_(number)
    with pytest.raises(
        CheckpointError, match="not finite numbers, as a training that diverged leaves them: it answers nothing"
    ):
        Classifier(model, device="cpu")


def test_a_variance_below_zero_answers_nothing():
    model = tiny_vgg()
    model.features[1].running_var.fill_(-1)
    with pytest.raises(CheckpointError, match="not finite"):
        Classifier(model, device="cpu")


def test_a_model_in_half_precision_is_computed_in_full(model, pictures):
    expected = Classifier(copy.deepcopy(model).half().float(), device="cpu")(pictures)
    half = model.half()
    found = Classifier(half, device="cpu")(pictures)
    assert half.head.weight.dtype == torch.float16
    for one, other in zip(found, expected, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-6)


def test_logits_and_embeddings_are_the_models(model, pictures):
    x = torch.stack([preprocess(p, model.config) for p in pictures])
    classifier = Classifier(model, device="cpu", precision="float32")
    for found, expected in ((classifier.logits(x), model(x).detach()), (classifier.embed(x), model.embed(x).detach())):
        assert found.dtype == torch.float32
        assert found.device.type == "cpu"
        assert not found.requires_grad
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    linear = torch.nn.Linear(16, 2)
    linear(classifier.embed(x)).sum().backward()  # what it gives may enter the fitting of a head
    assert linear.weight.grad is not None


def test_each_gives_an_error_in_the_place_of_what_cannot_be_read(model, pictures, tmp_path):
    (tmp_path / "bad.jpg").write_text("no picture")
    mixed = [pictures[0], tmp_path / "bad.jpg", pictures[1], tmp_path / "gone.png", 7, *pictures[2:5], np.zeros((2, 2))]
    expected = Classifier(model, device="cpu")([mixed[i] for i in (0, 2, 5, 6, 7)])
    for batch_size in (1, 2, 4, 50):
        found = list(Classifier(model, device="cpu", batch_size=batch_size).each(mixed))
        assert len(found) == len(mixed)
        good = [answer for answer in found if isinstance(answer, Prediction)]
        for one, other in zip(good, expected, strict=True):
            assert one.scores == pytest.approx(other.scores, abs=1e-5)
        assert [isinstance(answer, PhotoError) for answer in found] == [False, True, False, True, True] + [
            False
        ] * 3 + [True]
        assert str(found[1]).startswith("bad.jpg is ")
        assert str(found[3]).startswith("gone.png does not exist; ")
    assert next(Classifier(model, device="cpu").each([tmp_path / "gone.png"])).args


def test_a_call_stops_at_the_first_picture_that_cannot_be_read(model, pictures, tmp_path):
    with pytest.raises(PhotoError, match=r"^gone\.png does not exist; "):
        Classifier(model, device="cpu")([pictures[0], tmp_path / "gone.png"])


def test_logits_that_are_no_numbers_are_no_answer(pictures):
    broken = tiny_vgg(label_names=("cat", "dog"))
    with torch.no_grad():
        broken.head.weight[1, 0] = math.nan
    sentence = (
        r"^The net's weights or logits are not finite numbers, as a training that diverged leaves them: it answers nothing; "
        r"train it again, or fetch it again\.$"
    )
    with pytest.raises(CheckpointError, match=sentence):
        Classifier(broken)(pictures)
    with pytest.raises(CheckpointError, match=sentence):
        evidence(broken, preprocess(pictures[0], broken.config)[None], 0, "conv1_1")


BAD_ARRAYS = [
    (
        np.zeros((5, 5, 3), np.float32),
        r"^The array has shape \(5, 5, 3\) and type float32; expected \(height, width\), ",
    ),
    (np.zeros((5, 5, 2), np.uint8), r"^The array has shape \(5, 5, 2\) and type uint8; expected"),
    (np.zeros((3, 5, 5), np.uint8), r"^The array has shape \(3, 5, 5\) and type uint8; expected"),
    (np.zeros((2, 5, 5, 3), np.uint8), r"^The array has shape \(2, 5, 5, 3\) and type uint8; expected"),
    (np.zeros((0, 5, 3), np.uint8), r"^The array has shape \(0, 5, 3\) and type uint8; expected"),
    (np.zeros(5, np.uint8), r"^The array has shape \(5,\) and type uint8; expected"),
    (7, r"^A picture is a int; expected a path, a PIL image or a numpy array\.$"),
    (None, r"^A picture is a NoneType; expected a path"),
    (torch.zeros(3, 5, 5), r"^A picture is a Tensor; expected a path"),
]


@pytest.mark.parametrize(("thing", "message"), BAD_ARRAYS)
def test_what_is_no_picture_is_said(thing, message):
    with pytest.raises(PhotoError, match=message):
        as_image(thing)


def test_grey_and_transparent_arrays():
    grey = np.full((4, 4), 90, np.uint8)
    assert np.array(as_image(grey)).tolist() == np.full((4, 4, 3), 90).tolist()
    clear = np.zeros((4, 4, 4), np.uint8)
    assert np.array(as_image(clear)).tolist() == np.full((4, 4, 3), 255).tolist()


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("tpu9", r"^device is 'tpu9'; expected auto, cpu, cuda or mps\.$"),
        ("", r"^device is ''; expected auto, cpu, cuda or mps\.$"),
        (None, r"^device is None; expected auto, cpu, cuda or mps\.$"),
        (1.5, r"^device is 1\.5; expected auto, cpu, cuda or mps\.$"),
        ("cpu:3", r"^device is 'cpu:3', which this machine does not have; use auto or cpu\.$"),
        ("cuda:97", r"^device is 'cuda:97', which this machine does not have; use auto or cpu\.$"),
        ("meta", r"^device is 'meta', which this machine does not have; use auto or cpu\.$"),
    ],
)
def test_a_device_that_is_not_there_is_said(model, device, message):
    with pytest.raises(DeviceError, match=message):
        resolve_device(device)
    with pytest.raises(DeviceError, match=message):
        Classifier(model, device=device)


def test_devices_that_are_there(monkeypatch):
    assert resolve_device("cpu") == resolve_device(torch.device("cpu")) == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert resolve_device() == torch.device("cpu")
    with pytest.raises(DeviceError, match=r"^device is 'cuda', which this machine does not have; use auto or cpu\.$"):
        resolve_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device() == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device() == torch.device("cuda")


def test_precision(model):
    with pytest.raises(ConfigError, match=r"^precision is 'half'; expected auto or float32\.$"):
        Classifier(model, device="cpu", precision="half")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_the_gpu_gives_the_same_answer(model, pictures):
    expected = Classifier(model, device="cpu")(pictures)
    for precision, tolerance in (("float32", 1e-3), ("auto", 3e-2)):
        found = Classifier(model, device="cuda", precision=precision)(pictures)
        for one, other in zip(found, expected, strict=True):
            assert one.scores == pytest.approx(other.scores, abs=tolerance)
    assert all(parameter.device.type == "cpu" for parameter in model.parameters())


def test_many_files_are_answered_as_one_by_one(tmp_path):
    """Read in threads, in order, an error in its place: the same as each alone."""
    generator = np.random.default_rng(3)
    files = []
    for n in range(21):
        files.append(tmp_path / f"{n}.png")
        Image.fromarray(generator.integers(0, 256, (40 + n, 60, 3), dtype=np.uint8)).save(files[-1])
    files[7].write_bytes(b"no picture")
    classifier = Classifier(tiny_vgg(), "cpu", precision="float32", batch_size=4)
    alone = [next(iter(classifier.each([file]))) for file in files]
    together = list(classifier.each(files))
    assert [str(answer) if isinstance(answer, PhotoError) else answer.label for answer in together] == [
        str(answer) if isinstance(answer, PhotoError) else answer.label for answer in alone
    ]
    assert isinstance(together[7], PhotoError)
    for one, other in zip(alone, together, strict=True):
        if not isinstance(one, PhotoError):
            assert other.scores == pytest.approx(one.scores, abs=1e-5)
