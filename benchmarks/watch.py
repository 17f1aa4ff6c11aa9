"""By how much this process grew at its peak. Linux only, for it reads and writes /proc."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Peak"]

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # https://docs.kernel.org/filesystems/proc.html, table of clear_refs


class Peak:
    """A block, whose `megabytes` says by how much the resident memory grew at its peak, mapped files counted."""

    megabytes: float

    def __enter__(self) -> Peak:
        CLEAR.write_text(RESET_PEAK)
        self._before = _kilobytes("VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        self.megabytes = (_kilobytes("VmHWM") - self._before) / 1000


def _kilobytes(name: str) -> int:
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
