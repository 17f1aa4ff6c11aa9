"""Memory that is free again goes back to the system."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["give_back"]


def give_back() -> None:
    """Ask the C library for it, where it can be asked: glibc keeps what threads have freed, tens of megabytes for each of
    its arenas (`malloc_trim`, https://man7.org/linux/man-pages/man3/malloc_trim.3.html).
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
