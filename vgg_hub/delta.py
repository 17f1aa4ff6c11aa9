"""Kilobyte sharing: a folder that holds the head alone and names the net that it stands on.

`config.json` is that of the whole net plus, under `vgg_hub`, what it stands on and that only the head is here:

    "base": {"name": "timm/vgg11_bn.tv_in1k", "commit": "<40 hex digits>", "sha256": "<64 hex digits>"}, "delta": true

`sha256` is that of the base's `model.safetensors`. For a checkpoint that ships, `name` has no slash and `version` of
vgg-hub stands in place of `commit`. A whole folder keeps `base` too (with `delta` left out), so that its head can be
shared later. The weights are in `head.safetensors`, so that no other library takes the folder for a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from .errors import CheckpointError, ConfigError
from .transfer import REPO_ID

__all__ = ["Base", "base_of", "check_only_head_differs", "head_of"]

SHIPPED_NAME = re.compile(r"[a-z0-9-]{1,40}")
WORD = re.compile(r"[A-Za-z0-9.+-]{1,40}")
HEX = {"sha256": re.compile(r"[0-9a-f]{64}"), "commit": re.compile(r"[0-9a-f]{40}")}


@dataclass(frozen=True)
class Base:
    """The whole net that a head stands on.

    Attributes:
        name: a Hub repo, `owner/name`, or a checkpoint that ships.
        sha256: hex digest of its model.safetensors.
        commit: of the repo; "" for a checkpoint that ships.
        version: of the vgg-hub that it ships with; "" for a repo.
    """

    name: str
    sha256: str
    commit: str = ""
    version: str = ""

    def to_json(self) -> dict[str, str]:
        """What stands in `config.json`."""
        return {key: value for key, value in asdict(self).items() if value}


def base_of(section: Mapping[str, object]) -> Base | None:
    """The `base` of a `config.json`'s `vgg_hub`, None if there is none.

    Raises:
        ConfigError: it is not one; it may come from a stranger.
    """
    if "base" not in section:
        return None
    facts = section["base"]
    known = {"name", "sha256", "commit", "version"}
    if not isinstance(facts, dict) or set(facts) - known or not all(isinstance(v, str) for v in facts.values()):
        raise ConfigError(
            "vgg_hub.base is {given!r:.80}; expected an object of texts: {names}.",
            given=facts,
            names=", ".join(sorted(known)),
        )
    base = Base(facts.get("name", ""), facts.get("sha256", ""), facts.get("commit", ""), facts.get("version", ""))
    if not HEX["sha256"].fullmatch(base.sha256):
        raise ConfigError("vgg_hub.base.sha256 is {given!r:.80}; expected 64 hex digits.", given=base.sha256)
    if REPO_ID.fullmatch(base.name):
        if not HEX["commit"].fullmatch(base.commit):
            raise ConfigError("vgg_hub.base.commit is {given!r:.60}; expected 40 hex digits.", given=base.commit)
    elif not SHIPPED_NAME.fullmatch(base.name) or not WORD.fullmatch(base.version):
        raise ConfigError(
            "vgg_hub.base is {name!r:.60}, version {version!r:.40}; expected a Hub repo with its commit, or a "
            "checkpoint that ships with its version.",
            name=base.name,
            version=base.version,
        )
    return base


def head_of(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the last Linear, under torchvision's names."""
    last = max(int(name.split(".")[1]) for name in state_dict if name.startswith("classifier."))
    return {key: tensor for key, tensor in state_dict.items() if key.startswith(f"classifier.{last}.")}


def check_only_head_differs(tensors: Mapping[str, Tensor], of_base: Mapping[str, Tensor], base: Base) -> None:
    """Compare a net with the one it stands on, bit for bit, in the net's own dtype.

    Raises:
        CheckpointError: more than the head differs; names a tensor.
    """
    for key in sorted(tensors.keys() - head_of(tensors).keys()):
        tensor, other = tensors[key], of_base.get(key)
        if other is None or other.shape != tensor.shape or not torch.equal(other.to(tensor.dtype), tensor.cpu()):
            raise CheckpointError(
                "More than the head differs from {name}: {key} is not the same; save the whole model (delta=False).",
                name=base.name,
                key=key,
            )
