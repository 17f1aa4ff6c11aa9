"""The network. Key names, initialisation and printed structure are torchvision's; saving and loading come from `hub`."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from .as_built import check_as_built
from .as_usual import as_usual
from .config import VGGConfig, check_labels, check_layers
from .errors import ConfigError, LabelError
from .hub import HubMixin
from .inference import Forms, check_input

__all__ = ["VGG", "Stage", "get_vgg_layers"]


@dataclass(frozen=True)
class Stage:
    """A named place in the network.

    Attributes:
        name: `conv1_1` ... `pool5` in the paper's way (block, then convolution), `fc6`, `fc7`.
        module: the submodule whose output it is, for `get_submodule` (after the ReLU, where there is one).
        channels: channels of that output.
        stride: input pixels for one step in that output; None for the Linear stages.
    """

    name: str
    module: str
    channels: int
    stride: int | None


def get_vgg_layers(layers: Sequence[int | str], batch_norm: bool, in_channels: int = 3) -> nn.Sequential:
    """Build the convolutional part from a layer list.

    An int is a 3x3 convolution (stride 1, padding 1) with that many output channels, then BatchNorm2d if asked, then
    an in-place ReLU; `"M"` is a 2x2 max pooling with stride 2. Maps (B, in_channels, H, W) float to
    (B, last int, H / 2^pools, W / 2^pools).

    Raises:
        ConfigError: for any other entry, which it names.
    """
    modules: list[nn.Module] = []
    for entry in check_layers(layers):
        if entry == "M":
            modules.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        modules.append(nn.Conv2d(in_channels, entry, kernel_size=3, padding=1))
        if batch_norm:
            modules.append(nn.BatchNorm2d(entry))
        modules.append(nn.ReLU(inplace=True))
        in_channels = entry
    return nn.Sequential(*modules)


def _classifier(config: VGGConfig) -> nn.Sequential:
    hidden = config.hidden_features
    if not hidden:
        return nn.Sequential(nn.Linear(config.pooled_features, config.num_classes))
    return nn.Sequential(
        nn.Linear(config.pooled_features, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(p=config.dropout),
        nn.Linear(hidden, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(p=config.dropout),
        nn.Linear(hidden, config.num_classes),
    )


class VGG(nn.Module, HubMixin):
    """VGG of Simonyan & Zisserman (2015, https://arxiv.org/abs/1409.1556), with or without batch normalisation.

    `VGG(depth=16, batch_norm=True, num_classes=2)` or `VGG(config)`. The fields are those of `VGGConfig`. Weights are
    random, drawn as torchvision draws them; `VGG.from_pretrained` gives trained ones.

    Raises:
        ConfigError: a field that does not exist or a value it cannot have; the message names it.
    """

    def __init__(self, config: VGGConfig | None = None, *, init_weights: bool = True, **fields: object) -> None:
        super().__init__()
        self.config = _make_config(config, fields)
        self.forms = Forms()
        self.features = get_vgg_layers(self.config.channels, self.config.batch_norm, self.config.in_channels)
        self.avgpool = nn.AdaptiveAvgPool2d((self.config.pool_size, self.config.pool_size))
        self.classifier = _classifier(self.config)
        if init_weights:
            for module in self.modules():
                _init_module(module)

    def forward(self, x: Tensor, return_features: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Classify a batch.

        Args:
            x: (B, in_channels, H, W) float, normalised as `config` says (see `vgg_hub.preprocess`).
            return_features: also return `h`.

        Returns:
            logits (B, num_classes) float; with `return_features`, (logits, h) with h (B, pooled_features), the
            flattened pooled features.

        Raises:
            ConfigError: x has another number of dimensions or channels, or is smaller than the poolings need.
        """
        h = self._pooled(x)  # (B, C * pool_size**2)
        logits = self.classifier(h)  # (B, num_classes)
        return (logits, h) if return_features else logits

    def embed(self, x: Tensor) -> Tensor:
        """What the last Linear reads: (B, in_channels, H, W) float -> (B, embed_features) float."""
        return self.classifier[:-1](self._pooled(x))

    def _pooled(self, x: Tensor) -> Tensor:
        check_input(x, self.config)
        return torch.flatten(self.avgpool(self.features(x)), 1)

    @property
    def head(self) -> nn.Linear:
        """The last Linear."""
        return self.classifier[-1]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The named stages in the order of the computation."""
        return _stages(self.config)

    def check_as_built(self, tensors: bool = True) -> None:
        """Raise ConfigError unless layers and, where asked for, tensors are those of the configuration (see `as_built`)."""
        check_as_built(self, _built(self.config), tensors)

    @as_usual()
    def share(self) -> Self:
        """A second model on the same tensors, in eval mode: its head may be replaced, its mode set, at no cost.

        Raises:
            ConfigError: layers or tensors are not those of its configuration.
        """
        self.check_as_built()
        with torch.device("meta"):
            twin = type(self)(self.config, init_weights=False)
        # What was made in inference mode can be no parameter outside of it.
        tensors = {key: t.clone() if t.is_inference() else t for key, t in self.state_dict().items()}
        twin.load_state_dict(tensors, assign=True)
        twin.forms = self.forms
        twin.provenance, twin.source, twin.base, twin.unlike = self.provenance, self.source, self.base, self.unlike
        return twin.eval()

    def taught(self, labels: Sequence[str], tensors: Mapping[str, Tensor]) -> Self:
        """A second model with a new head, in eval mode on the CPU: some tensors are these, all others are shared.

        Args:
            labels: ordered class names.
            tensors: by their names in `state_dict()` of the new model, the head's among them.

        Raises:
            LabelError: see `replace_head`.
        """
        twin = self.share().cpu()
        with torch.random.fork_rng(devices=[]):  # the new head is drawn before it is filled
            twin.replace_head(labels)
        like = twin.state_dict()
        given = {key: tensor.to(like[key].device, like[key].dtype) for key, tensor in tensors.items()}
        twin.load_state_dict(like | given, assign=True)
        if len(given) > len(twin.head.state_dict()):  # it is no net any more of which others need the head alone
            twin.base, twin.forms = None, Forms()
        return twin

    def replace_head(self, labels: Sequence[str]) -> Self:
        """Put a new, randomly initialised last Linear in place, one output a label; `config` follows.

        Of the provenance only the licence is kept, for the rest was known of the old head; so was when a picture is
        none of the classes.

        Args:
            labels: ordered class names.

        Returns:
            The model itself, changed in place.

        Raises:
            LabelError: no label, or one that cannot be used.
        """
        labels = check_labels(labels)
        if not labels:
            raise LabelError("There is no class name; give one name a class.")
        config = replace(self.config, label_names=labels, num_classes=len(labels))
        old = self.head
        new = nn.Linear(old.in_features, len(labels), device=old.weight.device, dtype=old.weight.dtype)
        _init_module(new)
        self.classifier[-1] = new.train(old.training)
        self.config = config
        self.unlike = None
        licence = (self.provenance or {}).get("licence")
        self.provenance = {"licence": licence} if licence else None
        return self


@functools.lru_cache(maxsize=8)
def _built(config: VGGConfig) -> VGG:
    """The net of a configuration without numbers."""
    return VGG.on_meta(config)


def _make_config(config: VGGConfig | None, fields: dict[str, object]) -> VGGConfig:
    unknown = sorted(set(fields) - set(VGGConfig.field_names()))
    if unknown:
        raise ConfigError(f"VGG has no field {unknown[0]!r}; the fields are {', '.join(VGGConfig.field_names())}.")
    if config is None:
        return VGGConfig(**fields)
    if not isinstance(config, VGGConfig):
        raise ConfigError(f"config is {config!r:.80}; expected a VGGConfig, or name the fields: VGG(depth=11).")
    return replace(config, **fields) if fields else config


def _init_module(module: nn.Module) -> None:
    """torchvision's initialisation (`torchvision/models/vgg.py`), call for call, so that a seed gives the same net."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
        nn.init.zeros_(module.bias)


def _stages(config: VGGConfig) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    block, conv, index, stride, channels = 1, 0, 0, 1, config.in_channels
    for entry in config.channels:
        if entry == "M":
            stride *= 2
            stages.append(Stage(f"pool{block}", f"features.{index}", channels, stride))
            block, conv, index = block + 1, 0, index + 1
        else:
            conv, channels = conv + 1, entry
            index += 3 if config.batch_norm else 2
            stages.append(Stage(f"conv{block}_{conv}", f"features.{index - 1}", channels, stride))
    if config.hidden_features:
        stages.append(Stage("fc6", "classifier.1", config.hidden_features, None))
        stages.append(Stage("fc7", "classifier.4", config.hidden_features, None))
    return tuple(stages)
