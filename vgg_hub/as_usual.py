"""The switches of PyTorch that a program may have set for itself, set aside while this package computes.

Tutorials set a default device or type, loops of evaluation run under autocast or inference mode: the answers are to be
the same, and training is to train.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import torch

__all__ = ["as_usual", "steps_as_usual"]

Event = TypeVar("Event")


@contextmanager
def as_usual() -> Iterator[None]:
    """New tensors are float32, on the CPU, and may take part in a gradient; nothing is rounded by autocast.

    All but the default type, which is one for the whole process, are switches of this thread.
    """
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.no_grad())  # as it was: the line above switches gradients on
        for kind in ("cpu", "cuda", "mps"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if torch.get_default_dtype() != torch.float32:
            stack.callback(torch.set_default_dtype, torch.get_default_dtype())
            torch.set_default_dtype(torch.float32)
        yield


def steps_as_usual(steps: Generator[Event, None, None]) -> Iterator[Event]:
    """What a generator yields, each step computed so; between two, the caller's switches are as the caller has them."""
    try:
        while True:
            with as_usual():
                event = next(steps, None)
            if event is None:
                return
            yield event
    finally:
        steps.close()
