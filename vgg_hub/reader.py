"""Pictures read beside the net: while it computes a batch, the next one is decoded, in as many threads as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

__all__ = ["read_in_batches"]

MAX_THREADS = 4  # each holds a picture whole, up to 150 MB

Item = TypeVar("Item")
Read = TypeVar("Read")


def read_in_batches(items: Iterable[Item], size: int, read: Callable[[Item], Read]) -> Iterator[list[Read]]:
    """Read items in order, `size` at a time, with one batch read ahead.

    Paths are read in threads. What else comes, images and arrays in memory, is read at once in the caller's thread, for two
    threads must not decode one image.

    Args:
        items: taken one batch ahead of what is given out.
        size: of a batch.
        read: of one item; it raises nothing that is not meant for the caller.
    """
    iterator = iter(items)
    start = list(islice(iterator, 2))
    if len(start) < 2:  # no thread for one picture
        yield from ([read(item)] for item in start)
        return
    iterator = chain(start, iterator)
    pool = ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1), thread_name_prefix="read")

    def begin(batch: list[Item]) -> list[Future[Read] | Read]:
        # All files first, so that the threads are busy meanwhile.
        begun = [pool.submit(read, item) if isinstance(item, (str, Path)) else item for item in batch]
        return [one if isinstance(one, Future) else read(one) for one in begun]

    try:
        waiting = begin(list(islice(iterator, size)))
        while waiting:
            ready = [one.result() if isinstance(one, Future) else one for one in waiting]
            waiting = begin(list(islice(iterator, size)))
            yield ready
    finally:
        pool.shutdown(cancel_futures=True)
