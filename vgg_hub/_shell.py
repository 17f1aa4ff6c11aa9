"""The command before PyTorch is imported, which takes seconds, and after it has ended: Ctrl-C gives no traceback there.

It ends the process at once then, for nothing is being written. Where the shell closed a standard stream (`>&-`), it is
opened on nothing: else the next file that is opened would get its number, and what is printed.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

__all__ = ["ended_at_once", "interruptible"]


def _is_command() -> bool:
    """Whether this process is `python -m vgg_hub` or `vgg-hub`, told before either has run a line of ours."""
    if sys.argv[:1] == ["-m"]:  # Python is looking for the module, whose name stands before the arguments
        return sys.orig_argv[-len(sys.argv)].removeprefix("-m") == "vgg_hub"
    return os.path.basename("".join(sys.argv[:1])) in ("vgg-hub", "vgg-hub.exe")


IS_COMMAND = _is_command()
Handler = Callable[[int, object], object] | signal.Handlers

if IS_COMMAND:
    for name in ("stdin", "stdout", "stderr"):  # in the order of their numbers, of which a file gets the first free one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115 (as long as the process)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell may have it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def interruptible(*, alone: bool) -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt inside, as it does in any other program that calls the command.

    Args:
        alone: SIGTERM, by which `timeout`, containers and batch systems end a process, does so too, for what is half written
            is taken away then. One of several processes, which waits for the others, is to end at once.
    """
    if not (IS_COMMAND and signal.getsignal(signal.SIGINT) is signal.SIG_DFL):
        yield
        return
    with _handled([signal.SIGINT, signal.SIGTERM] if alone else [signal.SIGINT], signal.default_int_handler):
        yield


@contextlib.contextmanager
def ended_at_once() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the command at once inside, where nothing is written.

    For work of PyTorch's that takes a KeyboardInterrupt for an error of its own, or aborts.
    """
    with _handled([number for number in (signal.SIGINT, signal.SIGTERM) if _raises(number)], signal.SIG_DFL):
        yield


@contextlib.contextmanager
def _handled(numbers: Sequence[int], handler: Handler) -> Iterator[None]:
    """Inside, these signals are handled so; of the two ways that there are here, by the other one afterwards."""
    after = signal.default_int_handler if handler is signal.SIG_DFL else signal.SIG_DFL
    for number in numbers:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, after)


def _raises(number: int) -> bool:
    here = IS_COMMAND and threading.current_thread() is threading.main_thread()
    return here and signal.getsignal(number) is signal.default_int_handler
