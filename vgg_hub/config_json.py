"""`config.json`: our configuration, in one file with the keys that timm and transformers read.

    {
      "architecture": "vgg11_bn",               only where timm builds the very same net
      "num_classes": 2, "num_features": 512, "label_names": ["cat", "dog"],
      "pretrained_cfg": {"input_size": [3, 224, 224], "interpolation": ..., "crop_pct": ..., "mean": ..., "std": ...},
      "vgg_hub": {"format": 1, "layers": [...], "batch_norm": ..., ..., "provenance": {...}}
    }

`model_type` stays out: transformers then recognises the file by `pretrained_cfg` and opens it through timm.
"""

from __future__ import annotations

import itertools
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from .config import LAYERS, VGGConfig
from .errors import CheckpointError, ConfigError, LabelError

__all__ = ["FORMAT", "MAX_CONFIG_BYTES", "config_to_json", "read_config"]

FORMAT = 1
MAX_CONFIG_BYTES = 4_000_000
TIMM_SLIDES_FROM = 256
TIMM_ARGUMENTS = {"num_classes", "in_chans", "global_pool", "drop_rate"}  # of these the answers do not depend
SHAPE_FIELDS = ("layers", "batch_norm", "in_channels", "pool_size", "hidden_features", "width", "dropout")
PREPROCESSING = ("input_size", "interpolation", "crop_pct", "mean", "std")
OUR_KEYS = {"architecture", "num_classes", "num_features", "label_names", "pretrained_cfg", "vgg_hub"}


def timm_architecture(config: VGGConfig) -> str | None:
    """timm's name of the same net (`vgg11_bn`), or None where timm would build or feed it differently.

    timm pools only feature maps smaller than 7x7 and slides its first hidden layer over larger ones, so the answers
    agree only below 256 pixels. It builds its nets for three channels unless it is told otherwise.
    """
    plain = (config.pool_size, config.hidden_features, config.width, config.in_channels) == (7, 4096, 1.0, 3)
    if config.depth is None or not plain or config.input_size >= TIMM_SLIDES_FROM:
        return None
    return f"vgg{config.depth}{'_bn' if config.batch_norm else ''}"


def config_to_json(config: VGGConfig, provenance: Mapping[str, object] | None = None) -> str:
    """The text of `config.json`; `provenance` is kept under `vgg_hub` as it is.

    Raises:
        ConfigError: the provenance is not made of what JSON has.
    """
    architecture = timm_architecture(config)
    document: dict[str, object] = {"architecture": architecture} if architecture else {}
    document |= {"num_classes": config.num_classes, "num_features": config.out_channels}
    if config.label_names:
        document["label_names"] = list(config.label_names)
    document["pretrained_cfg"] = {
        "input_size": [config.in_channels, config.input_size, config.input_size],
        "interpolation": config.interpolation,
        "crop_pct": config.crop_pct,
        "crop_mode": "center",
        "mean": list(config.mean),
        "std": list(config.std),
        "num_classes": config.num_classes,
        "pool_size": [config.pool_size, config.pool_size],
        "first_conv": "features.0",
        "classifier": "head.fc",
    }
    ours: dict[str, object] = {"format": FORMAT}
    ours |= {name: getattr(config, name) for name in SHAPE_FIELDS} | {"layers": list(config.layers)}
    if provenance is not None:
        ours["provenance"] = dict(provenance)
    document["vgg_hub"] = ours
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"The provenance cannot be written as JSON ({error!s:.80}); give texts and numbers."
        ) from error
    # Half of a surrogate pair, which a stranger's file may hold, has no place in UTF-8 but can be written as an escape.
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def read_config(path: Path, shown: str) -> tuple[VGGConfig, dict[str, object] | None]:
    """Read a `config.json` of ours or of timm.

    Args:
        path: the file.
        shown: what the person calls the folder or repo, for the errors.

    Returns:
        The configuration and what is known of the weights' making (None: nothing).

    Raises:
        CheckpointError: not readable, not JSON, or not the configuration of a VGG; names the file and the field.
    """
    document = _parse(path, shown)
    try:
        if "vgg_hub" in document:
            return _ours(document)
        licence = _section(document, "pretrained_cfg").get("license")
        return _timms(document), {"licence": licence} if isinstance(licence, str) else None
    except (ConfigError, LabelError) as error:
        raise CheckpointError(f"config.json of {shown} cannot be used: {error}") from error


def _parse(path: Path, shown: str) -> dict[str, object]:
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise CheckpointError(
                f"config.json of {shown} is over {MAX_CONFIG_BYTES // 1_000_000} MB; it is not one of ours."
            )
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except FileNotFoundError:
        raise CheckpointError(
            f"{shown} has no config.json; give a folder that `save_pretrained` wrote, or a timm VGG's."
        ) from None
    except OSError as error:
        raise CheckpointError(f"config.json of {shown} cannot be read: {error.strerror or error}.") from error
    # RecursionError: JSON nested thousands deep; json.JSONDecodeError and UnicodeDecodeError are ValueErrors.
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"config.json of {shown} is not valid JSON ({error!s:.80}); fetch or save it again."
        ) from error
    if not isinstance(document, dict):
        raise CheckpointError(f"config.json of {shown} holds a {type(document).__name__}; expected a JSON object.")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # Python would take NaN and Infinity, and write them again


