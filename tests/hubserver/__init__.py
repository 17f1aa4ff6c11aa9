"""A small Hugging Face Hub for the tests: it speaks to the unmodified client over real sockets and fails on demand."""

from __future__ import annotations

from .faults import Close, Delay, Fault, Flip, IgnoreRange, LostReply, Reset, Rule, Status
from .repos import ME, File, Repo, Token
from .server import HubServer

__all__ = [
    "ME",
    "Close",
    "Delay",
    "Fault",
    "File",
    "Flip",
    "HubServer",
    "IgnoreRange",
    "LostReply",
    "Repo",
    "Reset",
    "Rule",
    "Status",
    "Token",
]
