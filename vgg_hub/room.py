"""Room for what is computed once for each photo: memory up to a bound, past it a file mapped into memory."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .errors import FinetuneError
from .notes import Note

__all__ = ["room_for"]

NUMPY = {torch.float32: np.float32, torch.float16: np.float16, torch.uint8: np.uint8}


def room_for(shape: Sequence[int], dtype: torch.dtype, most: int) -> Tensor:
    """A tensor of whatever was there before, to be filled.

    Args:
        shape: of the tensor.
        dtype: float32, float16 or uint8.
        most: bytes that it may take of memory. Where they are not enough it is a file without a name in the folder for
            temporary files, mapped into memory, which the system deletes when it is closed, even after a crash.

    Raises:
        FinetuneError: there is no room for the file.
    """
    size = math.prod(shape) * dtype.itemsize
    if size <= most:
        return torch.empty(*shape, dtype=dtype)
    try:
        with tempfile.TemporaryFile(prefix="vgg-hub-") as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is an error here; later it would end the process
                os.posix_fallocate(file.fileno(), 0, size)
            return torch.from_numpy(np.memmap(file, NUMPY[dtype], "w+", shape=tuple(shape)))
    except OSError as error:
        reason = str(error.strerror)
        raise FinetuneError(
            "The cache needs {size:.1f} GB in {folder}, which has no room for it ({reason}); make room, point TMPDIR "
            "to a larger disk, or train less (head).",
            size=size / 1e9,
            folder=tempfile.gettempdir(),
            reason=Note.said(reason),
        ) from error
