"""A planted shortcut is named, and by chance none is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from tests.scene_pictures import scene
from tests.toys import tuned, written
from vgg_hub import shortcuts as module
from vgg_hub.guards import Facts
from vgg_hub.report import stratified_folds
from vgg_hub.shortcuts import LEVEL, SENTENCES, shortcut


def facts(seed: int) -> Facts:
    """Those of a photo, all by chance."""
    chance = np.random.default_rng(seed)
    sides = (640, 480) if chance.random() < 0.7 else (480, 640)
    scale = chance.choice([0.5, 1, 2])
    border = tuple(np.clip(chance.normal(120, 40) + chance.normal(0, 15, 3), 0, 255).tolist())
    kind = chance.choice(["JPEG", "JPEG", "PNG"])
    width, height = (round(side * scale) for side in sides)
    return Facts(width, height, str(kind), chance.normal(120, 35), chance.uniform(20, 70), border)


def draw(seed: int, size: int, classes: int = 2) -> list[Facts]:
    return [facts(1000 * seed + i) for i in range(classes * size)]


def named(found: list[Facts], accuracy: float = 1.0, labels: tuple[str, ...] = ("cat", "dog"), seed: int = 0):
    targets = torch.arange(len(labels)).repeat_interleave(len(found) // len(labels))
    return shortcut(found, targets, stratified_folds(targets, 8, seed), labels, accuracy, seed)


PLANTED = {
    "kind": ({"kind": "PNG"}, {"kind": "JPEG"}, "(most of 'cat' are PNG, most of 'dog' JPEG)"),
    "size": ({"width": 4000, "height": 3000}, {"width": 800, "height": 600}, "(those of 'cat' are larger)"),
    "shape": ({"width": 480, "height": 640}, {"width": 640, "height": 480}, "(those of 'dog' are wider)"),
    "brightness": ({"brightness": 210.0}, {}, "(those of 'cat' are brighter)"),
    "contrast": ({"contrast": 5.0}, {}, "(those of 'dog' are richer in contrast)"),
    "border": ({"border": (250.0, 250.0, 250.0)}, {}, "(those of 'cat' are brighter there)"),
}


@pytest.mark.parametrize("cue", PLANTED)
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_shortcut_is_named_with_ten_photos_a_class(cue, seed):
    first, second, which = PLANTED[cue]
    found = draw(seed, 10)
    planted = [replace(f, **first) for f in found[:10]] + [replace(f, **second) for f in found[10:]]
    note = named(planted)
    assert note.key == f"{cue}_which"
    assert which in note
    assert 19 <= note.values["right"] <= note.values["n"] == 20
    assert note == SENTENCES[note.key].format(**note.values)


def test_the_sentence():
    found = [replace(f, kind=k) for f, k in zip(draw(0, 5), ["PNG"] * 5 + ["JPEG"] * 5, strict=True)]
    found += [replace(f, kind=k) for f, k in zip(draw(1, 5), ["PNG"] * 5 + ["JPEG"] * 5, strict=True)]
    order = [*range(5), *range(10, 15), *range(5, 10), *range(15, 20)]
    assert named([found[i] for i in order]) == (
        "The kind of file alone tells the classes apart in 20 of 20 photos (most of 'cat' are PNG, most of 'dog' JPEG), as "
        "well as the net or nearly; the net may have learnt that. Save the photos of all classes as one kind of file."
    )


@pytest.mark.parametrize("size", [5, 10, 20])
def test_by_chance_none_is_named(size):
    """The net is no better than guessing, so that it hinders nothing; `benchmarks.guards` draws more often."""
    alarms = sum(named(draw(100 + seed, size), accuracy=0.5, seed=seed) is not None for seed in range(60))
    assert alarms <= 60 * LEVEL + 2 * (60 * LEVEL) ** 0.5


def test_a_net_that_does_better_has_learnt_more():
    found = draw(3, 20)
    planted = [replace(f, kind="PNG") for f in found[:16]] + [replace(f, kind="JPEG") for f in found[16:20]]
    planted += [replace(f, kind="JPEG") for f in found[20:]]
    assert named(planted, accuracy=0.92).key == "kind_which"
    assert named(planted, accuracy=0.97) is None


def test_three_classes():
    found = draw(4, 8, classes=3)
    planted = [replace(f, brightness=f.brightness / 10 + 80 * (i // 8)) for i, f in enumerate(found)]
    note = named(planted, labels=("a", "b", "c"))
    assert note.key == "brightness"
    assert note.startswith("Brightness alone tells the classes apart in 24 of 24 photos, as well as the net or nearly;")


def test_a_class_that_varies_more_is_told_without_a_direction():
    chance = np.random.default_rng(0)
    found = draw(5, 15)
    planted = [replace(f, brightness=120 + chance.normal(0, 2)) for f in found[:15]]
    planted += [
        replace(f, brightness=120 + (80 if i % 2 else -80) + chance.normal(0, 5)) for i, f in enumerate(found[15:])
    ]
    assert named(planted).key == "brightness"


def test_few_photos_and_photos_all_alike_say_nothing():
    assert named([replace(f, kind=k) for f, k in zip(draw(0, 3), ["PNG"] * 3 + ["JPEG"] * 3, strict=True)]) is None
    assert named([facts(0)] * 20) is None


def test_differences_that_nobody_would_see_do_not_count():
    """The classes differ in brightness by half a grey level of 255, and all else is the same."""
    found = [replace(facts(0), brightness=120 + 0.5 * (i >= 10)) for i in range(20)]
    assert named(found) is None


def test_of_pictures_in_memory_the_kind_is_not_known():
    found = [replace(facts(0), kind="JPEG" if i < 10 else None) for i in range(20)]
    assert named(found) is None


@pytest.mark.parametrize("name", ["kind", "border"])
def test_each_photo_is_judged_by_the_other_folds(name):
    """Against loops."""
    found = draw(9, 7)
    targets = torch.arange(2).repeat_interleave(7)
    folds = stratified_folds(targets, 2, 1, 3)
    cue = module._cues(found)[name]
    hits = torch.zeros(14)
    for fold_of in folds:
        for i in range(14):
            scores = []
            for label in range(2):
                rest = cue[(fold_of != fold_of[i]) & (targets == label)]
                if name == "kind":
                    scores.append(float(((rest.sum(0) + 0.5) / (len(rest) + 0.5 * cue.shape[1])) @ cue[i]))
                else:
                    floor = (0.01 * cue.var(0, correction=0)).clamp_min(module.UNSEEN[name] ** 2)
                    spread = rest.var(0, correction=0) + floor
                    scores.append(float(-((cue[i] - rest.mean(0)) ** 2 / spread + spread.log()).sum()))
            best = [label for label in range(2) if abs(scores[label] - max(scores)) < 1e-12]
            hits[i] += (int(targets[i]) in best) / len(best) / 2
    assert module._hits(name, cue[None], targets, folds)[0].float() == pytest.approx(hits, abs=1e-6)


def test_the_same_seed_gives_the_same_answer():
    found = [replace(f, brightness=f.brightness + 60 * (i < 10)) for i, f in enumerate(draw(2, 10))]
    assert named(found, 0.5, seed=4) == named(found, 0.5, seed=4)
    state = torch.random.get_rng_state()
    named(found, 0.5)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_report_names_it(tmp_path):
    """One class saved as PNG, the other as JPEG, of scenes that otherwise are alike."""
    pictures = [scene(i) for i in range(20)]
    paths = written(tmp_path, {"a": pictures[:10]}) | {"b": [tmp_path / f"{i}.jpg" for i in range(10)]}
    for picture, path in zip(pictures[10:], paths["b"], strict=True):
        picture.save(path, quality=95)
    told = [w for w in tuned(paths).report.warnings if w.startswith("The kind of file alone tells the classes apart")]
    assert len(told) == 1
    assert "in 20 of 20 photos (most of 'a' are PNG, most of 'b' JPEG)" in told[0]


def test_the_report_names_a_shape_and_counts_a_burst_once():
    portrait = [ImageOps.fit(scene(i), (90, 120)) for i in range(10)]
    landscape = [ImageOps.fit(scene(10 + i), (120, 90)) for i in range(10)]
    portrait += [portrait[0].resize((60, 80), Image.Resampling.BOX)] * 2
    (told,) = [w for w in tuned({"a": portrait, "b": landscape}).report.warnings if "alone tells" in w]
    assert told.startswith(
        "The shape of the picture alone tells the classes apart in 20 of 20 photos (those of 'b' are wider)"
    )


def test_the_report_names_none_by_chance():
    for seed in range(3):
        first, second = ([scene(100 * seed + start + i) for i in range(10)] for start in (0, 50))
        assert [w for w in tuned({"a": first, "b": second}).report.warnings if "alone tells" in w] == []
