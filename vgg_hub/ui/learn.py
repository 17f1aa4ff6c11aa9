"""Notes for those who learn, closed until somebody asks: what a convolution, pooling, batch norm and fine-tuning are.

Each stands in the section where its terms are met. The drawings hold numbers alone, so that they serve every language;
what they show is said in the text beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from .words import word

__all__ = ["build_note", "convolution_drawing", "pooling_drawing"]

CELL, GAP = 30, 46  # side of a place of a map and the room between two maps, in the drawing's units
Grid = Sequence[Sequence[int]]

BRIGHTER = ((0, 0, 9, 9, 9),) * 5  # dark on the left, bright on the right
EDGE = ((-1, 0, 1),) * 3
POOLED = ((1, 3, 2, 0), (5, 2, 1, 4), (0, 1, 7, 6), (2, 0, 3, 8))


def build_note(name: str) -> None:
    """Lay a note out, with its drawing if it has one; `name` as in `learn_text.NOTE_NAMES`."""
    with gr.Accordion(word(f"learn_{name}"), open=False, elem_id=f"learn-{name}", elem_classes="learn"):
        gr.Markdown(word(f"learn_{name}_text"))
        if name in DRAWINGS:
            gr.HTML(DRAWINGS[name](), js_on_load=None)


def convolution_drawing() -> str:
    """SVG: a picture, a filter, and the map that it gives; the window in the middle row and its result are marked."""
    size = len(BRIGHTER)
    result = [[max(0, _under_window(row, column)) for column in range(size)] for row in range(size)]
    window = {(row, column) for row in (1, 2, 3) for column in (0, 1, 2)}
    filter_left, result_left = size * CELL + GAP, size * CELL + 2 * GAP + 3 * CELL
    body = (
        _grid(BRIGHTER, 0, 0, window)
        + _between("∗", size * CELL + GAP / 2, size * CELL / 2)
        + _grid(EDGE, filter_left, CELL, {(row, column) for row in range(3) for column in range(3)})
        + _between("=", filter_left + 3 * CELL + GAP / 2, size * CELL / 2)
        + _grid(result, result_left, 0, {(2, 1)})
    )
    return _svg(body, result_left + size * CELL, size * CELL)


def _under_window(row: int, column: int) -> int:
    """The filter's sum around a place; beyond the picture there are zeros."""
    size = len(BRIGHTER)
    total = 0
    for down in range(3):
        for right in range(3):
            y, x = row + down - 1, column + right - 1
            if 0 <= y < size and 0 <= x < size:
                total += EDGE[down][right] * BRIGHTER[y][x]
    return total


def pooling_drawing() -> str:
    """SVG: a map of 4 x 4 numbers, and what max pooling leaves of it; the largest of each square are marked."""
    squares = [[[(2 * y + dy, 2 * x + dx) for dy in (0, 1) for dx in (0, 1)] for x in (0, 1)] for y in (0, 1)]
    largest = [[max(square, key=lambda place: POOLED[place[0]][place[1]]) for square in row] for row in squares]
    result = [[POOLED[y][x] for y, x in row] for row in largest]
    side = len(POOLED) * CELL
    frames = "".join(
        f'<rect class="frame" x="{x}" y="{y}" width="{2 * CELL}" height="{2 * CELL}"/>'
        for y in (0, 2 * CELL)
        for x in (0, 2 * CELL)
    )
    body = (
        _grid(POOLED, 0, 0, {place for row in largest for place in row})
        + frames
        + _between("→", side + GAP / 2, side / 2)
        + _grid(result, side + GAP, CELL, {(0, 0), (0, 1), (1, 0), (1, 1)})
    )
    return _svg(body, side + GAP + 2 * CELL, side)


def _grid(numbers: Grid, left: float, top: float, marked: set[tuple[int, int]]) -> str:
    plain, above, texts = "", "", ""
    for row, values in enumerate(numbers):
        for column, value in enumerate(values):
            x, y = left + column * CELL, top + row * CELL
            kind = ' class="marked"' if (row, column) in marked else ""
            rectangle = f'<rect{kind} x="{x:g}" y="{y:g}" width="{CELL}" height="{CELL}"/>'
            plain, above = (plain, above + rectangle) if kind else (plain + rectangle, above)
            said = str(value).replace("-", "\N{MINUS SIGN}")
            texts += f'<text x="{x + CELL / 2:g}" y="{y + CELL / 2 + 5:g}">{said}</text>'
    return plain + above + texts  # else a neighbour's edge would lie over that of a marked place


def _between(text: str, x: float, y: float) -> str:
    return f'<text class="between" x="{x:g}" y="{y + 7:g}">{text}</text>'


def _svg(body: str, width: float, height: float) -> str:
    return (
        f'<svg class="lesson" viewBox="-2 -2 {width + 4:g} {height + 4:g}" style="max-width:{width * 1.1:.0f}px" '
        f'aria-hidden="true">{body}</svg>'  # the text says the same
    )


DRAWINGS = {"convolution": convolution_drawing, "pooling": pooling_drawing}
