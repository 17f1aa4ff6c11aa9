"""`config.json`: our configuration, in one file with the keys that timm and transformers read.

    {
      "architecture": "vgg11_bn",               "vgg_hub_only" where timm does not build the very same net
      "num_classes": 2, "num_features": 512, "label_names": ["cat", "dog"],
      "pretrained_cfg": {"input_size": [3, 224, 224], "interpolation": ..., "crop_pct": ..., "mean": ..., "std": ...},
      "vgg_hub": {"format": 1, "layers": [...], "batch_norm": ..., ..., "provenance": {...}, "base": {...},
                  "unlike": {...}}
    }

`model_type` stays out: transformers then recognises the file by `pretrained_cfg` and opens it through timm.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path

from .config import VGGConfig
from .config_foreign import PREPROCESSING, TIMM_SLIDES_FROM, foreign_config, preprocessing, section
from .delta import Base, base_of
from .errors import CheckpointError, ConfigError, LabelError
from .notes import Note
from .unlike import UnlikeRule

__all__ = ["FORMAT", "MAX_CONFIG_BYTES", "OURS_ALONE", "config_to_json", "read_base", "read_config", "read_unlike"]

FORMAT = 1
MAX_CONFIG_BYTES = 4_000_000
SHAPE_FIELDS = ("layers", "batch_norm", "in_channels", "pool_size", "hidden_features", "width", "dropout")
# A name that nobody knows: where there is none, transformers makes a ResNet-50 with random weights of the folder.
OURS_ALONE = "vgg_hub_only"
OUR_KEYS = {"architecture", "num_classes", "num_features", "label_names", "pretrained_cfg", "vgg_hub"}


def standard_architecture(config: VGGConfig) -> str | None:
    """The name that torchvision and timm give to a net of this geometry (`vgg11_bn`), None where they build none such."""
    plain = (config.pool_size, config.hidden_features, config.width, config.in_channels) == (7, 4096, 1.0, 3)
    return f"vgg{config.depth}{'_bn' if config.batch_norm else ''}" if config.depth and plain else None


def timm_architecture(config: VGGConfig) -> str | None:
    """timm's name of the same net (`vgg11_bn`), or None where timm would build or feed it differently.

    timm pools only feature maps smaller than 7x7 and slides its first hidden layer over larger ones, so the answers
    agree only below 256 pixels. It builds its nets for three channels unless it is told otherwise.
    """
    return standard_architecture(config) if config.input_size < TIMM_SLIDES_FROM else None


def config_to_json(
    config: VGGConfig,
    provenance: Mapping[str, object] | None = None,
    base: Base | None = None,
    delta: bool = False,
    unlike: UnlikeRule | None = None,
) -> str:
    """The text of `config.json`.

    Args:
        config: of the model.
        provenance: kept under `vgg_hub` as it is.
        base: the net that the model stands on, where it is known (see `delta`).
        delta: the folder holds the head alone; no other library can open it, so that none is told how.
        unlike: when a picture is none of the classes.

    Raises:
        ConfigError: the provenance is not made of what JSON has.
    """
    architecture = None if delta else timm_architecture(config)
    document: dict[str, object] = {
        "architecture": architecture or OURS_ALONE,
        "num_classes": config.num_classes,
        "num_features": config.out_channels,
    }
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
    if base is not None:
        ours["base"] = base.to_json()
    if delta:
        ours["delta"] = True
    if unlike is not None:
        ours["unlike"] = unlike.to_json()
    document["vgg_hub"] = ours
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            "The provenance cannot be written as JSON ({problem!s:.80}); give texts and numbers.", problem=str(error)
        ) from error
    # Half of a surrogate pair, which a stranger's file may hold, has no place in UTF-8 but can be written as an escape.
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def read_config(path: Path, shown: str) -> tuple[VGGConfig, dict[str, object] | None]:
    """Read a `config.json` of ours, of timm, or of the stock mixin (see `config_foreign`).

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
        return foreign_config(document)
    except (ConfigError, LabelError) as error:
        raise CheckpointError(
            "config.json of {place} cannot be used: {problem}", place=shown, problem=error.note
        ) from error


