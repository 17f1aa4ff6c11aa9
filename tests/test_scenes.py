"""Scenes: found, kept in one fold, counted once, and said."""

from __future__ import annotations

import json
import pickle
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.scene_pictures import burst, cached, scene
from tests.toys import textures, tuned
from vgg_hub.interval import binomial_interval
from vgg_hub.notes import Note
from vgg_hub.scenes import PAIRS_NAMED, _linked, find_scenes, first_of_scenes, mean_of_scenes

finetune_module = sys.modules["vgg_hub.finetune"]  # the package has a function of that name


def test_photos_of_one_scene_and_class_have_one_number():
    pictures = [scene(0), *burst(1, 3), scene(2), *burst(3, 2), scene(0).reduce(2)]
    groups, notes = find_scenes(*cached(pictures, [0, 0, 0, 0, 1, 1, 1, 1]), ["cat", "dog"])
    assert groups.tolist() == [0, 1, 1, 1, 2, 3, 3, 4]
    assert notes == [
        "The 4 photos of 'cat' show 2 different scenes, for some look like copies or bursts, such as photo 1.png and "
        "photo 2.png; these were kept together in the estimate, which rests on 5 scenes.",
        "The 4 photos of 'dog' show 3 different scenes, for some look like copies or bursts, such as photo 5.png and "
        "photo 6.png; these were kept together in the estimate, which rests on 5 scenes.",
        "photo 0.png in 'cat' and photo 7.png in 'dog' look like one photo; check which class is right.",
    ]


def test_different_photos_need_no_sentence():
    groups, notes = find_scenes(*cached([scene(i) for i in range(6)], [0, 1] * 3), ["cat", "dog"])
    assert groups.tolist() == list(range(6))
    assert notes == []


def test_a_class_of_one_scene_has_a_sentence_of_its_own():
    _, notes = find_scenes(*cached([*burst(4, 3), scene(5), scene(6)], [0, 0, 0, 1, 1]), ["cat", "dog"])
    assert notes == [
        "All 3 photos of 'cat' look like one scene, such as photo 0.png and photo 1.png: the estimate cannot show whether "
        "'cat' is known elsewhere. Take photos of it at other times and places."
    ]


def test_many_pairs_in_two_classes_are_counted():
    count = PAIRS_NAMED + 3
    pictures = [scene(i) for i in range(count)]
    photos = cached([*pictures, *(p.reduce(2) for p in pictures)], [0] * count + [1] * count)
    _, notes = find_scenes(*photos, ["cat", "dog"])
    assert len(notes) == PAIRS_NAMED + 1
    assert notes[-1] == "3 more pairs of photos look alike and stand in two classes."


LINKS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1]), max_size=14)


@given(LINKS)
def test_what_hangs_together_is_one_scene(links):
    """Against the closure of the links, in the order of the first photos."""
    joined = np.eye(12, dtype=bool)
    for i, j in links:
        joined[i, j] = joined[j, i] = True
    for _ in range(4):
        joined = joined @ joined
    first = joined.argmax(1)
    expected = np.unique(first, return_inverse=True)[1]
    assert _linked(12, links).tolist() == expected.tolist()


def test_means_and_firsts_against_loops():
    groups = torch.tensor([0, 1, 0, 2, 1, 1])
    values = torch.rand(3, 6, dtype=torch.float64)
    found = mean_of_scenes(values, groups)
    for row in range(3):
        for group in range(3):
            assert float(found[row, group]) == pytest.approx(float(values[row][groups == group].mean()))
    assert first_of_scenes(groups).tolist() == [0, 1, 3]
    alone = torch.arange(6)
    assert torch.equal(mean_of_scenes(values, alone), values), "photos that are each a scene are left as they are"
    assert torch.equal(first_of_scenes(alone), alone)


def test_a_note_stays_itself_on_its_way():
    note = Note.of({"hello": "Hello {name!r}."}, "hello", name="cat")
    assert note == "Hello 'cat'."
    again = pickle.loads(pickle.dumps(note))  # noqa: S301 to another process, where a GPU is lent
    assert (again, again.key, again.values) == (note, "hello", {"name": "cat"})
    assert json.loads(json.dumps([note])) == [note]


