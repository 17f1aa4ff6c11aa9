"""One copy of a net's suffix in training: its tensors, its optimiser, its photos and its own chance."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .model import VGG
from .trained import multiply_less
from .views import Pieces, Views, memory_said, use_bfloat16

__all__ = ["BATCH_SIZE", "Learner"]

BATCH_SIZE = 32
# A weight tensor's step, as a share of its root mean square, so that one number suits wide nets and narrow ones, as in
# Shazeer & Stern, "Adafactor" (2018, https://arxiv.org/abs/1804.04235), section 8.
# `benchmarks.boundaries` (4 draws, ten photos a class): loss on the others over the head's, at 0.01 and at 0.003: block5
# -0.007 and -0.002 (standard errors 0.007 and 0.005), all -0.011 and -0.006 (0.004 and 0.001); accuracy no lower.
RATE = 0.01
LEAST_SCALE = 0.02  # for biases that are nearly zero
DEEPER = 0.6  # the rate's factor from a pooling block to the one before it: what lies deeper is more general
# The statistics of batches from a few dozen photos are noise, and would replace those of a million pictures: below this
# many photos BatchNorm keeps its statistics, and only its weight and bias train.
PHOTOS_FOR_STATISTICS = 500


class Learner:
    """Trains a suffix on some of the photos.

    Args:
        views: of the photos; its net is not changed.
        rows: (n,) int64, the photos' places in `views`.
        targets: (n,) int64.
        held_in: (n,) bool, the photos to train on.
        seed: of the order of the photos, the choice of views, and dropout.
        weight, bias: (C, D) and (C,), the head to start from.

    Raises:
        FinetuneError: the memory does not hold a copy of the suffix.
    """

    def __init__(
        self,
        views: Views,
        rows: Tensor,
        targets: Tensor,
        held_in: Tensor,
        seed: int,
        weight: Tensor,
        bias: Tensor,
    ) -> None:
        self.device = views.device
        self._views, self._rows, self._targets = views, rows, targets
        self._photos = torch.nonzero(held_in).flatten()
        self._chance = torch.Generator().manual_seed(seed)
        chance = torch.Generator(self.device).manual_seed(seed)
        with memory_said():
            self._suffix = _Suffix(views.model, views.start, weight, bias, chance)
        self._optimiser = torch.optim.Adam(_groups(self._suffix))
        self._pieces = Pieces(BATCH_SIZE)
        self._statistics = len(targets) >= PHOTOS_FOR_STATISTICS
        counts = torch.bincount(targets[self._photos], minlength=len(bias)).clamp_min(1)
        self._class_weights = len(self._photos) / (len(bias) * counts)

    @property
    def batches_a_pass(self) -> int:
        return -(-len(self._photos) // BATCH_SIZE)

    def batches(self) -> tuple[Tensor, ...]:
        """The photos in a new order, in batches whose sizes differ by one at most: none is left with a single photo."""
        order = torch.randperm(len(self._photos), generator=self._chance)
        return self._photos[order].tensor_split(self.batches_a_pass)

    def step(self, batch: Tensor, rate: float) -> tuple[float, int]:
        """One step of the optimiser on random views of the photos; classes weigh the same.

        Args:
            batch: (b,) int64.
            rate: factor on all learning rates.

        Returns:
            Sum of the cross-entropies, and number of photos named right.

        Raises:
            FinetuneError: the memory does not hold a single photo.
        """
        x, y = self._views.random(self._rows[batch], self._chance), self._targets[batch]
        if self.device.type == "cuda":
            x = x.pin_memory()
        done = None
        while done is None:
            try:
                done = [self._backward(x[piece], y[piece], len(batch)) for piece in self._pieces.of(len(batch))]
            except RuntimeError as error:
                self._pieces.halve(error)
                self._optimiser.zero_grad()  # of the pieces that fitted
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["full_rate"]
        with memory_said():  # outside of the loop, for a step that was taken in part must not be taken again
            self._optimiser.step()
        self._optimiser.zero_grad()  # the gradients' memory is for the next learner
        return sum(loss for loss, _ in done), sum(right for _, right in done)

    def _backward(self, x: Tensor, y: Tensor, batch_size: int) -> tuple[float, int]:
        self._suffix.train_mode(statistics=self._statistics and len(x) > 1)
        with torch.enable_grad(), _steady(self.device):
            logits = self._run(self._suffix, x)
            losses = F.cross_entropy(logits, y.to(self.device, non_blocking=True), reduction="none")
            weights = self._class_weights[y].to(self.device, non_blocking=True)
            ((losses * weights).sum() / batch_size).backward()
        return float(losses.detach().sum()), int((logits.detach().argmax(1).cpu() == y).sum())

    def logits(self, photos: Tensor) -> Tensor:
        """(m,) int64 -> (m, C) float32 on the CPU, of the photos as they are."""
        return self._judged(self._suffix, photos)

    def features(self, photos: Tensor) -> Tensor:
        """(m,) int64 -> (m, D) float32 on the CPU: what the head reads for the photos as they are."""
        return self._judged(self._suffix.embed, photos)

    @torch.no_grad()
    def _judged(self, function: Callable[[Tensor], Tensor], photos: Tensor) -> Tensor:
        self._suffix.eval()
        return self._pieces.run(lambda x: self._run(function, x), self._views.plain(self._rows[photos]))

    def _run(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        x = x.to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=use_bfloat16(self.device)):
            found = function(x)
        return found.float()

    def tensors(self) -> dict[str, Tensor]:
        """A copy on the CPU: `weight` and `bias` of the head, all others by their names in the model."""
        found = {key: t.detach().to("cpu", copy=True) for key, t in self._suffix.state_dict().items()}
        return {key.removeprefix(self._suffix.head_name): tensor for key, tensor in found.items()}


class _Suffix(nn.Module):
    """From the boundary to the logits. Its tensors are its own, under their names in the whole model."""

    def __init__(self, model: VGG, start: int, weight: Tensor, bias: Tensor, chance: torch.Generator) -> None:
        super().__init__()
        self.features = copy.deepcopy(model.features[start:])  # a slice keeps the modules' numbers
        multiply_less(self.features)
        self.avgpool = nn.AdaptiveAvgPool2d(model.avgpool.output_size)
        self.classifier = copy.deepcopy(model.classifier[:-1])
        for name, module in self.classifier.named_children():
            if isinstance(module, nn.Dropout):
                self.classifier.add_module(name, _Dropout(module.p, chance))
        last = str(len(model.classifier) - 1)
        head = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], device=model.head.weight.device)
        head.load_state_dict({"weight": weight, "bias": bias})
        self.classifier.add_module(last, head)
        self.head_name = f"classifier.{last}."
        self.requires_grad_(True)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier[-1](self.embed(x))

    def embed(self, x: Tensor) -> Tensor:
        """What the head reads."""
        if len(self.features):
            x = torch.flatten(self.avgpool(self.features(x)), 1)
        return self.classifier[:-1](x)

    def train_mode(self, statistics: bool) -> None:
        self.train()
        for module in self.features:
            if isinstance(module, nn.BatchNorm2d):
                module.train(statistics)


class _Dropout(nn.Module):
    """Dropout with numbers of its own: the caller's random state is not touched, and runs side by side do not mix."""

    def __init__(self, p: float, chance: torch.Generator) -> None:
        super().__init__()
        self.p, self._chance = p, chance

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p:
            return x
        kept = torch.rand(x.shape, generator=self._chance, device=x.device) >= self.p
        return x * kept / (1 - self.p)


def _groups(suffix: _Suffix) -> list[dict[str, object]]:
    """A group of the optimiser for each tensor, with its own learning rate."""
    pools = [int(name) for name, module in suffix.features.named_children() if isinstance(module, nn.MaxPool2d)]
    groups = []
    for name, tensor in suffix.named_parameters():
        part, number, _ = name.split(".", 2)
        # Pooling blocks between this tensor and the classifier; the last pooling ends the last block.
        deeper = sum(pool > int(number) for pool in pools) if part == "features" else 0
        scale = max(LEAST_SCALE, float(tensor.detach().square().mean().sqrt()))
        groups.append({"params": [tensor], "lr": 0.0, "full_rate": RATE * scale * DEEPER**deeper})
    return groups


def _steady(device: torch.device) -> contextlib.AbstractContextManager[None]:
    """cuDNN keeps to algorithms that repeat bit for bit; afterwards it does as it did before."""
    if device.type != "cuda":
        return contextlib.nullcontext()
    tf32 = torch.backends.cudnn.allow_tf32
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32)
