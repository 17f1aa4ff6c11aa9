"""A convolution or a Linear and its ReLU in one step, the weights laid out for the processor once.

On x86 this is oneDNN, by the operators that torch.compile's back end for CPUs calls on a frozen net
(`torch/_inductor/mkldnn_ir.py`). `F.conv2d` and `F.linear` lay the weights out anew at each call, which on small maps and
single pictures takes longer than the product, and in float32 `F.linear` is MKL, which is slow on other makers' processors.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from .winograd import convolve, filters, pays

__all__ = ["convolution", "direct", "fuses", "linear", "multiplies_less", "winograd"]

ONES, RELU = [1, 1], ("relu", [], "")
OPERATORS = ("_reorder_convolution_weight", "_reorder_linear_weight", "_convolution_pointwise", "_linear_pointwise")

Step = Callable[[Tensor], Tensor]


@functools.cache
def fuses(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether this processor and this PyTorch have the fused operators for numbers of a type."""
    x86 = device.type == "cpu" and platform.machine() in ("x86_64", "AMD64")
    has = x86 and torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in OPERATORS)
    return has and (dtype != torch.bfloat16 or torch.ops.mkldnn._is_mkldnn_bf16_supported())


@functools.cache
def multiplies_less() -> bool:
    """Whether Winograd's filtering is used where it pays: on processors without AVX512, for it was measured on those alone."""
    return torch.backends.cpu.get_cpu_capability() == "AVX2"


def convolution(weight: Tensor, bias: Tensor) -> tuple[Step, bool]:
    """A 3x3 convolution, stride and padding 1, and whether its ReLU is in it; else it is owed.

    Args:
        weight: (out, in, 3, 3), of the device, type and memory format that it is computed in.
        bias: (out,)
    """
    if not fuses(weight.device, weight.dtype):
        return lambda x: F.conv2d(x, weight, bias, padding=1), False
    by_size = weight.dtype == torch.float32 and multiplies_less()
    return (_by_size if by_size else direct)(weight, bias), True


def _by_size(weight: Tensor, bias: Tensor) -> Step:
    """The faster way for each size of x, made when one that needs it first comes: most layers never need the other."""
    ways: dict[bool, Step] = {}

    def step(x: Tensor) -> Tensor:
        less = pays(x.shape, len(weight))
        if less not in ways:
            ways[less] = (winograd if less else direct)(weight, bias)
        return ways[less](x)

    return step


def winograd(weight: Tensor, bias: Tensor) -> Step:
    """A convolution by Winograd's filtering, in float32 on the CPU, and its ReLU."""
    transformed = filters(weight)
    return lambda x: F.relu_(convolve(x, transformed, bias))


def direct(weight: Tensor, bias: Tensor) -> Step:
    """oneDNN's convolution with its ReLU, where `fuses` says that it is to be had."""
    packed = torch.ops.mkldnn._reorder_convolution_weight(weight, ONES, ONES, ONES, 1)
    operator = torch.ops.mkldnn._convolution_pointwise
    return lambda x: operator(x, packed, bias, ONES, ONES, ONES, 1, *RELU)


def linear(weight: Tensor, bias: Tensor) -> Step:
    """A Linear and its ReLU: (B, in) -> (B, out).

    Args:
        weight: (out, in), of the device and type that it is computed in. In float32 it is the model's own and taken as it
            lies: VGG16's laid out anew would be 480 MB more.
        bias: (out,)
    """
    if not fuses(weight.device, weight.dtype):
        return lambda x: F.relu_(F.linear(x, weight, bias))
    packed = weight if weight.dtype == torch.float32 else torch.ops.mkldnn._reorder_linear_weight(weight)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, packed, bias, *RELU)
