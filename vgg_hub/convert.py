"""A bare file of weights, made a model: torchvision's `.pth` files, and what PyTorch users save in the same way.

The network is found from the names and shapes of the tensors; what a file does not say is said to the person.

torchvision's files carry the first 8 hex digits of their sha256 in their names (`vgg11_bn-6002323d.pth`; see
`torch.hub.load_state_dict_from_url`). timm states their licence, `bsd-3-clause`, for the same weights
(`timm/vgg11_bn.tv_in1k`); torchvision itself is BSD-3-Clause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor

from .config import LAYERS, VGGConfig, check_layers
from .config_foreign import imagenet_labels
from .errors import CheckpointError, ConfigError
from .folder import tensor_problems
from .model import VGG
from .transfer import sha256_of
from .weights_file import read_weights_file

__all__ = ["Converted", "convert_file", "with_labels"]

LICENCE = "bsd-3-clause"
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")
MOST_POOLINGS = 12  # 2^12 is the largest side of a picture


@dataclass(frozen=True)
class Converted:
    """A converted file.

    Attributes:
        model: in eval mode; its tensors stay in the file where that can be, so the file must stay, too.
        sha256: of the file, in hex.
        notes: one sentence for each thing that the file does not say.
    """

    model: VGG
    sha256: str
    notes: tuple[str, ...]


def convert_file(
    path: Path, *, labels: Sequence[str] | None = None, layers: Sequence[int | str] | None = None
) -> Converted:
    """Read a file of VGG weights that has no `config.json` beside it.

    Args:
        path: a state dict that `torch.save` wrote, or one in safetensors; see `weights_file`.
        labels: ordered class names. None: ImageNet's for torchvision's own file of 1000 classes, else none.
        layers: needed only for a layer list of one's own, whose poolings the tensors do not tell.

    Raises:
        CheckpointError: the file is not there or cannot be read, is not what the hash in its name says, needs more
            than tensors, or does not hold a VGG of this kind; the message names the file.
        ConfigError, LabelError: the labels or layers cannot be used.
    """
    if not path.is_file():
        raise CheckpointError(f"{path.name} is not a file here; check its name and folder.")
    sha256, theirs = sha256_of(path), _torchvisions(path.name)
    notes = _check_hash(path.name, sha256, theirs is not None)
    tensors = read_weights_file(path)
    config = _find_config(_shapes(tensors), layers, path.name)
    if labels is None and theirs is not None and config.num_classes == 1000:
        labels = imagenet_labels()
    if labels is not None:
        config = with_labels(config, labels, path.name)
    else:
        notes.append(f"{path.name} does not name its {config.num_classes} classes; --labels can.")
    if theirs is None:
        notes.append(
            f"{path.name} does not say how pictures are prepared for it; torchvision's way is taken: the short side to "
            "256 pixels, of that the centre of 224 x 224, ImageNet's mean and std."
        )
    model = _filled(config, tensors, path.name)
    model.provenance = _provenance(path.name, sha256, theirs)
    model.source = path.name
    return Converted(model, sha256, tuple(notes))


def with_labels(config: VGGConfig, labels: Sequence[str], shown: str) -> VGGConfig:
    """The configuration with class names.

    Raises:
        ConfigError: their number is not that of the classes.
        LabelError: one of them cannot be used.
    """
    if len(labels) != config.num_classes:
        raise ConfigError(
            f"{shown} has {config.num_classes} classes but {len(labels)} names are given; they must agree."
        )
    return replace(config, label_names=tuple(labels))


def _torchvisions(name: str):
    """torchvision's own record of a file of this name, or None."""
    if not name.startswith("vgg"):
        return None
    from torchvision import models  # here, for it is slow to import and rarely needed

    builders = (f"vgg{depth}{suffix}" for depth in LAYERS for suffix in ("", "_bn"))
    return next((w for b in builders for w in models.get_model_weights(b) if w.url.endswith(f"/{name}")), None)


def _check_hash(name: str, sha256: str, theirs: bool) -> list[str]:
    """Compare the digest with the one in the name; a sentence if there is none."""
    found = HASH_IN_NAME.search(name)
    if found and sha256.startswith(found[1]):
        return []
    # Digits alone may be a date or a count, unless the name is known to end with a digest.
    if found and (theirs or not found[1].isdecimal()):
        raise CheckpointError(
            f"{name} is not what its name says: its sha256 begins with {sha256[: len(found[1])]}, expected {found[1]}; "
            "fetch it again, or rename it if that is no sha256."
        )
    return [f"{name} has no sha256 in its name to check it by; its own is {sha256}."]


