"""The head's fit against an independent solver, and what must not leak between folds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax

from vgg_hub.head import MAX_STEPS, Heads, fit_heads, prior_photos


def problem(n: int = 24, d: int = 10, classes: int = 3, problems: int = 4, seed: int = 0, spread: float = 1.0):
    """Features with means far above some of their spreads, as those after a ReLU are, and weights with holes."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(n) % classes
    centres = torch.randn(classes, d, generator=generator) * spread
    features = centres[targets] + torch.randn(n, d, generator=generator)
    features = features * torch.logspace(-2, 1, d) + 5
    weights = (torch.rand(problems, n, generator=generator) > 0.25).float()
    weights[:, : 2 * classes] = 1  # every class is there
    return features, targets, weights


def fitted(features, targets, weights, classes: int, photos: int | None = None) -> Heads:
    *_, heads = fit_heads(features, targets, weights, classes, photos or len(features))
    return heads


def by_scipy(features, targets, weights, classes: int, photos: int):
    """One problem, written out anew: weighted mean cross-entropy and a penalty on standardised features."""
    x, y = features.double().numpy(), targets.numpy()
    w = (weights.double() / weights.double().sum()).numpy()
    mean = w @ x
    variance = w @ (x - mean) ** 2
    z = (x - mean) / np.sqrt((variance + 1e-3 * variance.mean() + 1e-12) * x.shape[1])

    penalty = min(2, max(0.5, 10 / (photos / classes))) / photos

    def objective(flat):
        matrix, bias = flat[: classes * x.shape[1]].reshape(classes, -1), flat[classes * x.shape[1] :]
        logarithms = log_softmax(z @ matrix.T + bias, axis=1)
        loss = -(w * logarithms[np.arange(len(y)), y]).sum() + penalty / 2 * (matrix**2).sum()
        error = w[:, None] * (np.exp(logarithms) - np.eye(classes)[y])
        gradient = error.T @ z + penalty * matrix
        return loss, np.concatenate([gradient.ravel(), error.sum(0)])

    start = np.zeros(classes * (x.shape[1] + 1))
    options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    logits = z @ found[: classes * x.shape[1]].reshape(classes, -1).T + found[classes * x.shape[1] :]
    return logits, -(w * log_softmax(logits, axis=1)[np.arange(len(y)), y]).sum()


def centred(logits: np.ndarray) -> np.ndarray:
    """A softmax does not see what is added to all logits of a row."""
    return logits - logits.mean(-1, keepdims=True)


@pytest.mark.parametrize(("classes", "d", "spread"), [(2, 10, 0.5), (3, 40, 1.0), (5, 8, 0.2), (3, 200, 2.0)])
def test_each_problem_has_the_solution_that_scipy_finds(classes, d, spread):
    features, targets, weights = problem(n=30, d=d, classes=classes, spread=spread)
    heads = fitted(features, targets, weights, classes)
    assert heads.done
    logits = heads.logits(features).numpy()
    for index, row in enumerate(weights):
        expected, loss = by_scipy(features, targets, row, classes, len(features))
        assert np.ptp(expected) > 0.5
        assert np.abs(centred(logits[index]) - centred(expected)).max() < 2e-3  # what a gradient of 1e-4 leaves
        assert heads.loss[index].item() == pytest.approx(loss, abs=1e-4)


