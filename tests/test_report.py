"""Folds, interval, calibration and the report."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest
from torch.nn import functional as F

from vgg_hub.interval import binomial_interval
from vgg_hub.report import Mistake, Report, Validation, fit_scale, stratified_folds

COUNTS = st.lists(st.integers(2, 30), min_size=2, max_size=5)


@given(COUNTS, st.integers(1, 4), st.integers(0, 2**31), st.integers(2, 7))
def test_folds_are_stratified(counts, repeats, seed, max_folds):
    targets = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    targets = targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))]
    folds = stratified_folds(targets, repeats, seed, max_folds)
    k = min(max_folds, *counts)
    assert folds.shape == (repeats, len(targets))
    assert folds.dtype == torch.int64
    for row in folds:
        sizes = torch.bincount(row, minlength=k)
        assert len(sizes) == k
        assert sizes.max() - sizes.min() <= 1
        for label, count in enumerate(counts):
            of_class = torch.bincount(row[targets == label], minlength=k)
            assert of_class.sum() == count
            assert of_class.max() - of_class.min() <= 1
            assert (of_class < count).all(), "no fold holds a whole class: its head would not know it"


GROUPED = st.lists(st.lists(st.integers(1, 8), min_size=1, max_size=12), min_size=2, max_size=4)


@given(GROUPED, st.integers(1, 3), st.integers(0, 2**31), st.integers(2, 7))
def test_a_group_shares_a_fold(sizes, repeats, seed, max_folds):
    """`sizes`: of each class's groups, by class."""
    sizes = [[2] if groups == [1] else groups for groups in sizes]  # every class has two photos
    flat = [(target, size) for target, groups in enumerate(sizes) for size in groups]
    targets = torch.tensor([target for target, size in flat for _ in range(size)])
    groups = torch.tensor([number for number, (_, size) in enumerate(flat) for _ in range(size)])
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    targets, groups = targets[order], groups[order]
    folds = stratified_folds(targets, repeats, seed, max_folds, groups)
    k = min([max_folds, *(len(of_class) if len(of_class) > 1 else of_class[0] for of_class in sizes)])
    for row in folds:
        assert row.unique().tolist() == list(range(k))
        for target, of_class in enumerate(sizes):
            own = torch.bincount(row[targets == target], minlength=k)
            assert (own < sum(of_class)).all(), "no fold holds a whole class: its head would not know it"
            # The largest first to the emptiest fold: no two differ by more than a group.
            assert own.max() - own.min() <= (max(of_class) if len(of_class) > 1 else 1)
            if len(of_class) > 1:
                assert all(len(row[groups == g].unique()) == 1 for g in groups[targets == target].unique())


@given(COUNTS, st.integers(1, 4), st.integers(0, 2**31))
def test_without_groups_each_photo_is_its_own(counts, repeats, seed):
    targets = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    folds = stratified_folds(targets, repeats, seed)
    assert torch.equal(folds, stratified_folds(targets, repeats, seed, groups=torch.arange(len(targets))))
    assert torch.equal(folds, stratified_folds(targets, repeats, seed, groups=torch.arange(len(targets)).flip(0) + 7))


def test_the_folds_of_before():
    """What this seed has always given: a replay of an old run must find it."""
    folds = stratified_folds(torch.tensor([0] * 7 + [1] * 6), 2, 3)
    assert folds.tolist() == [[4, 1, 0, 1, 2, 0, 3, 2, 3, 1, 4, 0, 2], [1, 2, 0, 4, 1, 3, 0, 2, 3, 4, 0, 2, 1]]


def test_folds_follow_the_seed():
    targets = torch.arange(40) % 2
    one = stratified_folds(targets, 3, seed=5)
    assert torch.equal(one, stratified_folds(targets, 3, seed=5))
    assert not torch.equal(one, stratified_folds(targets, 3, seed=6))
    assert not torch.equal(one[0], one[1]), "each repeat is drawn anew"
    state = torch.random.get_rng_state()
    stratified_folds(targets, 3, seed=5)
    assert torch.equal(torch.random.get_rng_state(), state)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.99))
def test_the_interval_is_clopper_and_pearsons(case, confidence):
    k, n = case
    expected = binomtest(k, n).proportion_ci(confidence, method="exact")
    low, high = binomial_interval(k / n, n, confidence)
    assert low == pytest.approx(expected.low, abs=1e-9)
    assert high == pytest.approx(expected.high, abs=1e-9)
    assert 0 <= low <= k / n <= high <= 1


def test_the_interval_of_known_numbers():
    assert binomial_interval(1.0, 30) == (pytest.approx(0.884296628), 1.0)  # 0.025 ** (1 / 30)
    assert binomial_interval(0.0, 10) == (0.0, pytest.approx(0.308497105))
    assert all(type(end) is float for end in binomial_interval(0.5, 10))


