"""What limits: photos where the accuracy still rises on drawn tasks, the net where it does not, and else neither."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from vgg_hub.crossval import problem_weights, unseen_hits, unseen_logits
from vgg_hub.head import fit_heads
from vgg_hub.report import stratified_folds
from vgg_hub.verdict import (
    CURVE_REPEATS,
    SENTENCES,
    SHARES,
    SURE_OF_NET,
    Verdict,
    _chosen,
    _roundly,
    curve_steps,
    judge,
)


def drawn(kind: str, photos: int, seed: int):
    """Features of two classes: nothing in them, or a little in each of very many."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(2).repeat_interleave(photos)
    wide = 256 if kind == "rising" else 16
    features = torch.randn(2 * photos, wide, generator=generator) + 5
    if kind == "rising":
        features += torch.randn(2, wide, generator=generator)[targets] * 0.15
    return features, targets


def verdict_on(features, targets, seed: int, labels=("a", "b"), accuracy: float = 0.6) -> Verdict:
    folds = stratified_folds(targets, CURVE_REPEATS, seed)
    both, rows = features[:, None].expand(-1, 2, -1), targets.repeat_interleave(2)
    *_, heads = fit_heads(both.flatten(0, 1), rows, problem_weights(targets, folds), len(labels), len(targets))
    *_, (_, curve) = curve_steps(both, targets, folds, seed)
    everything = unseen_hits(heads.logits(features)[1:], folds, targets).mean(0)
    return judge(torch.cat([curve, everything[None]]), targets, labels, accuracy)


@pytest.mark.parametrize(("kind", "right", "wrong"), [("rising", "photos", "net"), ("noise", "net", "photos")])
def test_it_finds_what_limits_a_drawn_task(kind, right, wrong):
    found = Counter(verdict_on(*drawn(kind, 30, seed), seed).limited_by for seed in range(10))
    assert found[right] >= 6, found
    assert found[wrong] <= 1, found


def test_with_few_photos_it_seldom_claims_anything():
    found = [verdict_on(*drawn(kind, 6, seed), seed) for kind in ("rising", "noise") for seed in range(4)]
    assert {verdict.limited_by for verdict in found} == {"cannot tell"}
    assert found[0].sentence == (
        "With so few photos of a it cannot be told whether more would help; about 2 more would tell."
    )


