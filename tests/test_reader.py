"""Pictures are read beside the net, in order, a batch ahead and no more; images in memory stay in the caller's thread."""

import threading
from pathlib import Path

import pytest

from vgg_hub.reader import read_in_batches


def paths(count: int) -> list[Path]:
    return [Path(str(n)) for n in range(count)]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("read")]


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(0, 4, []), (1, 4, [1]), (4, 4, [4]), (5, 4, [4, 1]), (8, 4, [4, 4]), (3, 1, [1, 1, 1]), (1, 1, [1])],
)
def test_all_come_in_order_in_batches(count, size, expected):
    found = list(read_in_batches(paths(count), size, str))
    assert [len(batch) for batch in found] == expected
    assert [name for batch in found for name in batch] == [str(n) for n in range(count)]
    assert threads() == []


def test_the_next_batch_is_read_while_the_first_is_used():
    begun = threading.Event()

    def read(path):
        if path == Path("2"):
            begun.set()
        return path

    batches = read_in_batches(paths(6), 2, read)
    assert next(batches) == paths(2)
    assert begun.wait(5)
    batches.close()
    assert threads() == []


def test_no_more_than_one_batch_is_taken_ahead():
    taken = []

    def items():
        for path in paths(100):
            taken.append(path)
            yield path

    batches = read_in_batches(items(), 4, str)
    next(batches)
    assert len(taken) == 8
    next(batches)
    assert len(taken) == 12
    batches.close()


def test_files_are_read_in_threads_and_what_is_in_memory_in_the_callers():
    where = {}

    def read(item):
        where[str(item)] = threading.current_thread()

    list(read_in_batches([Path("file"), "text", 3, 4.5], 4, read))
    here = threading.current_thread()
    assert [where[name] is here for name in ("file", "text", "3", "4.5")] == [False, False, True, True]


def test_one_picture_needs_no_thread():
    assert list(read_in_batches(paths(1), 4, lambda path: threading.current_thread())) == [[threading.current_thread()]]


def test_an_error_arrives_and_nothing_is_left_running():
    def read(path):
        if path == Path("5"):
            raise KeyError("five")
        return path

    batches = read_in_batches(paths(20), 4, read)
    assert next(batches) == paths(4)
    with pytest.raises(KeyError, match="five"):
        next(batches)
    assert threads() == []
