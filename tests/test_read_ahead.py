"""What is not in the system's memory is asked for, in a thread; what is there is left alone."""

import os
import sys

import pytest

from vgg_hub.read_ahead import PIECE, read_ahead

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is in its memory")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(2 * PIECE + 1))
    return path


@pytest.fixture
def asked(monkeypatch):
    pieces = []
    monkeypatch.setattr(os, "posix_fadvise", lambda file, first, size, advice: pieces.append((first, size, advice)))
    return pieces


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_the_pieces_that_are_missing_are_asked_for(file, asked, monkeypatch):
    real = os.preadv

    def missing_but_for_the_second(number, buffers, first, flags):
        if first != PIECE:
            raise BlockingIOError
        return real(number, buffers, first, flags)

    monkeypatch.setattr(os, "preadv", missing_but_for_the_second)
    before = open_files()
    read_ahead(file).join()
    assert asked == [(0, PIECE, os.POSIX_FADV_WILLNEED), (2 * PIECE, PIECE, os.POSIX_FADV_WILLNEED)]
    assert open_files() == before


def test_a_file_in_memory_needs_no_thread(file, asked):
    file.read_bytes()
    before = open_files()
    assert read_ahead(file) is None
    assert asked == []
    assert open_files() == before


@pytest.mark.parametrize("error", [OSError, BlockingIOError])
def test_a_system_that_cannot_do_it_is_no_error(file, monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr(os, "preadv", refuse)
    monkeypatch.setattr(os, "posix_fadvise", refuse)
    before = open_files()
    thread = read_ahead(file)
    if error is BlockingIOError:
        thread.join()
    else:
        assert thread is None
    assert open_files() == before


def test_a_file_that_is_not_there_is_left_to_the_reader(tmp_path):
    assert read_ahead(tmp_path / "none") is None


def test_elsewhere_nothing_is_done(file, asked, monkeypatch):
    monkeypatch.delattr(os, "RWF_NOWAIT")
    assert read_ahead(file) is None
    assert asked == []
