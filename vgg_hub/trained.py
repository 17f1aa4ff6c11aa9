"""Convolutions in training that multiply a quarter where it pays, forward and backward.

Both gradients are convolutions too: by Winograd's filtering each is one product at each of the 36 places, as the forward
pass is (`winograd`). The transformed pictures are made again on the way back, not kept: they are 2.25 times as large.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .fused import multiplies_less
from .winograd import convolve, filters, of_filters, of_pixels, pays, places

__all__ = ["Convolution", "multiply_less"]


class _Convolve(torch.autograd.Function):
    """(B, in, H, W), (out, in, 3, 3), (out,) -> (B, out, H, W), all float32 on the CPU."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return convolve(x, filters(weight), bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = convolve(gradient, filters(weight.transpose(0, 1).flip(2, 3)))
        if ctx.needs_input_grad[1]:
            of_weight = of_filters(torch.bmm(places(x).transpose(1, 2), of_pixels(gradient)))
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum((0, 2, 3))
        return of_x, of_weight, of_bias


class Convolution(nn.Conv2d):
    """A 3x3 convolution with stride and padding 1, equal to the plain one but for rounding."""

    def forward(self, x: Tensor) -> Tensor:
        exact = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        if exact and multiplies_less() and pays(x.shape, self.out_channels):
            return _Convolve.apply(x, self.weight, self.bias)
        return super().forward(x)


def multiply_less(net: nn.Module) -> None:
    """Let the convolutions of a net, all 3x3 with stride and padding 1, do so; their names and tensors stay."""
    for module in net.modules():
        if type(module) is nn.Conv2d:
            module.__class__ = Convolution
