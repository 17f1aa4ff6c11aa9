"""`config.json` files of others: timm's, and those that huggingface_hub's stock mixin writes for a net like ours."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import replace

from .config import LAYERS, VGGConfig
from .errors import ConfigError

__all__ = ["PREPROCESSING", "TIMM_SLIDES_FROM", "foreign_config", "imagenet_labels", "preprocessing", "section"]

TIMM_SLIDES_FROM = 256
TIMM_ARGUMENTS = {"num_classes", "in_chans", "global_pool", "drop_rate"}  # of these the answers do not depend
PREPROCESSING = ("input_size", "interpolation", "crop_pct", "mean", "std")


def foreign_config(document: dict[str, object]) -> tuple[VGGConfig, dict[str, object] | None]:
    """The configuration in a document that is not in our format, and what it says of the weights' making.

    Raises:
        ConfigError, LabelError: it is not that of a VGG; names the key.
    """
    if _is_stock(document):
        return VGGConfig(**document), None
    licence = section(document, "pretrained_cfg").get("license")
    return _timms(document), {"licence": licence} if isinstance(licence, str) else None


def _is_stock(document: dict[str, object]) -> bool:
    """Whether it holds the constructor's arguments and nothing else, as `huggingface_hub.PyTorchModelHubMixin` has it.

    `class VGG(nn.Module, PyTorchModelHubMixin)` with `__init__(self, depth=11, batch_norm=True, num_classes=2)` gives
    `{"batch_norm": true, "depth": 11, "num_classes": 2}`.
    """
    shaped = document.get("depth") is not None or document.get("layers") is not None
    return shaped and set(document) <= set(VGGConfig.field_names())


def _timms(document: dict[str, object]) -> VGGConfig:
    name = document.get("architecture")
    names = {f"vgg{depth}{suffix}": (depth, bool(suffix)) for depth in LAYERS for suffix in ("", "_bn")}
    if not isinstance(name, str) or name not in names:
        raise ConfigError(
            "it describes the architecture {name!r:.60}; expected a VGG: {names}.", name=name, names=", ".join(names)
        )
    changed = sorted(set(section(document, "model_args")) - TIMM_ARGUMENTS)
    if changed:
        raise ConfigError(
            "model_args holds {key!r:.60}, which may make it another net; save it without.", key=changed[0]
        )
    depth, batch_norm = names[name]
    pretrained = section(document, "pretrained_cfg")
    classes = document.get("num_classes", pretrained.get("num_classes"))
    labels = document.get("label_names", pretrained.get("label_names", ()))
    size = pretrained.get("input_size", (3, 224, 224))
    channels = size[0] if isinstance(size, (list, tuple)) and size else 3
    config = VGGConfig(
        depth=depth,
        batch_norm=batch_norm,
        num_classes=classes,
        in_channels=channels,
        **preprocessing(pretrained, channels),
    )
    if config.input_size >= TIMM_SLIDES_FROM:
        raise ConfigError(
            "pretrained_cfg.input_size is {size!r:.60}; a timm VGG slides its hidden layers over pictures of {most} "
            "pixels or more, which this one does not: only smaller ones give the same answers.",
            size=size,
            most=TIMM_SLIDES_FROM,
        )
    if not labels and config.num_classes == 1000 and "in1k" in str(pretrained.get("tag", "")):
        return replace(config, label_names=imagenet_labels())
    return replace(config, label_names=_unique(labels)) if labels else config


def preprocessing(pretrained: dict[str, object], channels: object) -> dict[str, object]:
    """The fields of a `VGGConfig` that timm's `pretrained_cfg` gives.

    Raises:
        ConfigError: pictures are prepared in a way that a `VGGConfig` cannot say.
    """
    fields = {name: pretrained[name] for name in PREPROCESSING if name in pretrained}
    if "input_size" in pretrained:
        size = pretrained["input_size"]
        square = isinstance(size, list) and len(size) == 3 and size[1] == size[2] and size[0] == channels
        if not square:
            raise ConfigError(
                "pretrained_cfg.input_size is {size!r:.60}; expected [{channels!r:.20}, side, side].",
                size=size,
                channels=channels,
            )
        fields["input_size"] = size[1]
    if pretrained.get("crop_mode", "center") != "center":
        raise ConfigError(
            "pretrained_cfg.crop_mode is {mode!r:.40}; only 'center' is known.", mode=pretrained["crop_mode"]
        )
    return fields


def section(document: dict[str, object], name: str) -> dict[str, object]:
    """The JSON object under a key, empty where there is none.

    Raises:
        ConfigError: something else stands there.
    """
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise ConfigError("{name} is a {kind}; expected a JSON object.", name=name, kind=type(found).__name__)
    return found


def imagenet_labels() -> tuple[str, ...]:
    """The 1000 class names of ImageNet-1K in torchvision's order, those that stand twice told apart ("Cardigan (2)")."""
    from torchvision.models import VGG11_Weights  # here, for torchvision is slow to import and rarely needed

    return _unique(VGG11_Weights.IMAGENET1K_V1.meta["categories"])


def _unique(labels: object) -> tuple[str, ...]:
    """Others' labels made fit for `check_labels`: they may stand twice, be empty or hold a slash."""
    if not isinstance(labels, (list, tuple)) or not all(isinstance(label, str) for label in labels):
        raise ConfigError("label_names is {given!r:.60}; expected a list of texts.", given=labels)
    seen: set[str] = set()
    unique = []
    for position, label in enumerate(labels):
        flat = "".join("_" if c in "/\\<>" or not c.isprintable() else c for c in unicodedata.normalize("NFC", label))
        clean = flat.strip()[:90].strip()
        name = clean = f"class {position}" if clean in ("", ".", "..") else clean
        for count in itertools.count(2):
            if name.casefold() not in seen:
                break
            name = f"{clean} ({count})"
        seen.add(name.casefold())
        unique.append(name)
    return tuple(unique)
