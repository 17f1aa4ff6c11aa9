"""The peak that benchmarks report is that of the block, not of what came before it."""

import sys

import pytest
import torch

from benchmarks.watch import Peak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MEGABYTE = 250_000  # of float32


def test_it_counts_what_a_block_adds_at_its_peak():
    torch.ones(100 * MEGABYTE)  # a higher peak, before
    with Peak() as peak:
        torch.ones(60 * MEGABYTE)  # and given back
        torch.ones(20 * MEGABYTE)
    assert 55 < peak.megabytes < 75
