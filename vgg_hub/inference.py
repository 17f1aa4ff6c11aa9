"""A net made ready to answer, once: batch norm folded, weights laid out for the processor. The net is not changed.

A ReLU and a max pooling give the same in either order, so that a ReLU that is a step of its own comes after, on a quarter
of the numbers.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .as_usual import as_usual
from .config import VGGConfig
from .errors import CheckpointError, ConfigError
from .fused import Step, convolution, linear

if TYPE_CHECKING:
    from .model import VGG

__all__ = ["Forms", "Prepared", "Unchanged", "check_finite", "check_input", "folded", "multiplies_bfloat16"]

# The C library takes a tensor of more than 32 MB from the system anew each time, and clearing its pages costs more than
# a convolution does (M_MMAP_THRESHOLD in mallopt(3)).
REUSED_BYTES = 30 * 2**20
SAMPLED = 64


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 faster than float32; where it does not, that is slower, and no better.

    With AVX512 alone, without AMX, AMD's processors do so twice as fast, Intel's half as fast (docs/speed.md).
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        has = torch.cpu.get_capabilities()
        return bool(has.get("amx_bf16") or (has.get("avx512_bf16") and "Intel" not in has.get("cpu_name", "")))
    return False


def check_input(x: Tensor, config: VGGConfig) -> None:
    """Raise ConfigError unless x is (B, in_channels, H, W), no smaller than the poolings need."""
    smallest = 2 ** config.layers.count("M")
    if x.ndim != 4 or x.shape[1] != config.in_channels or min(x.shape[2:]) < smallest:
        raise ConfigError(
            "The input has shape {shape}; expected (batch, {channels}, height, width) with height and width of at least "
            "{smallest} pixels.",
            shape=tuple(x.shape),
            channels=config.in_channels,
            smallest=smallest,
        )


def check_finite(tensors: Iterable[Tensor]) -> None:
    """Raise CheckpointError if a number is none: a ReLU of oneDNN makes 0 of it, and any picture gets some answer."""
    if not all(bool(tensor.isfinite().all()) for tensor in tensors):
        raise CheckpointError(
            "The net's weights or logits are not finite numbers, as a training that diverged leaves them: it answers nothing; "
            "train it again, or fetch it again."
        )


class Unchanged:
    """Looks whether tensors that are shared with a net, and not copied, are as they were."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._known = [(t, t._version) for t in tensors if not t.is_inference()]  # those count no versions

    def check(self) -> None:
        """Raise ConfigError if one was changed: with what was copied from the net it would answer as neither net does."""
        if any(tensor._version != version for tensor, version in self._known):
            raise ConfigError("The net's weights were changed since it was made ready; make another Classifier of it.")


@torch.no_grad()
def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor]:
    """Weight and bias, float32, of one convolution that computes what the two do in eval mode.

    Jacob et al., "Quantization and Training of Neural Networks" (2018, https://arxiv.org/abs/1712.05877), section 3.2.
    """
    weight = conv.weight.double()
    bias = torch.zeros(conv.out_channels, dtype=weight.dtype) if conv.bias is None else conv.bias.double()
    if norm is not None:
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = weight * scale[:, None, None, None]
        bias = (bias - norm.running_mean.double()) * scale + norm.bias.double()
    return weight.float(), bias.float()


