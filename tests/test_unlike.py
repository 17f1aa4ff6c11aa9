"""None of these: the rule by hand, its limits, what it says of unseen photos, and a stranger's text of one."""

from __future__ import annotations

import base64
import math

import numpy as np
import pytest
import torch
from scipy.stats import norm
from scipy.stats import t as student

from vgg_hub.errors import ConfigError
from vgg_hub.report import stratified_folds
from vgg_hub.unlike import (
    KEPT,
    LEAST_SPREAD,
    MAX_NUMBERS,
    PRIOR_PHOTOS,
    UnlikeRule,
    class_means,
    fit_unlike,
    log_distances,
    unseen_distances,
)


def clouds(counts: list[int], dimensions: int = 64, spread: float = 0.5, seed: int = 0):
    """Features around a direction for each class, in the two views of a photo: ((n, D), (n, D)), (n,), directions."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(len(counts), dimensions, generator=generator)
    targets = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    plain = centres[targets] + spread * torch.randn(len(targets), dimensions, generator=generator)
    mirrored = plain + 0.1 * torch.randn(plain.shape, generator=generator)
    length = torch.rand(len(targets), 1, generator=generator) + 0.5  # of a vector, which says nothing
    return (plain * length, mirrored * length), targets, centres


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def fitted(counts: list[int], **options):
    views, targets, centres = clouds(counts, **options)
    return fit_unlike(views, targets, stratified_folds(targets, 8, 0)), views, targets, centres


def test_the_score_is_the_distance_to_the_nearest_mean_in_units_of_its_limit():
    views, targets, _ = clouds([5, 7, 4])
    means = class_means(views, targets)
    by_hand = np.stack([unit(np.concatenate([v.numpy()[targets == c] for v in views])).mean(0) for c in range(3)])
    assert means.numpy() == pytest.approx(by_hand, abs=1e-6)
    rule = UnlikeRule(means.float(), (0.3, 0.9, 2.0))
    x = torch.randn(6, 64, generator=torch.Generator().manual_seed(9)) * 40
    distances = np.linalg.norm(unit(x.numpy())[:, None] - by_hand, axis=2)
    assert rule.score(x).dtype == torch.float32
    assert rule.score(x).numpy() == pytest.approx((distances / [0.3, 0.9, 2.0]).min(1), rel=1e-5)
    assert torch.allclose(rule.score(x), rule.score(x / 7), rtol=1e-5)


def test_a_photo_is_judged_by_means_without_its_fold():
    views, targets, _ = clouds([4, 6], seed=3)
    folds = stratified_folds(targets, 3, 1)
    expected = torch.zeros(10, 2, dtype=torch.float64)
    for fold_of in folds:
        for photo in range(10):
            keep = fold_of != fold_of[photo]
            means = class_means([view[keep] for view in views], targets[keep])
            expected[photo] += log_distances(views[0][photo : photo + 1], means)[0] / 3
    assert torch.allclose(unseen_distances(views, targets, folds), expected, atol=1e-10)


def test_the_limits_are_the_end_of_a_prediction_interval():
    fit, views, targets, _ = fitted([12, 20], seed=4)
    unseen = unseen_distances(views, targets, stratified_folds(targets, 8, 0)).numpy()
    own = unseen[np.arange(32), targets]
    weight = np.array([12 / (12 + PRIOR_PHOTOS), 20 / (20 + PRIOR_PHOTOS)])
    centre = weight * [own[:12].mean(), own[12:].mean()] + (1 - weight) * own.mean()
    nearest = (unseen - centre).min(1)
    reach = nearest.mean() + student.ppf(KEPT, 31) * nearest.std(ddof=1) * math.sqrt(1 + 1 / 32)
    assert fit.rule.limits == pytest.approx(np.exp(centre + reach))
    assert (fit.n, fit.rule.means.shape) == (32, (2, 64))


@pytest.mark.parametrize("counts", [[4, 4], [10, 10], [40, 15], [12, 12, 12, 12, 12]])
def test_it_abstains_from_a_few_of_the_classes_and_from_most_others(counts):
    """Over many draws: the promise on unseen photos of the classes, and how well cross-validation foretells both."""
    own, others, told_own, told_others = [], [], [], []
    for seed in range(30):
        fit, _, _, centres = fitted(counts, seed=seed)
        generator = torch.Generator().manual_seed(1000 + seed)
        targets = torch.arange(len(counts)).repeat(50)
        fresh = centres[targets] + 0.5 * torch.randn(len(targets), 64, generator=generator)
        strange = torch.randn(200, 64, generator=generator)
        own.append(float((fit.rule.score(fresh) > 1).float().mean()))
        others.append(float((fit.rule.score(strange) > 1).float().mean()))
        told_own.append(fit.own)
        told_others.append(fit.others)
    assert 0.005 < np.mean(own) < 0.08
    assert np.mean(others) > 0.95
    assert np.mean(told_own) == pytest.approx(np.mean(own), abs=0.05)
    assert np.mean(told_others) > 0.9


def test_few_photos_give_a_wider_limit():
    reach = norm.ppf(KEPT)
    assert student.ppf(KEPT, 3) * math.sqrt(1 + 1 / 4) > 1.5 * reach, "the quantile itself"
    few, many = (np.mean([fitted([n, n], seed=s)[0].rule.limits for s in range(20)]) for n in (2, 30))
    assert few > many


def test_photos_that_are_all_the_same_leave_some_room():
    views = (torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]]),) * 2
    fit = fit_unlike(views, torch.tensor([0, 0, 1, 1]), torch.tensor([[0, 1, 0, 1]]))
    assert fit.own == 0
    assert all(1e-3 < limit < 1e-3 * math.exp(6 * LEAST_SPREAD) for limit in fit.rule.limits)
    assert (fit.rule.score(torch.tensor([[3.0, 0], [0, 0.1], [1, 1], [0, 0]])) > 1).tolist() == [
        False,
        False,
        True,
        True,
    ]


def test_a_class_with_no_photo_outside_a_fold_is_no_trouble():
    """Photos that belong together stand in one fold, and that may be all of a class."""
    views, targets, _ = clouds([2, 6])
    folds = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]])
    fit = fit_unlike(views, targets, folds)
    assert all(math.isfinite(limit) for limit in fit.rule.limits)
    assert 0 <= fit.own <= 1


def test_the_same_photos_give_the_same_rule():
    one, other = (fitted([9, 8], seed=7)[0].rule.to_json() for _ in range(2))
    assert one == other


def test_a_rule_too_large_for_the_config_is_not_made():
    views = (torch.ones(4, MAX_NUMBERS // 2 + 1),) * 2
    assert fit_unlike(views, torch.tensor([0, 0, 1, 1]), torch.tensor([[0, 1, 0, 1]])) is None


def test_to_json_and_back_is_the_same_rule():
    rule = fitted([6, 6, 6])[0].rule
    back = UnlikeRule.from_json(rule.to_json(), 3, 64)
    assert torch.equal(back.means, rule.means)
    assert back.limits == rule.limits
    assert len(rule.to_json()["means"]) == 4 * math.ceil(2 * 3 * 64 / 3)


def text_of(numbers) -> str:
    return base64.b64encode(np.asarray(numbers, "<f2").tobytes()).decode()


GOOD = {"version": 1, "means": text_of([1, 0, 0, 1, 0.5, 0.5]), "limits": [0.4, 1]}
BAD = [
    (None, r"vgg_hub\.unlike is None; expected an object of version, means and limits\."),
    ([], r"vgg_hub\.unlike is \[\]; expected an object"),
    ({"version": 1}, r"vgg_hub\.unlike is \{'version': 1\}; expected an object"),
    (GOOD | {"more": 1}, r"vgg_hub\.unlike is \{.*; expected an object"),
    (GOOD | {"version": 2}, r"vgg_hub\.unlike\.version is 2; this version reads 1: update vgg-hub\."),
    (GOOD | {"version": True}, r"vgg_hub\.unlike\.version is True; this version reads 1"),
    (GOOD | {"means": 7}, r"vgg_hub\.unlike\.means is 7; expected base64\."),
    (GOOD | {"means": "AA*="}, r"vgg_hub\.unlike\.means is 'AA\*='; expected base64\."),
    (GOOD | {"means": "AAé="}, r"vgg_hub\.unlike\.means is 'AAé='; expected base64\."),
    (
        GOOD | {"means": text_of([1, 0, 0, 1])},
        r"vgg_hub\.unlike\.means holds 8 bytes; expected 12: 2 classes of 3 numbers of 16 bits\.",
    ),
    (GOOD | {"means": text_of([1, 0, 0, 1, 0, math.nan])}, r"vgg_hub\.unlike\.means holds a number that is not finite"),
    (GOOD | {"means": text_of([1, 0, 0, 1, 0, math.inf])}, r"vgg_hub\.unlike\.means holds a number that is not finite"),
    (GOOD | {"limits": [0.4]}, r"vgg_hub\.unlike\.limits is \[0\.4\]; expected 2 numbers above 0, one a class\."),
    (GOOD | {"limits": [0.4, 0]}, r"vgg_hub\.unlike\.limits is \[0\.4, 0\]; expected 2 numbers above 0"),
    (GOOD | {"limits": [0.4, 1e300]}, r"vgg_hub\.unlike\.limits is"),
    (GOOD | {"limits": [0.4, True]}, r"vgg_hub\.unlike\.limits is"),
    (GOOD | {"limits": [0.4, math.nan]}, r"vgg_hub\.unlike\.limits is"),
    (GOOD | {"limits": "ab"}, r"vgg_hub\.unlike\.limits is 'ab'"),
]


@pytest.mark.parametrize(("facts", "message"), BAD)
def test_what_is_no_rule_is_said(facts, message):
    assert UnlikeRule.from_json(GOOD, 2, 3).limits == (0.4, 1.0)
    with pytest.raises(ConfigError, match=f"^{message}"):
        UnlikeRule.from_json(facts, 2, 3)
