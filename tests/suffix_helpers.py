"""What the tests of training past the last layer share: a net that has something to learn, and fixtures for quick runs."""

from __future__ import annotations

import pytest
import torch

from tests.toys import tiny_vgg
from vgg_hub import VGG
from vgg_hub import learner as learner_module
from vgg_hub import suffix as module

__all__ = ["HEAD_ONLY", "blunt", "later_is_better", "quick"]

HEAD_ONLY = "Training more than the head did not help on photos it had not seen, so only the head was changed."


def blunt(**fields: object) -> VGG:
    """A net whose last convolution gives the same number in each channel: a head alone learns next to nothing."""
    model = tiny_vgg(seed=1, **{"layers": [12, "M", 16, "M"], **fields})
    with torch.no_grad():
        last = [module for module in model.features if isinstance(module, torch.nn.Conv2d)][-1]
        last.weight.copy_(last.weight.mean((1, 2, 3), keepdim=True).expand_as(last.weight))
    return model


@pytest.fixture
def quick(monkeypatch):
    """Few passes, in large steps."""
    monkeypatch.setattr(module, "MAX_PASSES", 5)
    monkeypatch.setattr(learner_module, "RATE", 0.05)


@pytest.fixture
def later_is_better(quick, monkeypatch):
    """Whatever is learnt, the folds find the last pass best."""
    monkeypatch.setattr(module._History, "best", lambda self, among=None: len(self) - 1)
