"""Chance that depends on what it is for alone, so that any number of processes, and a resumed run, draw the same."""

from __future__ import annotations

import hashlib

import torch

__all__ = ["chance"]


def chance(*purpose: int | str) -> torch.Generator:
    """A generator for one purpose, such as `chance(seed, epoch, photo)`."""
    digest = hashlib.blake2b(repr(purpose).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest) >> 1)