@given(st.integers(2, 60), st.floats(0.01, 0.99))
def test_the_interval_of_an_averaged_accuracy_lies_between_its_neighbours(n, accuracy):
    below, above = int(accuracy * n) / n, min(1, (int(accuracy * n) + 1) / n)
    low, high = binomial_interval(accuracy, n)
    assert binomial_interval(below, n)[0] - 1e-12 <= low <= binomial_interval(above, n)[0] + 1e-12
    assert binomial_interval(below, n)[1] - 1e-12 <= high <= binomial_interval(above, n)[1] + 1e-12


def scores(n: int, classes: int, sharpness: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and targets drawn from the softmax of `sharpness` times them: the true scale is `sharpness`."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, classes, generator=generator, dtype=torch.float64)
    targets = torch.multinomial((logits * sharpness).softmax(1), 1, generator=generator)[:, 0]
    return logits, targets


@pytest.mark.parametrize("true_scale", [0.2, 1.0, 3.0, 8.0])
def test_the_scale_finds_the_truth_with_many_photos(true_scale):
    logits, targets = scores(12_000, 3, true_scale, seed=1)
    assert fit_scale(logits, targets) == pytest.approx(true_scale, rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_the_scale_is_the_best_one_for_softened_targets(seed):
    """Platt's targets and a continuous search, written out anew."""
    logits, targets = scores(25, 3, 2.0, seed)
    counts = np.bincount(targets.numpy(), minlength=3)
    soft = np.zeros((25, 3))
    for row, target in enumerate(targets.tolist()):
        right = (counts[target] + 1) / (counts[target] + 2)
        soft[row] = (1 - right) / 2
        soft[row, target] = right

    def loss(log_scale: float) -> float:
        return -(soft * F.log_softmax(logits * np.exp(log_scale), 1).numpy()).sum()

    best = np.exp(minimize_scalar(loss, bounds=(np.log(10**-1.5), np.log(100)), method="bounded").x)
    assert fit_scale(logits, targets) == pytest.approx(best, rel=0.025)


def test_the_more_answers_are_wrong_the_smaller_the_scale():
    targets = torch.arange(40) % 2
    logits = F.one_hot(targets, 2) + 0.1 * torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    found = []
    for wrong in (0, 2, 4, 8, 12, 18):
        flipped = targets.clone()
        flipped[:wrong] = 1 - flipped[:wrong]
        found.append(fit_scale(logits, flipped))
    assert found == sorted(found, reverse=True)
    assert found[0] > 2 > 0.5 > found[-1]


@settings(max_examples=25)
@given(st.integers(2, 12), st.integers(2, 4), st.integers(0, 2**31))
def test_the_scale_never_changes_the_ranking_and_never_makes_certain(per_class, classes, seed):
    targets = torch.arange(per_class * classes) % classes
    logits = torch.randn(len(targets), classes, generator=torch.Generator().manual_seed(seed)) * 1e-2
    logits[torch.arange(len(targets)), targets] += 0.1  # all right: the unsoftened best scale is endless
    scale = fit_scale(logits, targets)
    assert 0.03 < scale <= 100
    assert torch.equal((logits * scale).argsort(1), logits.argsort(1))
    assert (logits * scale).softmax(1).max() < 1 - 1e-4


def test_scale_of_worthless_answers_is_small():
    targets = torch.arange(30) % 2
    assert fit_scale(F.one_hot(1 - targets, 2).float(), targets) == pytest.approx(10**-1.5, rel=1e-5)
    assert fit_scale(torch.zeros(30, 2), targets) > 0


REPORT = Report(
    labels=["cat", "개"],
    counts={"cat": 3, "개": 4},
    validation=Validation(5 / 7, 0.29, 0.96, 7, "3-fold", [[2, 1], [1, 3]]),
    seconds=1.25,
    trainable="head",
    base="vgg11-bn",
    seed=3,
    steps=17,
    stopped=False,
    warnings=["secret.jpg is damaged."],
    mistakes=[Mistake("secret.jpg", "cat", 0, "개", 0.75)],
    versions={"torch": "2"},
)


def test_the_report_goes_through_json():
    back = json.loads(json.dumps(REPORT.to_dict(), allow_nan=False))
    assert back == REPORT.to_dict() == asdict(REPORT)
    validation = Validation(**back.pop("validation"))
    mistakes = [Mistake(**mistake) for mistake in back.pop("mistakes")]
    assert Report(**back, validation=validation, mistakes=mistakes) == REPORT


def test_what_is_shared_names_no_photo():
    assert "secret" not in json.dumps(REPORT.provenance())
    assert set(REPORT.to_dict()) - set(REPORT.provenance()) == {"warnings", "mistakes", "predictions", "seconds"}
    assert {"labels", "counts", "validation", "trainable", "base", "seed"} <= set(REPORT.provenance())
