"""How far a counted rate can be trusted."""

from __future__ import annotations

__all__ = ["binomial_interval"]

CONFIDENCE = 0.95


def binomial_interval(accuracy: float, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval for a rate of success (Clopper & Pearson, Biometrika 26, 1934, https://doi.org/10.2307/2331986).

    Args:
        accuracy: share of successes, 0 to 1; `accuracy * n` need not be whole.
        n: number of trials.
    """
    from scipy.special import betaincinv  # here, for the package must import without scipy

    successes, tail = accuracy * n, (1 - confidence) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return low, high
