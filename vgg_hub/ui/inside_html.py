"""What was found inside a net, as HTML: a photo beside its heat map, a page of feature maps, the first filters."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from html import escape

from PIL import Image
from torch import Tensor

from ..explain import Evidence
from ..overlay import FAINT, FAINTEST_MARKED, STRONG, filter_tile, map_tile
from .look import note
from .messages import say

__all__ = ["Told", "filters_html", "heat_html", "maps_a_page", "maps_html", "photo_html"]

MAPS_A_PAGE = 24
TILE_SIDE = 96
MAX_NUMBERS = 16_384  # of a stage without places that are drawn
BRIGHTEST = 0.005  # of a stage's numbers that may be drawn as white, so that one outlier does not darken all
MAX_FILTERS = 128


@dataclass(frozen=True)
class Told:
    """What is said of a heat map beside its numbers.

    Attributes:
        label: the class.
        stage: the stage.
        input_size: the side of what the net read, in pixels.
        unlike: whether the net calls the photo unlike all its classes.
    """

    label: str
    stage: str
    input_size: int
    unlike: bool | None


def _data(picture: Image.Image, kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 88} if kind == "JPEG" else {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def photo_html(photo: Image.Image, text: str, language: str) -> str:
    """The photo alone, with a sentence on why there is no map beside it."""
    figure = _figure(photo, say(language, "inside_seen"), say(language, "inside_seen"))
    return f'<div class="heat">{figure}<div class="said">{note(text)}</div></div>'


def _figure(picture: Image.Image, alt: str, caption: str) -> str:
    image = f'<img src="{_data(picture, "JPEG")}" alt="{escape(alt)}">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def heat_html(photo: Image.Image, heat: Image.Image, found: Evidence, told: Told, language: str) -> str:
    """Photo and heat map side by side, what is to be seen there in a sentence, and the rule of the scale."""
    strength = f"{100 * found.strength:.0f}"
    values = {"label": told.label, "percent": _percent(found.probability), "strength": strength}
    if found.peak is None:
        alt, key = say(language, "inside_heat_alt_none"), "inside_none"
    else:
        values["where"] = _where(found, told.input_size, language)
        alt = say(language, "inside_heat_alt", where=values["where"], strength=strength)
        key = "inside_strong" if found.strength >= FAINTEST_MARKED else "inside_faint"
    caption = say(language, "inside_heat", label=told.label, stage=told.stage)
    warning = note(say(language, "inside_unlike"), "problem") if told.unlike else ""
    figures = _figure(photo, say(language, "inside_seen"), say(language, "inside_seen")) + _figure(heat, alt, caption)
    points = f"{found.scale * found.map.numel():.1f}"
    sentences = note(say(language, key, **values), "good") + note(say(language, "inside_rule", points=points)) + warning
    return f'<div class="heat">{figures}<div class="said">{_legend(language)}{sentences}</div></div>'.replace(
        " %", "\N{NO-BREAK SPACE}%"
    )


def _percent(share: float) -> str:
    return "< 0.1" if share < 0.001 else f"{100 * share:.1f}" if share < 0.1 else f"{100 * share:.0f}"


def _where(found: Evidence, input_size: int, language: str) -> str:
    thirds = [min(2, int(3 * place / input_size)) for place in found.peak]
    return say(language, "inside_where").split("|")[3 * thirds[0] + thirds[1]]


def _legend(language: str) -> str:
    least, most = say(language, "inside_legend").split("|")
    ramp = f"linear-gradient(90deg, transparent, rgb{FAINT} 12%, rgb{STRONG})"
    return f'<p class="heat-legend"><span>{escape(least)}</span><i style="background:{ramp}"></i><span>{escape(most)}</span></p>'


def maps_a_page(maps: Tensor) -> int:
    """How many pages a stage's maps take."""
    return 1 if maps.shape[1:] == (1, 1) else -(-len(maps) // MAPS_A_PAGE)


def maps_html(maps: Tensor, stage: str, page: int, language: str) -> str:
    """One page of a stage's maps, those with most in them first.

    Args:
        maps: (channels, h, w) float32, of `feature_maps`.
        stage: its name.
        page: from 0 on; one too high shows the last.
        language: of the words.
    """
    some = maps.flatten()[:: 1 + maps.numel() // 100_000].nan_to_num(
        0, 1, 0
    )  # sorting all would take longer than the net
    scale = float(some.quantile(1 - BRIGHTEST)) or float(maps.max())
    if maps.shape[1:] == (1, 1):
        return _numbers(maps.flatten(), scale, stage, language)
    page = max(0, min(page, maps_a_page(maps) - 1))
    order = maps.mean(dim=(1, 2)).nan_to_num(0).argsort(descending=True, stable=True).tolist()
    shown = order[page * MAPS_A_PAGE : (page + 1) * MAPS_A_PAGE]
    first = page * MAPS_A_PAGE
    said = say(
        language,
        "inside_maps",
        first=first + 1,
        last=first + len(shown),
        total=len(maps),
        stage=stage,
        height=maps.shape[1],
        width=maps.shape[2],
    )
    tiles = ""
    for index in shown:
        tile = map_tile(maps[index], scale)
        tile.thumbnail((TILE_SIDE, TILE_SIDE))
        tiles += _tile(tile, say(language, "inside_map_alt", number=index + 1, stage=stage), str(index + 1))
    return note(said) + f'<div class="tiles">{tiles}</div>'


def _tile(picture: Image.Image, alt: str, caption: str) -> str:
    return (
        f'<figure><img src="{_data(picture)}" alt="{escape(alt)}">'
        f'<figcaption aria-hidden="true">{escape(caption)}</figcaption></figure>'
    )


def _numbers(values: Tensor, scale: float, stage: str, language: str) -> str:
    """Numbers without a place, as one picture with a square for each."""
    side = math.ceil(math.sqrt(min(len(values), MAX_NUMBERS)))
    square = values.new_zeros(side * side)
    square[: len(values)] = values[: side * side]
    said = say(language, "inside_numbers", total=len(values), stage=stage)
    picture = _data(map_tile(square.view(side, side), scale))
    return note(said) + f'<div class="numbers"><img src="{picture}" alt="{escape(said)}"></div>'


def filters_html(filters: Tensor, language: str) -> str:
    """The first layer's filters, (filters, in_channels, 3, 3), of `first_filters`."""
    tiles = "".join(
        _tile(filter_tile(one), say(language, "inside_filter_alt", number=number), str(number))
        for number, one in enumerate(filters[:MAX_FILTERS], 1)
    )
    return note(say(language, "inside_filters", total=len(filters))) + f'<div class="tiles small">{tiles}</div>'