def read_base(path: Path, shown: str) -> tuple[Base | None, bool]:
    """What the net in a folder stands on, where its `config.json` says so, and whether the folder has the head alone.

    Raises:
        CheckpointError: see `read_config`; or the base is not one.
    """
    section = _parse(path, shown).get("vgg_hub")
    if not isinstance(section, dict):
        return None, False
    try:
        base, delta = base_of(section), section.get("delta", False)
        if not isinstance(delta, bool) or (delta and base is None):
            raise ConfigError("vgg_hub.delta is {delta!r:.40}; expected true, beside a base, or nothing.", delta=delta)
    except ConfigError as error:
        raise CheckpointError(
            "config.json of {place} cannot be used: {problem}", place=shown, problem=error.note
        ) from error
    return base, delta


def read_unlike(path: Path, shown: str, config: VGGConfig) -> UnlikeRule | None:
    """The rule of "none of these" in a folder, None where its `config.json` holds none.

    Raises:
        CheckpointError: see `read_config`; or it is no rule for a model of this configuration.
    """
    facts = _parse(path, shown).get("vgg_hub")
    if not isinstance(facts, dict) or "unlike" not in facts:
        return None
    try:
        return UnlikeRule.from_json(facts["unlike"], config.num_classes, config.embed_features)
    except ConfigError as error:
        raise CheckpointError(
            "config.json of {place} cannot be used: {problem}", place=shown, problem=error.note
        ) from error


def _parse(path: Path, shown: str) -> dict[str, object]:
    try:
        status = path.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # a device or a pipe may never end
            raise CheckpointError("config.json of {place} is not a plain file; put the file itself there.", place=shown)
        if status.st_size > MAX_CONFIG_BYTES:
            raise CheckpointError(
                "config.json of {place} is over {most} MB; it is not one of ours.",
                place=shown,
                most=MAX_CONFIG_BYTES // 1000000,
            )
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except FileNotFoundError:
        raise CheckpointError(
            "{place} has no config.json; give a folder that `save_pretrained` wrote, or a timm VGG's.", place=shown
        ) from None
    except OSError as error:
        reason = str(error.strerror or error)
        raise CheckpointError(
            "config.json of {place} cannot be read: {reason}.", place=shown, reason=Note.said(reason)
        ) from error
    # RecursionError: JSON nested thousands deep; json.JSONDecodeError and UnicodeDecodeError are ValueErrors.
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            "config.json of {place} is not valid JSON ({problem!s:.80}); fetch or save it again.",
            place=shown,
            problem=str(error),
        ) from error
    if not isinstance(document, dict):
        raise CheckpointError(
            "config.json of {place} holds a {kind}; expected a JSON object.", place=shown, kind=type(document).__name__
        )
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # Python would take NaN and Infinity, and write them again


def _ours(document: dict[str, object]) -> tuple[VGGConfig, dict[str, object] | None]:
    shape = section(document, "vgg_hub")
    if shape.get("format") != FORMAT:
        raise ConfigError(
            "vgg_hub.format is {format!r:.40}; this version reads {known}: update vgg-hub.",
            format=shape.get("format"),
            known=FORMAT,
        )
    unknown = sorted(set(document) - OUR_KEYS) + sorted(
        f"vgg_hub.{key}" for key in set(shape) - {*SHAPE_FIELDS, "format", "provenance", "base", "delta", "unlike"}
    )
    if unknown:
        raise ConfigError("it holds the unknown key {key!r:.80}; remove it or update vgg-hub.", key=unknown[0])
    pretrained = section(document, "pretrained_cfg")
    missing = [name for name in ("num_classes", "pretrained_cfg") if name not in document]
    missing += [f"vgg_hub.{name}" for name in SHAPE_FIELDS if name not in shape]
    missing += [f"pretrained_cfg.{name}" for name in PREPROCESSING if name not in pretrained]
    if missing:
        raise ConfigError("it lacks the key {key}.", key=missing[0])
    provenance = shape.get("provenance")
    if provenance is not None and not isinstance(provenance, dict):
        raise ConfigError("vgg_hub.provenance is a {kind}; expected a JSON object.", kind=type(provenance).__name__)
    config = VGGConfig(
        **{name: shape[name] for name in SHAPE_FIELDS},
        num_classes=document["num_classes"],
        label_names=document.get("label_names", ()),
        **preprocessing(pretrained, shape["in_channels"]),
    )
    return config, provenance