def _ours(document: dict[str, object]) -> tuple[VGGConfig, dict[str, object] | None]:
    shape = _section(document, "vgg_hub")
    if shape.get("format") != FORMAT:
        raise ConfigError(
            f"vgg_hub.format is {shape.get('format')!r:.40}; this version reads {FORMAT}: update vgg-hub."
        )
    unknown = sorted(set(document) - OUR_KEYS) + sorted(
        f"vgg_hub.{key}" for key in set(shape) - {*SHAPE_FIELDS, "format", "provenance"}
    )
    if unknown:
        raise ConfigError(f"it holds the unknown key {unknown[0]!r:.80}; remove it or update vgg-hub.")
    pretrained = _section(document, "pretrained_cfg")
    missing = [name for name in ("num_classes", "pretrained_cfg") if name not in document]
    missing += [f"vgg_hub.{name}" for name in SHAPE_FIELDS if name not in shape]
    missing += [f"pretrained_cfg.{name}" for name in PREPROCESSING if name not in pretrained]
    if missing:
        raise ConfigError(f"it lacks the key {missing[0]}.")
    provenance = shape.get("provenance")
    if provenance is not None and not isinstance(provenance, dict):
        raise ConfigError(f"vgg_hub.provenance is a {type(provenance).__name__}; expected a JSON object.")
    config = VGGConfig(
        **{name: shape[name] for name in SHAPE_FIELDS},
        num_classes=document["num_classes"],
        label_names=document.get("label_names", ()),
        **_preprocessing(pretrained, shape["in_channels"]),
    )
    return config, provenance


def _timms(document: dict[str, object]) -> VGGConfig:
    name = document.get("architecture")
    names = {f"vgg{depth}{suffix}": (depth, bool(suffix)) for depth in LAYERS for suffix in ("", "_bn")}
    if not isinstance(name, str) or name not in names:
        raise ConfigError(f"it describes the architecture {name!r:.60}; expected a VGG: {', '.join(names)}.")
    changed = sorted(set(_section(document, "model_args")) - TIMM_ARGUMENTS)
    if changed:
        raise ConfigError(f"model_args holds {changed[0]!r:.60}, which may make it another net; save it without.")
    depth, batch_norm = names[name]
    pretrained = _section(document, "pretrained_cfg")
    classes = document.get("num_classes", pretrained.get("num_classes"))
    labels = document.get("label_names", pretrained.get("label_names", ()))
    size = pretrained.get("input_size", (3, 224, 224))
    channels = size[0] if isinstance(size, (list, tuple)) and size else 3
    config = VGGConfig(
        depth=depth,
        batch_norm=batch_norm,
        num_classes=classes,
        in_channels=channels,
        **_preprocessing(pretrained, channels),
    )
    if config.input_size >= TIMM_SLIDES_FROM:
        raise ConfigError(
            f"pretrained_cfg.input_size is {size!r:.60}; a timm VGG slides its hidden layers over pictures of "
            f"{TIMM_SLIDES_FROM} pixels or more, which this one does not: only smaller ones give the same answers."
        )
    if not labels and config.num_classes == 1000 and "in1k" in str(pretrained.get("tag", "")):
        labels = _imagenet_labels()
    return replace(config, label_names=_unique(labels)) if labels else config


def _preprocessing(pretrained: dict[str, object], channels: object) -> dict[str, object]:
    """The fields of a `VGGConfig` that `pretrained_cfg` gives."""
    fields = {name: pretrained[name] for name in PREPROCESSING if name in pretrained}
    if "input_size" in pretrained:
        size = pretrained["input_size"]
        square = isinstance(size, list) and len(size) == 3 and size[1] == size[2] and size[0] == channels
        if not square:
            raise ConfigError(f"pretrained_cfg.input_size is {size!r:.60}; expected [{channels!r:.20}, side, side].")
        fields["input_size"] = size[1]
    if pretrained.get("crop_mode", "center") != "center":
        raise ConfigError(f"pretrained_cfg.crop_mode is {pretrained['crop_mode']!r:.40}; only 'center' is known.")
    return fields


def _section(document: dict[str, object], name: str) -> dict[str, object]:
    section = document.get(name, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{name} is a {type(section).__name__}; expected a JSON object.")
    return section


def _imagenet_labels() -> tuple[str, ...]:
    from torchvision.models import VGG11_Weights  # here, for torchvision is slow to import and rarely needed

    return tuple(VGG11_Weights.IMAGENET1K_V1.meta["categories"])


def _unique(labels: object) -> tuple[str, ...]:
    """Others' labels made fit for `check_labels`: they may stand twice, be empty or hold a slash."""
    if not isinstance(labels, (list, tuple)) or not all(isinstance(label, str) for label in labels):
        raise ConfigError(f"label_names is {labels!r:.60}; expected a list of texts.")
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
