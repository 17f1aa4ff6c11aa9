"""Loss and accuracy while it learns, as SVG that takes its colours from the page's theme."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..finetune import Step
from .look import note
from .messages import say

__all__ = ["curves_html"]

WIDTH, HEIGHT = 360, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 26
MAX_POINTS = 200


def curves_html(steps: Sequence[Step], language: str) -> str:
    """Two panels beside each other: loss and accuracy, on the photos learned from and on those not seen.

    Args:
        steps: those so far; may be empty.
        language: of the words.
    """
    if not steps:
        return note(say(language, "curve_empty"))
    thinned = _thin(steps)
    x = [step.step for step in thinned]
    highest = max(max(s.loss, s.validation_loss) for s in thinned)
    loss = _panel(
        say(language, "curve_loss"),
        x,
        [s.loss for s in thinned],
        [s.validation_loss for s in thinned],
        _ceiling(highest),
        lambda value: f"{value:.2g}",
        language,
    )
    accuracy = _panel(
        say(language, "curve_accuracy"),
        x,
        [s.accuracy for s in thinned],
        [s.validation_accuracy for s in thinned],
        1.0,
        lambda value: f"{100 * value:.0f} %",
        language,
    )
    legend = "".join(
        f'<span class="key {kind}"><svg width="28" height="10" aria-hidden="true"><path d="M1 5H27"/></svg>'
        f"{escape(say(language, f'curve_{kind}'))}</span>"
        for kind in ("unseen", "train")
    )
    return f'<div class="curves">{loss}{accuracy}</div><p class="legend">{legend}</p>'


def _thin(steps: Sequence[Step]) -> list[Step]:
    stride = -(-len(steps) // MAX_POINTS)
    return [*steps[:-1:stride], steps[-1]]


def _ceiling(highest: float) -> float:
    """A round number at or above the largest value."""
    return next((top for top in (0.1, 0.2, 0.4, 0.8, 1.2, 2, 4, 8, 16, 40, 100) if top >= highest), highest)


def _panel(name: str, x: list[int], train: list[float], unseen: list[float], top: float, shown, language: str) -> str:
    span = max(x[-1] - x[0], 1)

    def place(step: float, value: float) -> str:
        across = LEFT + (step - x[0]) / span * (WIDTH - LEFT - RIGHT)
        down = TOP + (1 - min(value, top) / top) * (HEIGHT - TOP - BOTTOM)
        return f"{across:.1f} {down:.1f}"

    grid = "".join(_grid_line(share, shown(share * top)) for share in (0, 0.5, 1))
    lines = ""
    for kind, values in (("train", train), ("unseen", unseen)):
        points = [place(step, value) for step, value in zip(x, values, strict=True)]
        end = points[-1].split()
        lines += (
            f'<path class="{kind}" d="M{"L".join(points)}"/><circle class="{kind}" cx="{end[0]}" cy="{end[1]}" r="3"/>'
        )
    alt = say(language, "curve_alt", name=name, train=shown(train[-1]), unseen=shown(unseen[-1]))
    baseline = HEIGHT - 8
    return (
        f'<figure><figcaption>{escape(name)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(alt)}">{grid}{lines}'
        f'<text x="{LEFT}" y="{baseline}">{x[0]}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{baseline}" text-anchor="end">{escape(say(language, "curve_step"))} {x[-1]}</text>'
        "</svg></figure>"
    )


def _grid_line(share: float, text: str) -> str:
    y = TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)
    return (
        f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
    )