class Prepared:
    """What computes `VGG.embed`, whole or in two parts: `maps`, and `embed` from there.

    Args:
        model: read, not changed; in any mode, on any device, of any float type.
        device: where it computes.
        dtype: in which it computes, float32 or bfloat16.
    """

    def __init__(self, model: VGG, device: torch.device, dtype: torch.dtype) -> None:
        self._device, self._dtype = device, dtype
        self._layout = torch.contiguous_format if device.type == "mps" else torch.channels_last
        self._config = model.config
        self._convolutions = [step and self._ready(*step) for step in _steps(model.features)]
        self._places = _places(model.features)
        linears = [module for module in model.classifier[:-1] if isinstance(module, nn.Linear)]
        numbers = [[t.detach().to(device, dtype) for t in (m.weight, m.bias)] for m in linears]
        self._linears, self._shared = (
            [linear(*of_one) for of_one in numbers],
            Unchanged(list(itertools.chain(*numbers))),
        )

    def _ready(self, weight: Tensor, bias: Tensor) -> tuple[Step, bool]:
        weight = weight.to(self._device, self._dtype)
        return convolution(weight.contiguous(memory_format=self._layout), bias.to(self._device, self._dtype))

    @as_usual()
    @torch.no_grad()  # not inference_mode: what it gives may enter the fitting of a head
    def embed(self, x: Tensor, start: int = 0) -> Tensor:
        """(B, in_channels, H, W) float -> (B, embed_features) float32, on the device.

        Args:
            x: pictures, or what the first `start` modules of `features` make of them, as `maps` gives it.
            start: as for `maps`.

        Raises:
            ConfigError: see `check_input`; or the Linears' weights were changed since this was made.
        """
        self._shared.check()
        if not start:
            check_input(x, self._config)
        x = self._in_pieces(self._pooled, x, self._places[start], len(self._convolutions))
        for step in self._linears:  # all at once, for reading the weights is what takes time
            x = step(x)
        return x.float()

    @as_usual()
    @torch.no_grad()
    def maps(self, x: Tensor, end: int) -> Tensor:
        """What the first `end` modules of `features` give: (B, in_channels, H, W) float -> (B, C, h, w) float32.

        Args:
            x: pictures.
            end: a place where a convolution with what follows it, or a pooling, begins, or the end of all.

        Raises:
            ConfigError: see `check_input`.
        """
        check_input(x, self._config)
        return self._in_pieces(self._run, x, 0, self._places[end]).float()

    def _in_pieces(self, function: Callable[[Tensor, int, int], Tensor], x: Tensor, first: int, last: int) -> Tensor:
        """Through the layers from `first` to before `last`."""
        pieces = x.split(self._piece(x, first, last)) if self._device.type == "cpu" else [x]
        return torch.cat([function(piece, first, last) for piece in pieces])

    def _piece(self, x: Tensor, first: int, last: int) -> int:
        """How many pictures at once: as many as leave the largest map in memory that is used again."""
        area, largest = x.shape[2] * x.shape[3], 1
        for channels in self._config.channels[first:last]:
            if channels == "M":
                area //= 4
            else:
                largest = max(largest, channels * area)
        return max(1, REUSED_BYTES // (largest * self._dtype.itemsize))

    def _pooled(self, x: Tensor, first: int, last: int) -> Tensor:
        """-> (B, pooled features) of the form's precision."""
        return torch.flatten(F.adaptive_avg_pool2d(self._run(x, first, last), self._config.pool_size), 1)

    def _run(self, x: Tensor, first: int, last: int) -> Tensor:
        x = x.to(self._device, self._dtype, non_blocking=True).contiguous(memory_format=self._layout)
        owed = False  # a ReLU
        for step in self._convolutions[first:last]:
            if step is None:
                x = _halved(x) if x.device.type == "cpu" else F.max_pool2d(x, 2)
                continue
            convolve, rectifies = step
            x, owed = convolve(F.relu_(x) if owed else x), not rectifies
        return F.relu_(x) if owed else x


def _halved(x: Tensor) -> Tensor:
    """`F.max_pool2d(x, 2)`, the same numbers; on the CPU five times as fast in bfloat16 on large maps."""
    height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    x = torch.maximum(x[:, :, 0:height:2], x[:, :, 1:height:2])
    return torch.maximum(x[..., 0:width:2], x[..., 1:width:2])


def _steps(features: nn.Sequential) -> list[tuple[Tensor, Tensor] | None]:
    """Weight and bias of each convolution, None for a pooling."""
    steps: list[tuple[Tensor, Tensor] | None] = []
    modules = [*features, None]
    for module, following in itertools.pairwise(modules):
        if isinstance(module, nn.Conv2d):
            steps.append(folded(module, following if isinstance(following, nn.BatchNorm2d) else None))
            check_finite(steps[-1])
        elif isinstance(module, nn.MaxPool2d):
            steps.append(None)
    return steps


def _places(features: nn.Sequential) -> dict[int, int]:
    """Position in `features` of each convolution and pooling, and the end -> how many of these come before it."""
    own = [place for place, module in enumerate(features) if isinstance(module, nn.Conv2d | nn.MaxPool2d)]
    return {place: before for before, place in enumerate([*own, len(features)])}


@dataclass(frozen=True)
class _Entry:
    tensors: tuple[tuple[int, int], ...]  # address and version of each
    sample: Tensor  # of their numbers: fused optimisers and `.data` change them and count no version
    prepared: Prepared


def _sample(tensors: Sequence[Tensor]) -> Tensor:
    """SAMPLED numbers of each tensor, spread over it."""
    flat = (t.detach().flatten() for t in tensors)
    return torch.cat([t[:: max(1, len(t) // SAMPLED)].double() for t in flat]).cpu()


class Forms:
    """The prepared forms of a net, one a device and precision. Models that share the frozen tensors share them."""

    def __init__(self) -> None:
        self._entries: dict[tuple[torch.device, torch.dtype], _Entry] = {}
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict) -> Forms:
        return Forms()

    def __reduce__(self) -> tuple[type[Forms], tuple[()]]:
        return Forms, ()

    @as_usual()
    def of(self, model: VGG, device: torch.device, dtype: torch.dtype) -> Prepared:
        """The form of a model, made anew where one of its tensors was changed or put in another's place since.

        Raises:
            ConfigError: a layer is not the one of its configuration: it would be left out in silence.
            CheckpointError: see `check_finite`; of the Linears, which may be large, a sample is looked at.
        """
        model.check_as_built(tensors=False)
        tensors = [*model.features.state_dict().values(), *model.classifier[:-1].state_dict().values()]
        if any(t.is_inference() for t in tensors):  # made under torch.inference_mode, which counts no versions
            return Prepared(model, device, dtype)
        now = tuple((t.data_ptr(), t._version) for t in tensors)
        with self._lock:
            entry = self._entries.get((device, dtype))
            sample = _sample(tensors)
            check_finite([sample])
            if entry is None or entry.tensors != now or not torch.equal(entry.sample, sample):
                entry = self._entries[device, dtype] = _Entry(now, sample, Prepared(model, device, dtype))
        return entry.prepared
