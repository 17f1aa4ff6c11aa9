"""What is asked of the C library, and that it is asked only where it can answer."""

import subprocess
import sys

import pytest

from tests.page_helpers import ROOT
from vgg_hub.ui import memory

# Thirty megabytes a thread, with something small left between each two pieces, as a training leaves its report.
GROWN = """
import re, runpy, sys, threading
memory = runpy.run_path("vgg_hub/ui/memory.py")
left = []
def work():
    large = []
    for _ in range(300):
        large.append(bytearray(100_000))
        left.append(bytearray(1_000))
    barrier.wait()
barrier = threading.Barrier(8)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if sys.argv[1] == "give back":
    memory["give_back"]()
print(re.search(r"VmRSS:\\s*(\\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks glibc")
def test_memory_that_is_free_goes_back():
    if not hasattr(memory.ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("another C library")

    def kilobytes(what):
        done = subprocess.run([sys.executable, "-c", GROWN, what], capture_output=True, text=True, check=True, cwd=ROOT)
        return int(done.stdout)

    assert kilobytes("give back") < kilobytes("keep") - 100_000


def test_nothing_is_asked_elsewhere_or_where_it_was_settled(monkeypatch):
    asked = []

    class Library:
        def __init__(self, _):
            pass

        def mallopt(self, *numbers):
            asked.append(numbers)

    monkeypatch.setattr(memory.ctypes, "CDLL", Library)
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    memory.few_arenas()
    memory.give_back()  # a library without it
    assert asked == [(-8, 2)]
    monkeypatch.setenv("MALLOC_ARENA_MAX", "5")
    memory.few_arenas()
    monkeypatch.delenv("MALLOC_ARENA_MAX")
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    memory.few_arenas()
    assert asked == [(-8, 2)]
