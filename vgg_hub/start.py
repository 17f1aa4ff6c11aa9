"""The net that a fine-tuning starts from, chosen by the words of the page and the command line."""

from __future__ import annotations

import torch

from .bundled import bundled_names, shipped_names
from .config import VGGConfig
from .errors import CheckpointError
from .model import VGG

__all__ = ["WEIGHTS", "random_config", "starting_model", "starting_source"]

WEIGHTS = ("bundled", "imagenet", "random")
RANDOM_NAMES = 2
RANDOM_SEED = 0


def starting_source(weights: str, depth: int, batch_norm: bool) -> str | None:
    """What `VGG.from_pretrained` is asked for: a shipped name, a Hub repo or a folder; None for random weights.

    Raises:
        ConfigError: no such depth.
        CheckpointError: no checkpoint of that depth and batch norm ships.
    """
    config = VGGConfig(depth=depth, batch_norm=batch_norm)
    if weights == "random":
        return None
    if weights == "imagenet":
        return f"timm/vgg{depth}{'_bn' if batch_norm else ''}.tv_in1k"
    if weights != "bundled":
        return weights
    if config.name not in bundled_names():
        raise CheckpointError(
            "No trained {net} ships with this version (there is {shipped}); choose one that does, ImageNet weights "
            "from the Hub, or random weights.",
            net=config.name,
            shipped=shipped_names(),
        )
    return config.name


def random_config(depth: int, batch_norm: bool) -> VGGConfig:
    """The shape of the net that "random" draws: that of the shipped nets, with two classes."""
    return VGGConfig(
        depth=depth,
        batch_norm=batch_norm,
        num_classes=RANDOM_NAMES,
        hidden_features=0,
        pool_size=1,
        width=0.4375,
        input_size=80,
        crop_pct=1.0,
    )


def starting_model(weights: str, depth: int = 11, batch_norm: bool = True, token: str | bool | None = None) -> VGG:
    """Make or load the net.

    Args:
        weights: "bundled" (ships with the package), "imagenet" (timm's repo of torchvision's weights, from the Hub),
            "random" (the shipped nets' size; the same draw every time), or a Hub repo or folder, whose own depth
            counts.
        token: for the Hub; None for the saved one, False for none.

    Raises:
        CheckpointError, HubError, ConfigError: see `VGG.from_pretrained` and `starting_source`.
    """
    source = starting_source(weights, depth, batch_norm)
    if source is not None:
        return VGG.from_pretrained(source, token=token)
    with torch.random.fork_rng(devices=[]):  # the caller's random state is not ours to change
        torch.manual_seed(RANDOM_SEED)
        model = VGG(random_config(depth, batch_norm))
    return model.eval()
