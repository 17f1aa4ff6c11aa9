"""The textbook's table of layers for any net, and the same as a picture. Nothing is built or run for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from ..config import VGGConfig
from ..summary import LayerRow, layer_table, multiply_adds, parameter_count
from .amounts import count_in_words
from .messages import say

__all__ = ["layers_html"]

NO_STAGE = ("avgpool", "head")  # rows that are no stage of the net, so that nothing can be shown of them
TALL, SHARES, LABELS = 150, 44, 18  # heights of the boxes' room, of each row of bars and of a line of text
SLOT = 58  # width of a layer's room
KINDS = {"convolution": "conv", "max pooling": "pool", "average pooling": "pool", "fully connected": "full"}


def layers_html(config: VGGConfig, language: str) -> str:
    """The picture and, below it, the table: one row a layer with its share of the parameters and multiply-adds.

    Args:
        config: of the net.
        language: of the words.
    """
    rows = layer_table(config)
    note = f'<p class="note hint">{escape(say(language, "layers_picture"))}</p>'
    scrolls = (
        f'role="region" tabindex="0" aria-label="{escape(say(language, "layers_picture"))}"'  # on a phone, by keyboard
    )
    picture = f'<div class="layers-picture" {scrolls}>{_picture(config, rows, language)}</div>'
    return note + picture + _table(config, rows, language)


def _sizes(row: LayerRow) -> tuple[int, int]:
    """Maps, and the side of each; numbers without a place are maps of one."""
    return row.output[0], row.output[1] if len(row.output) == 3 else 1


def _shares(rows: Sequence[LayerRow]) -> list[tuple[float, float]]:
    """Each row's part of all parameters and of all multiply-adds, 0 to 1."""
    parameters, products = (sum(getattr(row, key) for row in rows) for key in ("parameters", "multiply_adds"))
    return [(row.parameters / parameters, row.multiply_adds / products) for row in rows]


def _percent(share: float) -> str:
    if share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"


def _table(config: VGGConfig, rows: Sequence[LayerRow], language: str) -> str:
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in say(language, "layers_heads").split("|"))
    caption = say(
        language,
        "layers_caption",
        name=config.name,
        side=config.input_size,
        parameters=count_in_words(language, parameter_count(config)),
        multiply_adds=count_in_words(language, multiply_adds(config)),
    )
    side = config.input_size
    cells = (say(language, "layers_image"), say(language, "layers_input"), config.in_channels, f"{side} × {side}")
    first = f'<th scope="row">{escape(cells[0])}</th>' + "".join(f"<td>{escape(str(c))}</td>" for c in cells[1:])
    body = f"<tr>{first}{'<td></td>' * 5}</tr>"
    for row, shares in zip(rows, _shares(rows), strict=True):
        body += _row(row, shares, config.batch_norm, language)
    return (
        f'<div class="layers-table" role="region" tabindex="0" aria-label="{escape(config.name)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: LayerRow, shares: tuple[float, float], norm: bool, language: str) -> str:
    count, side = _sizes(row)
    kind = "layers_convolution_norm" if norm and row.type == "convolution" else f"layers_{row.type}"
    name = escape(row.name)
    if row.name not in NO_STAGE:
        name = f'<button type="button" data-stage="{name}" aria-pressed="false">{name}</button>'
    cells = [say(language, kind), f"{count:,}", f"{side} × {side}" if len(row.output) == 3 else "–"]
    cells += [f"{row.kernel} × {row.kernel}" if row.kernel else "–", str(row.stride or "–"), row.activation or "–"]
    plain = "".join(f"<td>{escape(text)}</td>" for text in cells)
    for value, share in zip((row.parameters, row.multiply_adds), shares, strict=True):
        bar = f'<i style="width:{100 * share:.1f}%"></i>'
        text = f"{value:,} <small>{escape(_percent(share))}</small>" if value else "–"
        plain += f'<td class="share"><span>{text}</span>{bar if value else ""}</td>'
    return f'<tr><th scope="row">{name}</th>{plain}</tr>'


def _picture(config: VGGConfig, rows: Sequence[LayerRow], language: str) -> str:
    largest = config.input_size
    left, shapes, all_shares = SLOT, "", _shares(rows)
    tops = tuple(max(column) for column in zip(*all_shares, strict=True))
    for row, shares in zip(rows, all_shares, strict=True):
        shapes += _box(row, left, largest, shares, tops, language)
        left += SLOT
    height = TALL + 2 * LABELS + 2 * SHARES
    image = f'<rect class="image" x="{SLOT / 2 - 3}" y="0" width="6" height="{TALL}"/>'
    image += f'<text x="{SLOT / 2}" y="{TALL + 14}">{escape(say(language, "layers_image"))}</text>'
    names = say(language, "layers_heads").split("|")[-2:]
    for number, text in enumerate(names):
        y = TALL + LABELS + 12 + number * (SHARES + LABELS / 2)
        image += f'<text class="start" x="0" y="{y:.0f}">{escape(text)}</text>'
    return (
        f'<svg viewBox="0 0 {left} {height}" style="min-width:{left * 0.8:.0f}px" role="img" '
        f'aria-label="{escape(say(language, "layers_picture"))}">{image}{shapes}</svg>'
    )


def _box(
    row: LayerRow, left: int, largest: int, shares: tuple[float, float], tops: tuple[float, float], language: str
) -> str:
    count, side = _sizes(row)
    high = max(4.0, TALL * math.sqrt(side / largest))
    wide = min(SLOT - 6.0, 4.0 + 3.6 * math.log2(1 + count))
    x, middle = left + (SLOT - wide) / 2, left + SLOT / 2
    title = say(language, "layers_row", layer=row.name, maps=f"{count:,}", size=f"{side} × {side}")
    stage = "" if row.name in NO_STAGE else f' data-stage="{escape(row.name)}"'
    bars = ""
    for number, (share, top) in enumerate(zip(shares, tops, strict=True)):
        base = TALL + LABELS + (number + 1) * SHARES + number * LABELS / 2
        tall = max(share / top * (SHARES - 18), 1.0 if share else 0.0)
        bars += f'<rect class="part" x="{left + 12}" y="{base - tall:.1f}" width="{SLOT - 24}" height="{tall:.1f}"/>'
        if share >= 0.01:
            bars += f'<text x="{middle}" y="{base - tall - 3:.1f}">{_percent(share)}</text>'
    return (
        f'<g class="layer {KINDS[row.type]}"{stage}><title>{escape(title)}</title>'
        f'<rect class="maps" x="{x:.1f}" y="{TALL - high:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="3"/>'
        f'<text x="{middle}" y="{TALL + 14}">{escape(row.name)}</text>{bars}</g>'
    )