def with_bursts() -> dict[str, list]:
    return {
        "one": [*(scene(i) for i in range(6)), *burst(100, 6)],
        "two": [*(scene(50 + i) for i in range(8)), *burst(101, 3)],
    }


def test_bursts_share_a_fold_and_count_once(monkeypatch):
    seen = {}
    original = finetune_module.stratified_folds

    def noted(*arguments):
        seen["folds"] = original(*arguments)
        return seen["folds"]

    monkeypatch.setattr(finetune_module, "stratified_folds", noted)
    report = tuned(with_bursts()).report
    folds = seen["folds"]
    assert folds.shape == (8, 23)
    assert (folds[:, 6:12] == folds[:, 6:7]).all()
    assert (folds[:, 20:] == folds[:, 20:21]).all()
    assert report.counts == {"one": 12, "two": 11}
    assert report.scenes == {"one": 7, "two": 9}
    assert np.array(report.validation.confusion).sum() == 23, "all photos were judged"
    hits = [judged.predicted == judged.label for judged in report.predictions]
    by_scene = [*hits[:6], np.mean(hits[6:12]), *hits[12:20], np.mean(hits[20:])]
    assert report.validation.n == 16
    assert report.validation.accuracy == pytest.approx(np.mean(by_scene))
    assert (report.validation.low, report.validation.high) == binomial_interval(report.validation.accuracy, 16)
    assert "; photos of one scene count as one; 95 %" in report.validation.method
    assert report.unlike.n == 16
    assert report.warnings[0].startswith("The 12 photos of 'one' show 7 different scenes, for some look like copies or")
    assert report.warnings[1].startswith("The 11 photos of 'two' show 9 different scenes")
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


def test_copies_no_longer_make_guessing_look_good(monkeypatch):
    """Classes dealt by chance, each photo four times: judged apart, the copies would give the answers away."""
    copies = [
        [p, p.reduce(2), p.crop((0, 0, 150, 112)), p.point(lambda v: min(255, round(1.1 * v)))]
        for p in map(scene, range(16))
    ]

    def reports() -> list:
        orders = [np.random.default_rng(seed).permutation(16) for seed in range(4)]
        return [
            tuned({"a": [p for i in o[:8] for p in copies[i]], "b": [p for i in o[8:] for p in copies[i]]}).report
            for o in orders
        ]

    guarded = reports()
    assert [report.scenes for report in guarded] == [{"a": 8, "b": 8}] * 4
    assert 0.25 < np.mean([report.validation.accuracy for report in guarded]) < 0.75
    said = [any("With 16 different scenes it cannot be told from guessing" in w for w in r.warnings) for r in guarded]
    assert said == [report.validation.low <= 0.5 for report in guarded]
    assert any(said)
    monkeypatch.setattr(finetune_module, "find_scenes", lambda photos, *_: (torch.arange(len(photos)), []))
    without = np.mean([report.validation.accuracy for report in reports()])
    assert without > np.mean([report.validation.accuracy for report in guarded]) + 0.15, without


@pytest.mark.parametrize("trainable", ["head", "block2"])
def test_a_class_of_one_scene_is_still_taught(trainable):
    photos = {"one": burst(7, 5), "two": [scene(i) for i in range(5)]}
    report = tuned(photos, trainable=trainable).report
    assert report.warnings[0].startswith(
        "All 5 photos of 'one' look like one scene, such as one 1 and one 2: the estimate"
    )
    assert report.scenes == {"one": 1, "two": 5}
    assert np.array(report.validation.confusion).sum(1).tolist() == [5, 5]
    assert report.validation.n == 6


def test_two_classes_of_one_scene_each_are_not_refused():
    report = tuned({"one": burst(7, 2), "two": burst(8, 2)}).report
    assert report.validation.n == 2
    assert [w.startswith("All 2 photos of") for w in report.warnings[:2]] == [True, True]
    assert report.warnings[2].startswith("With 2 different scenes it cannot be told from guessing")


def test_without_bursts_nothing_is_said():
    report = tuned(textures(10)).report
    assert report.scenes == report.counts
    assert "scene" not in report.validation.method
    assert not any(isinstance(warning, Note) for warning in report.warnings)
