"""What AdamW remembers, as tensors by name, so that a checkpoint needs no pickle."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .checkpoint import check_like

__all__ = ["load_optimiser", "optimiser_tensors"]

NAMES = ("step", "exp_avg", "exp_avg_sq")


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """By "position of the tensor/name"; each group holds one tensor. The rates are no part: they follow from the step."""
    state = optimiser.state_dict()["state"]
    return {f"{number}/{name}": tensor for number, own in state.items() for name, tensor in own.items()}


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> bool:
    """Take up what `optimiser_tensors` gave; False, and nothing is done, if it does not fit."""
    like = {
        f"{number}/{name}": torch.zeros(() if name == "step" else group["params"][0].shape)
        for number, group in enumerate(optimiser.param_groups)
        for name in NAMES
    }
    if not check_like(tensors, like):
        return False
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition("/")
        state.setdefault(int(number), {})[name] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    return True
