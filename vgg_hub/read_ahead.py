"""A file read from the disk into the system's memory while something else is computed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

__all__ = ["read_ahead"]

PIECE = 4 * 2**20  # bytes: the system cuts what one call asks for to a few megabytes


def read_ahead(path: Path) -> threading.Thread | None:
    """Ask the system, in a thread, for the parts of a file that are not in its memory.

    Without it a memory-mapped file comes in as it is touched, and each time the computation stands still. It is a hint:
    what goes wrong here is left to whoever reads the file.

    Args:
        path: of a file that will be read whole, and soon.

    Returns:
        The thread; None where all is in memory, or where the system does not tell (it does on Linux).
    """
    if not hasattr(os, "RWF_NOWAIT"):
        return None
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    missing = [first for first in range(0, os.fstat(file).st_size, PIECE) if not _in_memory(file, first)]
    thread = threading.Thread(target=_ask, args=(file, missing), name="read ahead", daemon=True)
    if missing:
        thread.start()
        return thread
    os.close(file)
    return None


def _in_memory(file: int, first: int) -> bool:
    """Whether the byte at `first` can be had at once (RWF_NOWAIT in preadv2(2)); True where the system does not say."""
    try:
        os.preadv(file, [bytearray(1)], first, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _ask(file: int, missing: list[int]) -> None:
    try:
        for first in missing:
            os.posix_fadvise(file, first, PIECE, os.POSIX_FADV_WILLNEED)
    except OSError:
        return
    finally:
        os.close(file)