def hits(*rates: float, n: int = 40) -> torch.Tensor:
    """(3, n) of photos named right for sure or not at all, the first ones of each class being the right ones."""
    row = torch.arange(n // 2).repeat(2)
    return torch.stack([(row < round(rate * n / 2)).double() for rate in rates])


TARGETS = torch.arange(2).repeat_interleave(20)


@pytest.mark.parametrize(
    ("curve", "limited_by", "key", "says"),
    [
        (hits(0.5, 0.7, 0.8), "photos", "photos", "by +30 points, and about 20 more of each class"),
        (hits(0.7, 0.7, 0.7), "net", "net", "changed its accuracy by +0 points. More of the same kind"),
        (hits(0.9, 0.7, 0.5), "net", "net", "by \N{MINUS SIGN}40 points."),
        (hits(0.9, 1.0, 1.0), "cannot tell", "all_right", "almost all photos right"),
        (hits(0.8, 0.85, 0.85), "cannot tell", "unclear", "+5 points, which may be chance; about 20 more of each"),
        (None, "cannot tell", "unknown", "was not measured"),
    ],
)
def test_each_outcome_and_its_sentence(curve, limited_by, key, says):
    verdict = judge(curve, TARGETS, ["a", "b"], accuracy=0.6)
    assert (verdict.limited_by, verdict.key) == (limited_by, key)
    assert says in verdict.sentence
    assert verdict.sentence == SENTENCES[key].format(**verdict.numbers())
    assert not verdict.better_than_guessing


def test_the_number_that_would_tell_follows_the_standard_error():
    """Where a gain of g is seen with an error e, (2 e / g)^2 as many photos put it two errors above nothing."""
    curve = hits(0.8, 0.85, 0.85)
    gains = curve[-1] - curve[0]
    error, gain, bar = float(gains.std()) / math.sqrt(40), float(gains.mean()), 0.25 * 0.15
    times = min((2 * error / gain) ** 2, (SURE_OF_NET * error / (bar - gain)) ** 2 if bar > gain else math.inf)
    assert judge(curve, TARGETS, ["a", "b"], 0.6).more == _roundly(math.ceil((times - 1) * 20))


def test_a_number_of_photos_that_is_out_of_reach_is_not_named():
    curve = torch.ones(3, 40, dtype=torch.float64)
    curve[0, [0, 1, 20]], curve[2, [2, 22]] = 0.0, 0.0  # three mistakes gone, two new: next to nothing in 40
    verdict = judge(curve, TARGETS, ["a", "b"], 0.6)
    assert (verdict.limited_by, verdict.key, verdict.more) == ("cannot tell", "unclear_far", None)
    assert "more than ten times as many" in verdict.sentence


def test_it_names_the_class_where_the_mistakes_are():
    curve = hits(0.5, 0.7, 0.8)
    curve[:, :20] = 1.0
    curve[0, 20:], curve[2, 20:] = 0.0, torch.tensor([1.0, 0.0]).repeat(10)
    verdict = judge(curve, TARGETS, ["a", "{b}"], 0.6)
    assert (verdict.key, verdict.label, verdict.more) == ("photos_of", "{b}", 20)
    assert "about 20 more of {b}, where most of the mistakes are" in verdict.sentence
    assert verdict.curve == [[0.5, 0.5], [0.75, 0.85], [1.0, 0.75]]


def test_guessing_is_the_largest_class():
    targets = torch.tensor([0] * 30 + [1] * 10)
    assert not judge(None, targets, ["a", "b"], 36 / 40).better_than_guessing  # the 99 % interval begins at 0.732
    assert judge(None, targets, ["a", "b"], 37 / 40).better_than_guessing  # at 0.761


def test_each_curve_head_sees_its_share_of_each_class_and_none_of_its_fold():
    targets = torch.tensor([0] * 20 + [1] * 10)
    folds = stratified_folds(targets, 2, seed=0)
    small, large = (_chosen(targets, folds, share, seed=3) for share in SHARES)
    assert small.shape == large.shape == (10, 30)
    assert (small <= large).all()
    for row, (repeat, fold) in enumerate((r, f) for r in range(2) for f in range(5)):
        inside = folds[repeat] == fold
        for share, chosen in zip(SHARES, (small, large), strict=True):
            assert chosen[row][inside].sum() == 0
            for label, trained_on in ((0, 16), (1, 8)):
                assert chosen[row][targets == label].sum() == share * trained_on
    assert torch.equal(small, _chosen(targets, folds, 0.5, seed=3))
    assert not torch.equal(small, _chosen(targets, folds, 0.5, seed=4))


@pytest.mark.parametrize(("n", "said"), [(1, 1), (7, 7), (11, 15), (96, 100), (102, 150), (1234, 1500)])
def test_numbers_do_not_pretend_to_be_exact(n, said):
    assert _roundly(n) == said


def test_noise_is_seldom_called_better_than_guessing():
    """By the 95 % interval it would be in 5 % of these: the folds share photos, so their accuracies vary together."""
    found = []
    for seed in range(200):
        features, targets = drawn("noise", 10, seed)
        folds = stratified_folds(targets, 8, seed)
        both, rows = features[:, None].expand(-1, 2, -1).flatten(0, 1), targets.repeat_interleave(2)
        *_, heads = fit_heads(both, rows, problem_weights(targets, folds), 2, len(targets))
        accuracy = float((unseen_logits(heads.logits(features)[1:], folds).argmax(1) == targets).double().mean())
        found.append(judge(None, targets, ["a", "b"], accuracy).better_than_guessing)
    assert 0 < sum(found) <= 5
