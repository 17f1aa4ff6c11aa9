"""A convolution or a Linear and its ReLU in one step, the weights laid out for the processor beforehand.

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

__all__ = ["convolution", "fuses", "linear"]

ONES, RELU = [1, 1], ("relu", [], "")
OPERATORS = ("_reorder_convolution_weight", "_reorder_linear_weight", "_convolution_pointwise", "_linear_pointwise")

Step = Callable[[Tensor], Tensor]


@functools.cache
def fuses(device: torch.device) -> bool:
    """Whether this processor and this PyTorch have the fused operators."""
    x86 = device.type == "cpu" and platform.machine() in ("x86_64", "AMD64")
    return x86 and torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in OPERATORS)


def convolution(weight: Tensor, bias: Tensor) -> tuple[Step, bool]:
    """A 3x3 convolution, stride and padding 1, and whether its ReLU is in it; else it is owed.

    Args:
        weight: (out, in, 3, 3), of the device, type and memory format that it is computed in.
        bias: (out,)
    """
    if not fuses(weight.device):
        return lambda x: F.conv2d(x, weight, bias, padding=1), False
    packed = torch.ops.mkldnn._reorder_convolution_weight(weight, ONES, ONES, ONES, 1)
    operator = torch.ops.mkldnn._convolution_pointwise
    return lambda x: operator(x, packed, bias, ONES, ONES, ONES, 1, *RELU), True


def linear(weight: Tensor, bias: Tensor) -> Step:
    """A Linear and its ReLU: (B, in) -> (B, out).

    Args:
        weight: (out, in), of the device and type that it is computed in. In float32 it is the model's own and taken as it
            lies: VGG16's laid out anew would be 480 MB more.
        bias: (out,)
    """
    if not fuses(weight.device):
        return lambda x: F.relu_(F.linear(x, weight, bias))
    packed = weight if weight.dtype == torch.float32 else torch.ops.mkldnn._reorder_linear_weight(weight)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, packed, bias, *RELU)
