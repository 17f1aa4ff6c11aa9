"""AdamW's memory as tensors: it goes on as if nothing had happened, and takes nothing that does not fit."""

from __future__ import annotations

import torch

from vgg_hub.many.adamw_state import load_optimiser, optimiser_tensors


def start() -> tuple[torch.nn.Linear, torch.optim.AdamW]:
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    return layer, torch.optim.AdamW([{"params": [tensor]} for tensor in layer.parameters()], lr=0.1)


def step(layer: torch.nn.Linear, optimiser: torch.optim.AdamW, seed: int) -> None:
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))
    optimiser.zero_grad()
    layer(x).square().sum().backward()
    optimiser.step()


def test_it_goes_on_to_the_same_bits():
    layer, optimiser = start()
    step(layer, optimiser, 1)
    kept, weights = optimiser_tensors(optimiser), {key: t.clone() for key, t in layer.state_dict().items()}
    kept = {key: tensor.clone() for key, tensor in kept.items()}
    step(layer, optimiser, 2)
    other, again = start()
    other.load_state_dict(weights)
    assert load_optimiser(again, kept)
    step(other, again, 2)
    assert torch.equal(other.weight, layer.weight)
    assert torch.equal(other.bias, layer.bias)


def test_what_does_not_fit_changes_nothing():
    layer, optimiser = start()
    step(layer, optimiser, 1)
    kept = optimiser_tensors(optimiser)
    for wrong in ({}, {**kept, "2/step": torch.ones(())}, {**kept, "0/exp_avg": torch.ones(3, 3)}):
        fresh = start()[1]
        assert not load_optimiser(fresh, wrong)
        assert fresh.state_dict()["state"] == {}
