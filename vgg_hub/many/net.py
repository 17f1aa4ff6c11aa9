"""The net in training: what trains has tensors of its own, and gives the same on one process as on several."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..inference import Prepared
from ..model import VGG
from ..suffix import boundary
from ..trained import multiply_less
from .chance import chance

__all__ = ["GlobalBatchNorm", "Student", "new_head"]

RATE = 0.01  # a tensor's step, as a share of its root mean square; see `learner`
LEAST_SCALE = 0.02
HEAD_RATE = 0.3  # of a head that starts from nothing, over the root of what it reads
WEIGHT_DECAY = 0.01


class Student:
    """A copy of a net with a new head of zeros, so that the first steps do not spoil the features for a random head.

    What is frozen is the given net's form for inference (see `inference`), in float32; in its place `net` has one module.

    Args:
        model: not changed.
        device: where it will run.
        labels: class names.
        trainable: see `finetune`.
        seed: of dropout.
        statistics: BatchNorm that trains counts anew; else it keeps its statistics and trains weight and bias alone.

    Attributes:
        net: the copy, float32.
    """

    def __init__(
        self, model: VGG, labels: Sequence[str], trainable: str, seed: int, statistics: bool, device: torch.device
    ) -> None:
        self.net = new_head(model, labels).to(torch.float32)
        self._seed = seed
        start = boundary(model, trainable)
        self._trained = _trained_modules(self.net, start)
        self._norms: list[GlobalBatchNorm] = []
        self._dropouts: list[PhotoDropout] = []
        self.net.requires_grad_(False)
        for path, module in self._trained.items():
            self._own(module)
            if isinstance(module, nn.BatchNorm2d):
                self._norms.append(self._replace(path, GlobalBatchNorm.like(module)))
            elif isinstance(module, nn.Dropout):
                self._dropouts.append(self._replace(path, PhotoDropout(module.p)))
        self._statistics = statistics
        if statistics:
            self._freeze_idle_biases()
        self._prepare_frozen(model, len(self.net.features) if start is None else start, device)
        multiply_less(self.net)
        self.net.to(device)

    def _prepare_frozen(self, model: VGG, end: int, device: torch.device) -> None:
        """The modules that train keep their numbers, and with them their names."""
        for place in range(end):
            self.net.features[place] = nn.Identity()
        if end:
            self.net.features[0] = _Frozen(model.forms.of(model, device, torch.float32), end)

    def _freeze_idle_biases(self) -> None:
        """BatchNorm takes out the bias of the convolution before it: its gradient is rounding, and AdamW would follow it."""
        modules = list(self._trained.values())
        for module, after in pairwise(modules):
            if isinstance(after, GlobalBatchNorm):
                module.bias.requires_grad_(False)

    def _own(self, module: nn.Module) -> None:
        for name, tensor in list(module.named_parameters(recurse=False)):
            module.register_parameter(name, nn.Parameter(tensor.detach().clone(), requires_grad=True))
        for name, tensor in list(module.named_buffers(recurse=False)):
            module.register_buffer(name, tensor.detach().clone())

    def _replace(self, path: str, module: nn.Module) -> nn.Module:
        self.net.set_submodule(path, module)
        self._trained[path] = module
        return module

    def train_mode(self, epoch: int, photos: Sequence[int], batch_size: int) -> None:
        """Before a step on this process's share, `photos`, of a batch of `batch_size`."""
        self.net.eval()
        for module in self._trained.values():
            module.train()
        for norm in self._norms:
            norm.train(self._statistics and batch_size > 1)
        chances = [chance(self._seed, "dropout", epoch, photo) for photo in photos] if self._dropouts else []
        for dropout in self._dropouts:
            dropout.chances = chances

    def groups(self) -> list[dict[str, object]]:
        """A group of the optimiser for each tensor, with its own `full_rate`; see `learner`."""
        groups = []
        for path, module in self._trained.items():
            for name, tensor in module.named_parameters(recurse=False):
                if not tensor.requires_grad:
                    continue
                if module is self.net.head:
                    rate = HEAD_RATE * module.in_features**-0.5
                else:
                    rate = RATE * max(LEAST_SCALE, float(tensor.detach().square().mean().sqrt()))
                decay = WEIGHT_DECAY if tensor.ndim > 1 else 0.0
                groups.append({"params": [tensor], "full_rate": rate, "weight_decay": decay, "name": f"{path}.{name}"})
        return groups

    def tensors(self) -> dict[str, Tensor]:
        """A copy on the CPU of what trains, by its names in the net."""
        return {
            f"{path}.{name}": tensor.detach().to("cpu", copy=True)
            for path, module in self._trained.items()
            for name, tensor in module.state_dict().items()
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take up what `tensors` gave."""
        self.net.load_state_dict(tensors, strict=False)


class _Frozen(nn.Module):
    """The first `end` modules of a net's features, without a gradient."""

    def __init__(self, form: Prepared, end: int) -> None:
        super().__init__()
        self._form, self._end = form, end

    def forward(self, x: Tensor) -> Tensor:
        return self._form.maps(x, self._end)


def new_head(model: VGG, labels: Sequence[str]) -> VGG:
    """A net on the same tensors, on the CPU in eval mode, with a head of zeros."""
    last, shape = f"classifier.{len(model.classifier) - 1}.", (len(labels), model.head.in_features)
    return model.taught(labels, {f"{last}weight": torch.zeros(shape), f"{last}bias": torch.zeros(shape[0])})


def _trained_modules(net: VGG, start: int | None) -> dict[str, nn.Module]:
    """From the boundary on, by their paths; `start` as `suffix.boundary` gives it."""
    if start is None:
        return {f"classifier.{len(net.classifier) - 1}": net.head}
    features = {f"features.{name}": module for name, module in net.features.named_children() if int(name) >= start}
    return features | {f"classifier.{name}": module for name, module in net.classifier.named_children()}


class PhotoDropout(nn.Module):
    """Dropout whose mask depends on the photo, not on its place in a batch or process: `chances`, a generator a photo."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.chances: Sequence[torch.Generator] = []

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p:
            return x
        kept = torch.stack([torch.rand(x.shape[1:], generator=own) >= self.p for own in self.chances])
        return x * kept.to(x.device) / (1 - self.p)


class GlobalBatchNorm(nn.BatchNorm2d):
    """BatchNorm over the batches of all processes together (PyTorch's SyncBatchNorm does so on GPUs alone)."""

    @classmethod
    def like(cls, norm: nn.BatchNorm2d) -> GlobalBatchNorm:
        """On the same tensors."""
        twin = cls(norm.num_features, norm.eps, norm.momentum, device="meta")
        twin.load_state_dict(norm.state_dict(keep_vars=True), assign=True)
        return twin.train(norm.training)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape and type; B may differ between processes, and must not be 0."""
        several = torch.distributed.is_initialized() and torch.distributed.get_world_size() > 1
        if not self.training or not several:
            return super().forward(x)
        values = x.float()
        count = values.new_tensor([values.numel() / values.shape[1]])
        sums = _Sum.apply(torch.cat([values.sum((0, 2, 3)), count]))  # (C + 1,)
        mean, count = sums[:-1] / sums[-1].detach(), sums[-1].detach()
        centred = values - mean[:, None, None]
        variance = _Sum.apply(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1).clamp_min(1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)


class _Sum(torch.autograd.Function):
    """The sum over all processes. Its gradient is the sum of theirs, for each has a part in the loss of all."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        total = x.detach().clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return _Sum.forward(ctx, gradient.contiguous())
