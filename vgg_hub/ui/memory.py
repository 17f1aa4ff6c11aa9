"""Less memory for many threads, and what is free again goes back to the system.

glibc keeps a heap of its own for each of up to eight threads a core (an arena), and in each what was freed there. A page
makes many threads that each need a lot for a moment: fifty trainings one after the other grew the server by 1.4 MB each,
with two arenas by 0.4 to 0.7 MB (`python -m benchmarks.visitors`).
"""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["few_arenas", "give_back"]

M_ARENA_MAX = -8  # https://man7.org/linux/man-pages/man3/mallopt.3.html
ARENAS = 2


def few_arenas() -> None:
    """From now on, no more arenas than `ARENAS`, unless whoever runs the page says otherwise (MALLOC_ARENA_MAX)."""
    if "MALLOC_ARENA_MAX" not in os.environ:
        _glibc("mallopt", M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Hand back what is free (https://man7.org/linux/man-pages/man3/malloc_trim.3.html)."""
    _glibc("malloc_trim", 0)


def _glibc(name: str, *numbers: int) -> None:
    """Call a function of the C library, where it is one that has it."""
    if sys.platform == "linux":
        function = getattr(ctypes.CDLL(None), name, None)
        if function is not None:
            function(*numbers)