def _find_config(shapes: Mapping[str, tuple[int, ...]], layers: Sequence[int | str] | None, shown: str) -> VGGConfig:
    """The configuration that the names and shapes speak of; whether all of them fit is compared afterwards."""
    batch_norm = any(key.endswith(".running_mean") for key in shapes)
    found = _convolutions(shapes, batch_norm, shown)
    if layers is None:
        layers = next((standard for standard in LAYERS.values() if _to_last_convolution(standard) == found), None)
        if layers is None:
            text = ",".join(map(str, found))
            raise CheckpointError(
                f"{shown} has a layer list of its own, {text[:300]}, and does not say whether a pooling follows: "
                f"add --layers {text[:300]},M or, if none does, --layers {text[:300]}."
            )
    elif _to_last_convolution(check_layers(layers)) != found:
        raise ConfigError(f"{shown} has the layers {','.join(map(str, found))[:300]}, which are not those given.")
    hidden, reads = _linear(shapes, "classifier.0.weight", shown)
    has_hidden = any(key.startswith(("classifier.3.", "classifier.6.")) for key in shapes)
    classes = _linear(shapes, "classifier.6.weight", shown)[0] if has_hidden else hidden
    channels = found[-1]
    side = isqrt(reads // channels)
    if side * side * channels != reads:
        raise CheckpointError(
            f"{shown}: classifier.0.weight reads {reads} numbers, expected {channels} channels of a square map."
        )
    try:
        return VGGConfig(
            layers=tuple(layers),
            batch_norm=batch_norm,
            num_classes=classes,
            in_channels=shapes["features.0.weight"][1],
            pool_size=side,
            hidden_features=hidden if has_hidden else 0,
        )
    except ConfigError as error:
        raise CheckpointError(f"{shown} cannot be used: {error}") from error


def _convolutions(shapes: Mapping[str, tuple[int, ...]], batch_norm: bool, shown: str) -> tuple[int | str, ...]:
    """The layer list to the last convolution: where a number is passed over in `features.N`, there is a pooling."""
    first = shapes["features.0.weight"]
    if len(first) != 4:
        raise CheckpointError(
            f"{shown} holds no VGG: features.0.weight is {list(first)}; expected [channels, 3, 3, 3]."
        )
    step = 3 if batch_norm else 2  # convolution, BatchNorm2d, ReLU
    found: list[int | str] = []
    free = 0
    indices = [re.fullmatch(r"features\.(0|[1-9]\d{0,3})\.weight", key) for key in shapes]
    for index in sorted(int(match[1]) for match in indices if match and len(shapes[match[0]]) == 4):
        if not 0 <= index - free <= MOST_POOLINGS:
            raise CheckpointError(f"{shown}: features.{index} is a convolution where a VGG has none.")
        found += ["M"] * (index - free) + [shapes[f"features.{index}.weight"][0]]
        free = index + step
    return tuple(found)


def _to_last_convolution(layers: tuple[int | str, ...]) -> tuple[int | str, ...]:
    end = max(place for place, entry in enumerate(layers) if entry != "M") + 1
    return layers[:end]


def _linear(shapes: Mapping[str, tuple[int, ...]], key: str, shown: str) -> tuple[int, int]:
    shape = shapes.get(key)
    if shape is None:
        raise CheckpointError(f"{shown} is not a whole VGG: it has no {key}; give one with its classifier.")
    if len(shape) != 2:
        raise CheckpointError(f"{shown}: {key} is {list(shape)}; expected the two numbers of a Linear.")
    return shape


def _filled(config: VGGConfig, tensors: dict[str, Tensor], shown: str) -> VGG:
    model = VGG.on_meta(config)
    expected = model.state_dict()
    # BatchNorm counts its batches since PyTorch 0.4.1; older files, torchvision's among them, do not say how many.
    counts = {
        key: torch.zeros_like(t, device="cpu") for key, t in expected.items() if key.endswith("num_batches_tracked")
    }
    tensors = counts | tensors
    problems = tensor_problems(_shapes(tensors), _shapes(expected))
    if problems:
        raise CheckpointError(f"{shown} does not hold the tensors of a {config.name}; {problems}.")
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval()


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def _provenance(name: str, sha256: str, theirs) -> dict[str, object]:
    notes = [f"Converted from the file {name}, sha256 {sha256}."]
    if theirs is None:
        return {"notes": notes}
    top1 = theirs.meta["_metrics"]["ImageNet-1K"]["acc@1"]
    notes.append(f"Trained on ImageNet-1K by the makers of torchvision, who state {top1:.2f} % top-1 for it.")
    return {"licence": LICENCE, "notes": notes}
