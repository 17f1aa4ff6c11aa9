"""Is a live net the one that its configuration describes?

Programs may put other layers in. What reads a net layer by layer would answer as if they were not there, and a folder
saved so could not be opened again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torch import nn

from .errors import ConfigError
from .notes import Note
from .trained import Convolution

if TYPE_CHECKING:
    from .model import VGG

__all__ = ["check_as_built"]

NOTHING = Note.said("nothing")
PARTS = ("features.", "classifier.")


def check_as_built(model: VGG, built: VGG, tensors: bool) -> None:
    """Compare a net with one that is built from its configuration.

    Args:
        model: in any mode, on any device, of any type; compiled, or of a class of its own with more in it.
        built: from its configuration, of any class.
        tensors: compare their names too; without, a layer may make its weight of others, as pruning and parametrizations do.

    Raises:
        ConfigError: a layer is another one, or a tensor is missing or not expected; names the first.
    """
    layers, expected = _layers(model), _layers(built)
    for place in [*expected, *(layers.keys() - expected.keys())]:
        one, other = layers.get(place, NOTHING), expected.get(place, NOTHING)
        if not _alike(one, other):
            raise ConfigError(
                "The net is not the one that its configuration describes: {place} is {found}; expected {expected}. Put that "
                "there, with what was added merged into it; a new head is made by replace_head.",
                place=place,
                found=_shown(one),
                expected=_shown(other),
            )
    differing = [key for key in model.state_dict().keys() ^ built.state_dict().keys() if key.startswith(PARTS)]
    if tensors and differing:
        raise ConfigError(
            "The net has not the tensors that its configuration describes, but for example {names}; make pruning and "
            "parametrizations permanent first (torch.nn.utils.prune.remove, parametrize.remove_parametrizations).",
            names=", ".join(sorted(differing)[:2]),
        )


def _layers(model: VGG) -> dict[str, nn.Module]:
    parts = {"features": model.features, "classifier": model.classifier}
    layers = {f"{part}.{name}": layer for part, found in parts.items() for name, layer in found.named_children()}
    return layers | {"avgpool": model.avgpool}


def _alike(one: object, other: object) -> bool:
    """Whether two layers compute the same of the same tensors, in eval mode."""
    return _forward(one) is _forward(other) and _said(one) == _said(other)


def _forward(layer: object) -> object:
    # A parametrized layer is of a class of its own, and computes what its class does; ours in training, what a Conv2d does.
    return nn.Conv2d.forward if isinstance(layer, Convolution) else getattr(type(layer), "forward", layer)


def _said(layer: object) -> str:
    """What a layer prints of itself, as far as answers depend on it."""
    if isinstance(layer, nn.ReLU | nn.Dropout):
        return ""
    return re.sub(r"momentum=[^,]*", "", layer.extra_repr()) if isinstance(layer, nn.Module) else ""


def _shown(layer: object) -> str:
    return f"{type(layer).__name__}({layer.extra_repr()})"[:120] if isinstance(layer, nn.Module) else layer
