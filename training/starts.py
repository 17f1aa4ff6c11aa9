"""A start for one net from a trained one of another width, depth or batch normalisation.

None of these is trained: each begins near what the other net computes, and training makes it a net of its own.
Narrower: the channels that matter least are left out. Deeper: convolutions that change nothing are put at the end of a
block (Chen et al. 2016, Net2Net, https://arxiv.org/abs/1511.05641, section 3). Without batch normalisation: it is
folded into the convolution before it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vgg_hub import VGG
from vgg_hub.errors import ConfigError
from vgg_hub.inference import folded

__all__ = ["begin_from", "fit_head", "narrower"]

Block = list[tuple[nn.Conv2d, nn.BatchNorm2d | None]]


def begin_from(net: VGG, trained: VGG, images: Tensor) -> Tensor:
    """Set `net`'s convolutions and batch norms to begin where `trained` is.

    Args:
        net: as wide as `trained` or narrower, as deep or deeper; changed in place.
        trained: not changed. With batch normalisation, or without it like `net`.
        images: (B, 3, H, W) float32, normalised; the inserted batch norms take their statistics from them.

    Returns:
        (features,) int64: which of `trained`'s last channels `net` has, in order; a head keeps these columns.

    Raises:
        ConfigError: `trained` has no batch normalisation and `net` has, or it is deeper, or narrower.
    """
    if net.config.batch_norm and not trained.config.batch_norm:
        raise ConfigError("A net with batch normalisation cannot begin from one without it.")
    source = _blocks(trained)
    if not net.config.batch_norm and trained.config.batch_norm:
        source = [[(_plain(conv, norm), None) for conv, norm in block] for block in source]
    kept = torch.arange(trained.config.in_channels)
    x = images
    for ours, theirs in zip(_blocks(net), source, strict=True):
        if len(ours) < len(theirs):
            raise ConfigError(f"A net of depth {net.config.depth} cannot begin from depth {trained.config.depth}.")
        for position, (conv, norm) in enumerate(ours):
            if position < len(theirs):
                kept = narrower(conv, norm, *theirs[position], kept)
            else:
                _change_nothing(conv, norm, x)
            x = _run(conv, norm, x)
        x = nn.functional.max_pool2d(x, 2)
    return kept


def narrower(
    conv: nn.Conv2d, norm: nn.BatchNorm2d | None, old: nn.Conv2d, old_norm: nn.BatchNorm2d | None, inputs: Tensor
) -> Tensor:
    """Copy the channels of `old` that matter most into `conv`; `inputs` (n,) are the channels its input still has.

    A channel's weight in the choice is how far it moves its output: the scale of its batch norm (Liu et al. 2017,
    https://arxiv.org/abs/1708.06519), without one the norm of its filter. Returns the indices kept (out_channels,).

    Raises:
        ConfigError: `conv` is wider than `old`.
    """
    if conv.out_channels > old.out_channels:
        raise ConfigError(f"{conv.out_channels} channels cannot begin from {old.out_channels}.")
    with torch.no_grad():
        matters = old_norm.weight.abs() if old_norm is not None else old.weight.flatten(1).norm(dim=1)
        kept = matters.argsort(descending=True, stable=True)[: conv.out_channels].sort().values
        conv.weight.copy_(old.weight[kept][:, inputs])
        conv.bias.copy_(old.bias[kept])
        if norm is not None:
            for name, values in norm.state_dict().items():
                given = old_norm.state_dict()[name]
                values.copy_(given[kept] if given.ndim else given)
    return kept


def fit_head(head: nn.Linear, features: Tensor, labels: Tensor, steps: int = 400) -> None:
    """Fit `head` in place to (N, D) float32 features and (N,) int64 classes, all of them in each step of Adam."""
    optimiser = torch.optim.AdamW(head.parameters(), lr=0.02, weight_decay=0.02)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 0.02 * (1 - step / steps)
        optimiser.zero_grad()
        nn.functional.cross_entropy(head(features), labels, label_smoothing=0.05).backward()
        optimiser.step()


def _plain(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """One convolution that computes what the two do in eval mode."""
    single = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, padding=conv.padding)
    weight, bias = folded(conv, norm)
    single.load_state_dict({"weight": weight, "bias": bias})
    return single


@torch.no_grad()
def _change_nothing(conv: nn.Conv2d, norm: nn.BatchNorm2d | None, x: Tensor) -> None:
    """An identity: the ReLU after it changes nothing either, for `x` comes from one. Its batch norm undoes itself."""
    nn.init.dirac_(conv.weight)
    nn.init.zeros_(conv.bias)
    if norm is not None:
        norm.running_mean.copy_(x.mean((0, 2, 3)))
        norm.running_var.copy_(x.var((0, 2, 3)))
        norm.weight.copy_(torch.sqrt(norm.running_var + norm.eps))
        norm.bias.copy_(norm.running_mean)


@torch.no_grad()
def _run(conv: nn.Conv2d, norm: nn.BatchNorm2d | None, x: Tensor) -> Tensor:
    y = conv(x)
    if norm is not None:
        y = nn.functional.batch_norm(y, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
    return y.relu()


def _blocks(net: VGG) -> list[Block]:
    """The convolutions, each with its batch norm if it has one, block by block."""
    blocks: list[Block] = [[]]
    modules = list(net.features)
    for position, module in enumerate(modules):
        if isinstance(module, nn.Conv2d):
            after = modules[position + 1]
            blocks[-1].append((module, after if isinstance(after, nn.BatchNorm2d) else None))
        elif isinstance(module, nn.MaxPool2d):
            blocks.append([])
    return blocks[:-1]
