"""The processes of one run: started by a launcher, of one mind about what is wrong."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from ..errors import DeviceError, FinetuneError, VGGHubError
from ..predict import resolve_device

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["LostProcess", "leave", "need", "start_processes", "together"]

Result = TypeVar("Result")
# What the others raise when a process is gone: gloo's words, NCCL's, and those of PyTorch's store.
GONE = ("closed by peer", "Connection reset", "Broken pipe", "connectFullMesh", "NCCL", "DistStoreError", "Socket")


def need(package: str, what: str) -> None:
    """Raise FinetuneError where an optional package is missing; `what` needs it."""
    if importlib.util.find_spec(package) is None:
        raise FinetuneError(f"{what} needs {package}, not installed here: pip install {package}")


def start_processes(device: str = "auto", count: int = 1, on_this_machine: int = 1) -> Accelerator:
    """Join the other processes, if there are others.

    Args:
        device: "auto", "cpu", "cuda" or "mps"; of several processes each takes a GPU of its own.
        count: how many there are, as the launcher says.
        on_this_machine: how many of them run here.

    Raises:
        FinetuneError: Accelerate is missing, or the processes do not find each other.
        DeviceError: no such device, or fewer GPUs than processes.
    """
    need("accelerate", "Training in several processes or by epochs")
    from accelerate import Accelerator, DistributedType
    from torch.cuda import device_count

    found = resolve_device(device)
    if found.index is not None:
        raise DeviceError(f"device is {device!r:.40}; each process takes a GPU of its own, so give auto, cpu or cuda.")
    if found.type == "cuda" and on_this_machine > device_count():
        raise DeviceError(
            f"{on_this_machine} processes were started and there are {device_count()} GPUs; start one process a GPU, or add "
            "--device cpu."
        )
    try:
        accelerator = Accelerator(cpu=found.type == "cpu")
    except (ValueError, RuntimeError, KeyError) as error:  # no MASTER_ADDR; a port in use; a rank twice
        raise FinetuneError(
            f"{count} processes were to start and did not find each other ({error!s:.120}); start them with "
            "accelerate launch or torchrun."
        ) from error
    plain = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)
    if accelerator.num_processes != count or accelerator.distributed_type not in plain:
        raise FinetuneError(
            f"{count} processes were started as {accelerator.distributed_type.value}, of which {accelerator.num_processes} "
            "work together; plain data-parallel training is what there is: start them with accelerate launch --multi_gpu "
            "or torchrun."
        )
    if accelerator.mixed_precision not in ("no", "bf16"):
        raise FinetuneError(f"Mixed precision is {accelerator.mixed_precision}; expected no or bf16.")
    return accelerator


def leave(accelerator: Accelerator) -> None:
    """End the common work, at the end of a process.

    A net that was trained holds the group of processes, and the group its threads. One process was seen to end with
    SIGABRT after all was saved, most likely because they outlived the interpreter; so the nets are let go first.
    """
    accelerator.free_memory()
    accelerator.end_training()


def together(accelerator: Accelerator, action: Callable[[], Result]) -> Result:
    """What `action` gives, if it failed in no process; otherwise all processes raise what the first of them said.

    Raises:
        VGGHubError: of the type that was raised.
    """
    from accelerate.utils import gather_object

    result, failed = None, None
    try:
        result = action()
    except VGGHubError as error:
        failed = (type(error), str(error))
    for kind, sentence in filter(None, gather_object([failed])):
        raise kind(sentence)
    return result


class LostProcess(AbstractContextManager):
    """Turns what is raised when another process is gone into one sentence."""

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, RuntimeError) and any(words in str(error) for words in GONE):
            raise FinetuneError(
                "Another process ended before its work was done; the same command again goes on from the last whole epoch."
            ) from error
