"""The comparison of nets as a table and a picture; both grow by a net as each is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from ..lab import Trial, conclusion
from .amounts import count_in_words, seconds_in_words
from .messages import say
from .notes import say_note

__all__ = ["trials_html"]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 260, 52, 16, 14, 34
DEPTHS = (11, 13, 16, 19)
APART = 14  # of the two nets of a depth, to either side


def trials_html(trials: Sequence[Trial], language: str, whole: bool) -> str:
    """What is known so far.

    Args:
        trials: those that are done, in the order they were tried; may be empty.
        language: of the words.
        whole: no more will come: then it says what they show.
    """
    if not trials:
        return ""
    said = "".join(f"<p>{escape(say_note(language, note))}</p>" for note in conclusion(trials)) if whole else ""
    html = f'<div class="conclusion">{said}</div>{_table(trials, language)}{_chart(trials, language)}'
    return html.replace(" %", "\N{NO-BREAK SPACE}%")


def _table(trials: Sequence[Trial], language: str) -> str:
    columns = ["net", "right", "seconds", "parameters", "multiply_adds", *(["looked_at"] if trials[0].shown else [])]
    head = "".join(f'<th scope="col">{escape(say(language, f"lab_{key}"))}</th>' for key in columns)
    worst, best = (pick(trial.accuracy for trial in trials) for pick in (min, max))
    rows = ""
    for trial in trials:
        likely = say(language, "lab_likely", low=f"{100 * trial.low:.0f}", high=f"{100 * trial.high:.0f}")
        cells = [
            f"<b>{100 * trial.accuracy:.0f} %</b> <small>{escape(likely)}</small>",
            escape(seconds_in_words(language, trial.seconds)),
            escape(count_in_words(language, trial.parameters)),
            escape(count_in_words(language, trial.multiply_adds)),
            *([_heat(trial, language)] if trials[0].shown else []),
        ]
        mark = ' class="best"' if worst < trial.accuracy == best else ""
        rows += (
            f'<tr{mark}><th scope="row">{escape(trial.net)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        )
    scrolls = f'role="region" tabindex="0" aria-label="{escape(say(language, "lab_table"))}"'  # on a phone, by keyboard
    return f'<div class="trials" {scrolls}><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _heat(trial: Trial, language: str) -> str:
    """Heat maps on a photo of each class, which `shown` holds as the text of JPEGs."""
    alt = escape(say(language, "lab_heat_alt", net=trial.net))
    return "".join(f'<img src="data:image/jpeg;base64,{picture}" alt="{alt}">' for picture in trial.shown)


def _chart(trials: Sequence[Trial], language: str) -> str:
    """Accuracy over depth; nets of other names are in the table alone."""
    placed = [(trial, re.fullmatch(r"vgg(11|13|16|19)(-bn)?", trial.net)) for trial in trials]
    shown = [(trial, int(found[1]), bool(found[2])) for trial, found in placed if found]
    if not shown:
        return ""
    low = min(0.5, *(trial.low for trial, *_ in shown))
    low = int(10 * low) / 10
    drawn = "".join(_grid_line(low + share * (1 - low), low) for share in (0, 0.5, 1))
    for depth in DEPTHS:
        drawn += f'<text x="{_across(depth):.1f}" y="{HEIGHT - 10}" text-anchor="middle">VGG{depth}</text>'
    drawn += "".join(_point(trial, depth, norm, low) for trial, depth, norm in shown)
    points = ", ".join(
        say(
            language,
            "lab_chart_point",
            net=trial.net,
            **{key: f"{100 * share:.0f}" for key, share in _shares(trial).items()},
        )
        for trial, *_ in shown
    )
    keys = "".join(
        f'<span class="key"><svg width="16" height="12" aria-hidden="true">{_mark(8, 6, norm)}</svg>'
        f"{escape(say(language, 'lab_with_norm' if norm else 'lab_without_norm'))}</span>"
        for norm in (True, False)
    )
    return (
        f'<figure class="depths"><figcaption>{escape(say(language, "lab_chart"))}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(say(language, "lab_chart_alt", points=points))}">'
        f'{drawn}</svg><p class="legend">{keys}</p><p class="note hint">{escape(say(language, "lab_chart_note"))}</p></figure>'
    )


def _shares(trial: Trial) -> dict[str, float]:
    return {"percent": trial.accuracy, "low": trial.low, "high": trial.high}


def _across(depth: int) -> float:
    return LEFT + 50 + DEPTHS.index(depth) * (WIDTH - LEFT - RIGHT - 100) / (len(DEPTHS) - 1)


def _down(share: float, low: float) -> float:
    return TOP + (1 - share) / (1 - low) * (HEIGHT - TOP - BOTTOM)


def _grid_line(share: float, low: float) -> str:
    y = _down(share, low)
    return (
        f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * share:.0f} %</text>'
    )


def _point(trial: Trial, depth: int, norm: bool, low: float) -> str:
    x, y = _across(depth) + (-APART if norm else APART), _down(trial.accuracy, low)
    return (
        f'<path class="{_kind(norm)}" d="M{x:.1f} {_down(trial.low, low):.1f}V{_down(trial.high, low):.1f}"/>'
        f"{_mark(x, y, norm)}"
    )


def _kind(norm: bool) -> str:
    return "with-norm" if norm else "without-norm"


def _mark(x: float, y: float, norm: bool) -> str:
    """A circle with batch norm, a square without: colour alone tells nothing."""
    if norm:
        return f'<circle class="{_kind(norm)}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    return f'<rect class="{_kind(norm)}" x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9"/>'
