"""Names of the tensors: torchvision's in memory, timm's on disk; the change is a rename and a view.

On disk the first hidden Linear is timm's 7x7 convolution over the pooled map, the second a 1x1 convolution
(`timm/models/vgg.py`, class `ConvMlp`), so that the same file opens in timm and in transformers.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .config import VGGConfig

__all__ = ["from_disk", "shapes_on_disk", "to_disk"]


def disk_names(hidden: bool) -> dict[str, str]:
    """In memory -> on disk, for the modules whose name differs, in a net with or without hidden Linears."""
    if not hidden:
        return {"classifier.0": "head.fc"}
    return {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}


def _disk_key(key: str, config: VGGConfig) -> str:
    module, _, leaf = key.rpartition(".")
    return f"{disk_names(bool(config.hidden_features)).get(module, module)}.{leaf}"


def _disk_shape(disk_key: str, shape: tuple[int, ...], config: VGGConfig) -> tuple[int, ...]:
    if disk_key == "pre_logits.fc1.weight":
        return (shape[0], config.out_channels, config.pool_size, config.pool_size)
    if disk_key == "pre_logits.fc2.weight":
        return (*shape, 1, 1)
    return shape


def to_disk(state_dict: Mapping[str, Tensor], config: VGGConfig) -> dict[str, Tensor]:
    """Torchvision's names -> timm's. Views, no copies; the mapping given is not changed."""
    renamed = {_disk_key(key, config): tensor for key, tensor in state_dict.items()}
    return {key: tensor.reshape(_disk_shape(key, tuple(tensor.shape), config)) for key, tensor in renamed.items()}


def from_disk(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], config: VGGConfig) -> dict[str, Tensor]:
    """Timm's or torchvision's names -> torchvision's, in the shapes of `expected` (the live model's state dict)."""
    timm_layout = is_timm_layout(tensors)
    found = {}
    for key, like in expected.items():
        tensor = tensors[_disk_key(key, config) if timm_layout else key]
        found[key] = tensor.reshape(like.shape)
    return found


def is_timm_layout(keys: Mapping[str, object] | set[str]) -> bool:
    """Whether a file's keys are timm's (else torchvision's, if any of the two)."""
    return any(key.startswith(("pre_logits.", "head.")) for key in keys)


def shapes_on_disk(
    state_dict: Mapping[str, Tensor], config: VGGConfig, timm_layout: bool
) -> dict[str, tuple[int, ...]]:
    """The keys and shapes that a file in the given layout must have for this model."""
    if not timm_layout:
        return {key: tuple(tensor.shape) for key, tensor in state_dict.items()}
    shapes = {}
    for key, tensor in state_dict.items():
        disk_key = _disk_key(key, config)
        shapes[disk_key] = _disk_shape(disk_key, tuple(tensor.shape), config)
    return shapes