@pytest.mark.parametrize("rows", [6, 40])
def test_in_the_span_of_few_rows_the_heads_are_those_of_all_features(monkeypatch, rows):
    features, targets, weights = problem(n=rows, d=500, classes=2, spread=0.3)
    monkeypatch.setattr("vgg_hub.head.TOLERANCE", 1e-8)
    quick = fitted(features, targets, weights, 2)
    monkeypatch.setattr("vgg_hub.head.FEW", 10**6)
    slow = fitted(features, targets, weights, 2)
    torch.testing.assert_close(quick.logits(features), slow.logits(features), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(quick.weight, slow.weight, atol=1e-5 * float(slow.weight.abs().max()), rtol=1e-4)
    torch.testing.assert_close(quick.loss, slow.loss, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("d", "few"), [(10, 0), (300, 8)])
@pytest.mark.parametrize("piece", [1, 50, 700])
def test_rows_taken_a_few_at_a_time_give_the_same_heads(monkeypatch, d, few, piece):
    monkeypatch.setattr("vgg_hub.head.FEW", few or 10**6)
    features, targets, weights = problem(d=d)
    whole = fitted(features, targets, weights, 3)
    monkeypatch.setattr("vgg_hub.head.PIECE", piece)
    parts = fitted(features, targets, weights, 3)
    torch.testing.assert_close(parts.logits(features), whole.logits(features), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(parts.loss, whole.loss, atol=1e-9, rtol=1e-9)


def test_photos_that_do_not_differ_at_all_are_told_apart_by_nothing():
    heads = fitted(torch.ones(6, 100), torch.tensor([0, 0, 0, 1, 1, 1]), torch.ones(1, 6), 2)
    assert heads.done
    assert float(heads.weight.abs().max()) < 1e-6
    assert float(heads.loss) == pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize(
    ("photos", "classes", "expected"),
    [(6, 2, 2.0), (10, 2, 2.0), (20, 2, 1.0), (30, 3, 1.0), (32, 2, 0.625), (900, 2, 0.5)],
)
def test_the_prior_falls_as_photos_of_a_class_grow(photos, classes, expected):
    assert float(prior_photos(photos, classes)) == expected


def test_a_prior_that_is_given_is_the_one_used():
    features, targets, weights = problem()
    *_, given = fit_heads(features, targets, weights[:1], 3, 24, torch.tensor([1.25]))
    *_, own = fit_heads(features, targets, weights[:1], 3, 24)
    torch.testing.assert_close(given.weight, own.weight)
    *_, weaker = fit_heads(features, targets, weights[:1], 3, 24, torch.tensor([0.5]))
    assert weaker.weight.norm() > 1.1 * own.weight.norm()


def test_the_number_of_photos_sets_the_regularisation():
    features, targets, weights = problem()
    norms = []
    for photos in (4, 24, 400):
        heads = fitted(features, targets, weights[:1], 3, photos)
        expected, _ = by_scipy(features, targets, weights[0], 3, photos)
        assert np.abs(centred(heads.logits(features)[0].numpy()) - centred(expected)).max() < 5e-5 * photos + 1e-3
        norms.append(np.ptp(expected))
    assert norms == sorted(norms)


def test_logits_are_the_heads_in_the_features_own_units():
    features, targets, weights = problem()
    heads = fitted(features, targets, weights, 3)
    assert heads.weight.shape == (4, 3, 10)
    assert heads.weight.dtype == heads.bias.dtype == torch.float64
    assert not heads.weight.requires_grad
    for index in range(4):
        expected = features.double() @ heads.weight[index].T + heads.bias[index]
        torch.testing.assert_close(heads.logits(features)[index], expected)


def test_the_loss_falls_and_the_last_step_is_the_first_one_done():
    features, targets, weights = problem()
    steps = list(fit_heads(features, targets, weights, 3, 24))
    totals = [step.loss.sum().item() for step in steps]
    assert totals[-1] < totals[0] < 4 * np.log(3)
    assert [step.done for step in steps] == [False] * (len(steps) - 1) + [True]
    assert len(steps) < MAX_STEPS


def test_a_row_that_counts_nothing_has_no_part_in_a_head():
    """Not in its weights and not in its standardisation, whatever its features are."""
    features, targets, weights = problem(problems=1)
    out = torch.nonzero(weights[0] == 0).flatten()
    assert len(out) > 2
    expected = fitted(features, targets, weights, 3)
    changed = features.clone()
    changed[out] = torch.randn(len(out), 10) * 1e4 - 77
    found = fitted(changed, targets, weights, 3)
    assert torch.equal(found.weight, expected.weight)
    assert torch.equal(found.bias, expected.bias)
    other = targets.clone()
    other[out] = (other[out] + 1) % 3
    assert torch.equal(fitted(features, other, weights, 3).weight, expected.weight)


def test_held_out_photos_do_not_leak_into_their_folds_head_when_fitted_together():
    """In a joint fit the other problems see the changed rows, so the line search differs; the solution must not."""
    features, targets, _ = problem(n=24, problems=1)
    folds = torch.arange(24) // 6
    weights = torch.stack([torch.ones(24), *[(folds != fold).float() for fold in range(4)]])
    expected = fitted(features, targets, weights, 3)
    changed = features.clone()
    changed[folds == 2] += 3 * torch.randn(6, 10)
    found = fitted(changed, targets, weights, 3)
    assert (found.logits(features)[3] - expected.logits(features)[3]).abs().max() < 1e-3
    assert (found.logits(features)[1] - expected.logits(features)[1]).abs().max() > 0.1, "the others do see them"


def test_weights_are_relative():
    features, targets, weights = problem()
    one, other = fitted(features, targets, weights, 3), fitted(features, targets, weights * 50, 3)
    assert (one.logits(features) - other.logits(features)).abs().max() < 1e-9


def test_a_row_that_stands_twice_counts_as_weight_two():
    features, targets, _ = problem(problems=1)
    doubled = torch.cat([features, features[:5]])
    weights = torch.ones(1, 24)
    weights[0, :5] = 2
    one = fitted(features, targets, weights, 3, 24)
    other = fitted(doubled, torch.cat([targets, targets[:5]]), torch.ones(1, 29), 3, 24)
    assert (one.logits(features) - other.logits(features)).abs().max() < 1e-3


@pytest.mark.parametrize("kind", ["constant", "zero", "huge", "tiny", "offset"])
def test_odd_features_give_finite_heads(kind):
    features, targets, weights = problem()
    changes = {
        "constant": lambda f: f.clone().index_fill_(1, torch.tensor([0, 3]), 2.5),
        "zero": torch.zeros_like,
        "huge": lambda f: f * 1e6,
        "tiny": lambda f: f * 1e-6,
        "offset": lambda f: f + 1e4,
    }
    features = changes[kind](features)
    heads = fitted(features, targets, weights, 3)
    logits = heads.logits(features)
    assert torch.isfinite(logits).all()
    assert heads.loss.max() < np.log(3) + 1e-6
    if kind not in ("zero", "constant"):
        assert (logits.argmax(2) == targets).float().mean() > 0.8


@given(st.integers(2, 4), st.integers(1, 30), st.integers(0, 2**31 - 1))
@settings(max_examples=25)
def test_the_fit_ends_below_guessing(classes, d, seed):
    features, targets, weights = problem(n=4 * classes, d=d, classes=classes, seed=seed, problems=3)
    heads = fitted(features, targets, weights, classes)
    assert torch.isfinite(heads.weight).all()
    normal = weights / weights.sum(1, keepdim=True)
    shares = torch.stack([(normal * (targets == label)).sum(1) for label in range(classes)], dim=1)
    guessing = -(shares * shares.log()).sum(1).double()
    assert (heads.loss <= guessing + 1e-6).all()


def test_the_same_input_gives_the_same_bits():
    features, targets, weights = problem()
    one, other = fitted(features, targets, weights, 3), fitted(features, targets, weights, 3)
    assert torch.equal(one.weight, other.weight)
    assert torch.equal(one.bias, other.bias)


def test_it_works_where_gradients_are_off():
    features, targets, weights = problem()
    expected = fitted(features, targets, weights, 3)
    with torch.no_grad():
        assert torch.equal(fitted(features, targets, weights, 3).weight, expected.weight)


def test_closing_it_early_leaves_the_gradient_switch_alone():
    features, targets, weights = problem()
    steps = fit_heads(features, targets, weights, 3, 24)
    next(steps)
    assert torch.is_grad_enabled()
    steps.close()
    assert torch.is_grad_enabled()
